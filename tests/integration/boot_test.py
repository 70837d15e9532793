"""What a unit started decides whether its keys open: a software TPM is told of starts as firmware and systemd would tell it."""

import re
import unittest

import rig  # before those of scripts/: it says where they are
import measured_boot
import supervise
from measured_boot import measured


class BootTest(rig.SiteTest):
    def measure(self, pcr, event):
        self.assertEqual(measured_boot.measure(self.site.run / "tpm/socket", pcr, event), 0, "the TPM refused")

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
