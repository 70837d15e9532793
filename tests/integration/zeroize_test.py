"""Two administrators decide: one does nothing, a killed gims-keyd decides nothing twice, and what was decided is in the audit
log. Zeroized, no byte of the old disk opens anything, with the TPM that made it; the recovery quorum with a copy still does."""

import asyncio
import hashlib
import shutil
import subprocess
import time
import unittest

from rig import SiteTest  # before those of scripts/: it says where they are

import sitekeys


def crypto_kdf(key, number):
    return hashlib.blake2b(b"", digest_size=32, key=key, salt=number.to_bytes(16, "little"),
                           person=sitekeys.KDF_CONTEXT.ljust(16, b"\0")).digest()


class Lock:
    """What an old disk has that only its keys open: whether 32 bytes are one of them."""

    def __init__(self, state, custody):
        self.state, self.mac = state[:-32], state[-32:]
        # The seed is the fourth of the variable fields.
        self.seed = list(sitekeys.variable_fields(custody[26:-32]))[3]
        self.sodium = sitekeys.libsodium()

    def opens_as_root_key(self, key):
        return self.opens_as_file_key(crypto_kdf(key, sitekeys.DERIVED_KEYS["state file"]))

    def opens_as_file_key(self, key):
        return hashlib.blake2b(self.state, digest_size=32, key=key).digest() == self.mac

    def opens_as_wrapping_key(self, key):
        try:
            return bool(sitekeys.unwrap(key, sitekeys.SERVER_SEED_LABEL, self.seed))
        except ValueError:
            return False

    def found_in(self, data):
        """The places of `data` that are a key, however its 32 bytes are used."""
        seen = set()
        for place in range(len(data) - 31):
            key = data[place:place + 32]
            if key in seen:
                continue
            seen.add(key)
            if self.opens_as_root_key(key) or self.opens_as_file_key(key):
                yield place


