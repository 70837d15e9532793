"""The search finds each thing that is planted, in each form, wherever it lies."""

import base64
import json
import os
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import search

HINDI = "धन्यवाद। कृपया इसे केवल इसी कक्ष में भेजें।"
ENGLISH = 'He said "yes", sir. The draft is ready.'
TOKEN = "gst_6Jx0mS3hQfWk2ZtN8bYvRc"
KEY = bytes(range(200, 232))
WANTED = {"plaintexts": [HINDI, ENGLISH], "secrets": [TOKEN], "keys": {"root": KEY.hex()}}


class SearchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def found(self, data, name="file"):
        (self.folder / name).write_bytes(data)
        findings, _, _ = search.search(WANTED, [self.folder])
        return findings

    def test_nothing_in_other_files(self):
        self.assertEqual(self.found(os.urandom(1 << 20)), [])
        self.assertEqual(self.found(b""), [])

    def test_texts_in_each_form(self):
        for text in (HINDI, ENGLISH):
            for planted in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"),
                            json.dumps({"body": text}).encode(), json.dumps({"body": text}, ensure_ascii=False).encode(),
                            text.encode().hex().encode(), text.encode().hex().upper().encode()):
                with self.subTest(planted=planted[:20]):
                    self.assertTrue(self.found(os.urandom(5000) + planted + os.urandom(77)))

    def test_base64_at_each_alignment(self):
        for text in (HINDI.encode(), TOKEN.encode(), KEY):
            for before in range(3):
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    with self.subTest(text=text[:8], before=before):
                        self.assertTrue(self.found(encode(b"x" * before + text + b"and more")))

    def test_keys_raw_and_hex(self):
        for planted in (KEY, KEY.hex().encode(), KEY.hex().upper().encode()):
            self.assertTrue(self.found(b"\0" * 100 + planted))

    def test_a_key_as_pem(self):
        # Wherever its line ends.
        for before in range(64):
            text = base64.b64encode(bytes(before) + KEY + bytes(64)).decode()
            lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
            with self.subTest(before=before):
                self.assertTrue(self.found(lines.encode()))

    def test_across_the_blocks_in_which_a_file_is_read(self):
        whole, search.BLOCK = search.BLOCK, 256
        self.addCleanup(setattr, search, "BLOCK", whole)
        for before in range(200, 260):
            findings = [finding for finding in self.found(b"." * before + KEY + b"." * 1000) if finding[3] == "raw"]
            self.assertEqual([(offset, what) for _, offset, what, _ in findings], [(before, "key root")])

    def test_a_file_that_goes_meanwhile(self):
        listed = search.files_below
        self.addCleanup(setattr, search, "files_below", listed)
        search.files_below = lambda folders: [self.folder / "gone", *listed(folders)]
        self.assertTrue(self.found(KEY))

    def test_a_part_of_a_text(self):
        self.assertTrue(self.found(b"..." + ENGLISH[:30].encode()))

    def test_in_a_database_and_its_write_ahead_log(self):
        path = self.folder / "a.db"
        database = sqlite3.connect(path)
        self.addCleanup(database.close)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (a TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (HINDI,))
        database.commit()
        findings, count, _ = search.search(WANTED, [self.folder])
        self.assertTrue(any(str(finding[0]).endswith("-wal") for finding in findings))
        self.assertGreaterEqual(count, 2)

    def test_in_a_folder_below(self):
        (self.folder / "a" / "b").mkdir(parents=True)
        self.assertTrue(self.found(HINDI.encode(), "a/b/c"))

    def test_the_finding_names_file_place_and_form(self):
        (path, offset, what, form), *_ = self.found(b"12345" + KEY)
        self.assertEqual((path.name, offset, what, form), ("file", 5, "key root", "raw"))

    def test_a_secret_is_not_shown_whole(self):
        self.assertNotIn(TOKEN, str(self.found(TOKEN.encode())))


if __name__ == "__main__":
    unittest.main()
