"""A machine with an empty disk and the image on a stick becomes a unit, by what is typed at its serial console."""

import hashlib
import shutil
import tempfile
import unittest
from pathlib import Path

import appliance
import disk
import machine


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = appliance.FOLDER / "installed"
        shutil.rmtree(folder, ignore_errors=True)
        cls.machine = machine.Machine(folder)
        cls.machine.make(None, appliance.CERTIFICATES, 5 << 30)
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.start(*cls.machine.installer(appliance.image()))
        cls.install()
        cls.first_start()

    @classmethod
    def install(cls):
        unit = cls.machine
        unit.wait_for(r"The disk's name \(Enter looks again\): ")
        unit.type("vda\n")
        unit.wait_for(r"\(anything else goes back\): ")
        unit.type("erase vda\n")
        unit.wait_for(r"Enter restarts\. ", r"It did not succeed: .*")
        unit.type("\n")
        cls.words = unit.wait_until_off()
        print(f"installed in {unit.seconds():.0f} s under emulation")
        (unit.folder / "installer.log").write_text(cls.words)
        cls.stick = unit.folder / "installer.raw"
        unit.stop()

    @classmethod
    def first_start(cls):
        """With the persons' keys on another stick."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("Asha", "Bimal"):
                key = appliance.public_key(folder, name, "ed25519")
                Path(folder, name).unlink()
                Path(folder, f"{name}.pub").write_text(key)
            cls.machine.start(*cls.machine.stick(folder, readonly=False))
        appliance.wait_until_up(cls.machine)
        cls.status = cls.machine.done(f"{appliance.KEYD} status")
        cls.ports = appliance.ports(cls.machine)

    def test_the_installer_is_all_that_the_stick_starts(self):
        self.assertIn("GIMS is on vda.", self.words)
        for started in ("Started gims-keyd", "Started gims-console", "Started systemd-networkd", "Mounted boot.mount"):
            self.assertNotIn(started, self.words)

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
        self.assertEqual(self.machine.done("systemctl list-units --failed --plain --no-legend").strip(), "")

    def test_the_tpm_opens_var(self):
        self.assertIn("/dev/mapper/var", self.machine.done("findmnt --noheadings --output SOURCE /var"))

    def test_setup(self):
        """Typed to its end, at the serial line."""
        unit = self.machine
        unit.wait_for(r"help says what can be done")
        unit.type("setup\n")
        for question, answer in ((r"hi \[en\]: ", ""), (r"Is this time right\?.*: ", ""), (r"The site's name.*: ", "chat.example"),
                                 (r"Whose site it is.*: ", "Test"), (r"The DNS name that devices open.*: ", ""),
                                 (r"in the administrators' network.*: ", ""), (r"in the officers' network.*: ", "10.80.0.1/22"),
                                 (r"The name of the Wi-Fi.*: ", ""), (r"Administrators: (.|\n)*NAME=FILE: ", "Asha=/media/stick/update/Asha.pub"),
                                 (r"Administrators: (.|\n)*NAME=FILE: (.|\n)*NAME=FILE: ", ""),
                                 (r"Security officers, (.|\n)*NAME=FILE: ", "Bimal=/media/stick/update/Bimal.pub"),
                                 (r"Security officers, (.|\n)*NAME=FILE: (.|\n)*NAME=FILE: ", ""), (r"Recovery shares: how.*: ", ""),
                                 (r"Where the shares go: .*: ", "/media/stick/shares.txt"), (r"Type yes to make it: ", "yes")):
            unit.wait_for(question)
            unit.type(f"{answer}\n")
        try:
            ended = unit.wait_for(r"The unit serves\.", r"It did not succeed", r"does not serve yet").group()
        finally:
            (unit.folder / "setup.log").write_text(unit.words())
        self.assertEqual(ended, "The unit serves.")
        self.assertRegex(unit.words(), r"Site root \(SHA-256\): ")
        appliance.wait_until_active(unit, "gims-tlsd.service")
        self.assertIn(8443, appliance.ports(unit))
        self.assertIn('base_url = "https://chat.example:8443"', unit.done("cat /run/gims/settings/gimsd.toml"))
        self.assertIn("10.80.0.1/22", unit.done("networkctl status officers"))


if __name__ == "__main__":
    unittest.main()
