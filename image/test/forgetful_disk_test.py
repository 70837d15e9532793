"""The disk that forgets, without a machine: what is there after a cut."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from cut import ForgetfulDisk

SECTOR = 512
SIZE = 1 << 20


class ForgetfulDiskTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "disk.raw"
        self.file.write_bytes(bytes(SIZE))

    def asking(self, disk, *commands):
        return ["stdbuf", "-oL", "qemu-io", "-t", "writeback", "--image-opts", disk.drive(), *(part for command in commands for part in ("-c", command))]

    def after(self, *commands, keep="nothing", seed=1):
        """The report of the cut after qemu-io's commands, and what is on the disk."""
        disk = ForgetfulDisk(self.file, keep, seed)
        # It dies as a machine does: a regular end would flush.
        said = subprocess.run(self.asking(disk, *commands, "abort"), capture_output=True, text=True)
        report = disk.cut()
        self.assertEqual(len(re.findall(r"^(read|wrote) ", said.stdout, re.MULTILINE)),
                         sum(command.startswith(("read", "write")) for command in commands), said.stdout + said.stderr)
        self.assertNotIn("failed", said.stdout)
        return report, self.file.read_bytes()

    def sectors(self, content):
        """The distinct bytes of which each sector consists; torn within none."""
        made = [set(content[at:at + SECTOR]) for at in range(0, len(content), SECTOR)]
        self.assertEqual({len(sector) for sector in made}, {1})
        return [sector.pop() for sector in made]

    def test_what_was_not_flushed_is_gone(self):
        report, content = self.after("write -P 7 4096 8192", "read -P 7 4096 8192", "read -P 0 0 4096")
        self.assertEqual(content, bytes(SIZE))
        self.assertEqual((report["unflushed"], report["lost"]), (8192, 8192))

    def test_what_was_flushed_stays(self):
        report, content = self.after("write -P 7 4096 8192", "flush", "write -P 8 8192 8192", "read -P 7 4096 4096", "read -P 8 8192 8192")
        self.assertEqual(self.sectors(content), [0] * 8 + [7] * 16 + [0] * (SIZE // SECTOR - 24))
        self.assertEqual((report["unflushed"], report["lost"]), (8192, 8192))

    def test_a_write_that_forces_access_stays(self):
        """And what was there before does not come back over it; nor does it carry others along."""
        for keep in ("nothing", "some"):
            with self.subTest(keep=keep):
                report, content = self.after("write -P 6 0 4096", "write -f -P 7 0 4096", "write -P 8 4096 512", keep=keep)
                self.assertEqual(self.sectors(content[:4096]), [7] * 8)
                self.assertEqual(report["unflushed"], 512)

    def test_less_than_a_sector_is_written_by_whole_ones(self):
        _, content = self.after("write -P 7 0 4096", "flush", "write -P 8 100 1000", "read -P 7 0 100", "read -P 8 100 1000", "flush")
        self.assertEqual(content[:4096], bytes([7] * 100 + [8] * 1000 + [7] * 2996))

    def test_some_stays_torn_and_out_of_order(self):
        """Of sectors written thrice, each of the states before and between is found, and a seed repeats it."""
        writes = [f"write -P {value} 0 262144" for value in (1, 2, 3)]
        seen = {}
        for seed in range(8):
            self.file.write_bytes(bytes(SIZE))
            report, content = self.after(*writes, keep="some", seed=seed)
            seen[seed] = self.sectors(content[:262144])
            self.assertEqual(report["lost"], SECTOR * sum(value != 3 for value in seen[seed]))
            self.file.write_bytes(bytes(SIZE))
            self.assertEqual(self.after(*writes, keep="some", seed=seed)[1], content)
        self.assertEqual({value for sectors in seen.values() for value in sectors}, {0, 1, 2, 3})
        self.assertEqual(len({tuple(sectors) for sectors in seen.values()}), 8)
        self.assertGreater(len({sum(value == 3 for value in sectors) // 64 for sectors in seen.values()}), 3)

    def test_the_power_goes_between_a_write_and_its_flush(self):
        left = set()
        for seed in range(4):
            disk = ForgetfulDisk(self.file, "nothing", seed)
            commands = [command for value in range(1, 100) for command in (f"write -P {value} 0 4096", "flush")]
            with subprocess.Popen(self.asking(disk, *commands), stdout=subprocess.DEVNULL) as client:
                disk.lose_power()
                self.assertIsNone(client.poll(), "it was answered without power")
                client.kill()
            report = disk.cut()
            self.assertEqual((report["unflushed"], report["lost"]), (4096, 4096))
            left.add(self.sectors(self.file.read_bytes()[:4096])[0])
        self.assertGreater(len(left), 1)

    def test_a_second_start_has_what_the_first_left(self):
        self.after("write -P 7 0 4096", "flush", "write -P 8 0 4096")
        report, _ = self.after("read -P 7 0 4096", "write -P 9 512 512", "flush")
        self.assertEqual((report["unflushed"], report["lost"]), (0, 0))
        self.assertEqual(self.sectors(self.file.read_bytes()[:2048]), [7, 9, 7, 7])


if __name__ == "__main__":
    unittest.main()
