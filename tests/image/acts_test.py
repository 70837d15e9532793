"""What an administrator at the console can have root do: how it is asked, answered and noted, and each act."""

import hashlib
import os
import shutil
import sys
import tarfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import acts

ASKED, ENDED = "3704c572211a4bfcaaf2ef25d2d25993", "cf563980213d45ce8d1288adab6b9e46"


class DoorTest(unittest.TestCase):
    """The library, by an act of the test's own."""

    SCRIPT = '#!/bin/sh\n. /usr/lib/gims/act\nrequest "$1" word number\nsay "word: $(given word)"\nsay "number: $(given number)"\n'

    def setUp(self):
        self.unit = acts.Unit(self)

    def act(self, asked, rest="ok\n", **more):
        return self.unit.act("power", asked, script=self.SCRIPT + rest, **more)

    def test_values_are_data(self):
        for value in ("two words", "$(touch /tmp/x) `id` ${PATH}", "'\" \\n %s * ~", "नाम", "-n", "x" * 507):
            with self.subTest(value=value):
                self.assertEqual(self.act({"word": value, "number": "1"}), ([f"word: {value}", "number: 1"], "= ok"))
        self.assertEqual(self.act(b"\n"), (["word: ", "number: "], "= ok"))

    def refused(self, asked):
        lines, end = self.act(asked, "audited test now\nok\n")
        self.assertEqual(lines, [])
        self.assertTrue(end.startswith("= refused: "), end)
        self.assertEqual(self.unit.calls("gimsctl"), [])
        return end.removeprefix("= refused: ")

    def test_what_is_no_question_is_refused(self):
        for asked, why in ((b"", "Nothing was asked."), (b"word a", "cut off"), (b"word a\n", "cut off"), (b"\nword a\n", "follows the end"), (b"\n\n", "follows the end"),
                           (b"word\n\n", "not KEY VALUE"), (b"other a\n\n", "does not know what other"), (b"wor. a\n\n", "does not know"),
                           (b"word a\nword b\n\n", "asked twice"), (b"word a\x00b\n\n", "control character"), (b"word a\rb\n\n", "control character"),
                           (b"word \x1b[2J\n\n", "control character"), (b"word \xc2\x9b\n\n", "control character"), (b"word \xff\n\n", "not UTF-8"),
                           (b"word \xc0\xaf\n\n", "not UTF-8"), (b"word " + b"x" * 508 + b"\n\n", "more than 512 bytes"), (b"word " + b"x" * 100000, ""),
                           (b"word a\n" * 17 + b"\n", "")):
            with self.subTest(asked=asked[:20]):
                self.assertIn(why, self.refused(asked))

    def test_it_is_noted_who_asked_and_how_it_ended(self):
        self.act({"word": "a"}, 'audited "test" "what it does"\nok\n')
        begun, ended = [call.split(" --step ") for call in self.unit.calls("gimsctl")]
        self.assertEqual(begun, ["audit record unit.test --at ttyS0", "begun --text what it does"])
        self.assertEqual(ended, ["audit record unit.test --at ttyS0", "done --text "])
        journal = self.unit.journal()
        self.assertLess(journal.index(f"MESSAGE_ID={ASKED}"), journal.index(f"MESSAGE_ID={ENDED}"))
        self.assertEqual(journal.count("GIMS_AT=ttyS0"), 2)

    def test_who_is_at_no_console_is_unknown(self):
        self.act({"word": "a"}, instance="0-124-806")
        self.assertIn("GIMS_AT=unknown", self.unit.journal())

    def test_it_is_done_where_the_audit_log_is_away(self):
        self.unit.command("gimsctl", "exit 3")
        self.assertEqual(self.act(b"\n", "audited test now\nok\n")[1], "= ok")
        self.assertIn("the audit log does not have it: unit.test begun", self.unit.err)

    def test_every_end_is_told(self):
        for rest, end, step in (('refuse "not now"\n', "= refused: not now", "refused"), ('fail "try again"\n', "= failed: try again", "failed"),
                                ("exit 0\n", "= failed: It ended before", "failed"), ("kill -TERM $$\nsleep 1\n", "= failed: It ended before", "failed"),
                                ("set -eu\nfalse\n", "= failed: It ended before", "failed"), ("set -u\necho $none\n", "= failed: It ended before", "failed")):
            with self.subTest(rest=rest):
                unit = self.unit = acts.Unit(self)
                self.assertTrue(self.act(b"\n", f"audited test now\n{rest}")[1].startswith(end))
                self.assertIn(f"--step {step} ", unit.calls("gimsctl")[-1])
                self.assertEqual(unit.journal().count(ENDED), 1)

    def test_it_goes_on_when_nobody_listens_any_more(self):
        """The console is gone after the first line; the act is done to its end."""
        reading, writing = os.pipe()
        os.close(reading)
        self.act(b"\n", "set -e\naudited test now\nsay one\nsay two\nok\n", output=writing)
        os.close(writing)
        self.assertEqual(self.unit.status, 0)
        self.assertIn("--step done ", self.unit.calls("gimsctl")[-1])


