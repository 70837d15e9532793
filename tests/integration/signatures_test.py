"""A CA that signs for years: after many leaves gims-keyd holds no descriptor and no memory more, and its TPM nothing. 300 leaves; as
many as GIMS_SIGNATURES says in `make faults`."""

import os
import re
import struct
import unittest
from pathlib import Path

import cryptography.x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import rig  # first: it says where the others are
import keyd_peer
from rig import SiteTest

LEAVES = int(os.environ.get("GIMS_SIGNATURES", 300))
WARM = 100  # leaves before which nothing is counted
MOST_GROWTH = 1024  # KiB


def chain_of(reply):
    """The certificates of a sign_leaf's reply: two times, how many, each with its length."""
    certificates, at = [], 17
    for _ in range(reply[16]):
        size, = struct.unpack_from(">I", reply, at)
        certificates.append(cryptography.x509.load_der_x509_certificate(reply[at + 4:at + 4 + size]))
        at += 4 + size
    return certificates


class SignaturesTest(SiteTest):
    started = False

    def held(self):
        pid = self.site.keyd.child.pid
        memory = int(re.search(r"^RssAnon:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])
        return len(os.listdir(f"/proc/{pid}/fd")), memory

    def test_many_leaves(self):
        self.site.prepare()
        self.site.start_tpm()
        self.site.start_keyd()
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        body = keyd_peer.leaf_request(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
        before, serials = None, set()
        with keyd_peer.Peer(self.site.run / "keyd/socket", "gims-tlsd") as peer:
            for number in range(LEAVES):
                kind, reply = peer.ask("sign_leaf", body)
                self.assertEqual(kind, keyd_peer.REPLY, f"{reply} after {number}")
                if number % 50 == 0:
                    leaf, issuer = chain_of(reply)
                    leaf.verify_directly_issued_by(issuer)
                    self.assertEqual(leaf.public_key(), key)
                    serials.add(leaf.serial_number)
                if number == WARM:
                    before = self.held()
        descriptors, memory = self.held()
        print(f"{LEAVES} leaves; descriptors {before[0]} and {descriptors}, memory {before[1]} and {memory} KiB")
        self.assertEqual(len(serials), (LEAVES + 49) // 50)
        self.assertLessEqual(descriptors, before[0])
        self.assertLess(memory, before[1] + MOST_GROWTH)
        self.assertEqual(keyd_peer.left_in_tpm(self.site.run / "tpm/socket"), 0)
        self.assertEqual(self.site.keyd.stop(), 0)


if __name__ == "__main__":
    unittest.main()
