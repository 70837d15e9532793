"""What a device asks the unit's programs, as the bytes of a datagram."""

import struct

COOKIE = b"\x63\x82\x53\x63"


def discover(mac, number):
    """DHCP (RFC 2131): who gives addresses, with mask, router, names, domain and time? Answered by broadcast."""
    return (b"\x01\x01\x06\x00" + number + b"\0\0\x80\0" + b"\0" * 16 + mac.ljust(16, b"\0") + b"\0" * 192 + COOKIE +
            b"\x35\x01\x01" + b"\x37\x05\x01\x03\x06\x0f\x2a" + b"\xff")


def name(asked, number, recursive=True):
    """DNS (RFC 1035): which address has this name? Of multicast DNS, too, which wants no recursion."""
    flags = 0x0100 if recursive else 0
    labels = b"".join(bytes([len(part)]) + part.encode() for part in asked.split("."))
    return number + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + labels + b"\0\0\x01\0\x01"


def time():
    """NTP (RFC 5905): version 4, a client."""
    return b"\x23" + bytes(47)


def own_address(number):
    """STUN (RFC 8489): which address do I come from? `number` has 12 bytes."""
    return struct.pack(">HHI", 1, 0, 0x2112A442) + number
