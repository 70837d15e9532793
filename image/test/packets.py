"""Frames of Ethernet as they are on the wire: made of what a test wants to send, and read as far as it is judged by."""

import random
import socket
import struct
from dataclasses import dataclass

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, IGMP, TCP, UDP = 1, 2, 6, 17
PROTOCOLS = {ICMP: "icmp", IGMP: "igmp", TCP: "tcp", UDP: "udp"}
EVERYBODY = "ff:ff:ff:ff:ff:ff"
SYN, RST, ACK = 2, 4, 16
UNREACHABLE = 3


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def address_bytes(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def mac_of_group(group):
    """Of IPv4 (RFC 1112) or IPv6 (RFC 2464)."""
    raw = address_bytes(group)
    return "33:33:" + raw[-4:].hex(":") if len(raw) == 16 else f"01:00:5e:{raw[1] & 127:02x}:{raw[2:].hex(':')}"


# ---- made -------------------------------------------------------------------------------------------------------------

def checksum(data):
    """RFC 1071."""
    words = struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ethernet(source, destination, kind, payload):
    return (mac_bytes(destination) + mac_bytes(source) + struct.pack(">H", kind) + payload).ljust(60, b"\0")


def ipv4(source, destination, protocol, payload, options=b""):
    head = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), random.randrange(1 << 16), 0, 64, protocol, 0)
    head += address_bytes(source) + address_bytes(destination) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(source, destination, protocol, payload, limit=255):
    """The payload's checksum lies at its bytes 2 and 3: ICMPv6."""
    ends = address_bytes(source) + address_bytes(destination)
    summed = checksum(ends + struct.pack(">II", len(payload), protocol) + payload)
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, limit) + ends + payload[:2] + struct.pack(">H", summed) + payload[4:]


def over_ipv4(source, destination, protocol, segment, place):
    """With the checksum of UDP or TCP at its place."""
    pseudo = address_bytes(source) + address_bytes(destination) + struct.pack(">HH", protocol, len(segment))
    return ipv4(source, destination, protocol, segment[:place] + struct.pack(">H", checksum(pseudo + segment)) + segment[place + 2:])


def udp(source, port, destination, to, payload):
    return over_ipv4(source, destination, UDP, struct.pack(">HHHH", port, to, 8 + len(payload), 0) + payload, 6)


def tcp(source, port, destination, to, flags=SYN):
    return over_ipv4(source, destination, TCP, struct.pack(">HHIIBBHHH", port, to, random.randrange(1 << 32), 0, 0x50, flags, 64240, 0, 0), 16)


def echo(source, destination, number, kind=8):
    said = struct.pack(">BBHHH", kind, 0, 0, number, 1) + b"gims"
    return ipv4(source, destination, ICMP, said[:2] + struct.pack(">H", checksum(said)) + said[4:])


def igmp(source, destination, kind, group="0.0.0.0"):
    """With the router alert that RFC 2236 wants."""
    said = struct.pack(">BBH", kind, 100, 0) + address_bytes(group)
    return ipv4(source, destination, IGMP, said[:2] + struct.pack(">H", checksum(said)) + said[4:], b"\x94\x04\0\0")


def who_has(mac, source, address):
    """The payload of an ARP request."""
    return struct.pack(">HHBBH", 1, IPV4, 6, 4, 1) + mac_bytes(mac) + address_bytes(source) + bytes(6) + address_bytes(address)


# ---- read -------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Packet:
    """`source` and `destination` are addresses of IPv4 or, of ARP, who says it and of whom; ports are of TCP and UDP, and of an
    echo its number. What is none of the protocols that are read has no addresses."""
    mac: str
    to_mac: str
    protocol: str
    source: str = ""
    port: int = 0
    destination: str = ""
    to: int = 0
    kind: int = 0  # of ARP and ICMP: request or answer
    about: tuple = ()  # of ICMP's error: protocol, source, its port, and the port of what could not be delivered

    def __str__(self):
        return f"{self.protocol} {self.kind} {self.source}:{self.port} > {self.destination}:{self.to} ({self.mac} > {self.to_mac})"


def read(frame):
    """What cannot be read to its end is of a protocol named so."""
    to_mac, mac, kind = frame[:6].hex(":"), frame[6:12].hex(":"), struct.unpack_from(">H", frame, 12)[0]
    body = frame[14:]
    if kind == ARP and len(body) >= 28 and body[:6] == struct.pack(">HHBB", 1, IPV4, 6, 4):
        # Its own hardware address twice, or it speaks for another.
        name = "arp" if body[8:14] == frame[6:12] else "arp for another"
        return Packet(mac, to_mac, name, socket.inet_ntoa(body[14:18]), 0, socket.inet_ntoa(body[24:28]), 0, struct.unpack_from(">H", body, 6)[0])
    if kind != IPV4 or len(body) < 20:
        return Packet(mac, to_mac, f"ethertype {kind:04x}")
    length, fragment, protocol = (body[0] & 15) * 4, struct.unpack_from(">H", body, 6)[0] & 0x3FFF, body[9]
    ends = {"source": socket.inet_ntoa(body[12:16]), "destination": socket.inet_ntoa(body[16:20])}
    name, rest = PROTOCOLS.get(protocol, f"protocol {protocol}"), body[length:]
    if fragment:
        return Packet(mac, to_mac, f"fragment of {name}", **ends)
    if name in ("tcp", "udp") and len(rest) >= 4:
        port, to = struct.unpack_from(">HH", rest)
        return Packet(mac, to_mac, name, port=port, to=to, **ends)
    if name == "icmp" and len(rest) >= 36 and rest[0] == UNREACHABLE:
        quoted = read(frame[:14] + rest[8:])
        return Packet(mac, to_mac, name, kind=rest[0], about=(quoted.protocol, quoted.source, quoted.port, quoted.to), **ends)
    if name == "icmp" and len(rest) >= 8:
        return Packet(mac, to_mac, name, port=struct.unpack_from(">H", rest, 4)[0], kind=rest[0], **ends)
    return Packet(mac, to_mac, name, **ends)
