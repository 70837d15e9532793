"""A client of a TURN relay (RFC 8489, RFC 8656), as far as a test of one needs it."""

import hashlib
import hmac
import os
import socket
import struct

MAGIC = 0x2112A442
ALLOCATE, CREATE_PERMISSION = 0x0003, 0x0008
SEND, DATA_INDICATION = 0x0016, 0x0017
SUCCESS = 0x0100
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, XOR_PEER_ADDRESS, DATA = 0x0006, 0x0008, 0x0009, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
UDP = bytes([17, 0, 0, 0])


class Refused(Exception):
    """With the number of the error."""


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address_of(value):
    port, packed = struct.unpack(">xxHI", value)
    return socket.inet_ntoa((packed ^ MAGIC).to_bytes(4, "big")), port ^ MAGIC >> 16


def value_of(address, port):
    packed = int.from_bytes(socket.inet_aton(address), "big")
    return struct.pack(">BBHI", 0, 1, port ^ MAGIC >> 16, packed ^ MAGIC)


class Client:
    def __init__(self, address, transport, username, password):
        self.username, self.password = username, password
        self.realm = self.nonce = None
        self.socket = socket.socket(type=socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect((address, 3478))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, kind, attributes, key=None):
        number = os.urandom(12)
        body = b"".join(attribute(*pair) for pair in attributes)
        if key is not None:
            head = struct.pack(">HHI", kind, len(body) + 24, MAGIC) + number
            body += attribute(MESSAGE_INTEGRITY, hmac.digest(key, head + body, "sha1"))
        self.socket.sendall(struct.pack(">HHI", kind, len(body), MAGIC) + number + body)
        return number

    def receive(self):
        """(kind, number, attributes)"""
        message = self.socket.recv(4096)
        kind, size, _ = struct.unpack_from(">HHI", message)
        while len(message) < 20 + size:
            message += self.socket.recv(4096)
        attributes, at = {}, 20
        while at < 20 + size:
            name, length = struct.unpack_from(">HH", message, at)
            attributes[name] = message[at + 4:at + 4 + length]
            at += 4 + length + -length % 4
        return kind, message[8:20], attributes

    def ask(self, kind, attributes):
        """The answer's attributes."""
        key = None
        if self.nonce:
            attributes = [*attributes, (USERNAME, self.username.encode()), (REALM, self.realm), (NONCE, self.nonce)]
            key = hashlib.md5(b":".join((self.username.encode(), self.realm, self.password.encode()))).digest()
        number = self.send(kind, attributes, key)
        said, answered, found = self.receive()
        assert answered == number
        if said == kind | SUCCESS:
            return found
        hundreds, rest = struct.unpack_from(">xxBB", found[ERROR_CODE])
        code = 100 * hundreds + rest
        if code == 401 and self.nonce is None:
            self.realm, self.nonce = found[REALM], found[NONCE]
            return self.ask(kind, attributes)
        raise Refused(code)

    def allocate(self):
        """The relayed address and port."""
        return address_of(self.ask(ALLOCATE, [(REQUESTED_TRANSPORT, UDP)])[XOR_RELAYED_ADDRESS])

    def permit(self, address):
        self.ask(CREATE_PERMISSION, [(XOR_PEER_ADDRESS, value_of(address, 0))])

    def tell(self, peer, data):
        self.send(SEND, [(XOR_PEER_ADDRESS, value_of(*peer)), (DATA, data)])

    def hear(self):
        """(who, data)"""
        kind, _, found = self.receive()
        assert kind == DATA_INDICATION
        return address_of(found[XOR_PEER_ADDRESS]), found[DATA]
