"""How a machine tells that it was started from the installer's stick, and what it starts then."""

import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

INITRD = image.TOP / "image/build/mkosi.images/initrd"
MODE = INITRD / "mkosi.extra/usr/lib/gims/mode"
BOOT_DISK = image.ROOT / "usr/lib/gims/boot-disk"
GENERATOR = image.ROOT / "usr/lib/systemd/system-generators/gims-stick"
VARIABLE = "sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
STICK_ESP, UNIT_ESP = "e254e7d3-16f1-4d8d-beda-b18de094e8c6", "0f64cbb7-3f3a-4ee7-9a63-4f1a8f6d2f10"
IMAGE = ("esp", "gims_1.0_sig", "gims_1.0_verity", "gims_1.0")
UNIT = (*IMAGE, "_empty", "_empty", "_empty", "gims-data", "gims-var")


class StickTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root, self.bin = Path(folder.name) / "root", Path(folder.name) / "bin"
        for name in ("dev", "run", "sys/block"):
            (self.root / name).mkdir(parents=True)
        self.bin.mkdir()
        self.program("blkid", 'for last; do :; done\ncat "$last" 2>/dev/null')
        self.program("udevadm", "exit 0")

    def program(self, name, text):
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def started_from(self, uuid):
        variable = self.root / VARIABLE
        variable.parent.mkdir(parents=True, exist_ok=True)
        variable.write_bytes(struct.pack("<I", 6) + uuid.upper().encode("utf-16-le") + b"\0\0")

    def disk(self, name, bus, esp, labels):
        """As /sys has it: a link into the devices; and as blkid reads the first partition's number."""
        device = self.root / "sys/devices/pci0000:00" / bus / "block" / name
        device.mkdir(parents=True)
        (self.root / "sys/block" / name).symlink_to(device)
        for number, label in enumerate(labels, 1):
            part = device / f"{name}{number}"
            part.mkdir()
            (part / "partition").write_text(f"{number}\n")
            (part / "uevent").write_text(f"DEVTYPE=partition\nPARTN={number}\nPARTNAME={label}\n")
            (self.root / "dev" / part.name).write_text(f"{esp}\n" if number == 1 else "another\n")

    def run_script(self, *argv):
        return subprocess.run(["sh", *map(str, argv)], capture_output=True, text=True, timeout=60, env={"PATH": f"{self.bin}:/usr/bin:/bin"})

    def mode(self):
        ran = self.run_script(MODE, self.root, BOOT_DISK)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        stick = self.root / "run/gims/stick"
        return stick.read_text().strip() if stick.exists() else None

    def test_a_stick(self):
        self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
        self.disk("nvme0n1", "0000:01:00.0", UNIT_ESP, UNIT)
        self.started_from(STICK_ESP)
        self.assertEqual(self.mode(), "sda")

    def test_a_unit_with_a_stick_in_it(self):
        self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
        self.disk("nvme0n1", "0000:01:00.0", UNIT_ESP, UNIT)
        self.started_from(UNIT_ESP)
        self.assertIsNone(self.mode())

    def test_a_unit_behind_a_usb_bridge(self):
        """Also before its first start, when it has no gims-var."""
        updated = (*IMAGE, "gims_1.1_sig", "gims_1.1_verity", "gims_1.1")
        for labels in (UNIT, UNIT[:-1], UNIT[:5], updated):
            with self.subTest(labels=labels):
                self.setUp()
                self.disk("sda", "usb1/1-1", UNIT_ESP, labels)
                self.started_from(UNIT_ESP)
                self.assertIsNone(self.mode())

    def test_an_image_on_a_disk_of_the_machine(self):
        self.disk("vda", "virtio1", STICK_ESP, IMAGE)
        self.started_from(STICK_ESP)
        self.assertIsNone(self.mode())

    def test_the_same_image_on_two_disks(self):
        for other in ("usb1/1-2", "virtio1"):
            with self.subTest(other=other):
                self.setUp()
                self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
                self.disk("vda", other, STICK_ESP, IMAGE)
                self.started_from(STICK_ESP)
                self.assertIsNone(self.mode())

    def test_four_partitions_of_something_else(self):
        self.disk("sda", "usb1/1-1", STICK_ESP, (*IMAGE[:3], "gims-var"))
        self.started_from(STICK_ESP)
        self.assertIsNone(self.mode())

    def test_a_boot_loader_that_left_no_word(self):
        self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
        self.assertIsNone(self.mode())

    def test_a_word_of_the_boot_loader_that_is_none(self):
        self.disk("sda", "usb1/1-1", "", IMAGE)
        self.started_from("")
        self.assertIsNone(self.mode())

    def test_the_variable_is_read_as_a_stream(self):
        """In efivarfs a seek fails."""
        self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
        self.started_from(STICK_ESP)
        # As there, tail is not given the file.
        self.program("tail", '[ $# -eq 2 ] || exit 1\nexec /usr/bin/tail "$@"')
        self.assertEqual(self.mode(), "sda")

    def test_a_disk_that_does_not_come(self):
        self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
        self.started_from(STICK_ESP)
        self.program("udevadm", "exit 1")
        self.assertIsNone(self.mode())

    def test_links_lead_to_the_disk_that_was_started_from(self):
        self.disk("sda", "usb1/1-1", STICK_ESP, IMAGE)
        self.disk("nvme0n1", "0000:01:00.0", UNIT_ESP, UNIT)
        self.started_from(UNIT_ESP)
        self.assertEqual(self.run_script(BOOT_DISK, "is", "nvme0n1", self.root).returncode, 0)
        self.assertEqual(self.run_script(BOOT_DISK, "is", "sda", self.root).returncode, 1)
        self.assertEqual(self.run_script(BOOT_DISK, "all", "-", self.root).stdout.split(), ["nvme0n1"])
        rules = image.ROOT / "usr/lib/udev/rules.d/72-gims-boot-disk.rules"
        self.assertEqual(subprocess.run(["udevadm", "verify", rules], capture_output=True).returncode, 0)
        self.assertIn('PROGRAM=="/usr/lib/gims/boot-disk is $parent", OPTIONS+="link_priority=100"', rules.read_text())

    def test_both_systems_have_what_decides(self):
        listed = (INITRD / "mkosi.conf").read_text().split()
        for name in ("usr/lib/gims/boot-disk", "usr/lib/udev/rules.d/72-gims-boot-disk.rules", "usr/lib/systemd/system-generators/gims-stick"):
            self.assertIn(f"../../../root/{name}:/{name}", listed)
            self.assertTrue((INITRD / "../../../root" / name).exists())

    # ---- what is started then --------------------------------------------------------------------------------------------

    def generate(self, stick=True, initrd=False):
        early = self.root / "early"
        early.mkdir()
        for there, path in ((stick, "run/gims/stick"), (initrd, "etc/initrd-release")):
            if there:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).touch()
        ran = self.run_script(GENERATOR, self.root / "normal", early, self.root / "late", self.root)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return {path.name: str(path.readlink()) if path.is_symlink() else path.read_text() for path in early.iterdir()}

    def test_a_unit_starts_as_ever(self):
        self.assertEqual(self.generate(stick=False), {})

    def test_a_unit_s_initrd_does_as_ever(self):
        self.assertEqual(self.generate(stick=False, initrd=True), {})

    def test_var_of_the_stick_is_in_memory(self):
        made = self.generate(initrd=True)
        self.assertEqual(list(made), ["sysroot-var.mount"])
        self.assertIn("Where=/sysroot/var\n", made["sysroot-var.mount"])
        options = made["sysroot-var.mount"].split("Options=")[1].strip().split(",")
        self.assertLessEqual({"noexec", "nosuid", "nodev"}, set(options))

    def test_the_installer_is_all_that_the_stick_starts(self):
        made = self.generate()
        masked = {name for name, value in made.items() if value == "/dev/null"}
        self.assertEqual(masked, {"systemd-repart.service", "systemd-pcrphase.service", "boot.mount", "media-stick.automount", "gims-gps.service"})
        self.assertEqual(made["default.target"], "/etc/systemd/system/gims-installer.target")
        self.assertIn("Type=tmpfs", made["var.mount"])
        self.assertEqual([line for line in made["systemd-cryptsetup@var.service"].splitlines() if line.startswith("Exec")], ["ExecStart=/usr/bin/true"])
        target = image.Unit("gims-installer.target")
        self.assertEqual(target.words("Requires") + target.words("Wants"),
                         ["sysinit.target", "gims-installer@tty1.service", "gims-installer@ttyS0.service"])
        # Of ours, what comes with sysinit.target: the firewall that lets nothing through.
        enabled = [name for name in image.own_units(".service") if "sysinit.target" in image.Unit(name).words("WantedBy")]
        self.assertEqual(enabled, ["gims-firewall.service"])

    def test_the_installer_is_for_a_stick_alone(self):
        for name in ("gims-installer@tty1.service", "gims-installer.target"):
            self.assertIn("/run/gims/stick", image.Unit(name).all("ConditionPathExists"))
        self.assertNotIn("installer", image.text("usr/lib/systemd/system-preset/00-gims.preset"))

    def test_no_volume_is_opened_before_it_is_decided(self):
        extra = INITRD / "mkosi.extra"
        cryptsetup = (extra / "etc/systemd/system/systemd-cryptsetup@var.service.d/stick.conf").read_text().splitlines()
        for line in ("Requires=gims-mode.service", "After=gims-mode.service", "ConditionPathExists=!/run/gims/stick"):
            self.assertIn(line, cryptsetup)
        repart = (extra / "usr/lib/systemd/system/systemd-repart.service.d/root.conf").read_text()
        # An empty condition takes away all that stand before it.
        self.assertLess(repart.index("ConditionDirectoryNotEmpty=\n"), repart.index("ConditionPathExists=!/run/gims/stick"))


if __name__ == "__main__":
    unittest.main()
