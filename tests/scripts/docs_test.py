"""What the documents name is there: each test of the threat model, and each file that a link leads to."""

import re
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TESTS = TOP / "tests"
MODEL = TOP / "docs/threat-model.md"
FILE = re.compile(r"[\w/]+\.(?:cpp|py|mjs)")


def rows(text):
    """(attack, what the column "test" says) of each row of the tables that have one."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[-1] == "test":
            inside = True
        elif inside and not set(line) <= set("|- "):
            yield cells[0], cells[-1]


def problems(named, tests=TESTS):
    """What of the tests that a row names is not there. "folder/file `Name`, `Other`; other file": a name
    belongs to the file before it, and a file without a folder lies beside the one before it."""
    found, file, folder = [], None, None
    parts = re.findall(r"`([^`]+)`|(" + FILE.pattern + ")", re.sub(r"\([^)]*\)", "", named))
    for name, path in parts:
        if path:
            folder = (tests / path).parent if "/" in path else folder
            file = folder / Path(path).name if folder else tests / path
            if not file.is_file():
                found.append(f"there is no {path}")
                file = None
        elif name.startswith("lint."):
            if f"gims_lint({name.removeprefix('lint.')} " not in (tests / "scripts/CMakeLists.txt").read_text(encoding="utf-8"):
                found.append(f"there is no {name}")
        elif file is None:
            found.append(f"no file is named for {name}")
        elif not has_test(file, name):
            found.append(f"{file.name} has no {name}")
    return found if parts else ["no test is named"]


def has_test(file, name):
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return f"    def {name}(self" in text
    suite, _, case = name.partition(".")
    return re.search(rf"^TEST(_F|_P)?\(\s*{re.escape(suite)},\s*{re.escape(case)}\)", text, re.MULTILINE) is not None


class ThreatModelTest(unittest.TestCase):
    def test_each_test_that_is_named_exists(self):
        found = list(rows(MODEL.read_text(encoding="utf-8")))
        self.assertGreater(len(found), 30)
        for attack, named in found:
            with self.subTest(attack=attack):
                self.assertEqual(problems(named), [])

    def test_what_is_not_there_is_found(self):
        for named, expected in (("unit/base/log_test.cpp `LogLine.AValueCannotPassForAnotherFieldOrLine`", []),
                                ("unit/base/log_test.cpp `LogLine.IsNotThere`", ["log_test.cpp has no LogLine.IsNotThere"]),
                                ("unit/base/none_test.cpp `A.B`", ["there is no unit/base/none_test.cpp", "no file is named for A.B"]),
                                ("fuzz/json.cpp, none.cpp", ["there is no none.cpp"]),
                                ("scripts/docs_test.py `test_none`", ["docs_test.py has no test_none"]),
                                ("scripts/docs_test.py `test_what_is_not_there_is_found` (this one)", []),
                                ("`lint.layers`; `lint.none`", ["there is no lint.none"]),
                                ("somebody looked", ["no test is named"])):
            with self.subTest(named=named):
                self.assertEqual(problems(named), expected)


class LinksTest(unittest.TestCase):
    def test_each_file_that_is_linked_exists(self):
        for document in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
                with self.subTest(document=document.name, target=target):
                    self.assertTrue("://" in target or (document.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
