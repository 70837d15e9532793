"""What is sent to the unit to see whether it answers: (hardware address, ethertype, payload) of each frame."""

import random

import packets
import questions
from packets import ARP, EVERYBODY, IPV4, IPV6, address_bytes, mac_bytes, mac_of_group
from table import documented

# Beside the table's, ports that an administrator might expect, or that a system has open by itself.
OTHER_TCP = {1, 21, 22, 23, 25, 111, 139, 443, 445, 631, 853, 2947, 3128, 5355, 5432, 6010, 8080, 8448, 9090, 19531, 49152, 50175, 65535}
OTHER_UDP = {1, 69, 111, 137, 138, 161, 500, 514, 546, 631, 1900, 3702, 4500, 5351, 5355, 7788, 9993, 49152, 49153, 50175, 65535}
GROUPS = {"224.0.0.1": 9, "224.0.0.2": 520, "224.0.0.22": 9, "224.0.0.251": 5353, "224.0.0.252": 5355, "239.255.255.250": 1900}
SCTP, GRE, ESP, ICMPV6 = 132, 47, 50, 58
LLDP, EAPOL = 0x88CC, 0x888E


def ports(protocol):
    return {int(port) for _, direction, said, port in documented() if (direction, said) == ("in", protocol)}


def tcp_ports():
    return sorted(ports("tcp") | OTHER_TCP)


def udp_ports():
    return sorted(ports("udp") | OTHER_UDP)


def datagrams(mac):
    """A question of each program of the table, and one of no program."""
    return (questions.name("gims.internal", random.randbytes(2)), questions.name("gims.local", bytes(2), recursive=False), questions.time(),
            questions.own_address(random.randbytes(12)), questions.discover(mac_bytes(mac), random.randbytes(4)), b"gims")


def at_address(to_mac, source, address, mac, port):
    """At one of the unit's addresses: an echo and other questions of ICMP, connections, datagrams, and protocols that it does not
    speak. All that has ports comes from `port`."""
    payloads = [packets.echo(source, address, port, kind) for kind in (8, 13, 15, 17)]
    payloads += [packets.tcp(source, port, address, to) for to in tcp_ports()]
    payloads += [packets.tcp(source, port, address, to, flags) for to in (22, 8443) for flags in (packets.ACK, packets.RST | packets.ACK, 0, 1)]
    payloads += [packets.udp(source, port, address, to, said) for to in udp_ports() for said in datagrams(mac)]
    payloads += [packets.ipv4(source, address, protocol, bytes(16)) for protocol in (SCTP, GRE, ESP, 4, 41, 89, 253)]
    return [(to_mac, IPV4, payload) for payload in payloads]


def at_everybody(network, source, mac):
    """By broadcast and at groups, from a device of `network`: its first two or three numbers are those of `source`."""
    frames = []
    for address in ("255.255.255.255", network):
        frames += [(EVERYBODY, IPV4, packets.echo(source, address, 7))]
        frames += [(EVERYBODY, IPV4, packets.udp(source, 40000, address, to, said)) for to in (7, 137, 161) for said in datagrams(mac)]
    for group, port in GROUPS.items():
        frames += [(mac_of_group(group), IPV4, packets.echo(source, group, 7)),
                   (mac_of_group(group), IPV4, packets.udp(source, port, group, port, questions.name("other.local", bytes(2), recursive=False)))]
    # Who is in which group?
    frames += [(mac_of_group(group), IPV4, packets.igmp(source, group, 0x11, asked)) for group, asked in
               (("224.0.0.1", "0.0.0.0"), ("224.0.0.251", "224.0.0.251"))]
    return frames


def by_ipv6(mac, unit_macs):
    """Echo and queries to all, and neighbour discovery of the addresses that the unit's hardware addresses would make."""
    def link_local(of):
        raw = mac_bytes(of)
        return "fe80::" + (bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:]).hex(":", 2)

    source = link_local(mac)
    option = b"\x01\x01" + mac_bytes(mac)
    frames = []
    for group in ("ff02::1", "ff02::2", "ff02::16", "ff02::fb", "ff02::1:2"):
        for said in (b"\x80\0\0\0\0\1\0\1gims", b"\x85\0\0\0\0\0\0\0" + option, b"\x82\0\0\0\x03\xe8\0\0" + bytes(16)):
            frames.append((mac_of_group(group), IPV6, packets.ipv6(source, group, ICMPV6, said)))
    for unit in unit_macs:
        wanted = link_local(unit)
        target = address_bytes(wanted)
        solicited = "ff02::1:ff" + target[-3:].hex()[:2] + ":" + target[-2:].hex()
        asked = b"\x87\0\0\0\0\0\0\0" + target + option
        frames += [(mac_of_group(solicited), IPV6, packets.ipv6(source, solicited, ICMPV6, asked)),
                   (unit, IPV6, packets.ipv6(source, wanted, ICMPV6, asked)),
                   (unit, IPV6, packets.ipv6(source, wanted, ICMPV6, b"\x80\0\0\0\0\1\0\1gims"))]
    return frames


def below_ip(mac):
    """What switches and their ports say to each other: LLDP, the spanning tree, 802.1X."""
    tree = b"\x42\x42\x03" + bytes(5) + b"\x80\0" + mac_bytes(mac) + bytes(4) + b"\x80\0" + mac_bytes(mac) + b"\x80\x01\0\0\x14\0\x02\0\x0f\0"
    return [("01:80:c2:00:00:0e", LLDP, b"\x02\x07\x04" + mac_bytes(mac) + b"\x04\x02\x07\x31\x06\x02\0\x78\0\0"),
            ("01:80:c2:00:00:00", len(tree), tree), ("01:80:c2:00:00:03", EAPOL, b"\x01\x01\0\0")]


def who_has(mac, source, addresses):
    return [(EVERYBODY, ARP, packets.who_has(mac, source, address)) for address in addresses]
