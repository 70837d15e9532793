"""An attended site: what it takes to open it after a start, typed at a terminal of its own."""

import os
import struct
import subprocess
import unittest

import keyd_peer
from pseudo_terminal import Terminal
from rig import SiteTest
from search import search

PASSPHRASE = "seven lotus under the banyan"
OTHER = "another one of twelve and more"


class AttendedTest(SiteTest):
    def keyd(self, *arguments):
        return [self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", *arguments]

    def approved(self, name):
        """The number of the proposal to add this person, which two administrators approved."""
        told = self.site.decide("person-add", name)
        self.assertRegex(told, rf'gims-keyd person add "{name}" --approval \d+$')
        return told.split()[-1]

    def add(self, name, passphrase):
        with Terminal(self.keyd("person", "add", name, "--approval", self.approved(name))) as at:
            at.wait_for(f"New passphrase of {name}: ")
            at.type(passphrase)
            at.wait_for("Once more: ")
            at.type(passphrase)
            at.wait_for("Added.")
            self.assertEqual(at.end(), 0)
            self.assertNotIn(passphrase.encode(), at.seen)

    def unlock(self, passphrase, *arguments):
        """Exit status, and what was shown."""
        with Terminal(self.keyd("unlock", *arguments)) as at:
            at.wait_for("Passphrase of ")
            at.wait_for(": ")
            at.type(passphrase)
            status = at.end()
            self.assertNotIn(passphrase.encode(), at.seen)
            return status, at.seen.decode()

    def restart_keyd(self):
        self.site.keyd.stop()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()

    def test_waits_for_a_person_after_each_start(self):
        self.add("ritu", PASSPHRASE)
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertIn("ritu: passphrase", self.site.command(self.keyd("person", "list")))
        root = self.site.site_root()[1]
        self.restart_keyd()
        self.assertRegex(self.site.keyd_status(), "^locked: It waits for a person")
        # Who looks from elsewhere is told so, too.
        self.assertRegex(self.gimsctl("status")[1], "gims-keyd: +locked: It waits for a person")
        status, shown = self.unlock(OTHER)
        self.assertEqual(status, 1)
        self.assertIn("It was not opened by ritu", shown)
        self.assertRegex(self.site.keyd_status(), "^locked: It was not opened by ritu")
        self.assertEqual(self.unlock(PASSPHRASE), (0, "Passphrase of ritu: \r\nUnlocked.\r\n"))
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertIn("a person opened the keys", self.site.keyd.log.read_text())
        self.assertEqual(self.site.site_root()[1], root)

    def test_several_wrong_ones_are_slowed(self):
        self.add("ritu", PASSPHRASE)
        self.restart_keyd()
        # The keys that passphrases would give, without the time that Argon2id takes.
        with keyd_peer.Peer(self.site.run / "keyd/socket") as peer:
            for wrong in range(3):
                kind, told = peer.ask("unlock_with", keyd_peer.field(b"ritu") + bytes([wrong]) * 32)
                self.assertEqual(kind, keyd_peer.REFUSAL)
                self.assertRegex(told, "^It was not opened by ritu")
        status, shown = self.unlock(PASSPHRASE)
        self.assertEqual(status, 1)
        self.assertIn("Too many wrong passphrases or keys were given", shown)
        self.assertRegex(self.site.keyd_status(), "^locked: It was not opened by ritu")

    def test_the_quorum_restores_what_all_forgot(self):
        self.add("ritu", PASSPHRASE)
        root = self.site.site_root()[1]
        self.restart_keyd()
        run = subprocess.run([str(part) for part in self.keyd("recover", "--shares-from", self.site.shares_file)],
                             capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.restart_keyd()
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertEqual(self.site.site_root()[1], root)
        self.assertIn("without a person", self.site.command(self.keyd("person", "list")))

    def test_one_of_several(self):
        self.add("ritu", PASSPHRASE)
        self.add("arjun", OTHER)
        self.restart_keyd()
        # Nobody is asked before it is said who is there.
        with Terminal(self.keyd("unlock")) as at:
            self.assertEqual(at.end(), 1)
            self.assertIn(b"Say by --person who is there: ritu, arjun.", at.seen)
        self.assertEqual(self.unlock(PASSPHRASE, "--person", "arjun")[0], 1)
        self.assertEqual(self.unlock(OTHER, "--person", "arjun")[0], 0)
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertEqual(self.site.decide("person-remove", "arjun"), "Removed: arjun.\n")
        self.restart_keyd()
        self.assertEqual(self.unlock(PASSPHRASE)[0], 0)

    def test_a_passphrase_comes_from_the_terminal_alone(self):
        self.add("ritu", PASSPHRASE)
        self.restart_keyd()
        for arguments in ((), (PASSPHRASE,), ("--person", "ritu", PASSPHRASE)):
            run = subprocess.run([str(part) for part in self.keyd("unlock", *arguments)], input=PASSPHRASE + "\n", text=True,
                                 capture_output=True, start_new_session=True, env=os.environ | {"PASSPHRASE": PASSPHRASE}, timeout=60)
            self.assertNotEqual(run.returncode, 0)
        self.assertRegex(self.site.keyd_status(), "^locked: ")

    def test_without_two_administrators_nobody_is_asked(self):
        """Who could not be added is told so before typing, and gims-keyd looks itself."""
        proposal = self.site.keyd_command("propose", "person-add", "ritu", *self.site.means("Asha")).split()[1].rstrip(",")
        for name, approval, told in (("ritu", proposal, "Two administrators have to approve it first"), ("arjun", proposal, "of another proposal"),
                                     ("ritu", "7000", "There is no such proposal")):
            with self.subTest(name=name, approval=approval), Terminal(self.keyd("person", "add", name, "--approval", approval)) as at:
                self.assertEqual(at.end(), 1)
                self.assertIn(told.encode(), at.seen)
                self.assertNotIn(b"assphrase", at.seen)
        with keyd_peer.Peer(self.site.run / "keyd/socket") as peer:
            request = struct.pack(">I", int(proposal)) + keyd_peer.field(b"ritu") + b"\x01" + keyd_peer.field(b"") + bytes(32)
            kind, told = peer.ask("add_person", request)
            self.assertEqual((kind, told.code), (keyd_peer.REFUSAL, keyd_peer.APPROVAL), told)
        self.assertIn("without a person", self.site.command(self.keyd("person", "list")))

    def test_too_short_or_typed_differently(self):
        approval = self.approved("ritu")
        for first, second, told in (("short", None, "12 to 256"), (PASSPHRASE, OTHER, "two passphrases")):
            with Terminal(self.keyd("person", "add", "ritu", "--approval", approval)) as at:
                at.wait_for("New passphrase of ritu: ")
                at.type(first)
                if second:
                    at.wait_for("Once more: ")
                    at.type(second)
                at.wait_for(told)
                self.assertEqual(at.end(), 1)
        self.assertIn("without a person", self.site.command(self.keyd("person", "list")))

    def test_what_is_written_down(self):
        """The name of who opens the site, as custody.bin and the journal have it; nothing of the passphrase."""
        name = "ritu of the north"
        self.add(name, PASSPHRASE)
        self.restart_keyd()
        self.assertEqual(self.unlock(PASSPHRASE)[0], 0)
        places = [*self.site.written(), *self.site.unnamed_files()]
        found, _, _ = search({"secrets": [name]}, places)
        self.assertLessEqual({"custody.bin", self.site.keyd.log.name}, {path.name for path, *_ in found})
        found, _, _ = search({"secrets": [PASSPHRASE]}, places)
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
