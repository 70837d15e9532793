"""The volume of the site's data: when a file system is made on it, and that no cut of power has one made over data. With
programs in the place of those that need a disk."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

OTHERS = 78


class DataVolumeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.bin, self.var, self.partition = (self.folder / name for name in ("bin", "var", "partition"))
        self.bin.mkdir()
        self.var.mkdir()
        self.mark, self.calls = self.var / "data-volume.begun", self.folder / "calls"
        self.partition.write_bytes(bytes(2 << 20))
        for name in ("sync", "mkfs.ext4", "systemd-cryptsetup"):
            self.program(name)
        self.program("blkid", "echo ext4")

    def program(self, name, does=""):
        """Notes its words, and whether the mark is there."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\n[ -e {self.mark} ] && mark=marked || mark=-\necho "{name} $* $mark" >>{self.calls}\n{does}\n')
        path.chmod(0o755)

    def open(self):
        """The exit status, and what was done."""
        script = self.folder / "data-volume"
        script.write_text(image.text("usr/lib/gims/data-volume").replace("/usr/bin/systemd-cryptsetup", str(self.bin / "systemd-cryptsetup")))
        self.calls.unlink(missing_ok=True)
        run = subprocess.run(["sh", script, "open", self.partition, self.var], capture_output=True, text=True, timeout=60,
                             env={"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        words = [line.split() for line in self.calls.read_text().splitlines()]
        return run.returncode, [(word[0], word[-2] if word[0] == "sync" else "", word[-1]) for word in words]

    def test_an_empty_one_is_made(self):
        """The mark is on the disk before anything is, and its end is before anybody writes to what was made."""
        status, done = self.open()
        self.assertEqual(status, 0)
        self.assertEqual(done, [
            ("sync", str(self.mark), "marked"), ("systemd-cryptsetup", "", "marked"), ("mkfs.ext4", "", "marked"), ("sync", "sync", "marked"),
            ("sync", str(self.var), "-"), ("blkid", "", "-")])

    def test_one_with_data_is_left(self):
        self.partition.write_bytes(b"x" * (2 << 20))
        status, done = self.open()
        self.assertEqual(status, 0)
        self.assertEqual([name for name, *_ in done], ["systemd-cryptsetup", "blkid"])

    def test_what_was_cut_off_is_begun_again(self):
        self.partition.write_bytes(b"x" * (2 << 20))
        self.mark.touch()
        status, done = self.open()
        self.assertEqual(status, 0)
        self.assertIn(("mkfs.ext4", "", "marked"), done)
        self.assertFalse(self.mark.exists())

    def test_another_is_not_mounted_and_not_overwritten(self):
        self.partition.write_bytes(b"x" * (2 << 20))
        self.program("blkid", "exit 2")
        status, done = self.open()
        self.assertEqual(status, OTHERS)
        self.assertEqual([name for name, *_ in done], ["systemd-cryptsetup", "blkid", "systemd-cryptsetup"])


if __name__ == "__main__":
    unittest.main()
