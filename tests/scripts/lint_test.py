"""The lints find what they are for, and pass what is right."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts" / "lint"))
import includes
import layers
import tree


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name).resolve()

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


class LayersTest(Tree):
    def setUp(self):
        super().setUp()
        for name in ("daemon/base/result.hpp", "daemon/store/rooms.hpp", "daemon/sql/driver.hpp", "hsm/core/keys.hpp",
                     "hsm/proto/client.hpp", "daemon/http/router.hpp"):
            self.write(name, "#pragma once\n")

    def findings(self, name, text):
        self.write(name, text)
        return layers.check(self.top)

    def test_down_is_allowed(self):
        self.assertEqual(self.findings("daemon/service/a.cpp", '#include "store/rooms.hpp"\n#include "base/result.hpp"\n'), [])

    def test_own_module_is_allowed(self):
        self.assertEqual(self.findings("daemon/store/a.cpp", '#include "store/rooms.hpp"\n'), [])

    def test_up_is_found(self):
        found = self.findings("daemon/base/a.hpp", '#pragma once\n#include "store/rooms.hpp"\n')
        self.assertEqual(found, ["daemon/base/a.hpp:2: base may not include store (store/rooms.hpp)"])

    def test_sideways_is_found(self):
        self.assertEqual(len(self.findings("daemon/sql/a.cpp", '#include "http/router.hpp"\n')), 1)

    def test_past_a_layer_is_found(self):
        self.assertEqual(len(self.findings("daemon/api/a.cpp", '#include "sql/driver.hpp"\n')), 1)

    def test_by_a_relative_path_is_found(self):
        self.assertEqual(len(self.findings("daemon/base/a.cpp", '#include "../store/rooms.hpp"\n')), 1)

    def test_daemon_sees_only_proto_of_hsm(self):
        self.assertEqual(self.findings("daemon/app/a.cpp", '#include "hsm/proto/client.hpp"\n'), [])
        self.assertEqual(len(self.findings("daemon/app/b.cpp", '#include "hsm/core/keys.hpp"\n')), 1)

    def test_hsm_sees_only_base_and_sys_of_daemon(self):
        self.assertEqual(self.findings("hsm/core/a.cpp", '#include "base/result.hpp"\n'), [])
        self.assertEqual(len(self.findings("hsm/core/b.cpp", '#include "store/rooms.hpp"\n')), 1)

    def test_third_party_header_outside_its_wrapper_is_found(self):
        self.assertEqual(self.findings("daemon/sql/a.cpp", "#include <sqlite3.h>\n"), [])
        self.assertEqual(len(self.findings("daemon/store/a.cpp", "#include <sqlite3.h>\n")), 1)

    def test_unknown_module_is_found(self):
        self.assertEqual(len(self.findings("daemon/other/a.cpp", "\n")), 1)

    def test_fingerprint_changes_with_an_included_file(self):
        source = self.write("daemon/store/a.cpp", '#include "store/rooms.hpp"\n')
        before = includes.fingerprint(source, top=self.top)
        self.assertEqual(before, includes.fingerprint(source, top=self.top))
        self.write("daemon/store/rooms.hpp", "#pragma once\nint rooms();\n")
        self.assertNotEqual(before, includes.fingerprint(source, top=self.top))


class TreeTest(Tree):
    def test_clean_tree(self):
        self.write("scripts/a", "#!/bin/sh\nset -eu\necho /usr/bin\n")
        self.assertEqual(tree.check(self.top), [])

    def test_shell_error_is_found(self):
        self.write("scripts/a", "#!/bin/sh\nif true; then\n")
        self.assertEqual(len(tree.check(self.top)), 1)

    def test_archive_is_found(self):
        self.write("package-lock.json", '"resolved": "https://registry.npm' + 'js.org/x.tgz"\n')
        self.write("sources.list", "deb http://deb.debian" + ".org/debian trixie main\n")
        self.assertEqual(len(tree.check(self.top)), 2)

    def test_machine_path_is_found(self):
        self.write("docs/a.md", "cd /ho" + "me/officer/gims\n")
        self.assertEqual(tree.check(self.top), ["docs/a.md:1: names a path of one machine"])

    def test_long_file_is_found(self):
        self.write("daemon/a.cpp", "\n" * 600)
        self.assertEqual(tree.check(self.top), [])
        self.write("daemon/a.cpp", "\n" * 601)
        self.assertEqual(len(tree.check(self.top)), 1)

    def test_built_files_are_not_looked_at(self):
        self.write("build/a.sh", "#!/bin/sh\nif\n")
        self.assertEqual(tree.check(self.top), [])


class HardeningTest(Tree):
    """The check reads the files themselves: a program built without a flag is told."""

    FLAGS = ["-O2", "-fPIE", "-pie", "-fstack-protector-all", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3",
             "-fcf-protection=full", "-Wl,-z,relro,-z,now,-z,noexecstack"]
    PROGRAM = '#include <stdio.h>\nint main(int c, char **v) { char b[64]; snprintf(b, 64, "%s%d", v[0], c); return puts(b); }\n'

    def hardening(self, *flags):
        source = self.write("a.c", self.PROGRAM)
        subprocess.run(["gcc-14", *self.FLAGS, *flags, str(source), "-o", str(self.top / "a")], check=True)
        run = subprocess.run([str(TOP / "scripts/lint/hardening"), str(self.top / "a")], capture_output=True, text=True)
        return run.returncode, run.stdout

    def test_hardened_program_passes(self):
        self.assertEqual(self.hardening(), (0, "hardening: 1 programs\n"))

    def test_each_missing_flag_is_found(self):
        for flags, word in ((["-no-pie", "-fno-pie"], "position-independent"), (["-Wl,-z,lazy"], "BIND_NOW"),
                            (["-Wl,-z,norelro"], "RELRO"), (["-fno-stack-protector"], "stack protector"),
                            (["-U_FORTIFY_SOURCE"], "fortified"), (["-fcf-protection=none"], "CET"),
                            (["-Wl,-z,execstack"], "executable stack"), (["-Wl,-rpath,/x"], "run path")):
            with self.subTest(flags=flags):
                status, output = self.hardening(*flags)
                self.assertEqual(status, 1)
                self.assertIn(word, output)


if __name__ == "__main__":
    unittest.main()
