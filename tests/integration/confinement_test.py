"""What the kernel says of the three daemons while they serve: what they gave up at their start they do not have.
And what each says of a configuration before it starts."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

from rig import SiteTest

# A line of each file, what takes its place, and what is then to be told of it.
BAD = {
    "gims-keyd": (r'tcti = .*', 'tcti = "usb:1"', 'tpm.tcti: must be "device:/dev/tpmrm0" or "swtpm:path=/…"'),
    "gimsd": (r'base_url = .*', 'base_url = "ftp://x"', "client.base_url: must be"),
    "gims-tlsd": (r'port = .*', "port = 65536", "listen[0].port: must be"),
}


class ConfinementTest(SiteTest):
    bad = BAD

    def options(self):
        return {"watchdog": 1}

    def daemons(self):
        return self.site.keyd, self.site.gimsd, self.site.tlsd

    def test_what_they_gave_up(self):
        for process in self.daemons():
            with self.subTest(process.name):
                pid = process.child.pid
                status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
                user = subprocess.run(["id", "-u", process.name], capture_output=True, text=True, check=True).stdout.strip()
                self.assertNotEqual(user, "0")
                self.assertEqual(status["Uid"].split(), [user] * 4)
                self.assertNotIn("0", status["Gid"].split() + status["Groups"].split())
                for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                    self.assertEqual(int(status[field], 16), 0, field)
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")  # a filter
                self.assertRegex(Path(f"/proc/{pid}/limits").read_text(), r"Max core file size +0 +0 ")
                # Each of its threads has the filter, not the first alone.
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    self.assertRegex((thread / "status").read_text(), r"Seccomp:\t2\n")

    def test_their_memory_is_closed_to_their_own_user(self):
        for process in self.daemons():
            # Another process of the same user, and this look at it, show that the look can succeed.
            other = subprocess.Popen(["sleep", "600"], user=process.user, group=process.user, extra_groups=[])
            self.addCleanup(other.wait)
            self.addCleanup(other.kill)
            self.wait_for("the other process", lambda: "sleep" in Path(f"/proc/{other.pid}/cmdline").read_text())
            for pid, closed in ((other.pid, False), (process.child.pid, True)):
                for file in ("maps", "environ"):
                    with self.subTest(process.name, file=file, closed=closed):
                        self.assertEqual(self.opened(process, f"/proc/{pid}/{file}"), "PermissionError" if closed else "open")
            with self.subTest(process.name, file="mem"):
                self.assertEqual(self.opened(process, f"/proc/{process.child.pid}/mem"), "PermissionError")

    def opened(self, process, path):
        code = "import sys\ntry:\n    open(sys.argv[1], 'rb').read(1)\n    print('open')\nexcept Exception as error:\n    print(type(error).__name__)"
        run = subprocess.run([sys.executable, "-c", code, path], user=process.user, group=process.user, extra_groups=[],
                             capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def test_they_tell_the_watchdog_that_they_live(self):
        for process in self.daemons():
            seen = process.pings
            self.wait_for(f"further signs of life of {process.name}", lambda: process.pings >= seen + 3)

    def test_a_configuration_is_checked(self):
        for name, (line, bad, told) in self.bad.items():
            with self.subTest(name):
                good = self.site.etc / f"{name}.toml"
                self.assertEqual(self.check_config(name, good), (0, ""))
                text, changed = re.subn(line, bad, good.read_text())
                self.assertEqual(changed, 1)
                number = text[:text.index(bad)].count("\n") + 1
                file = self.site.etc / "bad.toml"
                file.write_text(text + '\n[nothing]\nof_the_kind = "1"\n')
                status, output = self.check_config(name, file)
                self.assertEqual(status, 2)
                self.assertRegex(output, rf"(?m)^{re.escape(str(file))}:{number}:\d+: {re.escape(told)}")
                # Every problem is told at once.
                self.assertRegex(output, rf"(?m)^{re.escape(str(file))}:{text.count(chr(10)) + 3}:\d+: nothing.of_the_kind: is not known")
                self.assertEqual(self.check_config(name, self.site.etc / "none.toml")[0], 2)

    def check_config(self, name, file):
        run = subprocess.run([self.site.program(name), "--config", file, "--check-config"], capture_output=True, text=True, timeout=60)
        return run.returncode, run.stdout + run.stderr


if __name__ == "__main__":
    unittest.main()
