"""Updates from a stick: the next release starts from the other slot and is told to be good once it serves, after which the
older one has no keys; what is not whole, not ours or not newer changes nothing; wherever the power goes, a slot starts."""

import contextlib
import re
import shutil
import tempfile
import time
import unittest
from pathlib import Path

import appliance
import disk
from appliance import KEYD, NotSeen, PATIENCE, REBOOTS, ports, wait_until_active

NEWER = appliance.TOP / "build/image/newer/update"


class UpdateTest(unittest.TestCase):
    SERVICE = "systemctl start gims-update.service"
    ACT = "runuser -u gims-admin -- gimsctl unit update"

    def machine(self):
        made = appliance.copy(self.id().rpartition(".")[2])
        self.addCleanup(made.stop)
        return made

    def version(self, machine):
        return machine.done(". /etc/os-release; echo $IMAGE_VERSION").strip()

    def serves(self, machine):
        """After a start, with the data of before."""
        appliance.wait_until_up(machine)
        wait_until_active(machine, "gims-tlsd.service")
        self.assertIn(8443, ports(machine))
        self.assertIn("@asha:gims.internal", machine.done("gimsctl user list"))

    def update(self, machine, by=SERVICE):
        """Until the guest restarts itself, which the machine takes for its end."""
        machine.done(f"systemd-run --unit update-of-test {by}")
        while True:
            try:
                self.restarts(machine, 60)
                return
            except NotSeen:
                said = None
                # Who restarts does not answer any more.
                with contextlib.suppress(OSError, NotSeen):
                    if machine.ask("systemctl is-failed --quiet update-of-test")[0] == 0:
                        said = machine.ask("journalctl --no-pager --lines 60 --unit update-of-test --unit gims-update.service")[1]
                if said is not None:
                    raise AssertionError(said) from None

    def restarts(self, machine, patience=PATIENCE):
        machine.wait_for(REBOOTS, patience=patience)
        machine.stop()

    def start_with(self, machine, bundle):
        machine.start(*machine.stick(bundle))
        self.serves(machine)

    def newest(self):
        return next(NEWER.glob("gims_*.efi")).stem.partition("_")[2]

    def guest_seconds(self, machine, command):
        """Of the guest's clock, which goes by what it has computed: of lines with such a time, from the first to the last."""
        times = [float(found) for found in re.findall(r"^\[ *(\d+\.\d+)\]", machine.done(command), re.MULTILINE)]
        return max(times) - min(times)

    def without_service(self, machine):
        """Besides the boot: from when its services are told to stop to the kernel's restart, and from when the keys are asked for
        to when all of it serves again."""
        journal = "journalctl --no-pager --output short-monotonic"
        stop = self.guest_seconds(machine, f"{journal} --boot -1 --lines 400 | sed -n '/Stopping gims-tlsd.service/,$p'")
        start = self.guest_seconds(machine, f"{journal} --boot --unit gims-keyd.service --unit gimsd.service --unit gims-tlsd.service "
                                            "| sed -n '/Starting gims-keyd/,/Started gims-tlsd/p'")
        return stop, start

    def test_the_next_release_and_no_way_back(self):
        machine = self.machine()
        self.start_with(machine, NEWER)
        before = self.version(machine)
        machine.done("until /usr/lib/gims/blessed >/dev/null; do sleep 1; done")
        began = time.monotonic()
        self.update(machine, self.ACT)
        machine.start()
        self.serves(machine)
        print(f"update, from its start to serving again: {time.monotonic() - began:.0f} s under emulation")
        self.assertEqual(self.version(machine), self.newest())
        stop, start = self.without_service(machine)
        print(f"without service besides the boot: {stop:.1f} s to stop, {start:.1f} s to serve, of the emulated processor's clock")
        machine.done("until systemctl is-active --quiet gims-release.service; do sleep 1; done")
        self.assertEqual(machine.done("/usr/lib/systemd/systemd-bless-boot status").strip(), "good")
        self.assertRegex(machine.done("runuser -u gims-admin -- gimsctl unit release"), r"slot: +B\nstate: +good\n")
        self.assertIn("release 2", machine.done("journalctl --boot --unit gims-release.service"))
        images = machine.done("ls /boot/EFI/Linux").split()
        self.assertEqual(sorted(images), [f"gims_{before}.efi", f"gims_{self.newest()}.efi"])
        # The old slot still starts, and gets no keys.
        machine.ask(f"mount -o remount,rw /boot; bootctl set-oneshot gims_{before}.efi; sync; systemctl reboot --no-block")
        self.restarts(machine)
        machine.start()
        appliance.wait_until_up(machine)
        self.assertEqual(self.version(machine), before)
        machine.done(f"until {KEYD} status | grep -q locked; do sleep 1; done")
        self.assertIn("already run release 2", machine.done(f"{KEYD} status"))
        self.assertNotEqual(machine.ask("findmnt /var/lib/gims/gimsd")[0], 0)
        self.assertNotIn(8443, ports(machine))

    def test_a_release_that_does_not_serve(self):
        """Three tries, whether its root is not as it was signed or the keys do not open to it, and the unit is back at what it
        was."""
        machine = self.machine()
        self.start_with(machine, NEWER)
        before = self.version(machine)
        self.update(machine)
        start, _ = next((at, size) for label, at, size in disk.partitions(machine.disk) if label == f"gims_{self.newest()}")
        disk.flip(machine.disk, start + 1024 + 8)
        for _ in range(2):
            machine.start()
            self.restarts(machine)
            self.assertNotRegex(machine.words(), appliance.UP)
        disk.flip(machine.disk, start + 1024 + 8)
        boot = disk.BootPartition(machine.disk)
        boot.remove(f"gims/gims_{self.newest()}.policy")
        machine.start()
        appliance.wait_until_up(machine)
        self.assertEqual(self.version(machine), self.newest())
        self.restarts(machine)
        machine.start()
        self.serves(machine)
        self.assertEqual(self.version(machine), before)

    def other_stick(self, machine, bundle):
        """What was read of the one before goes with it."""
        machine.done("systemctl stop media-stick.mount && blockdev --flushbufs $(readlink -f /dev/disk/by-label/GIMS)")
        machine.fill_stick(bundle)

    def refused(self, machine, bundle, why, *ways):
        self.other_stick(machine, bundle)
        table, files = disk.partitions(machine.disk), machine.done("ls -l /boot/EFI/Linux /boot/gims")
        for way in (self.ACT, *ways):
            status, said = machine.ask(f"{way} 2>&1")
            self.assertNotEqual(status, 0, said)
            if way == self.ACT:
                self.assertIn(why, said)
            self.assertEqual(machine.done("ls -l /boot/EFI/Linux /boot/gims; sync"), files)
            self.assertEqual(disk.partitions(machine.disk), table)

    def test_what_is_refused(self):
        """By the act and, what the act would not have looked at, by the service that it starts."""
        machine = self.machine()
        self.start_with(machine, NEWER)
        machine.done("until /usr/lib/gims/blessed >/dev/null; do sleep 1; done")
        with self.subTest("the same release again"):
            self.refused(machine, appliance.BUILT / "update", "not newer", self.SERVICE)
        for change, why in (("SHA256SUMS", "not by the update key"), ("SHA256SUMS.gpg", "not by the update key"), ("*.efi", "missing or damaged"),
                            ("*.root-x86-64.*", "missing or damaged")):
            with self.subTest(change), tempfile.TemporaryDirectory(dir=appliance.FOLDER) as folder:
                bundle = Path(shutil.copytree(NEWER, Path(folder) / "update"))
                changed = next(bundle.glob(change))
                disk.flip(changed, changed.stat().st_size // 2)
                self.refused(machine, bundle, why, *[self.SERVICE] * (change != "*.efi"))
        with self.subTest("what is whole"):
            self.other_stick(machine, NEWER)
            self.update(machine)
            self.assertIn(f"gims_{self.newest()}", [label for label, _, _ in disk.partitions(machine.disk)])

    def test_the_power_goes_during_the_update(self):
        """On one unit, one time after the other, until the new release starts."""
        machine = self.machine()
        before = None
        for seconds in (2, 10, 20, 40, 80):
            self.start_with(machine, NEWER)
            before = before or self.version(machine)
            if self.version(machine) == self.newest():
                break
            machine.done("systemctl start --no-block gims-update.service")
            # Else a cut says nothing of an update.
            self.assertEqual(machine.ask("systemctl is-active gims-update.service")[1].strip(), "activating")
            time.sleep(seconds)
            machine.cut_power()
        machine.start()
        self.serves(machine)
        self.assertIn(self.version(machine), (before, self.newest()))


if __name__ == "__main__":
    unittest.main()
