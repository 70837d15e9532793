"""Acts of the unit, asked for as the console's user does: who may, what is done, what is refused, and that it is entered. And how a
unit ends: restarted, off, and made as it came."""

import shutil
import unittest

import appliance
import disk
from appliance import CONSOLE, POWER_DOWN, REBOOTS, wait_until_active


def start(machine, *more):
    machine.start(*more)
    appliance.wait_until_up(machine)
    wait_until_active(machine, "gims-tlsd.service")


def said_by(machine, words, user="gims-admin"):
    """The exit status of gimsctl, and what it says."""
    return machine.ask(f"runuser -u {user} -- gimsctl {words} 2>&1")


def entries(machine, act):
    return [line for line in machine.done("gimsctl audit list").splitlines() if act in line]


class ActsTest(unittest.TestCase):
    """On one site that serves, with a stick that has the release that runs."""

    @classmethod
    def setUpClass(cls):
        cls.machine = appliance.copy("acts")
        cls.addClassCleanup(cls.machine.stop)
        start(cls.machine, *cls.machine.stick(appliance.BUILT / "update", readonly=False))

    def unit(self, words, user="gims-admin"):
        return said_by(self.machine, f"unit {words}", user)

    def test_what_is_looked_at(self):
        status, said = self.unit("release")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"version: +\S+, release 1\nslot: +A\nstate: +(good|clean)\n")
        status, said = self.unit("clock")
        self.assertEqual(status, 0, said)
        self.assertIn("source:  none; the board's clock", said)
        for user in ("gims-time", "gimsd", "nobody"):
            self.assertEqual(self.unit("clock", user)[0], 3)

    def test_an_alarm_begins_and_ends(self):
        machine = self.machine
        self.assertEqual(machine.done("systemctl list-units --failed --plain --no-legend").strip(), "")
        self.assertNotIn("Failed:", self.unit("alarms")[1])
        machine.ask("systemd-run --unit spoiled --wait false")
        machine.done("systemctl start gims-alarms.service")
        status, said = self.unit("alarms")
        self.assertEqual(status, 0, said)
        self.assertIn("Failed: spoiled.service", said)
        machine.wait_for(CONSOLE)
        machine.type("\n")
        machine.wait_for(r"ALARM: Failed: spoiled\.service")
        machine.done("systemctl reset-failed spoiled.service && systemctl start gims-alarms.service")
        self.assertNotIn("Failed:", self.unit("alarms")[1])
        told = machine.done("journalctl --boot --output=cat SYSLOG_IDENTIFIER=alarm").splitlines()
        self.assertEqual([line for line in told if "spoiled" in line],
                         [f"{over}Failed: spoiled.service (unit diagnostics has more)." for over in ("", "It is over: ")])

    def test_the_clock_is_set_and_that_is_entered(self):
        machine = self.machine
        wanted = int(machine.done("date +%s")) + 7200
        status, said = self.unit(f"clock $(date -u -d @{wanted} +%Y-%m-%dT%H:%M:%S)")
        self.assertEqual(status, 0, said)
        self.assertLess(abs(int(machine.done("date +%s")) - wanted), 120)
        self.assertEqual(len(entries(machine, "unit.clock")), 2)
        self.assertEqual(self.unit("clock 2000-01-01T00:00:00")[0], 1)

    def test_a_bundle_for_support(self):
        status, said = self.unit("diagnostics --to report")
        self.assertEqual(status, 0, said)
        text = self.machine.done("tar -xzOf /media/stick/report.tar.gz")
        self.assertIn("What is in it:", text)
        self.assertNotRegex(text, r"([0-9a-f]{2}:){5}[0-9a-f]{2}|@asha|\b10\.73\.")
        self.assertEqual(self.unit("diagnostics --to report")[0], 1)

    def test_what_is_not_newer_is_not_installed(self):
        for words in ("update --check", "update"):
            status, said = self.unit(words)
            self.assertEqual(status, 1, said)
            self.assertIn("its signature is good", said)
            self.assertIn("not newer", said)

    def test_a_site_is_not_lost_by_one_person(self):
        status, said = self.unit("reset")
        self.assertEqual(status, 1, said)
        self.assertIn("has the keys of a site", said)


