"""From the first start to serving: keys are made in the unit's TPM, the daemons come up one after the other, and after a
start of the same image they do so by themselves."""

import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import appliance

KEYD = "/usr/lib/gims/gims-keyd --config /etc/gims/keyd.toml"
LISTENS = "ss --listening --tcp --numeric --no-header"


def public_key(folder, name, *kind):
    key = Path(folder) / name
    subprocess.run(["openssl", "genpkey", "-algorithm", *kind, "-out", key], check=True, capture_output=True)
    return subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True, text=True).stdout


class ServingTest(unittest.TestCase):
    def wait_until_active(self, machine, unit, patience=600):
        ends = time.monotonic() + patience
        while machine.ask(f"systemctl is-active {unit}")[1].strip() != "active":
            if time.monotonic() > ends:
                self.fail(machine.ask(f"journalctl --no-pager --boot --lines 60; {KEYD} status; systemctl list-jobs")[1])
            time.sleep(2)

    def provision(self, machine):
        with tempfile.TemporaryDirectory() as folder:
            for name, kind in (("Asha", ["ed25519"]), ("Bimal", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"])):
                machine.done(f"cat >/run/{name}.pub <<'END'\n{public_key(folder, name, *kind)}END\n")
        machine.done(f"{KEYD} provision --server-name gims.internal --organisation Test --dns-name gims.internal "
                     "--administrator Asha=/run/Asha.pub --security-officer Bimal=/run/Bimal.pub --shares 3/5 --shares-to /run/shares")

    def test_from_the_first_start_on(self):
        machine = appliance.copy("serving")
        self.addCleanup(machine.stop)
        machine.start()
        machine.wait_for(appliance.UP)
        # Nothing listens before the keys are open.
        self.assertIn("unprovisioned", machine.done(f"{KEYD} status"))
        self.assertNotIn(":8443", machine.done(LISTENS))
        self.provision(machine)
        self.wait_until_active(machine, "gims-tlsd.service")
        self.assertIn(":8443", machine.done(LISTENS))
        print(f"serving {machine.seconds():.0f} s after the start, keys made, under emulation")
        machine.switch_off()

        machine.start()
        machine.wait_for(appliance.UP)
        self.wait_until_active(machine, "gims-tlsd.service")
        print(f"serving {machine.seconds():.0f} s after the start, under emulation")
        self.assertIn("operational", machine.done(f"{KEYD} status"))
        facts = dict(line.split(":") for line in machine.done("cat /proc/meminfo").splitlines())
        total, available = (int(facts[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        print(f"memory in use after the start: {(total - available) // 1024} of {total // 1024} MiB")
        machine.switch_off()


if __name__ == "__main__":
    unittest.main()
