"""The units of the appliance: how far each is confined, that nothing listens before the keys are open, who may log in."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

# The most exposure that systemd-analyze security may find, in tenths. Those above 15 are no daemons of ours, and need the network's
# rights that hardening.md says.
MOST = {"gims-keyd.service": 5}
MOST_OF_DAEMONS = 15
MOST_OF_OTHERS = {"gims-firewall.service": 16, "gims-names.service": 18, "gims-mdns.service": 18, "gims-wifi.service": 18, "gims-time.service": 22,
                  "gims-act-diagnostics@tty1.service": 17, "gims-data.service": 19, "gims-update.service": 19, "gims-installer@tty1.service": 19}
# The manager's own: it has no process that anybody reaches.
NOT_CONFINED = {"emergency.service"}

# What comes up before the keys are open: none of these has a socket of the network.
BEFORE_CUSTODY = {"gims-firewall.service", "gims-keyd.service", "gims-pkcs11d.service", "gims-unsealed.service", "gims-tamper.service",
                  "gims-console@tty1.service", "gims-time.service", "gims-gps.service", "gims-healthy.service", "gims-update.service", "gims-alarms.service", "gims-alarms.timer", "emergency.service",
                  "gims-installer@tty1.service"}
GATE = "gims-unsealed.service"
# It sees the rules and ports of the machine's network, and has no family of addresses.
DIAGNOSTICS = "gims-act-diagnostics@tty1.service"
# It sees the ports.
NETWORK = "gims-act-network@tty1.service"


class UnitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = image.assemble(cls.folder.name)
        cls.services = image.own_units(".service")
        # What an administrator at the console asks root for, in whatever state the unit is.
        cls.acts = [name for name in cls.services if name.startswith("gims-act-")]

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", f"--root={self.root}", "--no-pager", *arguments], capture_output=True, text=True)

    def exposure(self, name, most=100):
        """In tenths, the overall figure of systemd-analyze's table; and whether systemd-analyze itself finds it within the threshold."""
        run = self.analyze("security", "--offline=true", f"--threshold={most}", name)
        return round(float(re.search(r"Overall exposure level for \S+: ([\d.]+)", run.stdout)[1]) * 10), run.returncode == 0

    def test_confinement(self):
        self.assertGreater(len(self.services), 15)
        for name in self.services:
            if name in NOT_CONFINED:
                continue
            most = MOST.get(name) or MOST_OF_OTHERS.get(name, MOST_OF_DAEMONS)
            with self.subTest(unit=name):
                figure, within = self.exposure(name, most)
                self.assertLessEqual(figure, most)
                self.assertTrue(within)

    def test_the_bounds_are_what_they_say(self):
        """A unit that lost one protection is over its bound: the figure is systemd's, not a constant."""
        unit = self.root / "etc/systemd/system/gims-keyd.service"
        whole = unit.read_text()
        self.addCleanup(unit.write_text, whole)
        unit.write_text(whole.replace("PrivateNetwork=yes", "PrivateNetwork=no"))
        figure, within = self.exposure("gims-keyd.service", MOST["gims-keyd.service"])
        self.assertGreater(figure, MOST["gims-keyd.service"])
        self.assertFalse(within)

    def test_systemd_reads_them(self):
        """Every key, every program, every unit that is named, and no cycle of what is enabled."""
        names = [*self.services, *image.own_units(".path", ".socket", ".timer"), "systemd-networkd.service", "multi-user.target"]
        run = self.analyze("verify", "--man=no", "--recursive-errors=yes", *names)
        ours = [line for line in run.stderr.splitlines() if "gims" in line or "cycle" in line or "etc/systemd" in line]
        self.assertEqual(ours, [])
        self.assertEqual(run.returncode, 0, run.stderr)

    # ---- custody -------------------------------------------------------------------------------------------------------

    def before(self, name, keys):
        """Everything that the unit names with these keys, and they with theirs."""
        found, rest = set(), [name]
        while rest:
            unit = image.Unit(rest.pop())
            for other in (word for key in keys for word in unit.words(key)):
                if other not in found:
                    found.add(other)
                    rest.append(other)
        return found

    @staticmethod
    def is_local(name):
        """A socket of the unit's own programs, which nothing reaches from outside."""
        return name.endswith(".socket") and all(place.startswith("/run/gims/") for place in image.Unit(name).all("ListenStream"))

    def test_nothing_listens_before_the_keys_are_open(self):
        for name in [*self.services, *image.own_units(".path", ".socket", ".timer")]:
            if name in BEFORE_CUSTODY or name in self.acts or self.is_local(name):
                continue
            with self.subTest(unit=name):
                self.assertTrue(name == GATE or GATE in self.before(name, ["After"]), "not after it")
                self.assertTrue(name == GATE or GATE in self.before(name, ["Requires", "BindsTo"]), "without it")

    def test_what_comes_before_has_no_network(self):
        """No network at all; or, of the two that must see it, no port that anybody could reach."""
        for name in sorted(BEFORE_CUSTODY - NOT_CONFINED - {"gims-alarms.timer"} | set(self.acts)):
            unit = image.Unit(name)
            with self.subTest(unit=name):
                if unit.one("PrivateNetwork") != "yes":
                    self.assertIn(name, ("gims-firewall.service", "gims-time.service", DIAGNOSTICS, NETWORK))
        self.assertEqual(image.Unit(NETWORK).words("RestrictAddressFamilies"), ["AF_UNIX"])
        self.assertEqual(image.Unit(DIAGNOSTICS).words("RestrictAddressFamilies"), ["AF_UNIX", "AF_NETLINK"])
        self.assertEqual(image.Unit("gims-firewall.service").words("RestrictAddressFamilies"), ["AF_NETLINK"])
        # chronyd opens no port as long as nobody is allowed to ask; that is said by a unit that comes after.
        self.assertFalse([line for line in image.settings("etc/gims/chrony.conf") if line.split()[0] == "allow"])
        self.assertIn("allow all", image.Unit("gims-time-serve.service").one("ExecStart"))

    def test_ports_are_opened_after_the_daemon_and_closed_with_custody(self):
        unit = image.Unit("gims-open.service")
        self.assertIn("gimsd.service", unit.words("After"))
        self.assertIn(GATE, unit.words("PartOf"))
        self.assertEqual(unit.one("ExecStop").split()[-1], image.Unit("gims-firewall.service").one("ExecStart").split()[-1])
        # And before there are interfaces, nothing is open.
        self.assertIn("systemd-networkd.service", image.Unit("gims-firewall.service").words("RequiredBy"))
        self.assertIn("systemd-networkd.service", image.Unit("gims-firewall.service").words("Before"))
        self.assertIsNone(image.Unit("gims-firewall.service").one("ExecStop"))

    def test_waiting_for_custody(self):
        """The gate ends when gims-keyd says that it is operational, and at no other word of it."""
        with tempfile.TemporaryDirectory() as folder:
            keyd, count = Path(folder, "keyd"), Path(folder, "count")
            answers = ["exit 1", "echo 'state:        unprovisioned'", "echo 'state:        locked'; echo 'reason:       not operational'",
                       "echo 'organisation: state: operational'", "echo 'state:        operational'; exit 0", "echo 'state:        locked'"]
            cases = "".join(f"{number}) {answer};;\n" for number, answer in enumerate(answers, 1))
            keyd.write_text(f"#!/bin/sh\necho x >>{count}\ncase $(wc -l <{count}) in\n{cases}esac\n")
            keyd.chmod(0o755)
            subprocess.run([image.ROOT / "usr/lib/gims/wait-for-custody", keyd, "0"], check=True, timeout=60)
            self.assertEqual(len(count.read_text().splitlines()), 5)

    # ---- watchdogs, users, programs ------------------------------------------------------------------------------------

    def test_watchdogs(self):
        for name in ("gims-keyd.service", "gims-pkcs11d.service", "gims-tlsd.service", "gimsd.service"):
            unit = image.Unit(name)
            with self.subTest(unit=name):
                self.assertEqual((unit.one("Type"), unit.one("Restart")), ("notify", "always"))
                self.assertRegex(unit.one("WatchdogSec"), r"^\d+s$")
                self.assertEqual(unit.one("RestartMode"), "direct")
                self.assertEqual(unit.one("MemorySwapMax"), "0")
                self.assertEqual(unit.one("LimitMEMLOCK"), "64M")
        # Eight uses of TPM and HSM, of which gims-keyd allows 25 s together (docs/protocol-keyd.md, "One loop").
        self.assertIn("longest_use = 25s", (image.TOP / "hsm/main/settings.cpp").read_text())
        self.assertGreater(int(image.Unit("gims-keyd.service").one("WatchdogSec")[:-1]), 8 * 25)
        # In a PID namespace sd_watchdog_enabled(3) finds another number than its own, and nobody feeds the watchdog.
        self.assertEqual([name for name in self.services if image.Unit(name).one("PrivatePIDs") not in (None, "no")], [])
        # chronyd 4.6 tells systemd nothing: of Type=notify it would be ended after its time to start.
        self.assertEqual(image.Unit("gims-time.service").one("Type"), "exec")
        # Daemons that wait for custody are not given up meanwhile.
        for name in ("gims-unsealed.service", "gimsd.service", "gims-tlsd.service"):
            self.assertEqual(image.Unit(name).one("TimeoutStartSec"), "infinity")

    def users(self):
        return {line.split()[1]: int(line.split()[2]) for line in image.settings("usr/lib/sysusers.d/gims.conf") if line.startswith("u! ")}

    def test_each_process_has_a_user_of_its_own(self):
        users = self.users()
        self.assertEqual(len(set(users.values())), len(users))
        lines = [line for line in image.settings("usr/lib/sysusers.d/gims.conf") if line.startswith("u")]
        self.assertTrue(all(line.startswith("u! ") for line in lines), "an account that is not locked")
        of = {}
        for name in self.services:
            user = image.Unit(name).one("User")
            if user is None:
                # Root: acts, nft with one capability, what opens and writes partitions, what starts other units, and what starts the unit again.
                self.assertIn(name, (*self.acts, "gims-alarms.service", "gims-firewall.service", "gims-open.service", "gims-data.service", "gims-update.service", "gims-renew.service", "emergency.service",
                                     "gims-installer@tty1.service"))
                continue
            self.assertTrue(user in users or user == "systemd-resolve", user)
            of.setdefault(user, set()).add(name)
        shared = {user: names for user, names in of.items() if len(names) > 1}
        self.assertEqual(shared, {"gims-admin": {"gims-console@tty1.service", "gims-unsealed.service", "gims-healthy.service", "gims-release.service",
                                                 "gims-setup-page.service"},
                                  # ntfy, and what makes its list of users before it.
                              "gims-push": {"gims-push.service", "gims-push-user.service"},
                              "gims-time": {"gims-time.service", "gims-time-serve.service"}})

    def test_the_line_of_the_hardware(self):
        unit = image.Unit("gims-tamper.service")
        self.assertEqual(unit.one("User"), "gims-tamper")
        self.assertTrue(unit.one("ExecStart").endswith(" zeroize --hardware-line"))
        self.assertEqual(unit.one("SuccessAction"), "poweroff-force")
        self.assertIn('tamper = "gims-tamper"', image.text("etc/gims/keyd.toml"))
        # Nothing starts it but what watches the line.
        self.assertEqual(unit.all("WantedBy") + unit.all("RequiredBy"), [])
        self.assertNotIn("tamper", image.text("usr/lib/systemd/system-preset/00-gims.preset"))

    def test_devices_reach_their_users(self):
        rules = image.settings("usr/lib/udev/rules.d/71-gims.rules")
        check = subprocess.run(["udevadm", "verify", "--resolve-names=late", image.ROOT / "usr/lib/udev/rules.d/71-gims.rules"], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stderr)
        tpm = next(line for line in rules if 'KERNEL=="tpmrm0"' in line)
        self.assertIn('OWNER="gims-keyd"', tpm)
        self.assertIn('MODE="0600"', tpm)
        self.assertEqual(image.Unit("gims-keyd.service").all("DeviceAllow"), ["/dev/tpmrm0 rw"])
        # A receiver that is plugged in starts its unit, which nothing else does.
        self.assertTrue(any('SYMLINK=="gps0"' in line and 'ENV{SYSTEMD_WANTS}="gims-gps.service"' in line for line in rules))

    # ---- who may log in ------------------------------------------------------------------------------------------------

    def test_the_console_is_the_only_way_in(self):
        unit = image.Unit("gims-console@tty1.service")
        self.assertEqual(unit.one("ExecStart"), "@/usr/bin/gimsctl -gimsctl")
        self.assertEqual(unit.one("User"), "gims-admin")
        self.assertEqual(unit.words("ExecPaths"), ["/usr/bin/gimsctl", "/usr/lib/gims/gims-keyd", "/usr/lib/x86_64-linux-gnu"])
        self.assertEqual(unit.one("NoExecPaths"), "/")
        for name in ("getty@.service", "serial-getty@.service", "console-getty.service", "container-getty@.service", "autovt@.service",
                     "debug-shell.service", "ssh.service", "ssh.socket", "sshd.service", "ctrl-alt-del.target"):
            with self.subTest(unit=name):
                self.assertTrue(image.masked(name))
        # What systemd would give a shell at when the start fails.
        for name in ("emergency.service", "rescue.service"):
            self.assertNotIn("sulogin", (image.UNITS / name).read_text())
        shells = [line.split()[-1] for line in image.settings("usr/lib/sysusers.d/gims.conf") if line.split()[-1].startswith("/")]
        self.assertEqual(shells, ["/usr/bin/gimsctl"])

    def test_the_door_to_the_unit(self):
        """Each act is a socket for the console's user alone, and a program that reads and answers there."""
        self.assertGreater(len(self.acts), 1)
        doors = image.own_units(".socket")
        self.assertEqual([name for name in doors if name.startswith("gims-act-")], [name.replace("@tty1.service", ".socket") for name in self.acts])
        preset = image.settings("usr/lib/systemd/system-preset/00-gims.preset")
        for name in self.acts:
            act = name.removeprefix("gims-act-").removesuffix("@tty1.service")
            with self.subTest(act=act):
                door, unit = image.Unit(f"gims-act-{act}.socket"), image.Unit(name)
                self.assertEqual(door.all("ListenStream"), [f"/run/gims/acts/{act}"])
                self.assertEqual([door.one(key) for key in ("SocketUser", "SocketMode", "Accept", "MaxConnections")], ["gims-admin", "0600", "yes", "1"])
                self.assertEqual(door.one("WantedBy"), "sockets.target")
                self.assertIn(f"enable gims-act-{act}.socket", preset)
                self.assertEqual(unit.all("ExecStart"), [f"/usr/lib/gims/acts/{act} %i"])
                self.assertEqual([unit.one(key) for key in ("StandardInput", "StandardOutput", "StandardError", "IgnoreSIGPIPE")],
                                 ["socket", "socket", "journal", "yes"])
                self.assertRegex(unit.one("RuntimeMaxSec"), r"^\d+s$")
                self.assertEqual((unit.one("PrivateUsers") or "no", unit.one("ProtectSystem"), unit.one("IPAddressDeny")), ("no", "strict", "any"))
                program = image.ROOT / "usr/lib/gims/acts" / act
                self.assertEqual(program.stat().st_mode & 0o777, 0o755)
                self.assertEqual(subprocess.run(["sh", "-n", program], capture_output=True, text=True).stderr, "")
                lines = program.read_text().splitlines()
                self.assertEqual(lines[0], "#!/bin/sh")
                self.assertIn(". /usr/lib/gims/act", lines)
                # What comes from the console is never a command's text.
                self.assertNotRegex(program.read_text(), r"\beval\b|\bsh -c\b")

    def test_only_what_is_listed_runs(self):
        """Presets decide on everything, and enable what is there."""
        preset = image.settings("usr/lib/systemd/system-preset/00-gims.preset")
        self.assertEqual(preset[-1], "disable *")
        for line in preset[:-1]:
            name = line.split()[1]
            with self.subTest(line=line):
                self.assertTrue((image.UNITS / name).exists() or (image.SYSTEM / name).exists())
        wants = self.root / "etc/systemd/system/multi-user.target.wants"
        started = {path.name for path in wants.iterdir()}
        self.assertIn("gims-console@ttyS0.service", started)
        self.assertLessEqual({name for name in started if not name.startswith(("gims", "systemd-"))}, {"remote-fs.target", "machines.target"})

    def test_each_service_sees_no_credential_but_its_own(self):
        """What stands in /run/gims/site is for who writes it alone, and comes to a service by LoadCredential=."""
        self.assertIn("d  /run/gims/site 0700 gims-site gims-site -", image.settings("usr/lib/tmpfiles.d/gims.conf"))
        seen = {}
        for name in self.services:
            for value in image.Unit(name).all("LoadCredential"):
                credential, path = value.split(":", 1)
                self.assertNotIn(path, seen, "two services have it")
                seen[path] = name
                if path.startswith("/run/gims/site"):
                    self.assertIn(name, ("gims-turn.service", "gims-push.service", "gims-wifi.service"))
        self.assertGreater(len(seen), 8)


if __name__ == "__main__":
    unittest.main()