class PowerTest(unittest.TestCase):
    def setUp(self):
        self.unit = acts.Unit(self)

    def test_restart_and_off(self):
        for how, verb in (("restart", "reboot"), ("off", "poweroff")):
            with self.subTest(how=how):
                self.assertEqual(self.unit.act("power", {"how": how})[1], "= ok")
                self.assertEqual(self.unit.calls("systemctl")[-1], f"--no-block {verb}")
                self.assertIn(f"audit record unit.{how} --at ttyS0 --step done", self.unit.calls("gimsctl")[-1])

    def test_nothing_else(self):
        for asked in ({}, {"how": "halt"}):
            self.assertTrue(self.unit.act("power", asked)[1].startswith("= refused: "))
        self.assertEqual(self.unit.calls("systemctl"), [])

    def test_a_manager_that_does_not_answer(self):
        self.unit.command("systemctl", "exit 1")
        self.assertTrue(self.unit.act("power", {"how": "off"})[1].startswith("= failed: "))


class ClockTest(unittest.TestCase):
    NOW, BUILT = 1_795_860_000, 1_795_000_000  # 2026-11-28T10:00:00Z

    def setUp(self):
        self.unit = acts.Unit(self)
        self.unit.command("chronyc", 'case "$*" in *tracking) echo "7F7F0101,,10,1795859000.0,0.000000012,0,0,0,0,0,0,0,0,Normal";; esac')
        # Only what asks for now is answered by the test.
        self.unit.command("date", f'case $1 in +%s) echo {self.NOW};; *) exec /usr/bin/date "$@";; esac')
        self.unit.command("stat", f"echo {self.BUILT}")

    def set(self, time, **more):
        return self.unit.act("clock", {"time": time, **more})

    def test_shows_what_it_goes_by(self):
        for id, source in (("7F7F0101", "none; the board's clock"), ("47505300", "a GPS receiver"), ("50505300", "the pulse"), ("4D414E55", "a person"), ("00000000", "none yet")):
            self.unit.command("chronyc", f'echo "{id},,10,0,-0.25,0"')
            lines, end = self.unit.act("clock")
            self.assertEqual(end, "= ok")
            self.assertIn(f"source:  {source}", lines[1])
            self.assertEqual(lines[2], "offset:  -0.25 s")
        self.assertEqual(self.unit.calls("gimsctl"), [])

    def test_sets_it(self):
        for time, jump in (("2026-11-28T10:15:00", "forward by 15 min."), ("2026-11-28T15:15:01Z", "forward by 5 h 15 min 1 s."), ("2026-11-28T15:29:59+05:30", "back by 1 s.")):
            with self.subTest(time=time):
                lines, end = self.set(time)
                self.assertEqual((lines[0], end), (f"The clock goes {jump}", "= ok"))
        settings = [call.split("settime ")[1] for call in self.unit.calls("chronyc") if "settime" in call]
        self.assertEqual(settings, ["2026-11-28 10:15:00", "2026-11-28 15:15:01", "2026-11-28 09:59:59"])
        self.assertEqual(len([call for call in self.unit.calls("chronyc") if call.endswith("makestep")]), 3)
        self.assertIn("audit record unit.clock --at ttyS0 --step begun --text forward by 900 s", self.unit.calls("gimsctl"))

    def test_bounds(self):
        for time, why in (("2026-11-18T11:06:39", "This release was made at 2026-11-18T11:06:40"), ("2047-01-01T00:00:00", "more than 20 years"), ("2026-02-30T00:00:00", "no such time"),
                          ("yesterday", "is written"), ("@0", "is written"), ("2026-11-28 10:15:00", "is written"), ("2026-11-28T10:15:00;id", "is written"),
                          ("2026-11-29T10:00:01", "more than a day"), ("2026-11-27T09:59:59", "more than a day")):
            with self.subTest(time=time):
                end = self.set(time)[1]
                self.assertTrue(end.startswith("= refused: "), end)
                self.assertIn(why, end)
        self.assertFalse([call for call in self.unit.calls("chronyc") if "settime" in call])
        self.assertEqual(self.set("2026-11-29T10:00:01", far="yes")[1], "= ok")

    def test_chronyd_is_away(self):
        self.unit.command("chronyc", "exit 1")
        self.assertTrue(self.unit.act("clock")[1].startswith("= failed: "))
        self.assertTrue(self.set("2026-11-28T10:15:00")[1].startswith("= failed: "))


