"""Release keys that lie in no file: what signs the boot loader, the kernel image's expected PCR 11 and the root's hash reaches
them by PKCS#11, as image/build/make has mkosi do. The HSM is SoftHSM; no machine is started."""

import base64
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import disk

BUILD = Path(__file__).resolve().parents[1] / "build"
LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "87654321"
NAMES = ("secure-boot", "verity", "pcr")


class KeysTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.keys = cls.folder / "keys"
        (cls.folder / "tokens").mkdir()
        (cls.folder / "softhsm.conf").write_text(f"directories.tokendir = {cls.folder}/tokens\nobjectstore.backend = file\n")
        (cls.folder / "pin").write_text(PIN)
        cls.environment = os.environ | {"SOFTHSM2_CONF": str(cls.folder / "softhsm.conf"), "PKCS11_PROVIDER_MODULE": MODULE}
        cls.run_(BUILD / "keys", cls.keys)
        cls.run_("softhsm2-util", "--init-token", "--free", "--label", "release", "--so-pin", PIN, "--pin", PIN)
        for number, name in enumerate(NAMES, 1):
            key = cls.keys / f"{name}.key"
            cls.run_("softhsm2-util", "--import", key, "--token", "release", "--label", name, "--id", f"0{number}", "--pin", PIN)
            key.unlink()
            (cls.keys / f"{name}.uri").write_text(f"pkcs11:token=release;object={name};type=private?pin-source=file:{cls.folder}/pin\n")

    @classmethod
    def run_(cls, *argv):
        ran = subprocess.run([str(part) for part in argv], env=cls.environment, capture_output=True, text=True)
        if ran.returncode:
            raise AssertionError(f"{argv[0]}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def uri(self, name):
        return (self.keys / f"{name}.uri").read_text().strip()

    def certificate(self, name):
        return self.keys / f"{name}.crt"

    def test_no_file_is_made_in_their_place(self):
        self.run_(BUILD / "keys", self.keys)
        self.assertEqual([path.name for path in self.keys.glob("*.key")], [])

    def signed_by(self, program):
        return [name for name in NAMES
                if subprocess.run(["sbverify", "--cert", self.certificate(name), program], capture_output=True).returncode == 0]

    def test_the_boot_loader(self):
        signed = self.folder / "loader.efi"
        self.run_("/usr/lib/systemd/systemd-sbsign", "sign", "--private-key-source=provider:pkcs11", "--private-key", self.uri("secure-boot"),
                  "--certificate", self.certificate("secure-boot"), "--output", signed, LOADER)
        self.assertEqual(self.signed_by(signed), ["secure-boot"])

    def test_the_kernel_image_and_its_expected_pcr(self):
        image = self.folder / "image.efi"
        self.run_(BUILD / "bin/ukify", "build", "--linux", LOADER, "--uname", "6.12", "--cmdline", "ro", "--os-release", "ID=test\n",
                  "--signtool", "systemd-sbsign", "--signing-provider", "pkcs11", "--secureboot-private-key", self.uri("secure-boot"),
                  "--secureboot-certificate", self.certificate("secure-boot"), "--sign-kernel", "--pcr-banks", "sha256",
                  "--pcr-private-key", self.uri("pcr"), "--pcr-public-key", self.certificate("pcr"), "--output", image)
        self.assertEqual(self.signed_by(image), ["secure-boot"])
        offset, size = disk.section(image, ".pcrsig")
        rows = json.loads(image.read_bytes()[offset:offset + size].rstrip(b"\0"))["sha256"]
        self.assertEqual(len(rows), 1, "another phase than the initrd's was signed")
        public = self.folder / "pcr.pub"
        public.write_text(self.run_("openssl", "x509", "-in", self.certificate("pcr"), "-noout", "-pubkey"))
        signature, policy = self.folder / "signature", self.folder / "policy"
        signature.write_bytes(base64.b64decode(rows[0]["sig"]))
        policy.write_bytes(bytes.fromhex(rows[0]["pol"]))
        self.run_("openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, policy)

    def test_the_hash_of_the_root(self):
        root, image = self.folder / "root", self.folder / "disk.raw"
        for name in ("boot", "efi", "etc"):
            (root / name).mkdir(parents=True)
        (root / "etc/os-release").write_text("ID=debian\nIMAGE_ID=gims\nIMAGE_VERSION=1\n")
        self.run_("systemd-repart", f"--root={root}", f"--definitions={BUILD}/mkosi.repart", "--empty=create", "--size=auto", "--offline=yes",
                  "--dry-run=no", "--private-key-source=provider:pkcs11", f"--private-key={self.uri('verity')}",
                  f"--certificate={self.certificate('verity')}", image)
        start, size = disk.place(image, "sig")
        with open(image, "rb") as handle:
            handle.seek(start)
            found = json.loads(handle.read(size).rstrip(b"\0"))
        signature, signed = self.folder / "root.p7s", self.folder / "root.hash"
        signature.write_bytes(base64.b64decode(found["signature"]))
        signed.write_text(found["rootHash"])
        self.run_("openssl", "smime", "-verify", "-binary", "-inform", "der", "-in", signature, "-content", signed, "-nointern", "-noverify",
                  "-certfile", self.certificate("verity"), "-out", "/dev/null")


if __name__ == "__main__":
    unittest.main()
