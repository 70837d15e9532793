"""How the bench judges its figures."""

import sys
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import benchchart
import benchrows

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


class NoiseTest(unittest.TestCase):
    def test_a_quiet_machine(self):
        self.assertEqual(benchrows.noise([QUIET, QUIET], 100, 0.05), "")
        self.assertEqual(benchrows.noise([QUIET, {"processor_ns": 114, "waiting": 1.14}], 100, 0.1), "")

    def test_each_reason(self):
        self.assertIn("slower", benchrows.noise([QUIET, {"processor_ns": 116, "waiting": 1.0}], 100, 0))
        self.assertIn("slower", benchrows.noise([QUIET, QUIET], 80, 0))
        self.assertIn("waited", benchrows.noise([{"processor_ns": 100, "waiting": 1.2}, QUIET], 100, 0))
        self.assertIn("others", benchrows.noise([QUIET, QUIET], 100, 0.11))


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


if __name__ == "__main__":
    unittest.main()
