"""A FIDO2 security key and the browser before it, in software (WebAuthn Level 2)."""

import base64
import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, CREDENTIAL = 0x01, 0x04, 0x40


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor(value):
    """The part of CBOR that a registration is written in, in CTAP's canonical form."""
    def head(major, number):
        if number < 24:
            return bytes([major << 5 | number])
        return bytes([major << 5 | 24, number]) if number < 256 else bytes([major << 5 | 25]) + number.to_bytes(2, "big")
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value.items())


class SecurityKey:
    def __init__(self, origin, site):
        self.origin, self.site = origin, site
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.counter = 0

    def data(self, flags):
        self.counter += 1
        return hashlib.sha256(self.site.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def client_data(self, kind, challenge):
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}, separators=(",", ":")).encode()

    def answer(self, response):
        return {"id": base64url(self.id), "rawId": base64url(self.id), "type": "public-key", "response": response,
                "authenticatorAttachment": "cross-platform", "clientExtensionResults": {}}

    def create(self, options):
        """As navigator.credentials.create() and toJSON() answer to CreationOptions."""
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        data = self.data(PRESENT | VERIFIED | CREDENTIAL) + attested
        spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + x + y
        return self.answer({"clientDataJSON": base64url(self.client_data("webauthn.create", options["challenge"])),
                            "attestationObject": base64url(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
                            "publicKey": base64url(spki), "publicKeyAlgorithm": -7, "authenticatorData": base64url(data),
                            "transports": ["usb"]})

    def get(self, options):
        """As navigator.credentials.get() and toJSON() answer to RequestOptions."""
        assert {"type": "public-key", "id": base64url(self.id)} in options["allowCredentials"], options
        client_data, data = self.client_data("webauthn.get", options["challenge"]), self.data(PRESENT | VERIFIED)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self.answer({"clientDataJSON": base64url(client_data), "authenticatorData": base64url(data),
                            "signature": base64url(signature), "userHandle": None})
