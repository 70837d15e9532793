"""A whole site of its own for each integration test, in a temporary folder, on a port of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "scripts"), str(TOP / "tests" / "integration")]
import gimssite
import matrix_api

OWNERS = {"tpm": "gims-swtpm", "keyd": "gims-keyd"}

BUILD = Path(os.environ.get("GIMS_BUILD", TOP / "build" / "release")).resolve()


class SiteTest(unittest.TestCase):
    started = True  # whether the site runs when the test begins
    site_class = gimssite.Site

    def setUp(self):
        # Short, for the limit of 107 bytes on a socket's path.
        folder = tempfile.TemporaryDirectory(prefix="gims-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.site = self.site_class(Path(folder.name) / "site", build=BUILD, **self.options())
        self.addCleanup(self.end)
        if self.started:
            self.site.start()

    def options(self):
        return {}

    def end(self):
        self.site.stop()
        self.site.release_port()
        if not all(ok for _, ok in self.outcomes()):
            for log in sorted(self.site.logs.glob("*.log")):
                print(f"---- {log.name}\n{log.read_text(errors='replace')[-4000:]}", flush=True)

    def outcomes(self):
        result = self._outcome.result
        return [(test, test is not self) for test, _ in result.failures + result.errors]

    @contextlib.contextmanager
    def another_tpm(self):
        """gims-keyd with the same disk and a TPM of another unit; afterwards its own is back, and nothing runs."""
        self.site.stop()
        own, kept = self.site.folder / "tpm", self.site.folder / "tpm-kept"
        shutil.move(own, kept)
        self.site.prepare()
        self.site.start_tpm()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        yield
        self.site.stop()
        shutil.rmtree(own)
        shutil.move(kept, own)

    def keyd(self, *arguments):
        """gims-keyd's command, which may fail: (exit status, what it printed)."""
        run = subprocess.run([self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", *arguments],
                             capture_output=True, text=True, timeout=120)
        return run.returncode, run.stdout + run.stderr

    def assert_keyd(self, *arguments):
        status, said = self.keyd(*arguments)
        self.assertEqual(status, 0, said)
        return said

    def keep_custody(self):
        """For put_back_custody(). gimsd is stopped."""
        self.change_custody(lambda part, kept: shutil.copytree(part, kept))

    def put_back_custody(self):
        """Software TPM and gims-keyd as they were, so that a database of then is the newest: of the files alone an older
        copy is noticed. gimsd is stopped."""
        def put_back(part, kept):
            shutil.rmtree(part)
            shutil.copytree(kept, part)
            part.chmod(0o700)
            for path in (part, *part.rglob("*")):
                shutil.chown(path, OWNERS[part.name], OWNERS[part.name])
        self.change_custody(put_back)

    def change_custody(self, change):
        self.site.keyd.stop()
        self.site.tpm.stop()
        for name in OWNERS:
            change(self.site.folder / name, self.site.operator / f"kept-{name}")
        self.site.start_tpm()
        self.site.start_keyd()

    def client(self):
        return matrix_api.Client(self.site.url, self.site.ca)

    def gimsctl(self, *arguments, input=None):
        """As gimssite's, for commands that may fail: (exit status, what it printed)."""
        run = subprocess.run([self.site.program("gimsctl"), *self.site.gimsctl_sockets(), *arguments],
                             input=input, capture_output=True, text=True, timeout=120)
        return run.returncode, run.stdout + run.stderr

    def wait_for(self, what, true, seconds=120):
        """Until true() gives something, which is returned. The time is for a hang, not a measure."""
        deadline = time.monotonic() + seconds
        while not (found := true()):
            self.assertLess(time.monotonic(), deadline, f"waited for {what} in vain")
            time.sleep(0.05)
        return found

    def wait_for_log(self, process, text, start=0):
        """The first line with the text that the process wrote after the first `start` characters of its log."""
        def line():
            written = process.log.read_text(errors="replace")[start:]
            return next((line for line in written.splitlines() if text in line), None)
        return self.wait_for(f"'{text}' of {process.name}", line)

    def log_size(self, process):
        return len(process.log.read_text(errors="replace"))
