"""Whatever of a unit's disk was changed, or taken elsewhere: it does not start, or has no keys."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import appliance
import disk

UKI = "/EFI/Linux/{}.efi"
# The manager shortens a unit's name to the console's width.
NO_VAR = r"Failed to start systemd-cryptsetup.*Cryptography Setup for var"


class SpoiledTest(unittest.TestCase):
    def machine(self):
        made = appliance.copy(self.id().rpartition(".")[2])
        self.addCleanup(made.stop)
        self.uki = UKI.format(appliance.image().stem)
        return made

    def starts_not(self, machine, *why, before):
        """It says why, and never `before`."""
        machine.start()
        machine.wait_for(*why)
        self.assertIsNone(re.search(before, machine.words()))

    def refused_by_the_loader(self, machine):
        self.starts_not(machine, "Access [Dd]enied|Security [Vv]iolation|Failed to execute|No bootable|Image was not authenticated", before=appliance.KERNEL)

    def spoil_uki(self, name):
        machine = self.machine()
        esp = disk.BootPartition(machine.disk)
        with tempfile.TemporaryDirectory() as folder:
            program = esp.get(self.uki, Path(folder) / "uki.efi")
            start, size = disk.section(program, name)
            disk.flip(program, start + size // 2)
            esp.put(program, self.uki)
        return machine

    def test_a_bit_of_the_kernel(self):
        self.refused_by_the_loader(self.spoil_uki(".linux"))

    def test_a_bit_of_the_command_line(self):
        self.refused_by_the_loader(self.spoil_uki(".cmdline"))

    def test_a_bit_of_the_initrd(self):
        self.refused_by_the_loader(self.spoil_uki(".initrd"))

    def test_a_bit_of_the_root(self):
        machine = self.machine()
        start, _ = disk.place(machine.disk, "")
        disk.flip(machine.disk, start + 1024 + 8)  # erofs: its superblock
        self.starts_not(machine, r"device-mapper: verity: .*corrupted", before=appliance.ROOT_IS_THERE)

    def test_a_bit_of_the_hashes(self):
        machine = self.machine()
        start, _ = disk.place(machine.disk, "verity")
        disk.flip(machine.disk, start + 4096 + 8)  # after the superblock: the block that the root hash is of
        self.starts_not(machine, r"device-mapper: verity: .*corrupted", before=appliance.ROOT_IS_THERE)

    def test_a_bit_of_the_signature(self):
        """Everything fits the root hash on the signed command line; the kernel asks for the signature all the same."""
        machine = self.machine()
        start, size = disk.place(machine.disk, "sig")
        with open(machine.disk, "rb") as handle:
            handle.seek(start)
            text = handle.read(size).rstrip(b"\0")
        at = text.index(b'"signature":"') + len(text[text.index(b'"signature":"'):]) - 80
        other = b"A" if text[at:at + 1] != b"A" else b"B"
        disk.overwrite(machine.disk, "sig", text[:at] + other + text[at + 1:])
        self.starts_not(machine, r"verity: Root hash verification failed", before=appliance.ROOT_IS_THERE)

    def test_no_signature(self):
        machine = self.machine()
        disk.overwrite(machine.disk, "sig", bytes(disk.place(machine.disk, "sig")[1]))
        self.starts_not(machine, r"Failed to start systemd-veritysetu", before=appliance.ROOT_IS_THERE)

    def test_another_tpm(self):
        machine = self.machine()
        machine.new_tpm()
        self.starts_not(machine, NO_VAR, before=appliance.ROOT_IS_THERE)

    def test_a_plain_volume_in_place_of_var(self):
        machine = self.machine()
        start, size = disk.place(machine.disk, "gims-var")
        with tempfile.NamedTemporaryFile() as plain:
            plain.truncate(size)
            subprocess.run(["mkfs.ext4", "-q", plain.name], check=True)
            with open(machine.disk, "r+b") as handle, open(plain.name, "rb") as source:
                handle.seek(start)
                handle.write(source.read(64 << 20))
        self.starts_not(machine, NO_VAR, before=appliance.ROOT_IS_THERE)

    def test_secure_boot_with_other_keys(self):
        machine = self.machine()
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=somebody/",
                            "-keyout", f"{folder}/key", "-out", f"{folder}/crt"], check=True, capture_output=True)
            machine.variables.unlink()
            machine.enrol([f"{folder}/crt"])
        self.refused_by_the_loader(machine)

    def test_an_add_on_with_another_command_line(self):
        """Beside the image, where systemd-stub looks for them, and not signed by anybody."""
        machine = self.machine()
        esp = disk.BootPartition(machine.disk)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["ukify", "build", "--stub", "/usr/lib/systemd/boot/efi/addonx64.efi.stub",
                            "--cmdline", "systemd.verity=no init=/bin/bash", "--output", f"{folder}/evil.addon.efi"],
                           check=True, capture_output=True)
            esp.make_folder(self.uki + ".extra.d")
            esp.put(f"{folder}/evil.addon.efi", self.uki + ".extra.d/evil.addon.efi")
        machine.start()
        appliance.wait_until_up(machine)
        self.assertNotIn("init=/bin/bash", machine.done("cat /proc/cmdline"))
        self.assertEqual(machine.done("cat /sys/class/tpm/tpm0/pcr-sha256/12").strip(), "0" * 64)


if __name__ == "__main__":
    unittest.main()
