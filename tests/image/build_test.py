"""What the image's build computes by itself: the list of parts, the expected PCR 11; and what its configuration must say."""

import configparser
import hashlib
import importlib.machinery
import importlib.util
import json
import struct
import subprocess
import sys
import tempfile
import unittest
import uuid
from pathlib import Path

import jsonschema
import referencing

BUILD = Path(__file__).resolve().parents[2] / "image/build"

STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Maintainer: GNU Libc Maintainers <glibc@example.test>
Description: GNU C Library
 and more

Package: tool
Status: install ok installed
Architecture: amd64
Version: 1:2.0+a-1
Source: tools (2.0)
Maintainer: Someone <someone@example.test>
Depends: libc6 (>= 2.40), awk | not-there, missing
Description: a tool

Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1.3
Maintainer: Someone <someone@example.test>
Provides: awk
Description: awk

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, str(BUILD / f"{name}.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class PartsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        (self.top / "copyright").mkdir()
        (self.top / "copyright/tool").write_text("Format: https://www.debian.org/\n\nFiles: *\nCopyright: x\nLicense: MIT\n text\n\nLicense: BSD-3-Clause\n text\n\n"
                                                 "License: GPL-2+\n text\n\nLicense: LGPL-2.1\n text\n\nLicense: Expat\n text\n\nLicense: GPL-2+ with exception\n text\n")
        (self.top / "copyright/libc6").write_text("Free prose, GPL\n")
        (self.top / "programs/usr/bin").mkdir(parents=True)
        (self.top / "programs/usr/bin/gimsctl").write_bytes(b"program")
        (self.top / "archives/apt").mkdir(parents=True)
        (self.top / "archives/apt/tool_1%3a2.0+a-1_amd64.deb").write_bytes(b"archive")
        (self.top / "archives/apt/mawk_1.2_amd64.deb").write_bytes(b"an older one")
        (self.top / "image").write_bytes(b"disk")
        (self.top / "status").write_text(STATUS)

    def document(self):
        run = subprocess.run([sys.executable, BUILD / "sbom.py", "--status", self.top / "status", "--copyrights", self.top / "copyright",
                              "--archives", self.top / "archives", "--programs", self.top / "programs", "--needed", "libc6 not-there",
                              "--image", self.top / "image", "--version", "1.2.3", "--epoch", "1700000000"],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_names_every_installed_package_and_each_program(self):
        parts = {part["name"]: part for part in json.loads(self.document())["components"]}
        self.assertEqual(set(parts), {"libc6", "tool", "mawk", "gimsctl"})
        self.assertEqual(parts["tool"]["version"], "1:2.0+a-1")
        self.assertEqual(parts["tool"]["purl"], "pkg:deb/debian/tool@1%3A2.0%2Ba-1?arch=amd64&distro=debian-13")
        self.assertEqual(parts["gimsctl"]["hashes"], [{"alg": "SHA-256", "content": hashlib.sha256(b"program").hexdigest()}])

    def test_licences_are_those_that_debian_states(self):
        parts = {part["name"]: part for part in json.loads(self.document())["components"]}
        found = [each["license"] for each in parts["tool"]["licenses"]]
        self.assertEqual([each["id"] for each in found if "id" in each], ["BSD-3-Clause", "GPL-2.0-or-later", "LGPL-2.1-only", "MIT"])
        self.assertEqual([each["name"] for each in found if "name" in each], ["GPL-2+ with exception"])
        self.assertNotIn("licenses", parts["libc6"])

    def test_hashes_are_of_the_archives_that_were_installed(self):
        parts = {part["name"]: part for part in json.loads(self.document())["components"]}
        self.assertEqual(parts["tool"]["hashes"], [{"alg": "SHA-256", "content": hashlib.sha256(b"archive").hexdigest()}])
        self.assertNotIn("hashes", parts["mawk"])

    def test_is_what_the_schema_says(self):
        """That of CycloneDX 1.6, with SPDX's list of licences."""
        schemas = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (Path(__file__).parent / "cyclonedx").glob("*.json")}
        registry = referencing.Registry().with_resources(
            (f"http://cyclonedx.org/schema/{name}", referencing.Resource.from_contents(schema)) for name, schema in schemas.items())
        validator = jsonschema.Draft7Validator(schemas["bom-1.6.SNAPSHOT.schema.json"], registry=registry, format_checker=jsonschema.FormatChecker())
        document = json.loads(self.document())
        self.assertEqual([error.message for error in validator.iter_errors(document)], [])
        document["components"][0]["licenses"] = [{"license": {"id": "No such licence"}}]
        self.assertNotEqual(list(validator.iter_errors(document)), [])

    def test_has_the_least_that_is_asked_of_one(self):
        """Of CERT-In's and NTIA's fields, those that a build knows."""
        document = json.loads(self.document())
        metadata = document["metadata"]
        self.assertEqual(metadata["timestamp"], "2023-11-14T22:13:20+00:00")
        for field in ("authors", "supplier", "tools", "lifecycles"):
            self.assertTrue(metadata[field], field)
        self.assertEqual(metadata["component"]["hashes"][0]["content"], hashlib.sha256(b"disk").hexdigest())
        self.assertRegex(document["serialNumber"], "^urn:uuid:")
        for part in document["components"]:
            for field in ("name", "version", "supplier", "purl", "bom-ref"):
                self.assertTrue(part[field], part)
        described = {row["ref"] for row in document["dependencies"]}
        self.assertEqual(described, {part["bom-ref"] for part in document["components"]} | {metadata["component"]["bom-ref"]})
        self.assertEqual([row["value"] for row in metadata["properties"] if row["name"] == "gims:npm"], ["no package of npm is in the image"])

    def test_what_needs_what(self):
        needs = {row["ref"]: row["dependsOn"] for row in json.loads(self.document())["dependencies"]}
        tool = next(ref for ref in needs if ref.startswith("pkg:deb/debian/tool@"))
        self.assertEqual([ref.split("@")[0] for ref in needs[tool]], ["pkg:deb/debian/libc6", "pkg:deb/debian/mawk"])
        self.assertEqual([ref.split("@")[0] for ref in needs["pkg:generic/gimsctl@1.2.3"]], ["pkg:deb/debian/libc6"])

    def test_is_the_same_twice(self):
        self.assertEqual(self.document(), self.document())

    def test_without_packages_there_is_none(self):
        (self.top / "status").write_text("")
        with self.assertRaises(AssertionError):
            self.document()


class MeasureTest(unittest.TestCase):
    def test_pcr_11_is_the_sum_of_names_and_contents_and_phases(self):
        pcr = bytes(32)
        for event in (b".linux\0", b"kernel", b".cmdline\0", b"ro", b"enter-initrd"):
            pcr = hashlib.sha256(pcr + hashlib.sha256(event).digest()).digest()
        values = load("measure").values_of([(".linux", b"kernel"), (".cmdline", b"ro")])
        self.assertEqual(values["enter-initrd"], pcr.hex())
        self.assertEqual(list(values), ["enter-initrd", "enter-initrd:leave-initrd", "enter-initrd:leave-initrd:sysinit",
                                        "enter-initrd:leave-initrd:sysinit:ready"])

    def test_an_image_s_signature_is_not_measured(self):
        self.assertNotIn(".pcrsig", load("measure").SECTIONS)


class EnrolmentTest(unittest.TestCase):
    """The files of Secure Boot keys, read as firmware does (UEFI 2.10, 8.2.6)."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.keys = Path(folder.name)
        for name in ("secure-boot", "verity"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", cls.keys / f"{name}.key",
                            "-out", cls.keys / f"{name}.crt"], check=True, capture_output=True)
        cls.enrol(cls.keys / "first")

    @classmethod
    def enrol(cls, folder):
        subprocess.run([sys.executable, BUILD / "enrol.py", cls.keys, folder, "--epoch", "1790000000"], check=True)

    def parts(self, name):
        """Time, certificate of the signature, what is signed, and the payload."""
        content = (self.keys / f"first/{name}.auth").read_bytes()
        length, revision, kind = struct.unpack_from("<IHH", content, 16)
        self.assertEqual((revision, kind), (0x0200, 0x0EF1))
        self.assertEqual(uuid.UUID(bytes_le=content[24:40]), uuid.UUID("4aafd29d-68df-49ee-8aa9-347d375665a7"))
        return content[:16], content[40:16 + length], content[16 + length:]

    def certificates(self, payload):
        found = []
        while payload:
            self.assertEqual(uuid.UUID(bytes_le=payload[:16]), uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072"))
            size, header, entry = struct.unpack_from("<III", payload, 16)
            self.assertEqual((header, size), (0, 28 + entry))
            found.append(payload[44:size])
            payload = payload[size:]
        return found

    def der(self, name):
        return subprocess.run(["openssl", "x509", "-in", self.keys / f"{name}.crt", "-outform", "DER"], check=True, capture_output=True).stdout

    def test_who_owns_the_firmware_and_who_may_sign(self):
        for name, of in (("PK", ["secure-boot"]), ("KEK", ["secure-boot"]), ("db", ["secure-boot", "verity"])):
            self.assertEqual(self.certificates(self.parts(name)[2]), [self.der(each) for each in of])

    def test_the_signature(self):
        for name, vendor in (("PK", "8be4df61-93ca-11d2-aa0d-00e098032b8c"), ("db", "d719b2cb-3d3a-4596-a3bc-dad00e67656f")):
            at, signature, payload = self.parts(name)
            self.assertEqual(struct.unpack_from("<HBBBBB", at), (2026, 9, 21, 14, 13, 20))
            # SignedData alone; a ContentInfo around it is what openssl reads.
            whole = bytes.fromhex("06092a864886f70d010702a082") + len(signature).to_bytes(2, "big") + signature
            (self.keys / "signature").write_bytes(b"\x30\x82" + len(whole).to_bytes(2, "big") + whole)
            said = name.encode("utf-16-le") + uuid.UUID(vendor).bytes_le + struct.pack("<I", 0x27) + at + payload
            for text, right in ((said, True), (said + b"x", False)):
                (self.keys / "said").write_bytes(text)
                run = subprocess.run(["openssl", "smime", "-verify", "-binary", "-inform", "DER", "-in", self.keys / "signature", "-content", self.keys / "said",
                                      "-CAfile", self.keys / "secure-boot.crt", "-purpose", "any"], capture_output=True)
                self.assertEqual(run.returncode == 0, right, run.stderr)

    def test_is_the_same_twice(self):
        self.enrol(self.keys / "second")
        for name in ("PK", "KEK", "db"):
            self.assertEqual((self.keys / f"first/{name}.auth").read_bytes(), (self.keys / f"second/{name}.auth").read_bytes())

    def test_nothing_is_enrolled_by_itself(self):
        lines = (BUILD / "loader.conf").read_text().splitlines()
        self.assertIn("secure-boot-enroll manual", lines)
        self.assertIn("editor no", lines)


class ConfigurationTest(unittest.TestCase):
    def setUp(self):
        self.image = configparser.ConfigParser(strict=True, allow_no_value=True, interpolation=None)
        self.image.optionxform = str
        self.image.read(BUILD / "mkosi.conf")

    def test_nothing_falls_back_to_what_is_not_signed(self):
        self.assertEqual(self.image["Content"]["UnifiedKernelImages"], "yes")
        for setting in ("SecureBoot", "SignExpectedPcr", "Verity"):
            self.assertEqual(self.image["Validation"][setting], "yes")
        self.assertEqual(self.image["Validation"]["SecureBootAutoEnroll"], "no")
        self.assertIn("systemd-boot-efi", self.image["Content"]["Packages"].split())

    def test_the_command_line(self):
        words = self.image["Content"]["KernelCommandLine"].split()
        for word in ("lockdown=confidentiality", "module.sig_enforce=1", "dm_verity.require_signatures=1", "init_on_free=1", "slab_nomerge",
                     "page_alloc.shuffle=1", "randomize_kstack_offset=on", "vsyscall=none", "iommu=force", "iommu.strict=1",
                     "systemd.machine_id=firmware", "systemd.import_credentials=no", "systemd.firstboot=no"):
            self.assertIn(word, words)

    def test_nobody_comes_in_by_the_network(self):
        names = self.image["Content"]["Packages"].split()
        self.assertFalse({name for name in names if "ssh" in name or "telnet" in name})


if __name__ == "__main__":
    unittest.main()
