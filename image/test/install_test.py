"""A machine with an empty disk and the image on a stick becomes a unit, by what is typed at its serial console."""

import hashlib
import shutil
import unittest

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
        """Without the stick."""
        cls.machine.start()
        cls.machine.wait_for(appliance.UP)
        cls.status = cls.machine.done(f"{appliance.KEYD} status")

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
        self.assertEqual(appliance.ports(self.machine), set())
        self.assertEqual([label for label, _, _ in disk.partitions(self.machine.disk)][4:], ["_empty"] * 3 + ["gims-data", "gims-var"])
        self.assertEqual(self.machine.done("systemctl list-units --failed --plain --no-legend").strip(), "")

    def test_the_tpm_opens_var(self):
        self.assertIn("/dev/mapper/var", self.machine.done("findmnt --noheadings --output SOURCE /var"))

    def test_it_serves_with_keys(self):
        appliance.provision(self.machine)
        self.assertIn(8443, appliance.ports(self.machine))


if __name__ == "__main__":
    unittest.main()