class UpdateTest(unittest.TestCase):
    LIST = "{} *gims_{}.efi\n{} *gims_{}.policy\n"

    def setUp(self):
        self.unit = acts.Unit(self)
        folder = self.unit.folder
        self.boot, self.media, self.devices, self.etc = (folder / name for name in ("boot", "media", "dev", "etc"))
        for made in (self.boot / "gims", self.boot / "EFI/Linux", self.media / "stick", self.devices):
            made.mkdir(parents=True)
        (folder / "os-release").write_text('ID=debian\nIMAGE_VERSION="1.2.0"\n')
        self.unit.bind(folder / "os-release", "/usr/lib/os-release")
        for source, target in ((self.boot, "/boot"), (self.media, "/media"), (self.devices, "/dev/disk")):
            self.unit.tmpfs(target)
            self.unit.bind(source, target)
        self.image("1.2.0", 7)
        self.unit.command("gpgv", "exit 0")
        self.unit.command("journalctl", "exit 0")
        self.unit.command("sleep", "exit 0")
        # As systemd compares them, for what the tests have.
        self.unit.command("systemd-analyze", '[ "$(printf "%s\\n" "$2" "$4" | sort -V | tail -n 1)" = "$2" ] && [ "$2" != "$4" ]')
        self.blessed("echo good")

    def blessed(self, does):
        path = self.unit.folder / "blessed"
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        self.unit.bind(path, "/usr/lib/gims/blessed")

    @staticmethod
    def policy(number):
        return b"GIMSRPOL\0\1" + number.to_bytes(8, "big") + b"more"

    def image(self, version, number, counted=""):
        (self.boot / "EFI/Linux" / f"gims_{version}{counted}.efi").write_text("")
        (self.boot / "gims" / f"gims_{version}.policy").write_bytes(self.policy(number))

    def stick(self, version="1.3.0", number=8):
        (self.devices / "by-label").mkdir(exist_ok=True)
        (self.devices / "by-label/GIMS").touch()
        bundle = self.media / "stick/update"
        bundle.mkdir(exist_ok=True)
        files = {f"gims_{version}.efi": b"image", f"gims_{version}.policy": self.policy(number)}
        for name, data in files.items():
            (bundle / name).write_bytes(data)
        (bundle / "SHA256SUMS").write_text("".join(f"{hashlib.sha256(data).hexdigest()} *{name}\n" for name, data in files.items()))
        (bundle / "SHA256SUMS.gpg").write_text("")
        return bundle

    def do(self, what):
        return self.unit.act("update", {"do": what})

    def test_release(self):
        lines, end = self.do("release")
        self.assertEqual((lines, end), (["version:     1.2.0, release 7", "slot:        unknown", "state:       good", "tries:       not counted", "other slot:  empty"], "= ok"))
        self.image("1.1.0", 6)
        self.assertIn("other slot:  1.1.0, release 6, slot unknown, tries: not counted", self.do("release")[0])

    def test_tries(self):
        (self.boot / "EFI/Linux/gims_1.2.0.efi").unlink()
        self.image("1.2.0", 7, "+2-1")
        self.image("1.3.0", 8, "+3")
        lines = self.do("release")[0]
        self.assertIn("tries:       2 left, 1 used", lines)
        self.assertIn("other slot:  1.3.0, release 8, slot unknown, tries: 3 left", lines)

    def test_check(self):
        self.stick()
        lines, end = self.do("check")
        self.assertEqual(end, "= ok")
        self.assertEqual(lines[:2], ["on the stick: 1.3.0, release 8; its signature is good", "on this unit: 1.2.0, release 7"])
        self.assertEqual(self.unit.calls("systemctl"), [])
        self.assertEqual(self.unit.calls("gimsctl"), [])
        self.assertIn("--keyring /usr/lib/systemd/import-pubring.gpg", self.unit.calls("gpgv")[0])

    def refused(self, why, what="install"):
        end = self.do(what)[1]
        self.assertTrue(end.startswith("= refused: "), end)
        self.assertIn(why, end)
        self.assertNotIn("start gims-update.service", self.unit.calls("systemctl"))

    def test_what_is_no_update_is_refused(self):
        self.refused("no stick")
        bundle = self.stick()
        (bundle / "gims_1.3.0.efi").write_bytes(b"imagf")
        self.refused("missing or damaged")
        self.refused("missing or damaged", "check")
        (bundle / "gims_1.3.0.efi").unlink()
        self.refused("missing or damaged")
        for version in ("1.2.0", "1.1.9"):
            self.stick(version)
            self.refused("not newer")
        for text in ("", "0 *gims_9.efi\n", f"{'0' * 64} *gims_9.efi\n{'0' * 64} *gims_8.efi\n", f"{'0' * 64} *gims_..%2f.efi\n"):
            (bundle / "SHA256SUMS").write_text(text)
            self.refused("none of this appliance")
        (bundle / "SHA256SUMS").write_text("x" * 16385)
        self.refused("longer than")
        self.unit.command("gpgv", "exit 1")
        self.stick()
        self.refused("The signature")
        (bundle / "SHA256SUMS.gpg").unlink()
        self.refused("no SHA256SUMS")
        shutil.rmtree(bundle)
        self.refused("no folder update")

    def test_what_has_no_way_back_is_not_updated(self):
        self.stick()
        self.blessed("echo indeterminate; exit 1")
        self.refused("not told to be good yet")

    def test_one_at_a_time(self):
        self.stick()
        self.unit.command("systemctl", '[ "$1" != show ] || echo activating')
        self.refused("written already")

    def test_install(self):
        self.stick()
        self.unit.command("journalctl", "case $* in *--unit=*) echo Writing the root.;; esac")
        self.unit.command("systemctl", 'case "$*" in "start gims-update.service") exec /usr/bin/sleep 0.5;; esac')
        lines, end = self.do("install")
        self.assertEqual(end, "= ok")
        self.assertIn("Writing the root.", lines)
        self.assertEqual(lines[-1], "It is written. The unit restarts now.")
        calls = self.unit.calls("systemctl")
        self.assertLess(calls.index("stop media-stick.mount"), calls.index("start gims-update.service"))
        self.assertEqual([call.split(" --text ")[0].split()[-1] for call in self.unit.calls("gimsctl")], ["begun", "done"])
        self.assertIn("from 1.2.0 to 1.3.0", self.unit.calls("gimsctl")[0])

    def test_an_update_that_fails(self):
        self.stick()
        self.unit.command("systemctl", '[ "$1" != start ]')
        self.assertTrue(self.do("install")[1].startswith("= failed: The update was not written"))
        self.assertIn("--step failed ", self.unit.calls("gimsctl")[-1])

    def test_the_stick_is_in_use(self):
        self.stick()
        self.unit.command("systemctl", '[ "$1" != stop ]')
        self.refused("in use")


