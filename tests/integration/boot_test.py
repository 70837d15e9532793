"""What a unit started decides whether its keys open: a software TPM is told of starts as firmware and systemd would tell it."""

import hashlib
import re
import socket
import struct
import unittest

import rig  # before those of scripts/: it says where they are
import supervise


def measured(*events):
    """What a PCR holds in the end."""
    value = bytes(32)
    for event in events:
        value = hashlib.sha256(value + hashlib.sha256(event).digest()).digest()
    return value.hex()


class BootTest(rig.SiteTest):
    def measure(self, pcr, event):
        """TPM2_PCR_Extend (TPM 2.0 library part 3, section 22.2), authorised by an empty password."""
        password = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
        body = struct.pack(">II", pcr, len(password)) + password + struct.pack(">IH", 1, 0x000B) + hashlib.sha256(event).digest()
        with socket.socket(socket.AF_UNIX) as tpm:
            tpm.connect(str(self.site.run / "tpm/socket"))
            tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
            answer = tpm.recv(4096)
        self.assertEqual(struct.unpack_from(">I", answer, 6)[0], 0, "the TPM refused")

    def start_with(self, *measurements):
        """As a unit that was switched on and measured these; gives what gims-keyd says."""
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        for pcr, event in measurements:
            self.measure(pcr, event)
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    def assert_serves(self):
        self.site.start_gimsd()
        self.site.start_tlsd()

    def assert_locked(self, why, status):
        self.assertRegex(status, f"^locked: .*{re.escape(why)}")
        self.site.gimsd.start()
        with self.assertRaises(supervise.Failed):
            self.site.gimsd.wait_until_ready(3)
        self.site.gimsd.stop()

    def test_something_else_was_started(self):
        self.assert_locked("is not as release 1 has it", self.start_with((11, b"another kernel")))
        self.assertEqual(self.start_with(), "operational")
        self.assert_serves()

    def test_the_units_own_pcrs(self):
        for pcr in (7, 15):
            with self.subTest(pcr=pcr):
                self.assert_locked(f"PCR {pcr} differs", self.start_with((pcr, b"of somebody else")))
        self.assertEqual(self.start_with((4, b"another firmware"), (12, b"another locale")), "operational")

    def test_an_update_needs_no_new_seal(self):
        before = (self.site.folder / "keyd/custody.bin").read_bytes()
        self.site.sign_release(2, measured(b"the image of release 2"))
        self.assertEqual(self.start_with((11, b"the image of release 2")), "operational")
        self.assertEqual((self.site.folder / "keyd/custody.bin").read_bytes(), before)
        self.assert_serves()

    def test_a_policy_of_another_builder(self):
        (self.site.operator / "release-key.pem").unlink()
        self.site.sign_release(2)
        self.assert_locked("another release key", self.start_with())

    def test_a_policy_that_is_damaged_or_missing(self):
        good = self.site.release_policy.read_bytes()
        self.site.release_policy.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        self.assert_locked("A signature in the release's policy is wrong", self.start_with())
        self.site.release_policy.write_bytes(good)
        self.assertEqual(self.start_with(), "operational")


if __name__ == "__main__":
    unittest.main()
