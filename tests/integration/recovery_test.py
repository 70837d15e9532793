"""The recovery quorum: it brings a site onto another TPM under the same site root, seals it anew where the start has
changed, accepts older copies, makes shares anew, and at the terminal no share is shown while it is typed. Devices get
certificates, and lists say which are revoked."""

import asyncio
import os
import re
import shutil
import struct
import subprocess
import unittest

import keyd_peer
from pseudo_terminal import Terminal
from rig import SiteTest

CLEAR = b"\x1b[2J\x1b[3J\x1b[H"


class RecoveryTest(SiteTest):
    def setUp(self):
        super().setUp()
        self.recovery = self.site.operator / "recovery.bin"

    def shares_in(self, *shares):
        """A file with these shares."""
        path = self.site.operator / "given"
        path.write_text("".join(f"{share}\n" for share in shares))
        return path

    def start_custody(self):
        self.site.prepare()
        self.site.start_tpm()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    def restart_keyd(self):
        self.site.keyd.stop()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    async def sign_in(self, user, password):
        async with self.client() as client:
            await client.login(user, password)

    def issuer_of_the_leaf(self):
        run = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.site.port}", "-CAfile", self.site.ca,
                              "-verify_return_error", "-showcerts"], input=b"", capture_output=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stderr)
        return re.search(r"issuer=(.*)", run.stdout.decode())[1]

    def test_onto_another_tpm(self):
        password = self.site.add_user("asha")
        before, root = self.issuer_of_the_leaf(), self.site.site_root()
        keys = self.site.keys()
        self.assert_keyd("recovery-file", "--out", self.recovery)
        self.site.stop()
        # The unit is gone; what is left is a copy of the data, the recovery file and people with shares.
        for part in ("tpm", "keyd"):
            shutil.rmtree(self.site.folder / part)
        self.assertEqual(self.start_custody(), "unprovisioned")
        shares = self.site.shares()
        status, said = self.keyd("recover", "--from", self.recovery, "--shares-from", self.shares_in(*shares[:2]))
        self.assertEqual(status, 1, said)
        self.assertIn("group 1: 2 of 3 shares", said)
        self.assertEqual(self.site.keyd_status(), "unprovisioned")
        self.assertEqual(list((self.site.folder / "keyd").iterdir()), [])
        said = self.assert_keyd("recover", "--from", self.recovery, "--shares-from", self.shares_in(shares[4], shares[1], shares[2]))
        self.assertIn("Restored gims.internal under its site root", said)
        self.assertIn(self.site.fingerprint, said)
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertEqual(self.site.site_root(), root)
        self.assertEqual(self.site.keys(), keys)
        # The database opens, and a client with the CA that it had takes the new certificate.
        self.site.start_gimsd()
        self.site.start_tlsd()
        asyncio.run(self.sign_in("asha", password))
        self.assertNotEqual(self.issuer_of_the_leaf(), before)
        crl = self.site.operator / "crl.pem"
        crl.write_text(self.assert_keyd("crl"))
        shown = subprocess.run(["openssl", "crl", "-in", crl, "-noout", "-text", "-verify", "-CAfile", self.site.ca],
                               capture_output=True, text=True)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(shown.stdout.count("Serial Number:"), 1, shown.stdout)
        # And it is restored for good.
        self.site.stop()
        self.site.start()
        self.assertEqual(self.site.site_root(), root)

    def test_shares_of_two_sets(self):
        old = self.site.shares()
        fresh = self.site.operator / "fresh"
        said = self.assert_keyd("reshare", "--group", "2/3", "--group", "1/1", "--groups", "1", "--shares-from", self.site.shares_file,
                                "--shares-to", fresh)
        self.assertIn("The shares of generation 2 are in force", said)
        self.assertIn("THE SHARES LIE IN", said)
        self.assertEqual(fresh.stat().st_mode & 0o7777, 0o600)
        new = [line for line in fresh.read_text().splitlines() if not line.startswith("#")]
        self.assertEqual(len(new), 4)
        for given in ((new[0], old[0]), (old[0], old[1], old[2])):
            status, said = self.keyd("renew-ca", "--shares-from", self.shares_in(*given))
            self.assertEqual(status, 1, said)
            self.assertIn("of another set", said)
        self.assert_keyd("renew-ca", "--shares-from", self.shares_in(new[0], new[2]))
        self.assert_keyd("renew-ca", "--shares-from", self.shares_in(new[3]))
        self.assertEqual(self.restart_keyd(), "operational")
        # No file is written over.
        status, said = self.keyd("reshare", "--shares-from", fresh, "--shares-to", fresh)
        self.assertEqual(status, 1, said)
        self.assertIn(new[0], fresh.read_text())

    def test_a_new_issuing_ca(self):
        before, fingerprint = self.issuer_of_the_leaf(), self.site.fingerprint
        said = self.assert_keyd("renew-ca", "--shares-from", self.site.shares_file)
        self.assertIn("Certificates that were made before stay good", said)
        # The front goes on with what it has, and takes a certificate of the new one when it asks for one.
        self.assertEqual(self.issuer_of_the_leaf(), before)
        self.site.tlsd.stop()
        self.site.start_tlsd()
        self.assertNotEqual(self.issuer_of_the_leaf(), before)
        # None was revoked.
        self.assertEqual(self.openssl("crl", "-noout", "-text", "-in", self.lists()[0])[1].count("No Revoked Certificates"), 1)
        self.site.stop()
        self.site.start()
        self.assertEqual(self.site.fingerprint, fingerprint)

    def openssl(self, *arguments):
        run = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60)
        return run.returncode, run.stdout + run.stderr

    def lists(self):
        """What `gims-keyd crl` prints, each list in a file of its own."""
        printed = re.findall("-----BEGIN X509 CRL-----.*?-----END X509 CRL-----\n", self.assert_keyd("crl"), re.DOTALL)
        paths = [self.site.operator / f"list{number}.pem" for number in range(len(printed))]
        for path, text in zip(paths, printed, strict=True):
            path.write_text(text)
        return paths

    def device(self, name):
        """A certificate for a new key, whose request asks for more than it gets: (file, serial number)."""
        request, out = self.site.operator / f"{name}.csr", self.site.operator / f"{name}.pem"
        status, said = self.openssl("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=minister",
                                    "-addext", "subjectAltName=DNS:example.com", "-addext", "basicConstraints=CA:TRUE",
                                    "-keyout", self.site.operator / f"{name}.key", "-out", request)
        self.assertEqual(status, 0, said)
        said = self.assert_keyd("certify-device", "--request", request, "--user", "@asha:gims.internal", "--device", name, "--out", out)
        return out, re.search(r"revoke it by: ([0-9a-f]+)", said)[1]

    def assert_device(self, certificate, good, lists):
        """openssl's and GnuTLS's verdicts, with each list of devices."""
        chain = certificate.read_text()
        issuing = self.site.operator / "issuing.pem"
        issuing.write_text(chain[chain.index("-----END CERTIFICATE-----") + 26:])
        both = self.site.operator / "devices.pem"
        both.write_text("".join(path.read_text() for path in lists[1:]))
        status, said = self.openssl("verify", "-x509_strict", "-crl_check", "-purpose", "sslclient", "-CAfile", self.site.ca,
                                    "-untrusted", issuing, "-CRLfile", both, certificate)
        self.assertEqual((status == 0, "certificate revoked" in said), (good, not good), said)
        anchors = self.site.operator / "anchors.pem"
        anchors.write_text(self.site.ca.read_text() + issuing.read_text())
        run = subprocess.run(["certtool", "--verify", "--verify-purpose", "1.3.6.1.5.5.7.3.2", "--load-ca-certificate", anchors,
                              "--load-crl", both, "--infile", certificate], capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode == 0, good, run.stdout + run.stderr)

    def test_devices(self):
        phone, serial = self.device("PHONE")
        tablet, other = self.device("TABLET")
        _, text = self.openssl("x509", "-noout", "-text", "-in", phone)
        self.assertIn("UID=@asha:gims.internal, CN=PHONE\n", text)
        self.assertIn("TLS Web Client Authentication\n", text)
        for asked in ("minister", "example.com", "CA:TRUE"):
            self.assertNotIn(asked, text)
        for certificate in (phone, tablet):
            self.assert_device(certificate, True, self.lists())
        self.assert_keyd("revoke-device", "--serial", serial)
        for _ in range(2):
            self.assert_device(phone, False, self.lists())
            self.assert_device(tablet, True, self.lists())
            self.assertEqual(self.restart_keyd(), "operational")
        # The issuing CA is another one now, and the one before still says which of its devices are lost.
        self.assert_keyd("renew-ca", "--shares-from", self.site.shares_file)
        laptop, _ = self.device("LAPTOP")
        self.assertEqual(len(self.lists()), 3)
        self.assert_keyd("revoke-device", "--serial", other.upper())
        self.assert_device(tablet, False, self.lists())
        self.assert_device(laptop, True, self.lists())
        for wrong in (("--user", "@asha:example.com", "--device", "X"), ("--user", "@asha:gims.internal", "--device", "a b"),
                      ("--user", "@asha:gims.internal", "--device", "X", "--days", "367")):
            status, said = self.keyd("certify-device", "--request", self.site.operator / "PHONE.csr", "--out", self.site.operator / "x", *wrong)
            self.assertEqual(status, 1, said)
        self.assertFalse((self.site.operator / "x").exists())

    def test_the_root_for_phones(self):
        out = self.site.operator / "root.cer"
        self.assertIn(self.site.fingerprint, self.assert_keyd("site-root", "--out", out))
        self.assertEqual(out.read_bytes(), self.site.site_root()[0])
        self.assertEqual(self.assert_keyd("site-root"), self.site.ca.read_text())

    def extend_pcr(self, pcr):
        """TPM2_PCR_Extend, as the firmware does at a start."""
        command = struct.pack(">IIIHBHIH", pcr, 9, 0x40000009, 0, 0, 0, 1, 0x000b) + bytes(31) + b"\x01"
        keyd_peer.tpm_command(self.site.run / "tpm/socket", struct.pack(">HII", 0x8002, 10 + len(command), 0x182) + command)

    def test_another_start(self):
        root = self.site.site_root()
        self.site.keyd.stop()
        self.extend_pcr(7)
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertRegex(self.site.keyd_status(), "^locked: PCR 7 differs.*gims-keyd recover")
        self.assert_keyd("recover", "--shares-from", self.site.shares_file)
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertEqual(self.site.site_root(), root)
        self.assertEqual(self.restart_keyd(), "operational")

    def test_an_older_copy(self):
        kept = self.site.folder / "keyd/state.bin"
        self.site.keyd.stop()
        older = kept.read_bytes()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.site.add_user("asha")
        self.wait_for("gims-keyd to keep the log's head", lambda: kept.read_bytes() != older)
        self.site.stop()
        kept.write_bytes(older)
        status = self.start_custody()
        self.assertRegex(status, "^locked: .*older copy.*gims-keyd accept-older")
        status, said = self.keyd("accept-older", "--shares-from", self.shares_in(*self.site.shares()[:2]))
        self.assertEqual(status, 1, said)
        self.assertRegex(self.site.keyd_status(), "^locked: ")
        self.assert_keyd("accept-older", "--shares-from", self.site.shares_file)
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertEqual(self.restart_keyd(), "operational")

    def test_at_the_terminal(self):
        with Terminal([self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", "reshare", "--shares", "2/2"]) as at:
            at.wait_for("A share (no share yet): ")
            at.type("these are no words")
            at.wait_for("words")
            for share, progress in zip(self.site.shares(), ("1 of 3 shares", "2 of 3 shares", "The quorum is complete."), strict=False):
                at.type(share)
                at.wait_for(progress)
                self.assertNotIn(share.split()[-1].encode(), at.seen.split(b"A share")[-2])
            shown = []
            for number in (1, 2):
                at.wait_for(f"group 1, share {number} of 2, 2 needed. Press Enter to show it.")
                at.type("")
                at.wait_for("Press Enter: they are cleared.")
                words = re.findall(rb"\d+ ([a-z]+)", at.seen[at.seen.rindex(b"needed\r\n"):])
                self.assertEqual(len(words), 33)
                shown.append(b" ".join(words).decode())
                at.type("")
                at.wait_for("Type it again")
                self.assertIn(CLEAR, at.seen[at.seen.rindex(words[-1]):])
                at.type(shown[0] if number == 2 else self.site.shares()[0])
                at.wait_for("not the one that was shown")
                at.type(shown[-1])
            at.wait_for("The shares of generation 2 are in force")
            self.assertEqual(at.end(), 0)
        self.assert_keyd("renew-ca", "--shares-from", self.shares_in(*shown))

    def test_what_is_interrupted_leaves_nothing(self):
        keyd = self.site.folder / "keyd"
        before = {path.name: path.read_bytes() for path in keyd.iterdir() if path.name != "state.bin"}
        command = [self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", "reshare"]
        with Terminal(command) as at:
            at.wait_for("A share (no share yet): ")
            at.type(self.site.shares()[0])
            at.wait_for("1 of 3 shares")
            os.write(at.terminal, b"\x03")
            self.assertEqual(at.end(), 1)
        # One that was killed is in the way until it is ended, or its time is up.
        with Terminal(command) as at:
            at.wait_for("A share (no share yet): ")
            os.kill(at.pid, 9)
            at.end()
        status, said = self.keyd("renew-ca", "--shares-from", self.site.shares_file)
        self.assertEqual(status, 1, said)
        self.assertIn("gims-keyd abort-ceremony", said)
        self.assert_keyd("abort-ceremony")
        self.assertEqual({path.name: path.read_bytes() for path in keyd.iterdir() if path.name != "state.bin"}, before)
        self.assert_keyd("renew-ca", "--shares-from", self.site.shares_file)


if __name__ == "__main__":
    unittest.main()