class EndsTest(unittest.TestCase):
    def machine(self):
        made = appliance.copy(self.id().rpartition(".")[2])
        self.addCleanup(made.stop)
        return made

    def typed(self, machine, command, *seen):
        machine.wait_for(CONSOLE)
        machine.type(f"{command}\n")
        return machine.wait_for(*seen)

    def test_restart_and_off(self):
        """At the serial console; the site serves after it, and knows who asked."""
        machine = self.machine()
        start(machine)
        self.typed(machine, "unit restart", REBOOTS)
        self.assertIn("Everything is stopped in order", machine.words())
        machine.wait_until_off()
        machine.stop()
        start(machine)
        found = entries(machine, "unit.restart")
        self.assertEqual(len(found), 2, found)
        for entry in found:
            self.assertIn("ttyS0", entry)
        self.typed(machine, "unit off", POWER_DOWN)
        machine.wait_until_off()

    def reset(self, machine):
        """From the word that is asked for to a start of the unit as it came."""
        name = machine.done("echo gims-$(cut -c 1-6 /etc/machine-id)").strip()
        self.typed(machine, f"unit reset --erase {name}", REBOOTS)
        machine.wait_until_off()
        machine.stop()
        self.assertEqual(self.first_bytes(machine, "gims-data", 16 << 20).strip(b"\0"), b"")
        machine.start()
        appliance.wait_until_up(machine)
        machine.wait_for(r"This unit has no keys yet: setup asks what its site is\.")
        self.assertIn("unprovisioned", machine.done(f"{appliance.KEYD} status"))
        machine.done("! ls /sys/firmware/efi/efivars/FactoryReset-*")

    def first_bytes(self, machine, label, count):
        start, _ = disk.place(machine.disk, label)
        with open(machine.disk, "rb") as handle:
            handle.seek(start)
            return handle.read(count)

    def test_a_site_is_erased_by_two_persons(self):
        """One alone destroys nothing; after two, and the reset, nothing of the site is left, and the unit takes another one."""
        machine = self.machine()
        start(machine, *machine.stick(machine.folder / "persons"))
        key = "zeroize --as {0} --key /media/stick/update/{0}.pem"
        status, said = said_by(machine, key.format("Asha"))
        self.assertEqual(status, 0, said)
        self.assertEqual(said_by(machine, key.format("Asha"))[0], 1)
        self.assertIn("operational", machine.done(f"{appliance.KEYD} status"))
        status, said = said_by(machine, key.format("Bimal"))
        self.assertEqual(status, 0, said)
        self.assertIn("zeroized", machine.done(f"{appliance.KEYD} status"))
        machine.done("echo old >/var/lib/gims/site/marker && sync")
        head = self.first_bytes(machine, "gims-var", 1 << 20)
        self.reset(machine)
        # The volume with the sealed files and the journal is another one, under another key.
        self.assertNotEqual(self.first_bytes(machine, "gims-var", 1 << 20), head)
        machine.done("! test -e /var/lib/gims/site/marker && ! find /var/lib/gims/keyd -type f | grep .")
        shutil.rmtree(machine.folder / "persons")
        appliance.provision(machine)
        self.assertEqual(machine.done("gimsctl user list | grep -c asha || :").strip(), "0")

    def test_a_unit_without_keys_is_reset(self):
        machine = appliance.new(self.id().rpartition(".")[2])
        self.addCleanup(machine.stop)
        machine.start()
        appliance.wait_until_up(machine)
        machine.done("touch /var/lib/gims/site/marker && sync")
        self.reset(machine)
        machine.done("! test -e /var/lib/gims/site/marker")


if __name__ == "__main__":
    unittest.main()
