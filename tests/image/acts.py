"""Acts of the unit (image/root/usr/lib/gims/acts), run with programs of the test's in the system's places."""

import subprocess
import tempfile
from pathlib import Path

import root as image

LOGGER = "cat >>$0.entries"
WHOAMI = '[ "$1 $2" != "whoami 123" ] || { echo gims-console@ttyS0.service; exit 0; }\n'


class Unit:
    """A unit whose commands are stand-ins; each writes its words into a file, a line a call."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        self.binds = []
        self.command("logger", LOGGER)
        self.command("gimsctl")
        self.command("systemctl")

    def command(self, name, does="exit 0"):
        """A program of the system: notes its words, and then does this."""
        path = self.bin / name
        extra = WHOAMI if name == "systemctl" else ""
        path.write_text(f"#!/bin/sh\n{extra}printf '%s\\n' \"$*\" >>$0.calls\n{does}\n")
        path.chmod(0o755)

    def calls(self, name):
        path = self.bin / f"{name}.calls"
        return path.read_text().splitlines() if path.exists() else []

    def journal(self):
        """The entries that the act wrote, as lists of FIELD=VALUE."""
        path = self.bin / "logger.entries"
        return path.read_text() if path.exists() else ""

    def bind(self, source, target, how="--ro-bind"):
        self.binds += [how, source, target]

    def tmpfs(self, target):
        """Nothing of the machine's there, as far as the act sees."""
        self.binds += ["--tmpfs", target]

    def act(self, name, asked=b"\n", instance="0-123-806", script=None, output=subprocess.PIPE):
        """Its lines, without the last, and the last. `asked`: bytes, or values by their keys."""
        if isinstance(asked, dict):
            asked = "".join(f"{key} {value}\n" for key, value in asked.items()).encode() + b"\n"
        files = {path.relative_to(image.ROOT): path for path in (image.ROOT / "usr/lib/gims").rglob("*") if path.is_file()}
        if script is not None:
            path = files[Path("usr/lib/gims/acts") / name] = self.folder / name
            path.write_text(script)
            path.chmod(0o755)
        binds = [word for inside, path in files.items() for word in ("--ro-bind", path, f"/{inside}")]
        command = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/usr/lib/gims", *binds, *self.binds, "--setenv", "PATH", f"{self.bin}:/usr/sbin:/usr/bin",
                   "--setenv", "LC_ALL", "C", f"/usr/lib/gims/acts/{name}", instance]
        # SIGPIPE stays ignored, as it is in Python and in the units (IgnoreSIGPIPE=).
        run = subprocess.run(command, input=asked, stdout=output, stderr=subprocess.PIPE, timeout=60, restore_signals=False)
        self.status, self.err = run.returncode, run.stderr.decode()
        lines = (run.stdout or b"").decode().splitlines()
        return lines[:-1], lines[-1] if lines else ""
