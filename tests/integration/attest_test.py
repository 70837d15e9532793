"""What a unit states about itself, judged on another machine: by gimsctl, by tpm2-tools and by a client of our own."""

import asyncio
import base64
import hashlib
import json
import os
import secrets
import shutil
import struct
import subprocess
import unittest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

import rig  # before those of scripts/: it says where they are
import gimssite
import measured_boot
from measured_boot import measured

KERNEL, INITRD, PHASE = b"the kernel", b"the initrd", b"enter-initrd"
RELEASED = [(11, b".linux\0", ".linux"), (11, KERNEL, ".linux"), (11, b".initrd\0", ".initrd"), (11, INITRD, ".initrd")]


class MeasuredSite(gimssite.Site):
    """A unit that was started as the release has it, with the logs of that. Whoever asks is one address here."""

    started_with = ()  # further events of the firmware

    def configuration(self):
        files = super().configuration()
        logs = f'firmware_log = "{self.etc}/firmware.log"\nuserspace_log = "{self.etc}/userspace.log"\n'
        files["gims-keyd"] = files["gims-keyd"].replace("[tpm]\n", "[tpm]\n" + logs)
        files["gimsd"] += "[rates]\naddresses = 100\n"
        return files

    def prepare(self):
        super().prepare()
        self.sign_release(1, measured(*(event for _, event, _ in RELEASED), PHASE))
        (self.etc / "firmware.log").write_bytes(measured_boot.firmware_log([*RELEASED, *self.started_with]))
        (self.etc / "userspace.log").write_bytes(measured_boot.userspace_log([(11, PHASE, PHASE.decode())]))

    def start_tpm(self):
        super().start_tpm()
        for pcr, event, _ in [*RELEASED, (11, PHASE, ""), *self.started_with]:
            assert measured_boot.measure(self.run / "tpm/socket", pcr, event) == 0


def decoded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


