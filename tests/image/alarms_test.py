"""What the unit says when something of it is wrong: each measure from a tree in the places of /sys and /proc, and when an alarm
begins and ends."""

import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import acts
import root as image

RAISED, CLEARED = "860cb4b992f443bb8a44c70e6c05fe73", "ac5b24fb045d463ca25cbc39063792ea"
NOW, BUILT = 1_795_860_000, 1_795_000_000
CONF = image.ROOT / "etc/gims/alarms.conf"


class AlarmsTest(unittest.TestCase):
    def setUp(self):
        self.unit = acts.Unit(self)
        folder = self.unit.folder
        self.root, self.state = folder / "tree", folder / "alarms"
        self.state.mkdir()
        self.keyd = folder / "gims-keyd"
        self.well()

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def says(self, does):
        self.keyd.write_text(f"#!/bin/sh\n{does}\n")
        self.keyd.chmod(0o755)

    def well(self):
        """A unit of which nothing is wrong."""
        self.put("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 500 kB\n")
        self.put("proc/pressure/memory", "some avg10=90.00 avg60=90.00 avg300=90.00 total=1\nfull avg10=9.00 avg60=0.50 avg300=0.00 total=1\n")
        self.put("proc/driver/rtc", "rtc_time\t: 10:00:00\nbatt_status\t: okay\n")
        self.put("sys/class/rtc/rtc0/since_epoch", f"{NOW}\n")
        self.put("sys/class/hwmon/hwmon0/name", "coretemp\n")
        self.put("sys/class/hwmon/hwmon0/temp1_input", "50000\n")
        self.put("sys/class/thermal/thermal_zone0/temp", "27800\n")
        self.put("sys/class/tpm/tpm0/active", "1\n")
        self.put("var/log/journal/x/system.journal", "")
        self.disks(30, 5)
        self.says("echo 'state:        operational'; echo 'issuing CA:   until 2030-01-01'")
        self.unit.command("systemctl")
        self.unit.command("mountpoint")
        self.unit.command("du", "echo 300")
        self.unit.command("date", f'case $1 in +%s) echo {NOW};; *) exec /usr/bin/date "$@";; esac')
        self.unit.command("stat", f"echo {BUILT}")
        self.unit.command("find", f"echo {NOW - 200 * 86400}.5")

    def disks(self, blocks, files):
        self.unit.command("df", f"echo 'Use% IUse%'; echo ' {blocks}%   {files}%'")

    def look(self, times=1):
        for _ in range(times):
            run = subprocess.run([image.ROOT / "usr/lib/gims/alarms", self.state, CONF, self.keyd, self.root], capture_output=True, text=True, timeout=60,
                                 env={"PATH": f"{self.unit.bin}:/usr/sbin:/usr/bin"})
            self.assertEqual((run.returncode, run.stderr), (0, ""))
        return (self.state / "now").read_text().splitlines()

    def told(self):
        """(what, key, priority) of each entry of the journal."""
        entries = self.unit.journal().split("MESSAGE=")[1:]
        fields = [dict(line.split("=", 1) for line in ("MESSAGE=" + entry).splitlines()) for entry in entries]
        return [({RAISED: "raised", CLEARED: "cleared"}[entry["MESSAGE_ID"]], entry["GIMS_ALARM"], entry["PRIORITY"]) for entry in fields]

    def test_nothing_is_wrong(self):
        self.assertEqual(self.look(6), [])
        self.assertEqual(self.told(), [])

    def stands(self, runs, key, priority, text):
        """It is raised in its run and not before, told once, and told once more when it is over."""
        self.assertEqual([line for line in self.look(runs - 1) if text in line] if runs > 1 else [], [])
        lines = self.look()
        self.assertEqual(len([line for line in lines if text in line]), 1, lines)
        self.assertTrue(all(line.startswith(f"{NOW} ") for line in lines))
        self.look(4)
        mine = [entry for entry in self.told() if entry[1] == key]
        self.assertEqual(mine, [("raised", key, str(priority))])
        self.well()
        self.assertEqual(self.look(runs), [])
        self.assertEqual([entry for entry in self.told() if entry[1] == key], [*mine, ("cleared", key, "5")])

    def test_disk(self):
        self.disks(85, 3)
        self.stands(2, "disk//var", 3, "The volume /var is full to 85 per cent.")

    def test_files_of_a_disk(self):
        self.disks(10, 99)
        self.stands(2, "disk//var/lib/gims/gimsd", 3, "The volume /var/lib/gims/gimsd is full to 99 per cent.")

    def test_a_volume_that_is_not_open_is_not_measured(self):
        self.unit.command("mountpoint", '[ "$2" = /var ]')
        self.disks(99, 3)
        self.assertEqual(len(self.look(2)), 1)

    def test_memory(self):
        self.put("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 99 kB\n")
        self.stands(3, "memory/-", 4, "91 per cent of the memory")

    def test_waits_for_memory(self):
        self.put("proc/pressure/memory", "some avg10=0 avg60=0.00 avg300=0 total=0\nfull avg10=0.00 avg60=20.10 avg300=0.00 total=1\n")
        self.stands(3, "memory-waits/-", 3, "Everything waits for memory 20 per cent")

    def test_temperature(self):
        self.put("sys/class/hwmon/hwmon0/temp1_input", "85000\n")
        self.stands(2, "temperature/hwmon0/temp1_input", 2, "85 degrees warm at coretemp")

    def test_a_sensors_own_bound(self):
        self.put("sys/class/hwmon/hwmon0/temp1_crit", "70000\n")
        self.put("sys/class/hwmon/hwmon0/temp1_input", "59000\n")
        self.assertEqual(self.look(3), [])
        self.put("sys/class/hwmon/hwmon0/temp1_input", "60000\n")
        self.assertEqual(len(self.look(2)), 1)
        # One that no silicon has is none.
        self.put("sys/class/hwmon/hwmon0/temp1_crit", "0\n")
        self.assertEqual(self.look(2), [])

    def test_a_thermal_zone(self):
        self.put("sys/class/thermal/thermal_zone0/temp", "99000\n")
        self.stands(2, "temperature/thermal_zone0/temp", 2, "99 degrees warm")

    def test_a_sensor_that_says_nothing_is_none(self):
        for text in ("", "-\n", "warm\n"):
            self.put("sys/class/hwmon/hwmon0/temp1_input", text)
            self.assertEqual(self.look(2), [])

    def test_battery(self):
        self.put("sys/class/rtc/rtc0/since_epoch", f"{BUILT - 1}\n")
        self.stands(2, "battery/-", 4, "its battery is at its end")

    def test_a_battery_that_says_it(self):
        self.put("proc/driver/rtc", "batt_status\t: dead\n")
        self.stands(2, "battery/-", 4, "its battery is at its end")

    def test_clock(self):
        self.put("dev/gps0", "")
        for answer in ("echo 47505300,GPS,1", "echo 4D414E55,,1"):
            self.unit.command("chronyc", answer)
            self.assertEqual(self.look(6), [])
        for answer in ("echo 7F7F0101,,10", "exit 1"):
            with self.subTest(answer=answer):
                self.unit.command("chronyc", answer)
                self.assertEqual(len(self.look(5)), 1)

    def test_failed_units(self):
        self.unit.command("systemctl", "echo 'gims-turn.service loaded failed failed Relay'; echo 'x.mount loaded failed failed x'")
        self.stands(1, "units/-", 3, "Failed: gims-turn.service x.mount (")

    def test_custody(self):
        self.says("echo 'state:        locked'; echo 'reason:       the TPM is away'")
        self.stands(3, "custody/-", 2, "The site's keys are locked. the TPM is away")

    def test_gims_keyd_is_away(self):
        self.says("exit 1")
        self.stands(3, "custody/-", 2, "gims-keyd does not answer.")

    def test_a_unit_without_a_site(self):
        for state in ("unprovisioned", "zeroized"):
            self.says(f"echo 'state:        {state}'")
            self.assertEqual(self.look(4), [])

    def test_tpm(self):
        (self.root / "sys/class/tpm/tpm0/active").unlink()
        (self.root / "sys/class/tpm/tpm0").rmdir()
        self.stands(1, "tpm/-", 2, "The TPM is not there.")

    def test_certificates(self):
        # 90 days after NOW: 2027-02-26; a day less than a whole one has begun.
        self.says("echo 'state:        operational'; echo 'issuing CA:   until 2027-02-28'")
        self.assertEqual(self.look(2), [])
        self.says("echo 'state:        operational'; echo 'issuing CA:   until 2027-02-26'")
        self.stands(1, "certificates/-", 4, "The issuing CA ends in 89 days")

    def test_journal(self):
        self.unit.command("du", "echo 1000")
        self.assertEqual(self.look(3), [])
        self.unit.command("find", f"echo {NOW - 29 * 86400}.5")
        self.stands(2, "journal/-", 4, "The journal is full within a month")

    def test_hysteresis(self):
        """Between the two bounds nothing changes; one good run of two does not end it."""
        self.disks(85, 3)
        self.look(2)
        for used in (84, 81, 80, 81, 80, 86, 80):
            self.disks(used, 3)
            self.assertEqual(len(self.look()), 2, used)
        self.assertEqual([entry[0] for entry in self.told()], ["raised", "raised"])
        self.assertEqual(self.look(), [])
        self.disks(84, 3)
        self.assertEqual(self.look(3), [])

    def test_one_bad_run_raises_nothing(self):
        for used in (99, 10, 99, 10):
            self.disks(used, 3)
            self.assertEqual(self.look(), [])

    def test_what_is_measured_steers_no_terminal_and_no_journal(self):
        self.says("printf 'state:        locked\\nreason:       \\033[2Jx\\302\\233y\\n'")
        lines = self.look(3)
        self.assertEqual(lines, [f"{NOW} The site's keys are locked. [2Jxy"])

    def test_the_console_reads_it(self):
        self.look()
        self.assertEqual((self.state / "now").stat().st_mode & 0o777, 0o644)

    def test_thresholds(self):
        """Each measure of the script has a row, and clears below where it is raised."""
        rows = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in image.settings("etc/gims/alarms.conf")}
        for name, (high, low, runs, priority) in rows.items():
            self.assertTrue(low < high and 1 <= runs <= 5 and 2 <= priority <= 4, name)
        script = image.text("usr/lib/gims/alarms")
        self.assertEqual(set(rows), {"disk", "memory", "memory-waits", "temperature", "clock", "battery", "units", "custody", "tpm", "journal", "certificates"})
        for name in rows:
            self.assertRegex(script, rf'["/]{name} (-|\$)')
        timer = image.Unit("gims-alarms.timer")
        self.assertEqual((timer.one("OnUnitActiveSec"), timer.one("WantedBy")), ("1min", "timers.target"))
        self.assertIn("enable gims-alarms.timer", image.settings("usr/lib/systemd/system-preset/00-gims.preset"))


if __name__ == "__main__":
    unittest.main()