class DiagnosticsTest(unittest.TestCase):
    # What must not leave the unit, in the forms in which it could be written.
    PLANTED = [
        "@asha.rao:gims.internal", "!kQzWmPabcdefGHIJkl:gims.internal", "!0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", "$Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm8", "#desk:gims.internal",
        "10.73.2.17", "10.73.2.17:51234", "192.0.2.0/24", "52:54:00:12:34:56", "52-54-00-12-34-56", "fe80::5054:ff:fe12:3456", "2001:db8:1:2:3:4:5:6", "::1",
        "QWERTYUIOP", "MDAxOGxvY2F0aW9uIGdpbXMuaW50ZXJuYWwKMDAxM2lkZW50", "5f4dcc3b5aa765d61d8327deb882cf99", "ffff888012345678", "syt_ZGVzay5vZmZpY2Vy_abcdefghijklmnopq_1kzxyz"]
    NAMED = ["sae_password=hunter2", "password: hunter2", "The passphrase was hunter2", "static-auth-secret=hunter2", "access_token hunter2", "ssid=hunter2", "SSID: hunter2", "PIN=hunter2",
             "identity hunter2", "wpa_psk=hunter2", "SerialNumber: hunter2", "usb-0:1: dev-disk-by\\x2did-hunter2.device", "/dev/disk/by-id/hunter2"]
    CERTIFICATE = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"

    def setUp(self):
        self.unit = acts.Unit(self)
        self.media = self.unit.folder / "media"
        self.stick = self.media / "stick"
        self.stick.mkdir(parents=True)
        devices = self.unit.folder / "dev"
        (devices / "by-label").mkdir(parents=True)
        (devices / "by-label/GIMS").touch()
        for source, target in ((self.media, "/media"), (devices, "/dev/disk")):
            self.unit.tmpfs(target)
            self.unit.bind(source, target, "--bind")
        self.unit.tmpfs("/tmp/bundle")
        planted = self.unit.folder / "planted"
        lines = [f"2026-11-28T10:15:00+0000 gimsd[12]: before {word} after" for word in self.PLANTED] + self.NAMED + [self.CERTIFICATE, "a line that stays"]
        planted.write_text("\n".join(lines) + "\n")
        for name in ("journalctl", "systemctl", "systemd-analyze", "nft", "df", "uname"):
            self.unit.command(name, f"cat {planted}")
        keyd = self.unit.folder / "gims-keyd"
        keyd.write_text("#!/bin/sh\necho 'state:        operational'\necho 'organisation: Office of hunter2'\n")
        keyd.chmod(0o755)
        self.unit.bind(keyd, "/usr/lib/gims/gims-keyd")
        site = self.unit.folder / "network"
        site.mkdir()
        (site / "10-port.network").write_text("[Match]\nMACAddress=52:54:00:12:34:56\n[Network]\nBridge=officers\nAddress=10.73.2.17/24\n")
        self.unit.tmpfs("/var/lib/gims/site/network")
        self.unit.bind(site, "/var/lib/gims/site/network")

    def bundle(self, name="report"):
        with tarfile.open(self.stick / f"{name}.tar.gz") as archive:
            return [(member.name, archive.extractfile(member).read().decode()) for member in archive if member.isfile()]

    def test_nothing_of_what_was_planted_is_in_it(self):
        lines, end = self.unit.act("diagnostics", {"to": "report"})
        self.assertEqual(end, "= ok", lines)
        found = self.bundle()
        self.assertEqual(found[0][0], "bundle/00-README.txt")
        self.assertEqual({name.removeprefix("bundle/").removesuffix(".txt") for name, _ in found[1:]},
                         {"versions", "state", "units", "start", "journal", "kernel", "figures", "networks", "firewall", "pcrs"})
        for name, text in found:
            for word in [*self.PLANTED, "hunter2", "asha", "kQzWmP", "0123456789abcdefghij", "2.17", "12:34", "3456"]:
                with self.subTest(file=name, word=word):
                    self.assertNotIn(word, text)
        texts = dict(found)
        for name in ("units", "start", "journal", "kernel", "firewall", "figures"):
            self.assertIn("a line that stays", texts[f"bundle/{name}.txt"])
        self.assertIn("Bridge=officers", texts["bundle/networks.txt"])
        self.assertIn("state:        operational", texts["bundle/state.txt"])
        self.assertIn("journal.txt: what the manager", texts["bundle/00-README.txt"])
        self.assertEqual(list(self.stick.iterdir()), [self.stick / "report.tar.gz"])

    def test_who_talks_is_not_asked_for(self):
        self.unit.act("diagnostics", {"to": "report"})
        asked = " ".join(self.unit.calls("journalctl"))
        for unit in ("names", "mdns", "wifi", "turn", "push"):
            self.assertNotIn(f"--unit=gims-{unit}", asked)
        self.assertNotIn("--all", asked)
        for call in self.unit.calls("journalctl"):
            if "--output" in call:
                self.assertRegex(call, r"--output=short-(iso|monotonic) .*--lines=\d+|--output=short-monotonic .*--lines=\d+")

    def test_a_filter_that_does_nothing_writes_nothing(self):
        """What the search finds stays on the unit."""
        for word in ("@asha.rao:gims.internal", "10.73.2.17", "52:54:00:12:34:56", "-----BEGIN PRIVATE KEY-----"):
            with self.subTest(word=word):
                unfiltered = self.unit.folder / "unfiltered"
                unfiltered.write_text("p\n")
                self.unit.command("nft", f"echo '{word}'")
                script = (acts.image.ROOT / "usr/lib/gims/acts/diagnostics").read_text().replace("/usr/lib/gims/without-names", str(unfiltered))
                for name in ("journalctl", "systemctl", "systemd-analyze", "df", "uname"):
                    self.unit.command(name, "echo nothing")
                script = script.replace("for file in /var/lib/gims/site/network/*", "for file in /none")
                end = self.unit.act("diagnostics", {"to": "report"}, script=script)[1]
                self.assertTrue(end.startswith("= failed: It was not written"), end)
                self.assertEqual(list(self.stick.iterdir()), [])

    def test_the_list_writes_nothing(self):
        lines, end = self.unit.act("diagnostics", {"list": "yes"})
        self.assertEqual((end, len(lines)), ("= ok", 11))
        self.assertEqual(list(self.stick.iterdir()), [])
        self.assertEqual(self.unit.calls("journalctl"), [])

    def test_names_and_sticks(self):
        for name in ("", ".x", "-x", "a/b", "../x", "a b", "x" * 65):
            self.assertTrue(self.unit.act("diagnostics", {"to": name} if name else {})[1].startswith("= refused: "), name)
        (self.stick / "report.tar.gz").write_text("mine")
        self.assertIn("already", self.unit.act("diagnostics", {"to": "report"})[1])
        self.assertEqual((self.stick / "report.tar.gz").read_text(), "mine")
        (self.unit.folder / "dev/by-label/GIMS").unlink()
        self.assertIn("no stick", self.unit.act("diagnostics", {"to": "other"})[1])

    def test_a_stick_that_cannot_be_written(self):
        self.unit.command("tar", 'while [ "$1" != --file ]; do shift; done; echo x >"$2"; exit 1')
        end = self.unit.act("diagnostics", {"to": "report"})[1]
        self.assertTrue(end.startswith("= failed: The stick cannot be written"), end)
        self.assertEqual(list(self.stick.iterdir()), [])


