"""A machine with an empty disk, and a firmware without keys, becomes a unit that serves: by the image on a stick, and by what a person
at its screen and its serial line types. Leaves pictures of what is seen there, for docs/install.md."""

import hashlib
import re
import shutil
import ssl
import tempfile
import unittest
from pathlib import Path

import appliance
import disk
import machine
import picture
import screen

# What is asked at the serial line, and what is answered.
SETUP = ((r"hi \[en\]: ", "en"), (r"Is this time right\?.*: ", ""), (r"The site's name.*: ", "chat.example"),
         (r"Whose site it is.*: ", "Test"), (r"The DNS name that devices open.*: ", ""),
         (r"02:00:00:00:00:01 none.*\n.*: ", "management"), (r"02:00:00:00:00:02 none.*\n.*: ", "officers"),
         (r"in the administrators' network.*: ", ""), (r"in the officers' network.*: ", "10.80.0.1/22"),
         (r"The name of the Wi-Fi.*: ", ""), (r"Administrators: [^:]*\nNAME=FILE: ", "Asha=/media/stick/update/Asha.pub"),
         (r"Asha\.pub\nNAME=FILE: ", ""), (r"Security officers, likewise\.\nNAME=FILE: ", "Bimal=/media/stick/update/Bimal.pub"),
         (r"Bimal\.pub\nNAME=FILE: ", ""), (r"Recovery shares: how.*: ", ""),
         (r"Where the shares go: .*: ", "/media/stick/shares.txt"), (r"Type yes to make it: ", "yes"))
