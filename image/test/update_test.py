"""Updates from a stick: the next release starts from the other slot and is told to be good once it serves, after which the
older one has no keys; what is not whole, not ours or not newer changes nothing; wherever the power goes, a slot starts."""

import shutil
import tempfile
import time
import unittest
from pathlib import Path

import appliance
import disk
from appliance import KEYD, ports, wait_until_active

NEWER = appliance.TOP / "build/image/newer/update"
REBOOTS = r"reboot: Restarting system"


class UpdateTest(unittest.TestCase):
    def machine(self):
        made = appliance.copy(self.id().rpartition(".")[2])
        self.addCleanup(made.stop)
        return made

    def version(self, machine):
        return machine.done(". /etc/os-release; echo $IMAGE_VERSION").strip()

    def serves(self, machine):
        """After a start."""
        machine.wait_for(appliance.UP)
        wait_until_active(machine, "gims-tlsd.service")
        self.assertIn(8443, ports(machine))
        machine.done("test -s /var/lib/gims/gimsd/gims.db")

    def update(self, machine):
        """Until the guest restarts itself, which the machine takes for its end."""
        machine.ask("systemctl start --no-block gims-update.service")
        machine.wait_for(REBOOTS)
        machine.stop()

    def start_with(self, machine, bundle):
        machine.start(*machine.stick(bundle))
        self.serves(machine)

    def newest(self):
        return next(NEWER.glob("gims_*.efi")).stem.partition("_")[2]

    def test_the_next_release_and_no_way_back(self):
        machine = self.machine()
        self.start_with(machine, NEWER)
        before = self.version(machine)
        began = time.monotonic()
        self.update(machine)
        machine.start()
        self.serves(machine)
        print(f"update, from its start to serving again: {time.monotonic() - began:.0f} s under emulation")
        self.assertEqual(self.version(machine), self.newest())
        machine.done("until systemctl is-active --quiet gims-release.service; do sleep 1; done")
        self.assertEqual(machine.done("/usr/lib/systemd/systemd-bless-boot status").strip(), "good")
        self.assertIn("release 2", machine.done("journalctl --boot --unit gims-release.service"))
        images = machine.done("ls /boot/EFI/Linux").split()
        self.assertEqual(sorted(images), [f"gims_{before}.efi", f"gims_{self.newest()}.efi"])
        # The old slot still starts, and gets no keys.
        machine.ask(f"mount -o remount,rw /boot; bootctl set-oneshot gims_{before}.efi; sync; systemctl reboot --no-block")
        machine.wait_for(REBOOTS)
        machine.stop()
        machine.start()
        machine.wait_for(appliance.UP)
        self.assertEqual(self.version(machine), before)
        machine.done(f"until {KEYD} status | grep -q locked; do sleep 1; done")
        self.assertIn("already run release 2", machine.done(f"{KEYD} status"))
        self.assertNotEqual(machine.ask("findmnt /var/lib/gims/gimsd")[0], 0)
        self.assertNotIn(8443, ports(machine))

    def test_a_release_that_does_not_start(self):
        """Three tries, and the unit is back at what it was."""
        machine = self.machine()
        self.start_with(machine, NEWER)
        before = self.version(machine)
        self.update(machine)
        start, _ = next((at, size) for label, at, size in disk.partitions(machine.disk) if label == f"gims_{self.newest()}")
        disk.flip(machine.disk, start + 1024 + 8)
        for _ in range(3):
            machine.start()
            machine.wait_for(REBOOTS)
            machine.stop()
        machine.start()
        self.serves(machine)
        self.assertEqual(self.version(machine), before)

    def refused(self, bundle):
        machine = self.machine()
        self.start_with(machine, bundle)
        table, files = disk.partitions(machine.disk), machine.done("ls -l /boot/EFI/Linux /boot/gims")
        self.assertNotEqual(machine.ask("systemctl start gims-update.service")[0], 0)
        self.assertEqual(machine.done("ls -l /boot/EFI/Linux /boot/gims"), files)
        machine.done("sync")
        self.assertEqual(disk.partitions(machine.disk), table)

    def test_the_same_release_again(self):
        self.refused(appliance.BUILT / "update")

    def test_a_bundle_that_somebody_changed(self):
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(shutil.copytree(NEWER, Path(folder) / "update"))
            sums = (bundle / "SHA256SUMS").read_bytes()
            (bundle / "SHA256SUMS").write_bytes((b"0" if sums[:1] != b"0" else b"1") + sums[1:])
            self.refused(bundle)

    def test_the_power_goes_during_the_update(self):
        for seconds in (2, 15, 40, 90):
            with self.subTest(seconds=seconds):
                machine = self.machine()
                self.start_with(machine, NEWER)
                machine.ask("systemctl start --no-block gims-update.service")
                time.sleep(seconds)
                machine.cut_power()
                machine.start()
                self.serves(machine)
                self.assertIn(self.version(machine), (appliance.image().stem.partition("_")[2], self.newest()))
                machine.stop()


if __name__ == "__main__":
    unittest.main()