class AttestTest(rig.SiteTest):
    site_class = MeasuredSite

    def setUp(self):
        super().setUp()
        # The other machine: a folder of files, and gimsctl without a daemon.
        self.elsewhere = self.site.operator / "elsewhere"
        self.elsewhere.mkdir()
        for name, content in (("linux", KERNEL), ("initrd", INITRD)):
            (self.elsewhere / name).write_bytes(content)
        key = self.site.operator / "release-key.pem"
        self.site.command([self.site.program("gims-release-policy"), "manifest", "--key", key, "--release", 1, "--name", "GIMS test",
                           "--section", f".linux={self.elsewhere / 'linux'}", "--section", f".initrd={self.elsewhere / 'initrd'}",
                           "--phase", PHASE.decode(), "--value", "4:boot loader=none", "--value", "12:further command lines=none",
                           "--out", self.elsewhere / "manifest"])
        (self.elsewhere / "release.pem").write_text(
            self.site.command([self.site.program("gims-release-policy"), "public-key", "--key", key]))

    def attest(self, nonce=None, name="evidence"):
        nonce = nonce or secrets.token_hex(32)
        status, told = self.gimsctl("attest", "--nonce", nonce, "--out", self.elsewhere / name)
        self.assertEqual(status, 0, told)
        return nonce

    def elsewhere_gimsctl(self, *arguments):
        """On another machine: no socket is there, whatever is asked for."""
        run = subprocess.run([self.site.program("gimsctl"), "--socket", "/nonexistent/admin", *arguments], cwd=self.elsewhere,
                             env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60)
        return run.returncode, run.stdout + run.stderr

    def verify(self, *arguments, name="evidence"):
        return self.elsewhere_gimsctl("attest", "verify", name, "--manifest", "manifest", "--release-key", "release.pem", *arguments)

    def assert_fault(self, words, status, told):
        self.assertEqual(status, 1, told)
        self.assertIn(words, told)
        self.assertIn("THIS UNIT IS NOT WHAT IT SHOULD BE", told)

    def change(self, **members):
        """The evidence with other members, in a file of its own."""
        evidence = json.loads((self.elsewhere / "evidence").read_text()) | members
        (self.elsewhere / "changed").write_text(json.dumps(evidence))
        return "changed"

    def test_a_unit_that_runs_what_was_released(self):
        nonce = self.attest()
        self.site.stop()  # no daemon, no TPM
        status, told = self.verify("--nonce", nonce)
        self.assertEqual(status, 0, told)
        self.assertIn("The unified kernel image (PCR 11) is as released, in each of its parts.", told)
        # Without a challenge and a maker's certificate the key could be anybody's.
        self.assertIn("note   That the attestation key is in the TPM of the endorsement key was not shown", told)
        self.assertTrue(told.endswith("What was judged holds. What the notes name was not shown.\n"), told)

    def test_what_is_not_as_released_is_named(self):
        self.site.stop()
        self.site.started_with = [(4, b"another boot loader", "boot loader")]
        self.site.start()
        nonce = self.attest()
        self.assert_fault("The boot loader (PCR 4) is not as released: nothing is to be measured there, and something was.",
                          *self.verify("--nonce", nonce))
        # Another kernel with the same name, in the release as it should be: the unit has the old one.
        (self.elsewhere / "linux").write_bytes(b"a newer kernel")
        self.site.command([self.site.program("gims-release-policy"), "manifest", "--key", self.site.operator / "release-key.pem",
                           "--release", 1, "--name", "GIMS test", "--section", f".linux={self.elsewhere / 'linux'}",
                           "--section", f".initrd={self.elsewhere / 'initrd'}", "--phase", PHASE.decode(),
                           "--out", self.elsewhere / "manifest"])
        self.assert_fault("The section .linux is not as released: something else was measured in its place into PCR 11.",
                          *self.verify("--nonce", nonce))

    def test_what_was_changed_on_the_way(self):
        nonce = self.attest()
        evidence = json.loads((self.elsewhere / "evidence").read_text())
        self.assert_fault("about another nonce", *self.verify("--nonce", secrets.token_hex(32)))
        signature = bytearray(decoded(evidence["quote"]["signature"]))
        signature[7] ^= 1
        forged = evidence["quote"] | {"signature": base64.b64encode(signature).decode().rstrip("=")}
        self.assert_fault("The quote is not signed by the attestation key", *self.verify("--nonce", nonce, name=self.change(quote=forged)))
        pcrs = ["00" * 32, *evidence["pcrs"][1:]]
        pcrs[4] = "11" * 32
        self.assert_fault("The PCRs' values are not those that the TPM signed", *self.verify("--nonce", nonce, name=self.change(pcrs=pcrs)))
        self.assert_fault("about another head of the audit log",
                          *self.verify("--nonce", nonce, name=self.change(audit=evidence["audit"] | {"sequence": 7})))
        log = decoded(evidence["firmware_log"]).replace(hashlib.sha256(KERNEL).digest(), hashlib.sha256(b"another").digest())
        status, told = self.verify("--nonce", nonce, name=self.change(firmware_log=base64.b64encode(log).decode()))
        self.assertEqual(status, 0, told)  # what was measured is right all the same, and the log proves nothing
        self.assertNotIn("in each of its parts", told)

    def test_the_attestation_key_is_in_the_tpm(self):
        self.attest()
        self.assertEqual(self.elsewhere_gimsctl("attest", "challenge", "evidence", "--keep", "kept", "--out", "challenge")[0], 0)
        status, told = self.gimsctl("attest", "activate", self.elsewhere / "challenge", "--out", self.elsewhere / "answer")
        self.assertEqual(status, 0, told)
        status, told = self.verify("--challenge", "kept", "--answer", "answer")
        self.assertEqual(status, 0, told)
        self.assertIn("The attestation key is in the TPM that has the endorsement key.", told)
        # Another user has no part in it.
        with open(self.elsewhere / "challenge", "rb") as challenge:
            refused = subprocess.run([self.site.program("gimsctl"), "attest", "activate", "/dev/stdin", "--keyd-socket",
                                      self.site.run / "keyd/socket"], stdin=challenge, user="gimsd", group="gimsd",
                                     extra_groups=[], capture_output=True, text=True, timeout=60)
        self.assertIn("may not ask for activate", refused.stderr)
        answer = json.loads((self.elsewhere / "answer").read_text())
        (self.elsewhere / "answer").write_text(json.dumps(answer | {"secret": "00" * 32}))
        self.assert_fault("The answer to the challenge is wrong", *self.verify("--challenge", "kept", "--answer", "answer"))

    def get(self, nonce):
        async def ask():
            async with self.client() as client:
                return await client.call("GET", "/_gims/attestation", nonce=nonce)
        return asyncio.run(ask())

    def test_a_client_of_ones_own(self):
        """With the specification of TPMs alone: the key, the quote's nonce and PCRs, its signature; then tpm2-tools."""
        nonce = secrets.token_hex(32)
        evidence = self.get(nonce)
        area = decoded(evidence["attestation_key"])
        kind, name_hash, attributes = struct.unpack_from(">HHI", area)
        self.assertEqual((kind, name_hash), (0x23, 0x0B))
        self.assertEqual(attributes & 0x70032, 0x50032, "a restricted key that signs, of this TPM")
        key = ec.EllipticCurvePublicNumbers(int.from_bytes(area[-66:-34]), int.from_bytes(area[-32:]), ec.SECP256R1()).public_key()
        attest, signature = decoded(evidence["quote"]["attest"]), decoded(evidence["quote"]["signature"])
        der = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        key.verify(der, attest, ec.ECDSA(hashes.SHA256()))
        with self.assertRaises(InvalidSignature):
            key.verify(der, attest + b"\0", ec.ECDSA(hashes.SHA256()))
        self.assertEqual(attest[:6], bytes.fromhex("ff5443478018"))
        self.assertIn(bytes.fromhex(nonce), attest)
        self.assertEqual(attest[-32:], hashlib.sha256(b"".join(map(bytes.fromhex, evidence["pcrs"]))).digest())
        self.assertEqual(evidence["pcrs"][11], measured(*(event for _, event, _ in RELEASED), PHASE))
        sized = lambda data: struct.pack(">H", len(data)) + data
        files = {"ak.pub": sized(area), "statement": attest,
                 "signature": struct.pack(">HH", 0x18, 0x0B) + sized(signature[:32]) + sized(signature[32:])}
        for name, content in files.items():
            (self.elsewhere / name).write_bytes(content)
        check = lambda asked: subprocess.run(["tpm2_checkquote", "-u", "ak.pub", "-m", "statement", "-s", "signature", "-g", "sha256",
                                              "-q", asked], cwd=self.elsewhere, capture_output=True, timeout=60).returncode
        self.assertEqual(check(nonce), 0)
        self.assertNotEqual(check("11" * 32), 0)

    def pin(self):
        return self.elsewhere_gimsctl("attest", "pin", self.site.url, "--pins", "pins", "--ca", self.site.ca, "--manifest", "manifest",
                                      "--release-key", "release.pem")

    def test_another_unit_is_noticed_by_who_pinned_the_first(self):
        status, told = self.pin()
        self.assertEqual(status, 0, told)
        self.assertIn("pinned from now on", told)
        status, told = self.pin()
        self.assertEqual(status, 0, told)
        self.assertIn("This is the unit that was pinned, and nothing of it went back.", told)
        # The same release on another TPM, with the name and the address of the first.
        self.site.stop()
        for part in ("tpm", "keyd", "gimsd"):
            shutil.rmtree(self.site.folder / part)
        self.site.start()
        self.assert_fault("This is another unit than the one that was pinned", *self.pin())

    def test_a_cut_tail_is_found_without_the_unit(self):
        for name in ("one", "two", "three"):
            self.site.add_user(name)
        certificate = self.site.folder / "gimsd/audit.certificate"
        self.wait_for("the newest entry to be certified",
                      lambda: "gims-keyd has its newest entry" in self.gimsctl("status")[1] and certificate.exists())
        self.site.gimsd.stop()  # which certifies what is new since
        self.site.start_gimsd()
        status, told = self.gimsctl("audit", "export", "--out", self.elsewhere / "log")
        self.assertEqual(status, 0, told)
        self.attest()
        self.site.stop()
        status, told = self.elsewhere_gimsctl("audit", "verify", "--file", "log", "--evidence", "evidence")
        self.assertEqual(status, 0, told)
        self.assertRegex(told, "the audit log is whole: 3 entries\nentry 3 was certified with the unit's counter at")
        log = json.loads((self.elsewhere / "log").read_text())
        (self.elsewhere / "cut").write_text(json.dumps(log | {"entries": log["entries"][:2]}))
        self.assertEqual(self.elsewhere_gimsctl("audit", "verify", "--file", "cut"),
                         (1, "the audit log was cut off: entry 3, which the TPM certified, is missing\n"))
        # Without the certificate, by what the unit stated since.
        (self.elsewhere / "bare").write_text(json.dumps({"version": 1, "entries": log["entries"][:2], "certificate": None}))
        self.assertEqual(self.elsewhere_gimsctl("audit", "verify", "--file", "bare", "--evidence", "evidence"),
                         (1, "the audit log was cut off: entry 3, which the TPM certified, is missing\n"))


if __name__ == "__main__":
    unittest.main()
