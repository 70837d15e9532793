"""The lints find what they are for, and pass what is right."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts" / "lint"))
import includes
import journal
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

    def tables(self, allowed, wrappers, document):
        self.write("docs/architecture.md", f"# A\n\n| a | b |\n| --- | --- |\n| c | d |\n\n{layers.HEAD}{document}\n\nMore.\n")
        with mock.patch.multiple(layers, ALLOWED=allowed, WRAPPERS=wrappers):
            return layers.check_tables(self.top)

    def test_tables_that_agree_pass(self):
        self.write("daemon/store/a.cpp", '#include "sql/driver.hpp"\n#include <sqlite3.h>\n')
        said = "| daemon/sql | the engine | | |\n| daemon/store | what is kept | sql | sqlite3 |"
        self.assertEqual(self.tables({"sql": set(), "store": {"sql"}}, {"sqlite3": {"store"}}, said), [])

    def test_what_nobody_uses_is_found(self):
        said = "| daemon/sql | the engine | | |\n| daemon/store | what is kept | sql | sqlite3 |"
        self.assertEqual(self.tables({"sql": set(), "store": {"sql"}}, {"sqlite3": {"store"}}, said),
                         ["scripts/lint/layers.py: store does not include sql: take it from the table",
                          "scripts/lint/layers.py: store does not include <sqlite3>: take it from the table"])

    def test_a_document_that_differs_is_found(self):
        self.write("daemon/store/a.cpp", '#include "sql/driver.hpp"\n')
        for said in ("| daemon/store | what is kept | | |", "| daemon/store | what is kept | sql http | |", "| daemon/store | what is kept | sql | sqlite3 |"):
            with self.subTest(said=said):
                self.assertEqual(self.tables({"store": {"sql"}}, {}, said),
                                 ["docs/architecture.md: of store should be said: | sql |  |"])
        self.assertEqual(self.tables({}, {}, "| daemon/store | what is kept | | |"),
                         ["docs/architecture.md: store is no module of scripts/lint/layers.py"])

    def test_fingerprint_changes_with_an_included_file(self):
        source = self.write("daemon/store/a.cpp", '#include "store/rooms.hpp"\n')
        before = includes.fingerprint(source, top=self.top)
        self.assertEqual(before, includes.fingerprint(source, top=self.top))
        self.write("daemon/store/rooms.hpp", "#pragma once\nint rooms();\n")
        self.assertNotEqual(before, includes.fingerprint(source, top=self.top))


class JournalTest(Tree):
    IDS = """#pragma once
// A daemon serves.
inline constexpr MessageId started{"00112233445566778899aabbccddeeff"};
// It ends.
inline constexpr MessageId ended{"ffeeddccbbaa99887766554433221100"};
"""
    CATALOG = """# What there is.

-- 00112233445566778899aabbccddeeff
Subject: It has started
Defined-By: GIMS

User @GIMS_UID@ may use it now.

-- ffeeddccbbaa99887766554433221100
Subject: It has ended
Defined-By: GIMS

