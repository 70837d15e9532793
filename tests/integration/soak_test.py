"""The soak in its shortest form, and that it finds what drifts."""

import tempfile
import unittest
from pathlib import Path

import drift
import soak


def series(values, ratio=1.1, room=4):
    return drift.Series("memory", "MiB", values, ratio, room)


class DriftTest(unittest.TestCase):
    def test_a_leak_is_found(self):
        self.assertTrue(series([20 + sample * 0.2 for sample in range(120)]).drifted())

    def test_what_grows_at_the_start_only_is_steady(self):
        self.assertFalse(series([min(10 + sample, 40) for sample in range(120)]).drifted())

    def test_a_single_peak_is_no_drift(self):
        self.assertFalse(series([20.0] * 110 + [90.0] * 2 + [20.0] * 8).drifted())

    def test_a_step_that_stays_is_found(self):
        self.assertTrue(series([30] * 80 + [47] * 40, ratio=1, room=16).drifted())
        self.assertFalse(series([30] * 80 + [46] * 40, ratio=1, room=16).drifted())


class SoakTest(unittest.TestCase):
    def test_a_short_soak(self):
        with tempfile.TemporaryDirectory() as folder:
            found = soak.soak(8, Path(folder))
            self.assertGreater((Path(folder) / "soak.json").stat().st_size, 0)
        names = {one.name for one in found}
        self.assertLessEqual({f"{process} {what}" for process in ("gims-keyd", "gimsd", "gims-tlsd")
                              for what in ("memory", "threads", "descriptors")} | {"send to receipt, p50"}, names)
        # Memory and latency still settle in so short a time, so that their verdicts say nothing; the others are firm.
        for one in found:
            if one.name.split()[-1] in ("threads", "descriptors"):
                self.assertFalse(one.drifted(), one.line())


if __name__ == "__main__":
    unittest.main()