class ZeroizeTest(SiteTest):
    def zeroize(self, *more):
        """By gimsctl, as two administrators; the seconds that the second one waited."""
        status, said = self.gimsctl("zeroize", *more, *map(str, self.site.means("Asha")))
        self.assertEqual(status, 0, said)
        self.assertIn("waits for a second person", said)
        self.assertEqual(self.site.keyd_state(), "operational")
        begun = time.monotonic()
        status, said = self.gimsctl("zeroize", *more, *map(str, self.site.means("Bimal")))
        took = time.monotonic() - begun
        self.assertEqual((status, said), (0, "The keys are destroyed.\n"))
        self.assertEqual(self.site.keyd_status(), "zeroized")
        return took

    def restart_keyd(self):
        self.site.keyd.stop()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    def kill_keyd(self):
        """As a cut of the power does; and it starts again."""
        self.site.keyd.kill()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    def put(self, name, data):
        path = self.site.folder / "keyd" / name
        path.write_bytes(data)
        shutil.chown(path, "gims-keyd", "gims-keyd")
        path.chmod(0o600)

    def acts(self):
        status, said = self.gimsctl("audit", "list")
        self.assertEqual(status, 0, said)
        return said

    def test_nothing_of_the_old_disk_opens_and_the_quorum_does(self):
        password = self.site.add_user("desk.officer")
        root_key = self.site.root_key_file.read_bytes()
        root = self.site.site_root()
        self.site.gimsd.stop()
        self.site.tlsd.stop()
        old = self.site.operator / "old-disk"
        for part in ("keyd", "gimsd"):
            shutil.copytree(self.site.folder / part, old / part)
        files = sorted(path for path in old.rglob("*") if path.is_file() and path.stat().st_size)
        lock = Lock((old / "keyd/state.bin").read_bytes(), (old / "keyd/custody.bin").read_bytes())
        # The search finds what it looks for.
        self.assertEqual(list(lock.found_in(b"before" + root_key + b"after")), [6])
        wrapping = bytes.fromhex(sitekeys.derived_keys(root_key)["wrapping"])
        self.assertTrue(lock.opens_as_wrapping_key(wrapping))

        took = self.zeroize()
        print(f"zeroized in {took * 1000:.0f} ms, gimsctl's own start and signature with it")
        left = {path.name for path in (self.site.folder / "keyd").iterdir() if path.stat().st_size}
        self.assertEqual(left, {"recovery.bin", "zeroized"})

        # Every place of every old file as a key, and as one that opens a key; the root key itself is in none.
        places = 0
        for path in files:
            data = path.read_bytes()
            with self.subTest(file=path.name):
                self.assertEqual(list(lock.found_in(data)), [])
                self.assertNotIn(root_key, data)
                if path.parent.name == "keyd":
                    self.assertFalse(any(lock.opens_as_wrapping_key(data[at:at + 32]) for at in range(len(data) - 31)))
            places += len(data)
        print(f"{places} places of {len(files)} old files are no key")

        # Every old file as the one that the TPM is to open, and all together as they were.
        for path in files:
            data = path.read_bytes()[:100_000]
            for name in ("state.bin", "recovery.bin"):
                self.put(name, (old / "keyd" / name).read_bytes())
            (self.site.folder / "keyd/zeroized").unlink(missing_ok=True)
            self.put("custody.bin", data)
            with self.subTest(custody=path.name):
                status = self.restart_keyd()
                self.assertRegex(status, "^(locked|zeroized)")
                self.assertNotEqual(self.keyd("unlock")[0], 0)
        self.site.keyd.stop()
        shutil.rmtree(self.site.folder / "keyd")
        shutil.copytree(old / "keyd", self.site.folder / "keyd")
        for path in ((self.site.folder / "keyd"), *(self.site.folder / "keyd").iterdir()):
            shutil.chown(path, "gims-keyd", "gims-keyd")
        (self.site.folder / "keyd").chmod(0o700)
        self.assertRegex(self.restart_keyd(), "^locked: ")

        # With the shares and the recovery file, the quorum brings the site back, and its database opens.
        self.site.keyd.stop()
        for path in (self.site.folder / "keyd").iterdir():
            path.unlink()
        self.put("zeroized", b"zeroized")
        self.assertEqual(self.restart_keyd(), "zeroized")
        self.assert_keyd("recover", "--from", old / "keyd/recovery.bin", "--shares-from", self.site.shares_file, "--replace",
                         "--administrator", f"Asha={self.site.public_key('Asha')}",
                         "--administrator", f"Chitra={self.site.public_key('Chitra')}")
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertEqual(self.site.site_root(), root)
        self.site.start_gimsd()
        self.site.start_tlsd()
        asyncio.run(self.sign_in("desk.officer", password))
        self.assertIn("Chitra (administrator)", self.assert_keyd("administrators"))

    async def sign_in(self, user, password):
        async with self.client() as client:
            await client.login(user, password)

    def test_one_person_does_nothing(self):
        asha = list(map(str, self.site.means("Asha")))
        for _ in range(2):
            status, said = self.gimsctl("zeroize", *asha)
        self.assertEqual(status, 1, said)
        self.assertIn("has approved it already", said)
        # Nor with another's name, nor without any.
        status, said = self.gimsctl("zeroize", "--as", "Bimal", *asha[2:])
        self.assertEqual(status, 1, said)
        self.assertIn("The signature is not that of the administrator's key", said)
        status, said = self.gimsctl("zeroize")
        self.assertEqual(status, 0, said)
        self.assertIn("approved:  by Asha", said)
        # The way without a second person is for a line of the hardware.
        status, said = self.keyd("zeroize", "--hardware-line")
        self.assertEqual(status, 1, said)
        self.assertIn("may not ask for zeroize", said)
        self.assertEqual(self.site.keyd_state(), "operational")
        self.assertIn("destroy all keys of this site", self.assert_keyd("approvals"))

    def test_a_killed_custodian_decides_nothing_twice(self):
        """Between the two, the proposal is gone; after them, it is done."""
        said = self.assert_keyd("propose", "zeroize", *self.site.means("Asha"))
        number = said.split()[1].rstrip(",")
        self.assertEqual(self.kill_keyd(), "operational")
        self.assertIn("Nothing waits", self.assert_keyd("approvals"))
        status, said = self.keyd("approve", number, *self.site.means("Bimal"))
        self.assertEqual(status, 1, said)
        self.assertIn("There is no such proposal", said)
        # What was done before the kill is in the log all the same.
        self.wait_for("gims-keyd's acts", lambda: "administrator Asha" in self.acts())
        said = self.site.decide("add-administrator", f"Chitra={self.site.public_key('Chitra')}")
        self.assertIn("Done: add Chitra", said)
        self.assertEqual(self.kill_keyd(), "operational")
        self.assertIn("Chitra (administrator)", self.assert_keyd("administrators"))
        self.assertIn("Nothing waits", self.assert_keyd("approvals"))
        self.zeroize()
        self.assertEqual(self.kill_keyd(), "zeroized")

    def test_what_was_decided_is_in_the_audit_log(self):
        self.site.decide("add-administrator", f"Chitra={self.site.public_key('Chitra')}", "--roles", "security-officer,auditor")
        said = self.assert_keyd("propose", "identity-reset", "@desk.officer:gims.internal")
        self.assert_keyd("withdraw", said.split()[1].rstrip(":"))

        def whole():
            entries = self.acts()
            return entries if "approval.withdrawn" in entries else None
        entries = self.wait_for("the log to have all", whole)
        for expected in ("approval.proposed", "approval.given", "administrator Bimal", "approval.done", "administrators 1",
                         "identity-reset 2"):
            self.assertIn(expected, entries)
        self.assertEqual(entries.count("approval.done"), 1)
        self.assertRegex(self.gimsctl("audit", "verify")[1], "the audit log is whole")
        # gims-keyd keeps them no longer.
        self.wait_for("gims-keyd to forget them", lambda: not (self.site.folder / "keyd/acts.bin").exists())
        self.assertRegex(self.site.keyd.log.read_text(errors="replace"), "approval.done")

    def test_an_identity_is_reset_by_two(self):
        self.site.add_user("desk.officer")
        reset = ("user", "reset-identity", "desk.officer")
        status, said = self.gimsctl(*reset, *map(str, self.site.means("Asha")))
        self.assertEqual(status, 0, said)
        self.assertIn("waits for a second person", said)
        status, said = self.gimsctl(*reset, *map(str, self.site.means("Bimal")))
        self.assertEqual(status, 0, said)
        self.assertIn("may replace, once, the identity of @desk.officer:gims.internal", said)
        entries = self.acts()
        self.assertIn("user.identity_reset", entries)
        self.assertIn("Asha", entries)
        # What gimsd was handed is gone.
        self.assertIn("Nothing waits", self.assert_keyd("approvals"))

    def test_a_line_of_the_hardware(self):
        self.site.stop()
        config = self.site.configuration()["gims-keyd"].replace('admins = ["root"]', 'admins = ["root"]\ntamper = "nobody"')
        self.site.prepare()
        (self.site.etc / "gims-keyd.toml").write_text(config)
        self.site.start_tpm()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertEqual(self.site.keyd_status(), "operational")
        command = [self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", "zeroize", "--hardware-line"]
        begun = time.monotonic()
        run = subprocess.run(command, user="nobody", group="nogroup", extra_groups=[], capture_output=True, text=True, timeout=120)
        took = time.monotonic() - begun
        self.assertEqual((run.returncode, run.stdout), (0, "The keys are destroyed.\n"), run.stderr)
        print(f"zeroized by the line in {took * 1000:.0f} ms, the command's own start with it")
        self.assertEqual(self.site.keyd_status(), "zeroized")
        self.assertEqual(self.restart_keyd(), "zeroized")


if __name__ == "__main__":
    unittest.main()
