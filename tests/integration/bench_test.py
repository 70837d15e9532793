"""Short runs of the bench: every row is measured on both kinds of server, and the tables, JSON and charts have them.
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
import benchcustody
import benchgrowth
import benchrows
import benchsite

# As `perf record` and `perf script` behave for what the bench asks of them, since not every machine lets perf look: it
# takes commands by one pipe, acknowledges them by the other, and has samples for as long as it was told to record.
PERF = """#!/usr/bin/env python3
import signal, sys
if sys.argv[1] == "record":
    control = next(one for one in sys.argv if one.startswith("fifo:"))
    commands, answers = (open(name, "r+b", buffering=0) for name in control.removeprefix("fifo:").split(","))
    heard = []
    def end(*_):
        open(sys.argv[sys.argv.index("--output") + 1], "w").write("\\n".join(heard))
        sys.exit(0)
    signal.signal(signal.SIGINT, end)
    while True:
        heard.append(commands.readline().decode().strip())
        answers.write(b"ack\\n\\0")
else:
    heard = open(sys.argv[sys.argv.index("--input") + 1]).read().split("\\n")
    assert heard == ["enable", "disable"], heard
    print("gimsd-writer-1 9 \\n\\t 1f _ZN4gims5store5ChunkC2Ev (/x/gimsd)\\n")
    print("gimsd-http-1 9 \\n\\t 1f futex_wait ([kernel.kallsyms])\\n\\t 2f __x64_sys_futex ([kernel.kallsyms])\\n")
