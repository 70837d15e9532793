"""How the bench judges its figures, what it makes of a profile, and how it writes both down."""

import json
import resource
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import benchchart
import benchdocument
import benchgrowth
import benchprofile
import benchrows
import benchsite
import supervise

RATE = benchrows.rate("rate", "sends", "sends", "x", 100, 200)
TIME = benchrows.Row("time", "sync", "sync", "x", "ms", 10, 5)
MEMORY = benchrows.memory("memory", "idle", "idle", "x", "MB", 40, 25, 1)
QUIET = {"processor_ns": 100, "waiting": 1.0}


class JudgedTest(unittest.TestCase):
    def test_a_limit_that_is_just_met_is_met(self):
        for row, value, expected in ((RATE, 200, "beyond"), (RATE, 199, "reach"), (RATE, 100, "reach"), (RATE, 99, "no"),
                                     (TIME, 5, "beyond"), (TIME, 5.1, "reach"), (TIME, 10, "reach"), (TIME, 10.1, "no")):
            with self.subTest(row=row.key, value=value):
                self.assertEqual(benchrows.judged(row, value), expected)

    def test_what_depends_on_much_stored_is_not_judged_with_little(self):
        start = next(row for row in benchrows.ROWS if row.key == "start")
        self.assertEqual([benchrows.judged(start, 0.2, stored) for stored in (None, 10_000, 2_499_999, 2_500_000)],
                         ["unjudged"] * 3 + ["beyond"])
        self.assertEqual(benchrows.judged(start, 1.1, 2_500_000), "no")
        row = benchrows.row_of(start, 0.2, "", {"stored": "10,000"}, 10_000)
        self.assertRegex(benchrows.table([row]), "start to serving, 10,000 messages stored .* not judged")


class NoiseTest(unittest.TestCase):
    def test_a_quiet_machine(self):
        self.assertEqual(benchrows.noise([QUIET, QUIET], 100, 0.05), "")
        self.assertEqual(benchrows.noise([QUIET, {"processor_ns": 114, "waiting": 1.14}], 100, 0.1), "")

    def test_each_reason(self):
        self.assertIn("slower", benchrows.noise([QUIET, {"processor_ns": 116, "waiting": 1.0}], 100, 0))
        self.assertIn("slower", benchrows.noise([QUIET, QUIET], 80, 0))
        self.assertIn("waited", benchrows.noise([{"processor_ns": 100, "waiting": 1.2}, QUIET], 100, 0))
        self.assertIn("others", benchrows.noise([QUIET, QUIET], 100, 0.11))


class SeveralTest(unittest.TestCase):
    def report(self, value, slow=1, others=0):
        return {"figures": {"x": value}, "calibration": [{"processor_ns": 100 * slow, "waiting": 1.0}] * 2, "others": others}

    def test_the_middle_of_the_quiet_ones_counts(self):
        reports = [self.report(9, others=0.5), self.report(1), self.report(3), self.report(2), self.report(8, slow=2)]
        self.assertEqual(benchrows.least_calibration(reports), 100)
        self.assertEqual(benchrows.middle(reports, "x", 100)["figures"]["x"], 2)
        self.assertEqual(benchrows.middle([self.report(9, others=0.5), self.report(7, others=0.5)], "x", 100)["figures"]["x"], 7)

    def test_growth_is_told_from_noise(self):
        for values, noises, expected in (((100, 300, 125), ("", "noisy", ""), (1.25, "does not grow")),
                                         ((100, 100, 126), ("", "", ""), (1.26, "GROWS")),
                                         ((100, 100, 100), ("", "", "others"), (1, "noisy")),
                                         ((100, 100, 300), ("slower", "", ""), (3, "noisy"))):
            with self.subTest(values=values, noises=noises):
                self.assertEqual(benchrows.growth(values, noises), expected)

    def test_only_processor_time_is_judged_and_every_figure_has_its_ratio(self):
        rows = (benchgrowth.Row("wide", "s", "x", "ms"), benchgrowth.Row("deep", "s", "x", "µs", judged=True))
        found = benchgrowth.table_of(rows, {10: {"s": [self.report(4)]}, 20: {"s": [self.report(6, others=0.2), self.report(8)]}}, 100)
        self.assertEqual([(row["ratio"], row["verdict"]) for row in found], [(2, ""), (2, "GROWS")])
        noisy = benchgrowth.table_of(rows, {10: {"s": [self.report(4)]}, 20: {"s": [self.report(4, others=0.2)]}}, 100)
        self.assertEqual(noisy[1]["verdict"], "noisy")
        self.assertIn("4.00 µs*", benchgrowth.text("devices", noisy))
        self.assertEqual({row.title for row in (*benchgrowth.BY_STORED, *benchgrowth.BY_DEVICES) if row.judged},
                         {"server CPU a durable send", "server CPU an incremental sync"})

    def test_builds_are_compared_by_their_medians(self):
        self.assertEqual(benchrows.compared([1, 100, 2], [4, 3, 900]), 2)
        self.assertIsNone(benchrows.compared([0, 0, 0], [1, 1, 1]))