class ResetTest(unittest.TestCase):
    VARIABLE = "FactoryReset-8cf2644b-4b0b-428f-9387-6d876050dc67"

    def setUp(self):
        self.unit = acts.Unit(self)
        folder = self.unit.folder
        self.variables, self.devices = folder / "variables", folder / "dev"
        self.variables.mkdir()
        (self.devices / "by-partlabel").mkdir(parents=True)
        self.data = self.devices / "by-partlabel/gims-data"
        self.data.write_bytes(b"x" * (17 << 20))
        (folder / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        self.unit.bind(folder / "machine-id", "/etc/machine-id")
        self.unit.tmpfs("/sys/firmware")
        self.unit.bind(self.variables, "/sys/firmware/efi/efivars", "--bind")
        self.unit.tmpfs("/dev/disk")
        self.unit.bind(self.devices, "/dev/disk", "--bind")
        self.unit.command("blkdiscard", "exit 1")
        self.keyd("echo 'state:        zeroized'")

    def keyd(self, does):
        path = self.unit.folder / "gims-keyd"
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        self.unit.bind(path, "/usr/lib/gims/gims-keyd")

    def nothing_was_done(self):
        self.assertEqual(self.data.read_bytes(), b"x" * (17 << 20))
        self.assertEqual(list(self.variables.iterdir()), [])
        self.assertEqual(self.unit.calls("systemctl") + self.unit.calls("blkdiscard") + self.unit.calls("gimsctl"), [])

    def test_a_site_is_not_lost_by_one_person(self):
        """Whatever gims-keyd says but that it has no keys; and where it says nothing."""
        for does in ("echo 'state:        operational'", "echo 'state:        locked'; echo 'reason:       state: zeroized'", "exit 1",
                     "echo 'state:        provisioning'", "echo 'state:        zeroized'; echo 'state:        locked'", "echo 'reason: unprovisioned'"):
            with self.subTest(does=does):
                self.keyd(does)
                self.assertTrue(self.unit.act("reset", {"erase": "gims-012345"})[1].startswith("= refused: "))
                self.nothing_was_done()

    def test_it_asks_for_the_units_name(self):
        for asked in ({}, {"erase": "gims"}, {"erase": "gims-012346"}):
            lines, end = self.unit.act("reset", asked)
            self.assertEqual(end, "= refused: If that is meant, type: unit reset --erase gims-012345")
            self.assertEqual(len(lines), 2)
            self.nothing_was_done()

    def test_erases(self):
        for state in ("zeroized", "unprovisioned"):
            with self.subTest(state=state):
                self.keyd(f"echo 'state:        {state}'")
                self.assertEqual(self.unit.act("reset", {"erase": "gims-012345"})[1], "= ok")
        data = self.data.read_bytes()
        self.assertEqual((data[:16 << 20], data[16 << 20:]), (bytes(16 << 20), b"x" * (1 << 20)))
        self.assertEqual((self.variables / self.VARIABLE).read_bytes(), b"\x07\0\0\0" + "yes\0".encode("utf-16-le"))
        self.assertEqual(self.unit.calls("systemctl")[:2], ["stop gims-unsealed.service", "--no-block reboot"])
        self.assertIn("audit record unit.reset --at ttyS0 --step begun --text gims-012345, zeroized", self.unit.calls("gimsctl"))

    def test_what_is_open_is_not_erased(self):
        self.unit.command("systemctl", "exit 1")
        self.assertTrue(self.unit.act("reset", {"erase": "gims-012345"})[1].startswith("= failed: What uses the data"))
        self.assertEqual(self.data.read_bytes(), b"x" * (17 << 20))
        self.assertEqual(list(self.variables.iterdir()), [])

    def test_the_partitions_that_are_made_anew(self):
        folder = acts.image.TOP / "image/build/extra/usr/lib/repart.d"
        made_anew = {path.name for path in folder.iterdir() if "FactoryReset=yes" in path.read_text()}
        self.assertEqual(made_anew, {"40-var.conf", "50-data.conf"})


if __name__ == "__main__":
    unittest.main()
