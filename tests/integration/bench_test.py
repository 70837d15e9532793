"""A short run of the bench: every row is measured on both kinds of server, and the table, JSON and chart have them.
The figures themselves are not looked at: this machine may be doing anything else."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

from rig import BUILD

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
import benchfull
import benchrows


class BenchTest(unittest.TestCase):
    def setUp(self):
        # Where the daemons' users reach it.
        folder = tempfile.TemporaryDirectory(prefix="gims-bench-")
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.out.chmod(0o755)

    def run_bench(self, *what, **environment):
        run = subprocess.run([sys.executable, "-B", TOP / "scripts/bench", *what, "--smoke", "--build", BUILD, "--out", self.out],
                             capture_output=True, text=True, env=os.environ | environment)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout, json.loads((self.out / ("bench-full.json" if what else "bench.json")).read_text())

    def test_every_row_is_there(self):
        table, result = self.run_bench(SITE="both", TLS="1")
        found = {row["key"]: row for row in result["rows"]}
        whole_site = {row.key for row in benchrows.ROWS if row.scenario in {*benchrows.REAL, "idle", "start"}} - {"sends"}
        self.assertEqual(set(found), {row.key for row in benchrows.ROWS} | {f"real.{key}" for key in whole_site})
        chart = (self.out / "bench.svg").read_text()
        xml.etree.ElementTree.fromstring(chart)
        for key, row in found.items():
            with self.subTest(key=key):
                self.assertIn(row["title"], table)
                self.assertIn(row["title"], chart)
                self.assertIn(row["judged"], ("beyond", "reach", "no"))
                if row["unit"] not in ("kB", "µs"):  # ten devices and a second's sends may use less than is counted
                    self.assertGreater(row["value"], 0)
        self.assertGreater(result["calibration_ns"], 0)
        self.assertEqual(set(found["real.send-cpu"]["processor_us"]) & {"gims-keyd", "gimsd", "gims-tlsd"},
                         {"gims-keyd", "gimsd", "gims-tlsd"})

    def test_the_long_bench(self):
        """A small day with its exact check, and every row of growth."""
        table, result = self.run_bench("full")
        figures = result["replay"]["figures"]
        self.assertEqual((figures["faults"], figures["messages"]), (0, 3000))
        self.assertGreater(figures["deliveries"], figures["messages"])
        for figure in ("key_shares", "typing", "receipts", "to_device", "changed_devices"):
            self.assertGreater(figures[figure], 0, figure)
        for row in result["rows"]:
            self.assertIn(row["title"], table)
        chart = (self.out / "bench-full.svg").read_text()
        xml.etree.ElementTree.fromstring(chart)
        for title, *_ in (*benchfull.BY_STORED, *benchfull.BY_DEVICES):
            self.assertIn(title, table)
            self.assertIn(title, chart)

    def test_without_tls(self):
        _, result = self.run_bench(SITE="test", TLS="0")
        self.assertEqual({row["key"] for row in result["rows"]}, {row.key for row in benchrows.ROWS} - {"handshakes"})


if __name__ == "__main__":
    unittest.main()
