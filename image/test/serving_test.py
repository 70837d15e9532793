"""From the first start to serving: keys are made in the unit's TPM, the daemons come up one after the other, and after a
start of the same image they do so by themselves. What the site writes lies on a volume whose key gims-keyd gave."""

import subprocess
import tempfile
import unittest

import appliance
import disk
from appliance import KEYD, ports, wait_until_active

DATA = "/var/lib/gims/gimsd"


class ServingTest(unittest.TestCase):
    def memory(self, machine):
        facts = dict(line.split(":") for line in machine.done("cat /proc/meminfo").splitlines())
        total, available = (int(facts[name].split()[0]) // 1024 for name in ("MemTotal", "MemAvailable"))
        return f"{total - available} of {total} MiB"

    def test_from_the_first_start_on(self):
        machine = appliance.copy("first-serving")
        self.addCleanup(machine.stop)
        machine.start()
        machine.wait_for(appliance.UP)
        # Nothing listens, and the volume of the data is not open, before the keys are.
        self.assertIn("unprovisioned", machine.done(f"{KEYD} status"))
        self.assertNotIn(8443, ports(machine))
        self.assertNotEqual(machine.ask(f"findmnt {DATA}")[0], 0)
        appliance.provision(machine)
        self.assertIn(8443, ports(machine))
        print(f"serving {machine.seconds():.0f} s after the first start, keys made, under emulation")
        self.assertEqual(machine.done(f"findmnt --noheadings --output SOURCE {DATA}").strip(), "/dev/mapper/gims-data")
        table = machine.done("dmsetup table gims-data")
        self.assertIn(" crypt aes-xts-plain64 ", table)
        machine.done(f"test -s {DATA}/gims.db")
        machine.switch_off()

        machine.start()
        machine.wait_for(appliance.UP)
        wait_until_active(machine, "gims-tlsd.service")
        print(f"serving {machine.seconds():.0f} s after a start, under emulation")
        self.assertIn("operational", machine.done(f"{KEYD} status"))
        self.assertIn(8443, ports(machine))
        machine.done(f"test -s {DATA}/gims.db")
        print(f"memory in use after a start: {self.memory(machine)}")
        # The TPM was told of this release once it served.
        self.assertEqual(machine.done("systemctl show --property Result --value gims-release.service").strip(), "success")
        # Who closes the custody closes the volume.
        machine.done("systemctl stop gims-keyd.service")
        self.assertNotEqual(machine.ask(f"findmnt {DATA}")[0], 0)
        self.assertFalse(machine.ask("test -e /dev/mapper/gims-data")[0] == 0)

    def not_served(self, machine):
        machine.start()
        machine.wait_for(appliance.UP)
        with self.assertRaises(appliance.NotSeen) as seen:
            wait_until_active(machine, "gims-tlsd.service")
        self.assertNotIn(8443, ports(machine))
        return str(seen.exception)

    def test_a_plain_volume_in_place_of_the_data(self):
        """With a file system that anybody can read and write, made to be found there: it is not mounted, and nothing is served."""
        machine = appliance.copy_serving("plain-data")
        self.addCleanup(machine.stop)
        start, size = disk.place(machine.disk, "gims-data")
        with tempfile.NamedTemporaryFile() as plain:
            plain.truncate(size)
            subprocess.run(["mkfs.ext4", "-q", "-L", "gims-data", plain.name], check=True)
            with open(machine.disk, "r+b") as handle, open(plain.name, "rb") as source:
                handle.seek(start)
                handle.write(source.read(64 << 20))
        self.assertIn("gimsd.mount", self.not_served(machine))

    def test_an_empty_volume_in_place_of_the_data(self):
        """As a new unit has it: a database is made on it, and gims-keyd, which knows of a newer one, locks."""
        machine = appliance.copy_serving("empty-data")
        self.addCleanup(machine.stop)
        start, _ = disk.place(machine.disk, "gims-data")
        with open(machine.disk, "r+b") as handle:
            handle.seek(start)
            handle.write(bytes(64 << 20))
        machine.start()
        machine.wait_for(appliance.UP)
        machine.done("until journalctl --boot --unit gimsd.service | grep -q GIMS_KEYD_OLDER; do sleep 2; done")
        self.assertIn("locked", machine.done(f"{KEYD} status"))
        self.assertNotIn(8443, ports(machine))


if __name__ == "__main__":
    unittest.main()