Start it again.
"""
    USES = """void f() {
  log::info(log::id::started, "started; (all) is well", {{"UID", "1"}});
  log::failure(log::id::ended,
               "it ended", error);
}
"""

    def findings(self, ids=IDS, catalog=CATALOG, uses=USES):
        self.write("daemon/base/log_ids.hpp", ids)
        self.write("daemon/base/gims.catalog", catalog)
        self.write("hsm/core/a.cpp", uses)
        return journal.check(self.top)

    def test_what_agrees_passes(self):
        self.assertEqual(self.findings(), [])

    def test_an_id_given_twice_is_found(self):
        found = self.findings(self.IDS.replace("ffeeddccbbaa99887766554433221100", "00112233445566778899aabbccddeeff"))
        self.assertIn("daemon/base/log_ids.hpp: one id for started, ended", found)

    def test_an_id_of_another_form_is_found(self):
        for digits in ("0", "g" * 32, "A" * 32):
            self.assertIn("daemon/base/log_ids.hpp: started is not 32 hex digits",
                          self.findings(self.IDS.replace("00112233445566778899aabbccddeeff", digits)))
        self.assertEqual(self.findings(self.IDS.replace("MessageId started{", "auto started = MessageId{"))[0],
                         "daemon/base/log_ids.hpp:3: an id of another form")

    def test_an_id_without_a_meaning_is_found(self):
        self.assertEqual(self.findings(self.IDS.replace("// It ends.\n", "")),
                         ["daemon/base/log_ids.hpp:4: no comment says what happened"])

    def test_an_id_that_nothing_uses_is_found(self):
        self.assertEqual(self.findings(uses=self.USES.replace("id::ended", "id::started")),
                         ["daemon/base/log_ids.hpp: nothing uses ended"])

    def test_a_script_of_the_image_uses_an_id(self):
        self.write("image/root/usr/lib/gims/acts/a", "MESSAGE_ID=ffeeddccbbaa99887766554433221100\nGIMS_UID=1\n")
        self.assertEqual(self.findings(uses=self.USES.replace("id::ended", "id::started")), [])
        self.write("image/root/usr/lib/gims/acts/a", "MESSAGE_ID=0123456789abcdef0123456789abcdef\nGIMS_BODY=1\n")
        self.assertEqual(self.findings(), ["image/root/usr/lib/gims/acts/a: 0123456789abcdef0123456789abcdef is no id of daemon/base/log_ids.hpp",
                                           "image/root/usr/lib/gims/acts/a: GIMS_BODY is no field of scripts/lint/journal.py"])

    def test_a_missing_or_second_catalog_entry_is_found(self):
        first = self.CATALOG[self.CATALOG.index("-- 00"):self.CATALOG.index("-- ff")]
        self.assertEqual(self.findings(catalog=self.CATALOG.replace(first, "")), ["daemon/base/gims.catalog: started has 0 entries"])
        self.assertEqual(self.findings(catalog=self.CATALOG + "\n" + first), ["daemon/base/gims.catalog: started has 2 entries"])

    def test_a_catalog_entry_of_no_id_is_found(self):
        other = self.CATALOG + "\n-- 0123456789abcdef0123456789abcdef\nSubject: A\nDefined-By: GIMS\n\nB\n"
        self.assertEqual(len(self.findings(catalog=other)), 1)

    def test_a_catalog_entry_of_another_form_is_found(self):
        for old, new in (("Subject: It has started\n", ""), ("Defined-By: GIMS", "Defined-By: others"),
                         ("Start it again.\n", ""), ("@GIMS_UID@", "@GIMS_TOKEN@"), ("# What", "What")):
            with self.subTest(old=old):
                self.assertEqual(len(self.findings(catalog=self.CATALOG.replace(old, new, 1))), 1)

    def test_an_unknown_field_is_found(self):
        self.assertEqual(self.findings(uses=self.USES.replace('"UID"', '"BODY"')),
                         ["hsm/core/a.cpp:2: BODY is no field of scripts/lint/journal.py"])

    def test_a_secret_is_found(self):
        for value in ("key.reveal()", "show(password)", "session.token"):
            with self.subTest(value=value):
                self.assertEqual(len(self.findings(uses=self.USES.replace('"1"', value))), 1)
        # Words of the text are not the thing itself.
        self.assertEqual(self.findings(uses=self.USES.replace("it ended", "a token ended")), [])


class CatalogTest(Tree):
    @unittest.skipUnless(shutil.which("journalctl"), "no journalctl here: lint.journal alone checks the form")
    def test_the_journal_reads_every_entry(self):
        """As in an image: the catalog among systemd's own, made into its database."""
        source = TOP / "daemon/base/gims.catalog"
        self.write("usr/lib/systemd/catalog/gims.catalog", source.read_text(encoding="utf-8"))
        (self.top / "var/lib/systemd/catalog").mkdir(parents=True)
        # A line that cannot be read is told and left out, with exit status 0.
        made = subprocess.run(["journalctl", "--update-catalog", f"--root={self.top}"], check=True, capture_output=True, text=True)
        self.assertEqual(made.stderr, "")
        listed = subprocess.run(["journalctl", "--list-catalog", f"--root={self.top}"], check=True, capture_output=True, text=True)
        subjects = dict(line.split(" GIMS: ", 1) for line in listed.stdout.splitlines())
        text = (TOP / "daemon/base/log_ids.hpp").read_text(encoding="utf-8")
        self.assertEqual(set(subjects), set(journal.check_ids(text)[1].values()))


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
