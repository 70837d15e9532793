"""The dictionaries of the fuzz targets: libFuzzer refuses to start with one that it cannot read, and the short form in
`make test` does not use them."""

import re
import unittest
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
# [NAME=]"...", of printable ASCII and of the three escapes that libFuzzer knows.
ENTRY = re.compile(r'([A-Za-z_0-9]+=)?"(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9A-Fa-f]{2})+"')


class DictionariesTest(unittest.TestCase):
    def test_each_line_is_an_entry(self):
        dictionaries = sorted((FUZZ / "dictionaries").iterdir())
        self.assertGreater(len(dictionaries), 10)
        for path in dictionaries:
            for number, line in enumerate(path.read_bytes().decode().splitlines(), 1):
                with self.subTest(dictionary=path.name, line=number):
                    self.assertTrue(not line or line.startswith("#") or ENTRY.fullmatch(line), line)

    def test_each_is_of_a_target(self):
        targets = {path.stem for path in FUZZ.glob("*.cpp")}
        self.assertEqual([path.name for path in (FUZZ / "dictionaries").iterdir() if path.name not in targets], [])

    def test_what_libfuzzer_refuses_is_found(self):
        for line, good in (('"a"', True), ('x="a"', True), (r'"\\x"', True), ('"', False), ('a', False), ('"a"b"', False), (r'"\n"', False),
                           ('""', False)):
            with self.subTest(line=line):
                self.assertEqual(bool(ENTRY.fullmatch(line)), good)


if __name__ == "__main__":
    unittest.main()
