"""Acts of the unit, asked for as the console's user does: who may, what is done, what is refused, and that it is entered."""

import tempfile
import unittest
from pathlib import Path

import appliance
from appliance import wait_until_active

REBOOTS = r"reboot: Restarting system"


class ActsTest(unittest.TestCase):
    def machine(self):
        made = appliance.copy(self.id().rpartition(".")[2])
        self.addCleanup(made.stop)
        return made

    def start(self, machine, *more):
        machine.start(*more)
        appliance.wait_until_up(machine)
        wait_until_active(machine, "gims-tlsd.service")

    def unit(self, machine, words, user="gims-admin"):
        """The exit status of gimsctl, and what it says."""
        return machine.ask(f"runuser -u {user} -- gimsctl unit {words} 2>&1")

    def test_what_is_looked_at(self):
        machine = self.machine()
        self.start(machine)
        status, said = self.unit(machine, "release")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"version: +\S+, release 1\nslot: +A\nstate: +(good|clean)\n")
        status, said = self.unit(machine, "clock")
        self.assertEqual(status, 0, said)
        self.assertIn("source:  none; the board's clock", said)
        machine.done("systemctl start gims-alarms.service && test -e /run/gims/alarms/now")
        self.assertEqual(machine.done("systemctl list-units --failed --plain --no-legend").strip(), "")
        for user in ("gims-time", "gimsd", "nobody"):
            self.assertEqual(self.unit(machine, "clock", user)[0], 3)

    def test_the_clock_is_set_and_that_is_entered(self):
        machine = self.machine()
        self.start(machine)
        wanted = int(machine.done("date +%s")) + 7200
        status, said = self.unit(machine, f"clock $(date -u -d @{wanted} +%Y-%m-%dT%H:%M:%S)")
        self.assertEqual(status, 0, said)
        self.assertLess(abs(int(machine.done("date +%s")) - wanted), 120)
        entries = [line for line in machine.done("gimsctl audit list").splitlines() if "unit.clock" in line]
        self.assertEqual(len(entries), 2, entries)
        self.assertEqual(self.unit(machine, "clock 2000-01-01T00:00:00")[0], 1)

    def test_a_bundle_for_support(self):
        machine = self.machine()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "empty").write_text("")
            stick = [word.replace("readonly=on", "readonly=off") for word in machine.stick(folder)]
        self.start(machine, *stick)
        status, said = self.unit(machine, "diagnostics --to report")
        self.assertEqual(status, 0, said)
        text = machine.done("tar -xzOf /media/stick/report.tar.gz")
        self.assertIn("What is in it:", text)
        self.assertNotRegex(text, r"([0-9a-f]{2}:){5}[0-9a-f]{2}|@asha|\b10\.73\.")
        self.assertEqual(self.unit(machine, "diagnostics --to report")[0], 1)

    def test_what_is_not_newer_is_not_installed(self):
        machine = self.machine()
        self.start(machine, *machine.stick(appliance.BUILT / "update"))
        for words in ("update --check", "update"):
            status, said = self.unit(machine, words)
            self.assertEqual(status, 1, said)
            self.assertIn("its signature is good", said)
            self.assertIn("not newer", said)

    def test_a_unit_with_keys_is_not_reset(self):
        machine = self.machine()
        self.start(machine)
        status, said = self.unit(machine, "reset")
        self.assertEqual(status, 1, said)
        self.assertIn("has the keys of a site", said)

    def test_a_unit_without_keys_is_reset(self):
        machine = appliance.new(self.id().rpartition(".")[2])
        self.addCleanup(machine.stop)
        machine.start()
        appliance.wait_until_up(machine)
        machine.done("touch /var/lib/gims/site/marker && sync")
        name = machine.done("echo gims-$(cut -c 1-6 /etc/machine-id)").strip()
        # The restart cuts the probe's line off.
        machine.ask(f"systemd-run --no-block runuser -u gims-admin -- gimsctl unit reset --erase {name}")
        machine.wait_for(REBOOTS)
        machine.stop()
        machine.start()
        appliance.wait_until_up(machine)
        self.assertNotEqual(machine.ask("test -e /var/lib/gims/site/marker")[0], 0)
        machine.done("! ls /sys/firmware/efi/efivars/FactoryReset-*")
        machine.done("cmp -n 1048576 /dev/disk/by-partlabel/gims-data /dev/zero")
        self.assertIn("unprovisioned", machine.done(f"{appliance.KEYD} status"))


if __name__ == "__main__":
    unittest.main()
