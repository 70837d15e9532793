"""The image starts: Secure Boot, the verified root, the volume of the TPM, and what it promises about itself."""

import json
import re
import unittest

import appliance


class StartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.first_words = appliance.first().words
        cls.machine = appliance.copy("second")
        cls.machine.start()
        cls.addClassCleanup(cls.machine.stop)
        appliance.wait_until_up(cls.machine)
        appliance.wait_until_active(cls.machine, "gims-tlsd.service")
        print(f"second start to {appliance.UP!r}: {cls.machine.seconds():.0f} s under emulation")

    def volume(self, words):
        return re.search(r"EXT4-fs \(dm-\d+\): mounted filesystem ([0-9a-f-]+) r/w", words).group(1)

    def test_secure_boot_and_lockdown(self):
        self.assertRegex(self.machine.words(), "secureboot: Secure boot enabled")
        self.assertIn("[confidentiality]", self.machine.done("cat /sys/kernel/security/lockdown"))

    def test_root_is_verified_and_signed(self):
        table = self.machine.done("dmsetup table root")
        self.assertIn(" verity ", table)
        self.assertIn("root_hash_sig_key_desc", table)
        self.assertEqual(self.machine.done("cat /sys/module/dm_verity/parameters/require_signatures").strip(), "Y")

    def test_only_var_is_written(self):
        rows = json.loads(self.machine.done("findmnt --json --real --output TARGET,OPTIONS,SOURCE --list"))["filesystems"]
        writable = {row["target"] for row in rows if "rw" in row["options"].split(",")}
        self.assertEqual(writable, {"/var", appliance.DATA})
        var = next(row for row in rows if row["target"] == "/var")
        for row in rows:
            if row["target"] in writable:
                self.assertLessEqual({"noexec", "nosuid", "nodev"}, set(row["options"].split(",")))
        self.assertIn("/dev/mapper/var", var["source"])

    def test_networks_are_there(self):
        for name in ("management", "officers", "uplink"):
            self.machine.done(f"test -d /sys/class/net/{name}/bridge")

    def test_both_slots_are_there(self):
        labels = self.machine.done("lsblk --noheadings --list --output PARTLABEL /dev/vda").split()
        self.assertEqual(labels.count("_empty"), 3)
        self.assertEqual(len([label for label in labels if label.startswith("gims_")]), 3)
        self.assertEqual([label for label in labels if label.startswith("gims-")], ["gims-var", "gims-data"])

    def test_var_is_kept_and_made_once(self):
        self.assertEqual(self.volume(self.first_words), self.volume(self.machine.words()))

    def test_var_is_opened_in_the_initrd_alone(self):
        header = self.machine.done("cryptsetup luksDump --dump-json-metadata /dev/disk/by-partlabel/gims-var")
        token, = json.loads(header)["tokens"].values()
        self.assertEqual(token["type"], "systemd-tpm2")
        self.assertEqual(token["tpm2-pcrs"], [7])
        self.assertEqual(token["tpm2_pubkey_pcrs"], [11])
        status, output = self.machine.ask("/usr/lib/systemd/systemd-cryptsetup attach again /dev/disk/by-partlabel/gims-var "
                                          "none tpm2-device=auto,headless=yes,tries=1,read-only")
        self.assertNotEqual(status, 0, output)

    def test_pcr_11_is_as_expected(self):
        self.machine.done("until systemctl is-active --quiet systemd-pcrphase.service; do sleep 1; done")
        expected = json.loads(next(appliance.BUILT.glob("*.pcrs.json")).read_text())["pcr11"]
        found = self.machine.done("cat /sys/class/tpm/tpm0/pcr-sha256/11").strip().lower()
        self.assertEqual(found, expected["enter-initrd:leave-initrd:sysinit:ready"])
        for pcr in (12, 13):
            self.assertEqual(self.machine.done(f"cat /sys/class/tpm/tpm0/pcr-sha256/{pcr}").strip(), "0" * 64)

    def test_nothing_failed(self):
        self.assertEqual(self.machine.done("systemctl list-units --failed --plain --no-legend").strip(), "")

    def test_no_shell_and_no_password(self):
        for line in self.machine.done("cat /etc/shadow").split():
            self.assertIn(line.split(":")[1][:1], ("!", "*"), line)
        self.assertEqual(self.machine.done("systemctl list-units --plain --no-legend 'getty@*' 'serial-getty@*' 'ssh*'").strip(), "")

    def test_nobody_becomes_another_user(self):
        self.assertEqual(self.machine.done("find / -xdev -type f -perm /6000").strip(), "")
        for name in ("su", "sudo", "perl", "python3", "telnet"):
            self.assertNotEqual(self.machine.ask(f"command -v {name}")[0], 0, name)

    def test_the_kernel_has_its_settings(self):
        """As image/root says them, which is what image/scan judges."""
        wanted = {}
        for line in (appliance.TOP / "image/root/usr/lib/sysctl.d/80-gims.conf").read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.partition("=")
                wanted[name.strip()] = value.split()
        names = " ".join(wanted)
        rows = self.machine.done(f"for name in {names}; do echo $name $(cat /proc/sys/$(echo $name | tr . /)); done").splitlines()
        self.assertEqual({row.split()[0]: row.split()[1:] for row in rows}, wanted)


if __name__ == "__main__":
    unittest.main()
