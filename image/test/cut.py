"""The disk of a machine, whose power is cut: image/test/forgetful_disk.py, served for one start of it."""

import json
import subprocess
import time
from pathlib import Path

PLUGIN = Path(__file__).with_name("forgetful_disk.py")


class ForgetfulDisk:
    def __init__(self, disk, keep, seed):
        folder = Path(disk).parent
        self.socket, self.report = folder / "disk.socket", folder / "cut.json"
        for old in (self.socket, self.report):
            old.unlink(missing_ok=True)
        self.server = subprocess.Popen(["nbdkit", "--foreground", "--exit-with-parent", "--unix", self.socket, "python", PLUGIN, f"file={disk}",
                                        f"keep={keep}", f"seed={seed}", f"report={self.report}"])
        while not self.socket.exists():
            if self.server.poll() is not None:
                raise RuntimeError(f"nbdkit ended: {self.server.returncode}")
            time.sleep(0.05)

    def drive(self):
        """As qemu's -drive has it: flushes are the guest's own, and all of them come through."""
        return f"driver=nbd,server.type=unix,server.path={self.socket},cache.no-flush=off"

    def cut(self):
        """What was not flushed is forgotten; once nobody is at the socket."""
        self.server.terminate()
        if status := self.server.wait(60):
            raise RuntimeError(f"nbdkit ended: {status}")
        return json.loads(self.report.read_text())
