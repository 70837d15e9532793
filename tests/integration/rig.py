"""A whole site of its own for each integration test, in a temporary folder, on a port of its own."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "scripts"), str(TOP / "tests" / "integration")]
import gimssite
import matrix_api

BUILD = Path(os.environ.get("GIMS_BUILD", TOP / "build" / "release")).resolve()


class SiteTest(unittest.TestCase):
    started = True  # whether the site runs when the test begins

    def setUp(self):
        # Short, for the limit of 107 bytes on a socket's path.
        folder = tempfile.TemporaryDirectory(prefix="gims-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.site = gimssite.Site(Path(folder.name) / "site", build=BUILD, **self.options())
        self.addCleanup(self.end)
        if self.started:
            self.site.start()

    def options(self):
        return {}

    def end(self):
        self.site.stop()
        if not all(ok for _, ok in self.outcomes()):
            for log in sorted(self.site.logs.glob("*.log")):
                print(f"---- {log.name}\n{log.read_text(errors='replace')[-4000:]}", flush=True)

    def outcomes(self):
        result = self._outcome.result
        return [(test, test is not self) for test, _ in result.failures + result.errors]

    def client(self):
        return matrix_api.Client(self.site.url, self.site.ca)
