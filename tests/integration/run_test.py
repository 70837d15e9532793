"""make run's own script: a run that is gone on with, a second one beside it, one without room, and the search."""

import asyncio
import importlib.machinery
import importlib.util
import json
import os
import socket
import subprocess
import sys
import unittest

import rig  # first: it says where the others are
import gimssite
from rig import BUILD, TOP, SiteTest


def setUpModule():
    """Mounts of this test are its own, and end with it."""
    os.unshare(os.CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def load_run():
    loader = importlib.machinery.SourceFileLoader("run", str(TOP / "scripts/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


# As "make run" runs it, with another folder and the programs under test.
MAIN = """
import sys
sys.path.insert(0, sys.argv[1])
import run_test
run = run_test.load_run()
run.FOLDER = sys.argv[2]
site = run.gimssite.Site
run.gimssite.Site = lambda folder, **options: site(folder, build=run_test.BUILD, **options)
sys.exit(run.main())
"""


class RunTest(SiteTest):
    started = False

    def run_main(self, **environment):
        environment = {"GIMS_PORT": str(self.site.port)} | environment
        run = subprocess.run([sys.executable, "-B", "-c", MAIN, TOP / "tests/integration", self.site.folder], env=os.environ | environment, cwd=TOP,
                             capture_output=True, text=True, timeout=300)
        print(run.stdout, run.stderr, flush=True)
        self.assertNotIn("Traceback", run.stderr)
        return run.returncode, run.stdout

    def test_once_and_again(self):
        for earlier in (0, 6):
            status, output = self.run_main(ONCE="1")
            self.assertEqual(status, 0)
            self.assertIn("6 of 6 messages, decrypted by both sides", output)
            self.assertEqual(output.count(f"{earlier} earlier messages, all read"), 2 if earlier else 0)
            self.assertRegex(output, r"while it runs: searched \d+ files .* 24 keys: none found")
            self.assertRegex(output, r"stopped: searched \d+ files .* 24 keys: none found")

    def test_once_fails_when_a_key_lies_open(self):
        self.run_main(ONCE="1")
        planted = self.site.folder / "log/planted"
        planted.write_text(self.site.keys()["pepper"])
        status, output = self.run_main(ONCE="1")
        self.assertEqual(status, 1)
        self.assertIn("FOUND: key pepper as hex in", output)

    def test_a_second_run_leaves_the_first_alone(self):
        self.site.start()
        status, output = self.run_main(ONCE="1")
        self.assertEqual(status, 1)
        self.assertIn("a site runs already in", output)
        self.assertEqual(self.site.dead(), [])
        self.assertTrue(self.site.tlsd.notify_path.exists())
        self.site.gimsctl("status")
        self.assertEqual(self.site.keyd_status(), "operational")

    def test_a_port_in_use_is_told(self):
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        port = other.getsockname()[1]
        status, output = self.run_main(ONCE="1", GIMS_PORT=str(port))
        self.assertEqual(status, 1)
        self.assertIn(f"port {port} is in use", output)

    def test_a_full_disk_is_told(self):
        self.site.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", self.site.folder], check=True)
        self.addCleanup(subprocess.run, ["umount", self.site.folder], check=True)
        (self.site.folder / "full").write_bytes(bytes(8 << 10))
        status, output = self.run_main(ONCE="1")
        self.assertEqual(status, 1)
        self.assertIn("make run: No space left on device", output)

    def test_accounts_after_an_interruption(self):
        run = load_run()
        self.site.start()
        path = self.site.operator / "demo-accounts"
        for reached in ("the file", "gimsd"):  # which has the account, the second time, with another password
            with self.subTest(reached):
                path.write_text(json.dumps({"users": [{"user": "joint.secretary", "name": "Joint Secretary",
                                                       "password": f"written when {reached} was reached", "being_made": True}]}))
                run.accounts(self.site)
                kept = json.loads(path.read_text())["users"]
                self.assertEqual([account["user"] for account in kept], ["joint.secretary", "desk.officer"])
                self.assertEqual([account.get("being_made") for account in kept], [None, None])
                asyncio.run(self.sign_in(kept))
                # And once they are made nothing is done.
                audit = self.site.gimsctl("audit", "list")
                run.accounts(self.site)
                self.assertEqual(self.site.gimsctl("audit", "list"), audit)

    async def sign_in(self, accounts):
        for account in accounts:
            async with self.client() as client:
                await client.login(account["user"], account["password"])


if __name__ == "__main__":
    unittest.main()
