"""From the first start to serving: keys are made in the unit's TPM, the daemons come up one after the other, and after a
start of the same image they do so by themselves. What the site writes lies on a volume whose key gims-keyd gave."""

import subprocess
import tempfile
import unittest

import appliance
import disk
from appliance import DATA, KEYD, ports, wait_until_active


class ServingTest(unittest.TestCase):
    def machine(self):
        made = appliance.copy(self.id().rpartition(".")[2])
        self.addCleanup(made.stop)
        return made

    def memory(self, machine):
        facts = dict(line.split(":") for line in machine.done("cat /proc/meminfo").splitlines())
        total, available = (int(facts[name].split()[0]) // 1024 for name in ("MemTotal", "MemAvailable"))
        return f"{total - available} of {total} MiB"

    def test_the_first_start(self):
        """Nothing listens, and the volume of the data is not open, before the keys are."""
        first = appliance.first()
        print(f"serving {first.seconds:.0f} s after the first start, keys made, under emulation")
        self.assertIn("unprovisioned", first.status)
        self.assertNotIn(8443, first.ports)
        self.assertFalse(first.data_is_there)
        self.assertIn(8443, first.ports_serving)
        self.assertEqual(first.data_is_from, "/dev/mapper/gims-data")

    def test_a_start(self):
        machine = self.machine()
        machine.start()
        appliance.wait_until_up(machine)
        wait_until_active(machine, "gims-tlsd.service")
        print(f"serving {machine.seconds():.0f} s after a start, under emulation")
        self.assertIn("operational", machine.done(f"{KEYD} status"))
        self.assertIn(8443, ports(machine))
        self.assertIn(" crypt aes-xts-plain64 ", machine.done("dmsetup table gims-data"))
        # It is the database of before, and no new one.
        machine.done(f"test -s {DATA}/gims.db")
        self.assertNotIn("brought to a new version", machine.done("journalctl --boot --unit gimsd.service"))
        print(f"memory in use after a start: {self.memory(machine)}")
        # The TPM was told of this release once it served.
        wait_until_active(machine, "gims-release.service")
        self.assertIn("release 1", machine.done("journalctl --boot --unit gims-release.service"))
        # Who closes the custody closes the volume.
        machine.done("systemctl stop gims-keyd.service")
        self.assertNotEqual(machine.ask(f"findmnt {DATA}")[0], 0)
        self.assertNotEqual(machine.ask("test -e /dev/mapper/gims-data")[0], 0)

    def not_served(self, machine):
        machine.start()
        appliance.wait_until_up(machine)
        with self.assertRaises(appliance.NotSeen) as seen:
            wait_until_active(machine, "gims-tlsd.service")
        self.assertNotIn(8443, ports(machine))
        return str(seen.exception)

    def test_a_plain_volume_in_place_of_the_data(self):
        """With a file system that anybody can read and write, made to be found there: it is not mounted, and nothing is served."""
        machine = self.machine()
        start, size = disk.place(machine.disk, "gims-data")
        with tempfile.NamedTemporaryFile() as plain:
            plain.truncate(size)
            subprocess.run(["mkfs.ext4", "-q", "-L", "gims-data", plain.name], check=True)
            with open(machine.disk, "r+b") as handle, open(plain.name, "rb") as source:
                handle.seek(start)
                handle.write(source.read(64 << 20))
        self.assertIn("does not open with the site's key", self.not_served(machine))
        self.assertNotEqual(machine.ask("test -e /dev/mapper/gims-data")[0], 0)

    def test_an_empty_volume_in_place_of_the_data(self):
        """As a new unit has it: a database is made on it, and gims-keyd, which knows of a newer one, locks."""
        machine = self.machine()
        disk.empty(machine.disk, "gims-data")
        machine.start()
        appliance.wait_until_up(machine)
        machine.done(f"until {KEYD} status | grep -q locked; do sleep 2; done")
        self.assertIn("older copy", machine.done(f"{KEYD} status"))
        self.assertNotIn(8443, ports(machine))


if __name__ == "__main__":
    unittest.main()
