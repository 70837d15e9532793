"""The generator of SQL statements refuses what it is there to refuse, and says where."""

import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
import generate_sql

SCHEMA = "CREATE TABLE users (\n  user_id TEXT PRIMARY KEY,\n  created_ts BIGINT NOT NULL,\n  secret BLOB\n);\n"
GOOD = """-- The users.

-- name: UserById
-- in: user_id text
-- out: created_ts int, secret blob?
SELECT created_ts, secret FROM users
WHERE user_id = :user_id;
"""


class Generator(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        for name in ("sql", "migrations"):
            (self.top / name).mkdir()
        self.migration("0001_first.sql", SCHEMA)
        self.migration("predecessor", "1\n")

    def migration(self, name, text):
        (self.top / "migrations" / name).write_text(text, encoding="utf-8")

    def generate(self, text=GOOD, file="users.sql"):
        (self.top / "sql" / file).write_text(text, encoding="utf-8")
        generate_sql.generate(self.top / "sql", self.top / "migrations", self.top / "out")

    def made(self, name):
        return (self.top / "out" / "store" / name).read_text(encoding="utf-8")

    def refused(self, text, where, words, file="users.sql"):
        with self.assertRaises(generate_sql.Refused) as caught:
            self.generate(text, file)
        self.assertIn(f"{where}: ", str(caught.exception))
        self.assertIn(words, str(caught.exception))


class GoodInput(Generator):
    def test_struct_has_inputs_rows_and_views(self):
        self.generate()
        header = self.made("statements/users.hpp")
        for line in ("struct UserById {", "  std::string_view user_id;", "    std::int64_t created_ts;",
                     "    std::optional<std::string> secret;", "    std::optional<std::string_view> secret;",
                     "    sql::bind(cursor, 1, user_id);"):
            self.assertIn(line + "\n", header)

    def test_inputs_are_bound_where_the_engine_numbers_them(self):
        self.generate("-- name: SetUser\n-- in: created_ts int, user_id text\n"
                      "UPDATE users SET created_ts = :created_ts + 0 * :created_ts\n"
                      "WHERE :user_id = user_id;\n-- name: Other\n-- in: created_ts int, user_id text\n"
                      "UPDATE users SET created_ts = :created_ts WHERE user_id = :user_id;\n")
        self.assertIn("sql::bind(cursor, 1, created_ts);\n    sql::bind(cursor, 2, user_id);",
                      self.made("statements/users.hpp"))
        self.generate("-- name: SetUser\n-- in: created_ts int, user_id text\n"
                      "UPDATE users SET user_id = :user_id WHERE created_ts = :created_ts;\n")
        self.assertIn("sql::bind(cursor, 1, user_id);\n    sql::bind(cursor, 2, created_ts);",
                      self.made("statements/users.hpp"))

    def test_indexes_are_dense_over_all_files(self):
        self.generate()
        self.generate(GOOD.replace("UserById", "Another"), "another.sql")
        text = self.made("statements.cpp")
        self.assertIn(".index = 0}", text)
        self.assertIn(".index = 1}", text)

    def test_unchanged_headers_are_not_written_again(self):
        self.generate()
        path = self.top / "out" / "store" / "statements" / "users.hpp"
        before = path.stat().st_mtime_ns
        self.generate(GOOD.replace("UserById", "Another"), "another.sql")
        self.assertEqual(path.stat().st_mtime_ns, before)

    def test_migrations_are_embedded_in_order(self):
        self.migration("0002_more.sql", "ALTER TABLE users ADD COLUMN more TEXT;\n")
        self.migration("predecessor", "2\n")
        self.generate(GOOD.replace("created_ts int, ", "more text?, ").replace("created_ts, ", "more, "))
        text = self.made("migrations.cpp")
        self.assertLess(text.index("0001_first.sql"), text.index("0002_more.sql"))

    def test_words_within_quotes_are_no_sql(self):
        self.generate(GOOD.replace(":user_id;", ":user_id AND user_id <> 'REPLACE INTO ? ';"))


class BadInput(Generator):
    def test_misspelt_column(self):
        self.refused(GOOD.replace("SELECT created_ts", "SELECT\n  creatd_ts"), "users.sql:7", "creatd_ts")

    def test_unknown_table(self):
        self.refused(GOOD.replace("FROM users", "FROM user"), "users.sql:6", "no such table")

    def test_input_that_is_not_used(self):
        self.refused(GOOD.replace("user_id text", "user_id text, more int"), "users.sql:3", "'more'")

    def test_input_that_is_not_named(self):
        self.refused(GOOD.replace("-- in: user_id text\n", ""), "users.sql:3", ":user_id")

    def test_wrong_count_of_outputs(self):
        self.refused(GOOD.replace(", secret blob?", ""), "users.sql:3", "gives 2 columns")

    def test_output_of_another_type(self):
        self.refused(GOOD.replace("created_ts int", "created_ts text"), "users.sql:3", "is int in the schema")

    def test_unknown_type(self):
        self.refused(GOOD.replace("user_id text", "user_id string"), "users.sql:4", "'string'")

    def test_name_that_cpp_does_not_take(self):
        self.refused(GOOD.replace("created_ts int", "class int"), "users.sql:5", "'class'")

    def test_same_name_twice(self):
        self.generate()
        self.refused(GOOD, "zebra.sql:3", "stands already at", file="zebra.sql")

    def test_missing_semicolon(self):
        self.refused(GOOD.replace(";", ""), "users.sql:3", "does not end with ';'")

    def test_two_statements(self):
        self.refused(GOOD + "SELECT 1;\n", "users.sql:8", "without a '-- name:'")

    def test_two_statements_on_a_line(self):
        self.refused(GOOD.replace(";", "; SELECT 1;"), "users.sql:6", "one statement a name")

    def test_unportable_words(self):
        for sql in ("INSERT OR IGNORE INTO users (user_id, created_ts) VALUES (:user_id, 1)",
                    "REPLACE INTO users (user_id, created_ts) VALUES (:user_id, 1)",
                    "DELETE FROM users WHERE user_id = ?1 OR user_id = :user_id",
                    "DELETE FROM users WHERE user_id = $user_id",
                    "DELETE FROM users WHERE user_id == :user_id",
                    "DELETE FROM users WHERE rowid = :user_id",
                    "DELETE FROM users WHERE user_id IS :user_id",
                    "DELETE FROM users WHERE user_id GLOB :user_id",
                    "DELETE FROM users WHERE [user_id] = :user_id",
                    "DELETE FROM users WHERE created_ts < strftime('%s') AND user_id = :user_id"):
            with self.subTest(sql):
                self.refused(f"-- name: Bad\n-- in: user_id text\n{sql};\n", "users.sql:3", "")

    def test_double_quoted_string(self):
        self.refused(GOOD.replace(":user_id;", ':user_id AND user_id <> "x";'), "users.sql:7", "x")

    def test_broken_migration_is_told_with_its_line(self):
        self.migration("0002_more.sql", "CREATE TABLE a (b TEXT);\n\nCREATE TABL c (d TEXT);\n")
        self.refused(GOOD, "0002_more.sql:3", "TABL")

    def test_gap_in_migrations(self):
        self.migration("0003_more.sql", "CREATE TABLE a (b TEXT);\n")
        self.refused(GOOD, "0003_more.sql:1", "0002_")

    def test_a_statement_that_needs_more_than_the_release_before_left(self):
        self.migration("0002_more.sql", "ALTER TABLE users ADD COLUMN rank TEXT;\n")
        text = GOOD.replace(":user_id;", ":user_id AND rank IS NULL;")
        self.refused(text, "users.sql:3", "on the schema of the release before this one (0001_first.sql)")
        self.migration("predecessor", "2\n")
        self.generate(text)
        self.assertIn(".predecessor = 2}", self.made("migrations.cpp"))

    def test_the_predecessor_is_one_of_the_migrations(self):
        for text in ("0\n", "2\n", "x\n", ""):
            with self.subTest(text):
                self.migration("predecessor", text)
                self.refused(GOOD, "predecessor:1", "a number from 1 to 1")


if __name__ == "__main__":
    unittest.main()