"""


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
        file = {"full": "bench-full.json", "profile": "profile.json"}.get(what[0] if what else "", "bench.json")
        return run.stdout, json.loads((self.out / file).read_text()) if what[:1] != ("compare",) else None

    def test_every_row_is_there(self):
        table, result = self.run_bench(SITE="both", TLS="1", PERF=self.perf())
        found = {row["key"]: row for row in result["rows"]}
        whole_site = {row.key for row in benchrows.ROWS if row.scenario in {*benchrows.REAL, "idle", "start"}}
        self.assertEqual(set(found), {row.key for row in benchrows.ROWS} - {"paced-cpu"} | {f"real.{key}" for key in whole_site})
        chart = (self.out / "bench.svg").read_text()
        xml.etree.ElementTree.fromstring(chart)
        for key, row in found.items():
            with self.subTest(key=key):
                self.assertIn(row["title"], table)
                self.assertIn(row["title"], chart)
                # With so little stored it says nothing how fast the start is.
                self.assertIn(row["judged"], ("unjudged",) if key in ("start", "real.start", "real.paced-cpu") else ("beyond", "reach", "no"))
                if row["unit"] not in ("kB", "µs"):  # ten devices and a second's sends may use less than is counted
                    self.assertGreater(row["value"], 0)
        self.assertEqual([row["key"] for row in result["custody"]], [row.key for row in benchcustody.ROWS])
        for row in result["custody"]:
            with self.subTest(key=row["key"]):
                self.assertIn(row["title"], table)
                self.assertGreater(row["value"], 0)
        self.assertGreater(result["calibration_ns"], 0)
        self.assertEqual(set(found["real.send-cpu"]["processor_us"]) & {"gims-keyd", "gimsd", "gims-tlsd"},
                         {"gims-keyd", "gimsd", "gims-tlsd"})
        for name in ("test site", "whole site"):
            self.assertEqual([one["name"] for one in result["layers"][name]["layers"]], ["gims::store", "kernel"])
            self.assertRegex(table, rf"{name}: server CPU a durable send, by layer\n +gims::store ")

    def test_without_perf_the_rows_are_there_all_the_same(self):
        table, result = self.run_bench(SITE="test", PERF=str(self.out / "nowhere"))
        self.assertTrue(result["rows"])
        self.assertRegex(table, "by layer: not known here: .*linux-perf")

    def test_the_pilots_day(self):
        """A small day with its exact check, at a speed: it takes as long as that says."""
        speed = 7_200  # the day in twelve seconds
        table, result = self.run_bench("full", PART="replay", SPEED=str(speed))
        figures = result["parts"]["replay"]["report"]["figures"]
        self.assertEqual((figures["faults"], figures["messages"]), (0, 3000))
        self.assertGreater(figures["deliveries"], figures["messages"])
        for figure in ("key_shares", "typing", "receipts", "to_device", "changed_devices"):
            self.assertGreater(figures[figure], 0, figure)
        # The night before the first message and what the morning sent are not in it.
        self.assertGreater(figures["play_s"] * speed / 60, 700, "minutes of the day")
        rows = {row["key"]: row for row in result["parts"]["replay"]["rows"]}
        for row in rows.values():
            self.assertIn(row["title"], table)
        self.assertEqual(rows["replay"]["judged"], "unjudged")

    def test_the_reconnect_storm(self):
        """On both kinds of site every device has what it missed; bench_load ends with an error otherwise."""
        table, result = self.run_bench("full", PART="storm", SITE="both")
        reports = result["parts"]["storm"]["reports"]
        self.assertEqual(set(reports), {"test site", "whole site"})
        for name, report in reports.items():
            with self.subTest(site=name):
                figures = report["figures"]
                self.assertEqual([figures[count] for count in ("devices", "look_count", "handshake_count")], [60] * 3)
                # Devices are due evenly in a second: the last has its news no earlier than it begins.
                self.assertGreater(figures["storm_s"], 59 / 60)
                # Of teams of ten, departments of fifty and one room for all.
                self.assertEqual((figures["rooms"], figures["night_messages"]), (6 + 2 + 1, 6 * 6 + 2 * 15 + 20))
                self.assertGreaterEqual(figures["others_send_count"], 98)
                self.assertEqual(figures["others_send_count"], figures["others_delivery_count"])
        rows = result["parts"]["storm"]["rows"]
        self.assertEqual(len(rows), 8)
        for row in rows:
            self.assertIn(row["title"], table)
            self.assertIn(row["judged"], ("beyond", "no"))

    def test_growth(self):
        """Every row of both tables, with what the ratio says; and a part of the long bench leaves what others found."""
        (self.out / "bench-full.json").write_text(json.dumps({"parts": {"replay": "found before", "growth": "older"}}))
        table, result = self.run_bench("full", PART="growth")
        self.assertEqual(result["parts"]["replay"], "found before")
        growth = result["parts"]["growth"]
        chart = (self.out / "bench-full.svg").read_text()
        xml.etree.ElementTree.fromstring(chart)
        for head, rows, sizes in (("messages stored", benchgrowth.BY_STORED, benchgrowth.SMOKE_STORED),
                                  ("devices", benchgrowth.BY_DEVICES, benchgrowth.SMOKE_DEVICES)):
            found = growth["tables"][head]
            self.assertEqual([row["title"] for row in found], [row.title for row in rows])
            for row, planned in zip(found, rows):
                with self.subTest(head=head, title=row["title"]):
                    self.assertIn(row["title"], table)
                    self.assertIn(row["title"], chart)
                    self.assertEqual([point["size"] for point in row["points"]], list(sizes))
                    self.assertIn(row["verdict"], ("does not grow", "GROWS", "noisy") if planned.judged else ("",))
        (start,) = growth["rows"]
        self.assertIn("2,000 messages stored", start["title"])

    def test_two_builds_by_turns(self):
        table, _ = self.run_bench("compare", str(BUILD), str(BUILD))
        self.assertIn("server CPU a durable send", table)
        self.assertIn(benchrows.RULE, table)

    def perf(self):
        program = self.out / "perf"
        program.write_text(PERF)
        program.chmod(0o755)
        return str(program)

    def test_a_profile_of_what_is_measured_alone(self):
        table, result = self.run_bench("profile", SITE="both", PERF=self.perf())
        self.assertEqual(set(result["profiles"]), {"test site, sends", "whole site, sends"})
        for name, found in result["profiles"].items():
            with self.subTest(site=name):
                self.assertEqual([(one["name"], one["part"]) for one in found["layers"]], [("gims::store", 0.5), ("kernel", 0.5)])
                self.assertEqual([one["name"] for one in found["system_calls"]], ["futex"])
                self.assertAlmostEqual(sum(one["us"] for one in found["layers"]), found["report"]["figures"]["cpu_us_per_send"])
                self.assertIn(name, table)

    def test_any_server_by_its_url(self):
        """Accounts by open registration and by a shared secret; without the right one there is no figure."""
        site = benchsite.TestSite(self.out, BUILD, False, 2, 1, 1, ["--shared-secret", "s3cret"])
        self.addCleanup(site.stop)
        site.start()
        load = lambda *more: subprocess.run(
            [sys.executable, "-B", TOP / "scripts/bench", "load", site.url, "--scenario", "sends", "--clients", "2", "--seconds", "1", *more],
            capture_output=True, text=True, env=os.environ | {"GIMS_BUILD": str(BUILD)})
        for more in ((), ("--shared-secret", "s3cret")):
            with self.subTest(more=more):
                run = load(*more)
                self.assertEqual(run.returncode, 0, run.stderr)
                figures = json.loads(run.stdout)["figures"]
                self.assertGreater(figures["sends_per_second"], 0)
                self.assertNotIn("cpu_us_per_send", figures)  # as the server may be another machine's
        wrong = load("--shared-secret", "another")
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn("registration", wrong.stderr)

    def test_without_tls(self):
        _, result = self.run_bench(SITE="test", TLS="0")
        self.assertEqual({row["key"] for row in result["rows"]}, {row.key for row in benchrows.ROWS} - {"handshakes", "paced-cpu"})


if __name__ == "__main__":
    unittest.main()
