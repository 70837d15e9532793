"""What the image's build computes by itself: the list of parts, the expected PCR 11; and what its configuration must say."""

import configparser
import hashlib
import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

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
        (self.top / "copyright/tool").write_text("Format: https://www.debian.org/\n\nFiles: *\nCopyright: x\nLicense: MIT\n text\n\nLicense: BSD-3-Clause\n text\n")
        (self.top / "copyright/libc6").write_text("Free prose, GPL\n")
        (self.top / "programs/usr/bin").mkdir(parents=True)
        (self.top / "programs/usr/bin/gimsctl").write_bytes(b"program")
        (self.top / "status").write_text(STATUS)

    def document(self):
        run = subprocess.run([sys.executable, BUILD / "sbom.py", "--status", self.top / "status", "--copyrights", self.top / "copyright",
                              "--programs", self.top / "programs", "--version", "1.2.3", "--epoch", "1700000000"],
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
        self.assertEqual([each["license"]["name"] for each in parts["tool"]["licenses"]], ["BSD-3-Clause", "MIT"])
        self.assertNotIn("licenses", parts["libc6"])

    def test_what_needs_what(self):
        needs = {row["ref"]: row["dependsOn"] for row in json.loads(self.document())["dependencies"]}
        tool = next(ref for ref in needs if ref.startswith("pkg:deb/debian/tool@"))
        self.assertEqual([ref.split("@")[0] for ref in needs[tool]], ["pkg:deb/debian/libc6", "pkg:deb/debian/mawk"])

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
        for word in ("lockdown=confidentiality", "module.sig_enforce=1", "dm_verity.require_signatures=1", "init_on_free=1",
                     "systemd.machine_id=firmware", "systemd.import_credentials=no", "systemd.firstboot=no"):
            self.assertIn(word, words)

    def test_nobody_comes_in_by_the_network(self):
        names = self.image["Content"]["Packages"].split()
        self.assertFalse({name for name in names if "ssh" in name or "telnet" in name})


if __name__ == "__main__":
    unittest.main()