CONSOLE = r"help says what can be done here\.\nThis unit has no keys yet: setup asks what its site is\.\ngims>"
# The unit's two ports.
PORTS = tuple(word for number in (1, 2) for word in ("-netdev", f"hubport,id=port{number},hubid={number}", "-device",
                                                     f"virtio-net-pci,netdev=port{number},mac=02:00:00:00:00:0{number}"))


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = appliance.FOLDER / "installed"
        shutil.rmtree(folder, ignore_errors=True)
        cls.machine = machine.Machine(folder)
        cls.machine.make(None, (), 5 << 30)
        cls.addClassCleanup(cls.machine.stop)
        cls.screen = screen.Screen(cls.machine, appliance.kernel_image())
        cls.addClassCleanup(cls.screen.close)
        cls.pictures = appliance.pictures()
        cls.enrol()
        cls.install()
        cls.first_start()
        cls.look()
        cls.setup()

    @classmethod
    def enrol(cls):
        """The firmware gets the keys of the release, by the boot menu."""
        unit = cls.machine
        unit.start(*unit.installer(appliance.image()), *cls.screen.options())
        unit.wait_for(r"Enroll Secure Boot keys: gims", meanwhile=lambda: cls.screen.press("spc"))
        cls.screen.press("down")
        # What is chosen is written anew.
        unit.wait_for(r"(Enroll Secure Boot keys: gims(.|\n)*){2}")
        cls.screen.save(cls.pictures / "boot-menu.png")
        cls.screen.press("ret")
        unit.wait_until_off()
        unit.stop()

    @classmethod
    def install(cls):
        """At the screen, while somebody at the serial line tries the same."""
        unit, seen = cls.machine, cls.screen
        unit.start(*unit.installer(appliance.image()), *seen.options())
        for place in (seen, unit):
            place.wait_for(r"The disk's name \(Enter looks again\):")
        seen.type("vda\n")
        seen.wait_for(r"\(anything else goes back\):")
        seen.type("erase vda")
        seen.save(cls.pictures / "installer.png")
        seen.type("\n")
        seen.wait_for(r"3 of 5")
        unit.type("vda\n")
        unit.wait_for(r"\(anything else goes back\):")
        unit.type("erase vda\n")
        cls.other = unit.wait_for(r"somebody installs at the other console", r"1 of 5").group()
        cls.at_the_end = seen.wait_for(r"Enter restarts\.", r"It did not succeed: .*").group()
        seen.save(cls.pictures / "installed.png")
        cls.shown = seen.words()
        seen.type("\n")
        cls.words = unit.wait_until_off()
        print(f"installed in {unit.seconds():.0f} s under emulation")
        (unit.folder / "installer.log").write_text(cls.words)
        cls.stick = unit.folder / "installer.raw"
        unit.stop()

    @classmethod
    def first_start(cls):
        """From the disk, with the persons' keys on another stick."""
        unit = cls.machine
        with tempfile.TemporaryDirectory() as folder:
            appliance.make_persons(Path(folder))
            unit.start(*unit.stick(folder, readonly=False), *PORTS, *cls.screen.options())
        appliance.wait_until_up(unit)
        cls.status = unit.done(f"{appliance.KEYD} status")
        cls.ports = appliance.ports(unit)
        cls.secure = {name: bytes.fromhex(unit.done(f"od -An -v -tx1 /sys/firmware/efi/efivars/{name}-* | tr -d ' \\n'"))[4:]
                      for name in ("PK", "KEK", "db", "SecureBoot", "SetupMode")}
        cls.failed = unit.done("systemctl list-units --failed --plain --no-legend").strip()
        cls.var = unit.done("findmnt --noheadings --output SOURCE /var").strip()

    @classmethod
    def look(cls):
        """At the wizard in Hindi, and at the screen, and leaves it again."""
        unit, seen = cls.machine, cls.screen
        unit.wait_for(CONSOLE)
        unit.type("setup\n")
        unit.wait_for(r"hi \[en\]: ")
        unit.type("hi\n")
        unit.wait_for(r"\+05:30: ")
        unit.type("\n")
        unit.wait_for(r"\[gims\.internal\]: ")
        unit.type("leave\n")
        unit.wait_for(r"\[gims\.internal\]: leave\n.*\n(.*\n)*gims> ")
        cls.hindi = cls.since(r"gims> setup\n")
        picture.save_svg(cls.pictures / "setup-hindi.svg", cls.hindi)
        seen.wait_for(CONSOLE)
        seen.type("setup\n")
        seen.wait_for(r"Is this time right\?")
        cls.at_the_screen = seen.words()
        seen.save(cls.pictures / "setup-screen.png")
        seen.type("leave\n")
        seen.wait_for(r"Left: nothing was written\.")

    @classmethod
    def since(cls, pattern):
        """What the serial line said from the last place on that looks so."""
        words = cls.machine.words()
        return words[[found.start() for found in re.finditer(pattern, words)][-1]:]

    @classmethod
    def setup(cls):
        """Typed to its end, at the serial line."""
        unit = cls.machine
        unit.type("setup\n")
        for question, answer in SETUP:
            unit.wait_for(question, words=lambda: cls.since(r"gims> setup\n"))
            unit.type(f"{answer}\n")
        try:
            cls.end = unit.wait_for(r"The unit serves\.(.*\n)*gims> ", r"It did not succeed(.*\n)*gims> ", r"does not serve yet").group()
        finally:
            cls.said = cls.since(r"gims> setup\n")
            (unit.folder / "setup.log").write_text(unit.words())
        picture.save_svg(cls.pictures / "setup.svg", cls.said)
        appliance.wait_until_active(unit, "gims-tlsd.service")

    def test_the_firmware_has_the_keys_of_the_release_and_no_others(self):
        certificates = [ssl.PEM_cert_to_DER_cert(file.read_text()) for file in appliance.CERTIFICATES]
        for name, count in (("PK", 1), ("KEK", 1), ("db", 2)):
            # EFI_SIGNATURE_LIST with one certificate: 28 bytes, and 16 of who put it there.
            self.assertEqual(len(self.secure[name]), sum(44 + len(each) for each in certificates[:count]), name)
            for each in certificates[:count]:
                self.assertIn(each, self.secure[name], name)
        self.assertEqual((self.secure["SecureBoot"], self.secure["SetupMode"]), (b"\1", b"\0"))

    def test_the_installer_is_all_that_the_stick_starts(self):
        self.assertEqual(self.at_the_end, "Enter restarts.")
        self.assertIn("GIMS is on vda.", self.shown)
        for started in ("Started gims-keyd", "Started gims-console", "Started systemd-networkd", "Mounted boot.mount"):
            self.assertNotIn(started, self.words)

    def test_one_installs_at_a_time(self):
        self.assertEqual(self.other, "somebody installs at the other console")

    def test_the_stick_is_as_it_was(self):
        """It starts the next machine too."""
        def digest(path):
            with open(path, "rb") as handle:
                return hashlib.file_digest(handle, "sha256").hexdigest()
        self.assertEqual(digest(self.stick), digest(appliance.image()))

    def test_it_is_a_unit_without_keys(self):
        self.assertRegex(self.status, r"state: +unprovisioned")
        self.assertEqual(self.ports, set())
        self.assertEqual([label for label, _, _ in disk.partitions(self.machine.disk)][4:], ["_empty"] * 3 + ["gims-data", "gims-var"])
        self.assertEqual(self.failed, "")

    def test_the_tpm_opens_var(self):
        self.assertIn("/dev/mapper/var", self.var)

    def test_the_wizard_speaks_hindi_at_the_serial_line(self):
        self.assertIn("क्या यह समय सही है?", self.hindi)
        self.assertIn("कुछ नहीं लिखा गया", self.hindi)

    def test_the_wizard_speaks_english_at_the_screen(self):
        """Whose console has no other letters, and says so."""
        self.assertIn("Is this time right?", self.at_the_screen)
        self.assertIn("Hindi", self.at_the_screen)

    def test_the_site_is_what_was_typed(self):
        self.assertRegex(self.end, r"^The unit serves\.")
        self.assertRegex(self.said, r"Site root \(SHA-256\): ")
        self.assertIn("\nhttps://chat.example:8443\n", self.end)
        unit = self.machine
        self.assertIn(8443, appliance.ports(unit))
        self.assertIn('base_url = "https://chat.example:8443"', unit.done("cat /run/gims/settings/gimsd.toml"))
        for network, address, port in (("management", "10.73.0.1/24", 1), ("officers", "10.80.0.1/22", 2)):
            self.assertIn(address, unit.done(f"networkctl status {network}"))
            self.assertIn(f"02:00:00:00:00:0{port}", unit.done(f"cat /sys/class/net/{network}/lower_*/address"))
        self.assertEqual(unit.done("systemctl list-units --failed --plain --no-legend").strip(), "")


if __name__ == "__main__":
    unittest.main()
