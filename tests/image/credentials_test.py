"""How the credentials of calls, push and Wi-Fi come to them on the appliance, and what happens when they change."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

FOLDER = "/run/gims/site"
SERVICES = ("turn", "push", "wifi")


class CredentialsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # In the order in which they are written, as integration/services_test.py has it of the program.
        test = (image.TOP / "tests/integration/services_test.py").read_text()
        cls.written = re.findall(r'"(.*?)"', re.search(r"^FILES = \[(.*)\]$", test, re.MULTILINE)[1])

    def of(self, service):
        return [name for name in self.written if re.split("[.-]", name)[0] == service]

    def test_each_service_has_its_own_and_starts_after_the_last(self):
        self.assertEqual([name for service in SERVICES for name in self.of(service)], self.written)
        for service in SERVICES:
            with self.subTest(service=service):
                unit = image.Unit(f"gims-{service}.service")
                taken = [f"{FOLDER}/{name}" for name in self.of(service)]
                given = [value.split(":", 1) for value in unit.all("LoadCredential")]
                self.assertEqual([path for _, path in given] + unit.all("EnvironmentFile"), taken)
                self.assertTrue(all(name == Path(path).name for name, path in given))
                self.assertEqual(image.Unit(f"gims-{service}.path").all("PathExists"), taken[-1:])

    def test_who_fetches_them(self):
        unit = image.Unit("gims-site.service")
        self.assertEqual((unit.one("User"), unit.one("PrivateUsers"), unit.one("PrivateNetwork")), ("gims-site", "no", "yes"))
        self.assertIn('services = "gims-site"', image.settings("etc/gims/keyd.toml"))
        self.assertIn(f"--out {FOLDER} ", unit.one("ExecStart"))
        self.assertEqual(unit.words("ReadWritePaths")[0], FOLDER)
        self.assertEqual(unit.one("OnSuccess"), "gims-renew.service")
        # Calls are relayed in the officers' network, under the address that the unit has there.
        address = re.search(r"--relay-address (\S+)", unit.one("ExecStart"))[1]
        self.assertIn(f"Address={address}/23", image.settings("etc/systemd/network/10-officers.network"))

    def test_when(self):
        """At the start, and so often that no list of revoked devices ends; also where gims-keyd was away."""
        timer = image.Unit("gims-site.timer")
        self.assertEqual(timer.one("OnActiveSec"), "0")
        self.assertLessEqual(int(re.fullmatch(r"(\d+)min", timer.one("OnUnitInactiveSec"))[1]), 6 * 60)
        self.assertIn("enable gims-site.timer", image.settings("usr/lib/systemd/system-preset/00-gims.preset"))
        unit = image.Unit("gims-site.service")
        self.assertEqual((unit.one("Restart"), unit.one("StartLimitIntervalSec")), ("on-failure", "0"))

    # ---- a change ------------------------------------------------------------------------------------------------------

    def renewed(self, folder):
        """The units that are started again."""
        calls = folder / "calls"
        calls.write_text("")
        run = subprocess.run([image.ROOT / "usr/lib/gims/renew", folder / "site", folder / "kept", folder / "systemctl"],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stderr)
        return calls.read_text().splitlines()

    def place(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        for name in ("site", "kept"):
            (folder / name).mkdir()
        for name in self.written:
            (folder / "site" / name).write_text(name)
        (folder / "systemctl").write_text(f"#!/bin/sh\necho \"$@\" >>{folder}/calls\n")
        (folder / "systemctl").chmod(0o755)
        return folder

    def test_whoever_has_others_is_started_again_and_nobody_else(self):
        folder = self.place()
        self.assertEqual(self.renewed(folder), [], "at the start they have what is there")
        self.assertEqual(self.renewed(folder), [], "nothing has changed")
        for name in self.written:
            with self.subTest(name=name):
                (folder / "site" / name).write_text(f"another {name}")
                service = re.split("[.-]", name)[0]
                self.assertEqual(self.renewed(folder), [f"--no-block try-restart gims-{service}.service"])
                self.assertEqual(self.renewed(folder), [])

    def test_a_change_is_not_forgotten(self):
        """Where systemd could not be told, it is told at the next time."""
        folder = self.place()
        self.renewed(folder)
        (folder / "site/push.crt").write_text("another")
        told = (folder / "systemctl").read_text()
        (folder / "systemctl").write_text("#!/bin/sh\nexit 1\n")
        run = subprocess.run([image.ROOT / "usr/lib/gims/renew", folder / "site", folder / "kept", folder / "systemctl"], timeout=60)
        self.assertNotEqual(run.returncode, 0)
        (folder / "systemctl").write_text(told)
        self.assertEqual(self.renewed(folder), ["--no-block try-restart gims-push.service"])

    def test_who_starts_it_again(self):
        unit = image.Unit("gims-renew.service")
        self.assertEqual((unit.one("User"), unit.one("CapabilityBoundingSet"), unit.one("PrivateNetwork")), (None, "CAP_DAC_READ_SEARCH", "yes"))
        self.assertEqual(unit.one("ExecStart"), "/usr/lib/gims/renew")


if __name__ == "__main__":
    unittest.main()
