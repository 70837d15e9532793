"""With another TPM's state, or one bit of a stored blob changed, the site stays closed: gims-keyd says
locked and why, gimsd and gims-tlsd serve nothing. With everything put back it opens again."""

import os
import random
import shutil
import socket
import time
import unittest

from rig import SiteTest


class CustodyTest(SiteTest):
    def restart_custody(self):
        """gims-keyd and its TPM anew; returns what gims-keyd says of itself."""
        self.site.keyd.stop()
        self.site.tpm.stop()
        self.site.start_tpm()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    def assert_opens(self):
        self.assertEqual(self.restart_custody(), "operational")

    def assert_nothing_serves(self):
        """gimsd and gims-tlsd are started, as systemd would, and do not become ready."""
        for process in (self.site.gimsd, self.site.tlsd):
            process.start()
        deadline = time.monotonic() + 30
        for process in (self.site.gimsd, self.site.tlsd):
            # It either tells that it waits, or has given up.
            while process.running() and not any(state.startswith("STATUS=") for state in process.states):
                self.assertLess(time.monotonic(), deadline, f"{process.name} tells nothing")
                time.sleep(0.02)
        for process in (self.site.gimsd, self.site.tlsd):
            self.assertNotIn("READY=1", process.states)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.site.port)).close()
        self.site.tlsd.stop()
        self.site.gimsd.stop()

    def test_another_tpm(self):
        self.site.stop()
        own, kept = self.site.folder / "tpm", self.site.folder / "tpm-kept"
        shutil.move(own, kept)
        self.site.prepare()
        self.site.start_tpm()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        status = self.site.keyd_status()
        self.assertRegex(status, "^locked: .+")
        print(status)
        self.assert_nothing_serves()
        # Nothing was destroyed by the attempt: the right TPM opens the site again, and all serves.
        self.site.stop()
        shutil.rmtree(own)
        shutil.move(kept, own)
        self.site.start()
        self.assertEqual(self.site.keyd_status(), "operational")

    def test_no_tpm(self):
        self.site.stop()
        self.site.prepare()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertRegex(self.site.keyd_status(), "^locked: .+")
        self.assert_nothing_serves()

    def test_a_flipped_bit(self):
        seed = int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed} (GIMS_SEED)")
        choose = random.Random(seed)
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        reasons = set()
        blobs = sorted(path for path in (self.site.folder / "keyd").iterdir() if path.stat().st_size)
        self.assertGreaterEqual(len(blobs), 2)
        for path in blobs:
            good = path.read_bytes()
            places = {0, len(good) - 1} | {choose.randrange(len(good)) for _ in range(14)}
            for place in sorted(places):
                bad = bytearray(good)
                bad[place] ^= 1 << choose.randrange(8)
                path.write_bytes(bad)
                with self.subTest(blob=path.name, place=place):
                    status = self.restart_custody()
                    self.assertRegex(status, "^locked: .+")
                    reasons.add(status)
            if path is blobs[0]:
                self.assert_nothing_serves()
            path.write_bytes(good)
            self.assert_opens()
        print("\n".join(sorted(reasons)))

    def test_a_missing_blob(self):
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        for path in sorted((self.site.folder / "keyd").iterdir()):
            good = path.read_bytes()
            path.unlink()
            with self.subTest(blob=path.name):
                self.assertNotEqual(self.restart_custody(), "operational")
            self.site.keyd.stop()
            path.write_bytes(good)
            shutil.chown(path, "gims-keyd", "gims-keyd")
            path.chmod(0o600)
            self.assert_opens()

    def test_a_restart_has_the_same_keys(self):
        before = self.site.fingerprint
        self.assertEqual(set(self.site.stop().values()), {0}, "a process did not end cleanly")
        self.site.start()
        self.assertEqual(self.site.fingerprint, before)


if __name__ == "__main__":
    unittest.main()
