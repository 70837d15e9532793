"""The data volume: whom gims-keyd gives its key and when, and that the unit opens the volume that it made and nothing in its place.
There is no device mapper here: in its place cryptsetup tries the key that systemd-cryptsetup would have read."""

import hashlib
import json
import pwd
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from appliance_site import ApplianceTest
from rig import TOP

import keyd_peer
import secrets_test
import sitekeys

SCRIPT = TOP / "image/root/usr/lib/gims/data-volume"
SIZE = 48 << 20
READ_KEY = r'''
import socket, sys
reader = socket.socket(socket.AF_UNIX)
reader.bind(b"\0" b"5e1f/cryptsetup/" + sys.argv[2].encode())
reader.connect(sys.argv[1])
while part := reader.recv(4096):
    sys.stdout.buffer.write(part)
'''


class KeyTest(ApplianceTest):
    def expected(self):
        return bytes.fromhex(sitekeys.subkey(self.site.root_key_file.read_bytes(), sitekeys.VOLUME_KEY, sitekeys.KDF_CONTEXT, 64))

    def test_root_reads_it(self):
        self.assertEqual(self.read_volume_key("gims-data"), self.expected())
        self.assertRegex(self.wait_for_log(self.site.keyd, "the data volume's key was given"), "READER=[0-9a-f]{16}/cryptsetup/gims-data")

    def test_nobody_else_does(self):
        # Its own user may connect, and is told by the kernel's word that it is not root.
        self.assertEqual(self.read_volume_key(uid=pwd.getpwnam("gims-keyd").pw_uid), b"")
        self.assertIn("for root alone", self.wait_for_log(self.site.keyd, "refused a connection"))
        for user in ("gimsd", "gims-tlsd", "nobody"):
            with self.subTest(user), self.assertRaises(PermissionError):
                self.read_volume_key(uid=pwd.getpwnam(user).pw_uid)
        self.assertEqual(self.read_volume_key(), self.expected())

    def test_not_without_a_site(self):
        self.site.keyd.stop()
        (self.site.folder / "keyd/custody.bin").unlink()
        (self.site.folder / "keyd/state.bin").unlink()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertEqual(self.site.keyd_state(), "unprovisioned")
        self.assertEqual(self.read_volume_key(), b"")
        self.assertIn("unprovisioned", self.wait_for_log(self.site.keyd, "the data volume's key was not given"))

    def test_not_while_locked(self):
        key = self.read_volume_key()
        with self.another_tpm():
            self.assertEqual(self.site.keyd_state(), "locked")
            self.assertEqual(self.read_volume_key(), b"")
            # It says why.
            reason = self.site.keyd_status().split(": ", 1)[1][:40]
            self.assertIn(reason, self.wait_for_log(self.site.keyd, "the data volume's key was not given"))
        self.site.start_tpm()
        self.site.start_keyd()
        self.assertEqual(self.read_volume_key(), key)

    def test_not_after_zeroizing_and_the_same_after_a_recovery(self):
        key = self.read_volume_key()
        recovery = self.site.operator / "recovery"
        self.assert_keyd("recovery-file", "--out", recovery)
        self.zeroize()
        self.assertEqual(self.read_volume_key(), b"")
        self.restart_keyd()
        self.assertEqual(self.read_volume_key(), b"")
        self.assert_keyd("recover", "--from", recovery, "--shares-from", self.site.shares_file)
        self.assertEqual(self.read_volume_key(), key)

    def test_it_stays_nowhere_in_memory(self):
        """Nor do the keys of services: each is derived, handed over and wiped."""
        with keyd_peer.Peer(self.site.run / "keyd/socket") as peer:
            self.assertEqual(peer.ask("wifi_passphrase", b"\0\0\0\1")[0], keyd_peer.REPLY)
        self.assertEqual(self.read_volume_key(), self.expected())
        keys = self.site.keys()
        pid = self.site.keyd.child.pid
        wanted = {name: keys[name] for name in ("volume", "volume's second half", "Wi-Fi")}
        self.assertEqual(secrets_test.found_in(pid, secrets_test.needles(wanted)), [])
        # The look can succeed.
        self.assertNotEqual(secrets_test.found_in(pid, [("organisation", "text", b"GIMS development")]), [])

    def test_many_at_once_that_say_nothing(self):
        readers = []
        for _ in range(200):
            reader = socket.socket(socket.AF_UNIX)
            self.addCleanup(reader.close)
            reader.connect(str(self.site.volume_key))
            readers.append(reader)
        for reader in readers:
            reader.settimeout(60)
            self.assertEqual(b"".join(iter(lambda: reader.recv(64), b"")), self.expected())
        self.assertEqual(self.site.keyd_state(), "operational")

    def test_the_command_gives_it_to_a_pipe_alone(self):
        command = [self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", "volume-key"]
        run = subprocess.run(command, capture_output=True, timeout=60)
        self.assertEqual((run.returncode, run.stdout), (0, self.expected()), run.stderr)
        with tempfile.TemporaryFile() as file:
            run = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual((run.returncode, file.seek(0, 2)), (1, 0))
            self.assertIn("to a pipe, and to nothing else", run.stderr)
        self.lock()
        run = subprocess.run(command, capture_output=True, timeout=60)
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertIn(b"gives no key", run.stderr)

    def test_systemds_own_reader(self):
        """What systemd reads key files with, of its program that needs no device mapper."""
        volume = self.site.operator / "volume"
        with open(volume, "wb") as file:
            file.truncate(SIZE)
        subprocess.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations",
                        "1000", "--key-file=-", volume], input=self.read_volume_key(), check=True, capture_output=True, timeout=120)
        enroll = ["systemd-cryptenroll", f"--unlock-key-file={self.site.volume_key}", "--recovery-key", volume]
        run = subprocess.run(enroll, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.lock()
        self.assertNotEqual(subprocess.run(enroll, capture_output=True, timeout=120).returncode, 0)


class DataVolumeTest(ApplianceTest):
    def setUp(self):
        super().setUp()
        self.work = self.site.operator / "volume"
        self.bin, self.kept, self.run_folder = (self.work / part for part in ("bin", "kept", "run"))
        for folder in (self.bin, self.kept, self.run_folder):
            folder.mkdir(parents=True)
        self.partition = self.work / "partition"
        self.blank()
        keyd, config = self.site.program("gims-keyd"), self.site.etc / "gims-keyd.toml"
        self.program("gims-keyd", f'exec {keyd} --config {config} "$@"')
        (self.bin / "read-key").write_text(READ_KEY)
        # With the header that it is told of, and the key from the socket.
        self.program("systemd-cryptsetup", f"""\
echo "$*" >>{self.work}/attached
header=$(echo "$5" | sed 's/.*header=\\([^,]*\\).*/\\1/')
python3 {self.bin}/read-key "$4" "$2" | cryptsetup open --test-passphrase --key-file=- --keyfile-size=64 --header "$header" "$3"
""")
        self.program("mkfs.ext4", f'echo "$*" >>{self.work}/made')

    def program(self, name, body):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def blank(self):
        self.partition.unlink(missing_ok=True)
        with open(self.partition, "wb") as file:
            file.truncate(SIZE)

    def open(self):
        """(exit status, what it said)"""
        run = subprocess.run([SCRIPT, "open", self.partition, self.kept, self.run_folder, self.site.volume_key], capture_output=True,
                             text=True, timeout=120, env={"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"})
        return run.returncode, run.stderr

    def assert_opened(self):
        status, said = self.open()
        self.assertEqual(status, 0, said)

    def assert_refused(self, why):
        """Nothing was made, and no header of what is there was believed."""
        made, before = self.made(), self.partition.read_bytes()
        status, said = self.open()
        self.assertEqual(status, 1, said)
        self.assertIn(why, said)
        self.assertEqual(self.made(), made)
        self.assertEqual(self.partition.read_bytes(), before)

    def made(self):
        path = self.work / "made"
        return path.read_text().splitlines() if path.exists() else []

    def remembered(self):
        return (self.kept / "data-volume").read_text().split()

    def format(self, key, *more):
        subprocess.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file=-", "--keyfile-size=64", "--cipher",
                        "aes-xts-plain64", "--key-size", "512", "--sector-size", "4096", "--hash", "sha256", "--pbkdf", "pbkdf2",
                        "--pbkdf-force-iterations", "1000", *more, self.partition], input=key, check=True, capture_output=True, timeout=120)

    def cryptsetup_opens(self):
        return subprocess.run(["cryptsetup", "open", "--test-passphrase", "--key-file=-", self.partition], input=self.read_volume_key(),
                              capture_output=True, timeout=120).returncode == 0

    def rewrite_headers(self, change):
        """What whoever has the disk can do without a key: both headers of LUKS2 (on-disk format 2, section 2) with other metadata."""
        data = bytearray(self.partition.read_bytes())
        for at in (0, 16384):
            text = data[at + 4096:at + 16384].rstrip(b"\0").decode()
            metadata = json.loads(text)
            change(metadata)
            data[at + 4096:at + 16384] = json.dumps(metadata).encode().ljust(12288, b"\0")
            data[at + 448:at + 512] = bytes(64)
            data[at + 448:at + 480] = hashlib.sha256(data[at:at + 16384]).digest()
        self.partition.write_bytes(data)

    def test_made_once_and_opened_from_then_on(self):
        self.assert_opened()
        state, uuid = self.remembered()
        self.assertEqual(state, "made")
        self.assertEqual(self.made(), ["-q -F -m 1 /dev/mapper/gims-data"])
        dump = subprocess.run(["cryptsetup", "luksDump", self.partition], capture_output=True, text=True, check=True).stdout
        self.assertIn(uuid, dump)
        self.assertTrue(self.cryptsetup_opens())
        before = self.partition.read_bytes()
        self.restart_keyd()
        self.assert_opened()
        self.assertEqual(len(self.made()), 1)
        self.assertEqual(self.partition.read_bytes(), before)
        self.assertEqual(self.remembered(), [state, uuid])
        # By the copy of the header that was looked at, and the key from gims-keyd's socket.
        self.assertEqual((self.work / "attached").read_text().splitlines()[-1],
                         f"attach gims-data {self.partition} {self.site.volume_key} luks,header={self.run_folder}/header,headless=yes,tries=1")

    def test_a_plain_file_system_in_its_place(self):
        plain = b"\0" * 1024 + b"plain" * 1000
        with self.subTest("before the first start"):
            self.partition.write_bytes(plain.ljust(SIZE, b"\0"))
            self.assert_refused("something else in its place")
            self.assertFalse((self.kept / "data-volume").exists())
        self.blank()
        self.assert_opened()
        for what, content in (("plain", plain), ("blank", b"")):
            with self.subTest(what):
                self.partition.write_bytes(content.ljust(SIZE, b"\0"))
                self.assert_refused("something else in its place")

    def test_one_with_another_key(self):
        self.assert_opened()
        self.format(bytes(range(64)), "--uuid", self.remembered()[1])
        self.assert_refused("another than it was made with")
        (self.kept / "data-volume").unlink()
        self.assert_refused("another than it was made with")

    def test_another_of_the_same_key(self):
        self.assert_opened()
        self.format(self.read_volume_key())
        self.assertTrue(self.cryptsetup_opens())
        self.assert_refused("another volume")

    def test_a_restored_unit_takes_the_one_that_the_key_opens(self):
        self.assert_opened()
        remembered = self.remembered()
        (self.kept / "data-volume").unlink()
        self.assert_opened()
        self.assertEqual(self.remembered(), remembered)
        self.assertEqual(len(self.made()), 1)

    def test_a_header_that_says_not_to_encrypt(self):
        """With our own key slot, so that the key opens it: cryptsetup would write what is stored then as it is."""
        def null(metadata):
            metadata["segments"]["0"]["encryption"] = "cipher_null-ecb"

        def linear(metadata):
            whole = metadata["segments"]["0"]
            metadata["segments"]["0"] = whole | {"size": "1048576"}
            metadata["segments"]["1"] = {"type": "linear", "offset": str(int(whole["offset"]) + 1048576), "size": "dynamic"}

        self.assert_opened()
        whole = self.partition.read_bytes()
        for change in (null, linear, lambda metadata: metadata["config"].update(flags=["allow-discards"])):
            for remembers in (True, False):
                with self.subTest(change=change.__name__, remembers=remembers):
                    self.partition.write_bytes(whole)
                    self.rewrite_headers(change)
                    if not remembers:
                        (self.kept / "data-volume").unlink(missing_ok=True)
                    if change is null:
                        self.assertTrue(self.cryptsetup_opens(), "the attack is one: the header is whole and the key opens it")
                    self.assert_refused("not made by this unit")
        self.partition.write_bytes(whole)
        self.rewrite_headers(lambda metadata: None)
        self.assert_opened()

    def test_the_power_goes_while_it_is_made(self):
        self.program("mkfs.ext4", "exit 1")
        self.assertEqual(self.open()[0], 1)
        state, uuid = self.remembered()
        self.assertEqual(state, "begun")
        self.program("mkfs.ext4", f'echo "$*" >>{self.work}/made')
        self.assert_opened()
        self.assertEqual(self.remembered(), ["made", uuid])
        self.assertEqual(len(self.made()), 1)

    def test_without_keys_nothing_is_made_or_opened(self):
        self.lock()
        status, said = self.open()
        self.assertEqual(status, 1)
        self.assertIn("cannot be made", said)
        self.assertEqual(self.made(), [])
        self.site.keyd.stop()
        self.site.start_tpm()
        self.site.start_keyd()
        self.assert_opened()
        self.lock()
        self.assert_refused("gims-keyd gives no key")


class ShellTest(unittest.TestCase):
    def test_shellcheck(self):
        run = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_the_unit(self):
        unit = (TOP / "image/root/etc/systemd/system/gims-data.service").read_text()
        self.assertRegex(unit, r"(?m)^ExecStart=/usr/lib/gims/data-volume open$")
        self.assertEqual(re.findall(r"(?m)^(?:Requires|After)=.*gims-unsealed\.service.*$", unit),
                         ["Requires=gims-unsealed.service", "After=gims-unsealed.service"])


if __name__ == "__main__":
    unittest.main()