class DescriptorsTest(unittest.TestCase):
    def test_what_does_not_fit_is_said(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        few = (hard - 256) // 3 - 40
        self.assertEqual(benchsite.cut(benchsite.TestSite, 10, 40), (10, ""))
        fit, why = benchsite.cut(benchsite.TestSite, few + 1, 40)
        self.assertEqual(fit, few)
        self.assertIn(f"{few + 1:,}", why)
        self.assertIn(f"{hard:,} descriptors", why)


class BaselineTest(unittest.TestCase):
    def test_above_one_is_better(self):
        self.assertEqual(benchrows.ratio_to_baseline(RATE, 150, 100, 100, 100), 1.5)
        self.assertEqual(benchrows.ratio_to_baseline(TIME, 5, 100, 10, 100), 2)

    def test_the_same_work_on_a_slower_processor_is_as_good(self):
        self.assertEqual(benchrows.ratio_to_baseline(RATE, 50, 200, 100, 100), 1)
        self.assertEqual(benchrows.ratio_to_baseline(TIME, 20, 200, 10, 100), 1)
        self.assertEqual(benchrows.ratio_to_baseline(MEMORY, 20, 200, 20, 100), 1)

    def test_nothing_to_compare_with(self):
        self.assertIsNone(benchrows.ratio_to_baseline(TIME, 5, 100, None, 100))


class ChartTest(unittest.TestCase):
    def row(self, **changes):
        return {"title": "a < b & c", "shown": "5 ms", "judged": "reach", "noise": "", "times_reach": 2, "times_beyond": 4} | changes

    def bars(self, *rows):
        parsed = xml.etree.ElementTree.fromstring(benchchart.chart("A title", rows))
        return [(float(bar.get("x")), float(bar.get("width")), bar.get("fill-opacity")) for bar in parsed
                if bar.tag.endswith("rect") and bar.get("fill-opacity")]

    def test_a_better_figure_goes_to_the_right_of_reach_and_a_worse_one_to_the_left(self):
        one = benchchart.place(1)
        (better, width, _), (worse, other, _) = self.bars(self.row(), self.row(times_reach=0.5, judged="no"))
        self.assertAlmostEqual(better, one, 1)
        self.assertAlmostEqual(worse + other, one, 0)
        self.assertAlmostEqual(width, other, 0)

    def test_what_is_far_off_stays_on_the_chart_and_a_noisy_bar_is_pale(self):
        for x, width, _ in self.bars(self.row(times_reach=1e9), self.row(times_reach=1e-9)):
            self.assertGreaterEqual(x, benchchart.LEFT)
            self.assertLessEqual(x + width, benchchart.WIDTH - benchchart.RIGHT + 0.1)
        (_, _, clear), (_, _, pale) = self.bars(self.row(), self.row(noise="others used 50%"))
        self.assertLess(float(pale), float(clear))

    def test_what_is_not_judged_has_a_colour_of_its_own(self):
        self.assertEqual(len(set(benchchart.COLOURS.values())), 4)
        self.assertEqual(len(self.bars(self.row(judged="unjudged"))), 1)


SCRIPT = """\
gimsd-writer-1    91
\t      5589c2 gims::store::BatchWriter::run(gims::sql::Connection&)+0x1 (/src/build/release/daemon/app/gimsd)
\t      7f0000 [unknown] ([unknown])

gimsd-writer-1    91
\t      7f1111 [unknown] (/usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6)

gimsd-http-2    91
\t      fff001 tcp_sendmsg ([kernel.kallsyms])
\t      fff002 __do_sys_sendto ([kernel.kallsyms])
\t      fff003 do_syscall_64 ([kernel.kallsyms])
\t      7f2222 __send (/usr/lib/x86_64-linux-gnu/libc.so.6)

gimsd-http-3    91
\t      fff001 clear_page ([kernel.kallsyms])
\t      fff002 exc_page_fault ([kernel.kallsyms])

gimsd-http-3    91
\t      5589c3 std::_Function_handler<void (gims::Result<int>), gims::api::send(int)::{lambda()#1}>::_M_invoke() (/x/gimsd)

gims-tlsd    92
\t      7f3333 mbedtls_gcm_update (/usr/lib/x86_64-linux-gnu/libmbedcrypto.so.16)
"""


class ProfileTest(unittest.TestCase):
    def test_each_sample_counts_for_the_layer_whose_code_it_was(self):
        samples, layers, calls, threads = benchprofile.attributed(SCRIPT)
        self.assertEqual(samples, 6)
        self.assertEqual(layers, {"gims::store": 1, "SQLite": 1, "kernel": 2, "gims::api": 1, "mbedTLS": 1})
        self.assertEqual(calls, {"sendto": 1, "(page fault)": 1})
        self.assertEqual(threads, {"gimsd-writer": 2, "gimsd-http": 3, "gims-tlsd": 1})

    def test_every_folder_of_the_source_is_a_layer(self):
        top = Path(__file__).resolve().parents[2]
        folders = {folder.name for folder in (top / "daemon").iterdir() if folder.is_dir()} | {"hsm"}
        self.assertEqual(set(benchprofile.LAYERS), folders - {"ctl"})

    def test_other_code(self):
        for symbol, file, expected in (("memcpy", "/usr/lib/libc.so.6", "C library"), ("[unknown]", "[vdso]", "C library"),
                                       ("operator new(unsigned long)", "/usr/lib/libstdc++.so.6.0.33", "C++ library"),
                                       ("std::sort<int*>(int*, int*)", "/x/gimsd", "C++ library"), ("main", "/x/gimsd", "other of gims"),
                                       ("crypto_aead", "/usr/lib/libsodium.so.23", "libsodium"), ("[unknown]", "[unknown]", "other")):
            with self.subTest(symbol=symbol, file=file):
                self.assertEqual(benchprofile.layer_of(symbol, file), expected)


class DocumentTest(unittest.TestCase):
    ABOUT = {"commit": "abc123", "date": "2026-01-02T03:04:05Z", "smoke": False,
             "machine": {"processor": "A chip", "processors": 2, "memory_gb": 8.0, "kernel": "6.12"}}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.document = self.out / "performance.md"
        self.document.write_text(f"before\n{benchdocument.BEGIN}\nold\n{benchdocument.END}\nafter\n")

    def write(self, name, value):
        (self.out / name).write_text(json.dumps(value))

    def test_figures_come_with_their_machine_commit_date_and_noise(self):
        row = benchrows.row_of(TIME, 7, "others used 50%", {})
        point = lambda size, noise: {"size": size, "value": size / 2, "noise": noise}
        table = {"title": "growing", "unit": "µs", "digits": 0, "points": [point(10, ""), point(20, "slow")], "ratio": 2.0, "verdict": "noisy"}
        custody = {"title": "a signature", "shown": "8.20 ms", "noise": "waited 2 times"}
        self.write("bench.json", self.ABOUT | {"tls": True, "stored": 10_000, "rows": [row], "custody": [custody]})
        self.write("bench-full.json", {"parts": {"growth": self.ABOUT | {
            "commit": "def456", "rows": [row], "tables": {"devices": [table]}, "notes": ["6 instead of 9"]}}})
        part = [{"name": "gims::store", "part": 0.25, "us": 40.0}]
        self.write("profile.json", {"profiles": {"test site, sends": self.ABOUT | {
            "samples": 99, "us": 160, "figure": "cpu_us_per_send", "layers": part, "system_calls": [], "threads": part}}})
        for _ in range(2):  # over what it wrote before
            benchdocument.write(self.out, self.document)
            text = self.document.read_text()
            self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))
            self.assertNotIn("old", text)
            for expected, times in (("Commit abc123, 2026-01-02; 2 processors (A chip), 8 GB, Linux 6.12.", 2), ("Commit def456", 1),
                                    ("| sync | 7.00 ms | 10 ms | 5 ms | reached | others used 50% |", 2),
                                    ("| growing | 5 µs | 10 µs\\* | 2.00 | noisy |", 1), ("6 instead of 9.", 1),
                                    ("| a signature | 8.20 ms | waited 2 times |", 1), ("| gims::store | 40.0 | 25.0% |", 2)):
                self.assertEqual(text.count(expected), times, expected)

    def test_a_smoke_run_and_no_run_are_refused_and_leave_the_document(self):
        before = self.document.read_text()
        with self.assertRaisesRegex(supervise.Failed, "no figures"):
            benchdocument.write(self.out, self.document)
        self.write("bench.json", self.ABOUT | {"smoke": True, "tls": True, "stored": 1, "rows": [], "custody": []})
        with self.assertRaisesRegex(supervise.Failed, "smoke"):
            benchdocument.write(self.out, self.document)
        self.assertEqual(self.document.read_text(), before)

    def test_the_document_has_its_place_for_figures(self):
        text = (Path(__file__).resolve().parents[2] / "docs/performance.md").read_text()
        self.assertLess(0, text.find(benchdocument.BEGIN))
        self.assertLess(text.find(benchdocument.BEGIN), text.find(benchdocument.END))


if __name__ == "__main__":
    unittest.main()
