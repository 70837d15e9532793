"""With another TPM's state, or one bit of a stored blob changed, the site stays closed: gims-keyd says
locked and why, gimsd and gims-tlsd serve nothing. With everything put back it opens again."""

import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest
from pathlib import Path

import cryptography.x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import rig  # before those of scripts/: it says where they are
import keyd_peer
import supervise
from rig import SiteTest


class CustodyTest(SiteTest):
    def restart_custody(self):
        """gims-keyd and its TPM anew; returns what gims-keyd says of itself."""
        self.site.keyd.stop()
        self.site.tpm.stop()
        self.site.start_tpm()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        return self.site.keyd_status()

    def assert_opens(self):
        self.assertEqual(self.restart_custody(), "operational")

    def assert_nothing_serves(self):
        """gimsd and gims-tlsd are started, as systemd would, and do not become ready."""
        for process in (self.site.gimsd, self.site.tlsd):
            process.start()
        deadline = time.monotonic() + 30
        for process in (self.site.gimsd, self.site.tlsd):
            # It either tells that it waits, or has given up.
            while process.running() and not any(state.startswith("STATUS=") for state in process.states):
                self.assertLess(time.monotonic(), deadline, f"{process.name} tells nothing")
                time.sleep(0.02)
        for process in (self.site.gimsd, self.site.tlsd):
            self.assertNotIn("READY=1", process.states)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.site.port)).close()
        self.site.tlsd.stop()
        self.site.gimsd.stop()

    def test_another_tpm(self):
        with self.another_tpm():
            status = self.site.keyd_status()
            self.assertRegex(status, "^locked: .+")
            print(status)
            self.assert_nothing_serves()
        # Nothing was destroyed by the attempt: the right TPM opens the site again, and all serves.
        self.site.start()
        self.assertEqual(self.site.keyd_status(), "operational")

    def test_a_tpm_that_comes_late(self):
        self.site.stop()
        self.site.prepare()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertRegex(self.site.keyd_status(), "^locked: .+")
        self.assert_nothing_serves()
        # It opens by itself, and tells so.
        self.site.start_tpm()
        self.wait_for("gims-keyd to open", lambda: self.site.keyd_status() == "operational")
        told = lambda: [state for state in self.site.keyd.states if state.startswith("STATUS=")][-1]
        self.wait_for("systemd to be told", lambda: told() == "STATUS=operational")

    def test_nothing_is_read_outside_of_the_sandbox(self):
        """The list of system calls is in force while the first answer of the TPM is still to come."""
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        os.kill(self.site.tpm.child.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.site.tpm.child.pid, signal.SIGCONT)
        self.site.keyd.start()
        status = Path("/proc") / str(self.site.keyd.child.pid) / "status"
        # For less than it waits for its TPM: after that it would go on without one.
        self.wait_for("the sandbox", lambda: "\nSeccomp:\t2\n" in status.read_text(), seconds=15)
        self.assertNotIn("READY=1", self.site.keyd.states)

    def test_zeroizing_with_another_tpm(self):
        """It is refused, and says of files that are removed alone that copies of them open; which they do."""
        def zeroize(*more):
            for name in ("Asha", "Bimal"):
                answer = self.keyd("propose", "zeroize", *more, *self.site.means(name))
            return answer
        self.site.stop()
        files = self.site.folder / "keyd-copy"
        shutil.copytree(self.site.folder / "keyd", files)
        with self.another_tpm():
            status, said = zeroize()
            self.assertEqual(status, 1, said)
            self.assertIn("another TPM", said)
            self.assertIn("Nothing was changed", said)
            status, said = zeroize("--files-only")
            self.assertEqual(status, 0, said)
            self.assertIn("Copies of the files can still be opened", said)
            self.assertNotIn("The keys are destroyed", said)
            self.assertRegex(self.site.keyd_status(), "^zeroized: .*not proved")
        for name in ("custody.bin", "state.bin"):
            shutil.copy(files / name, self.site.folder / "keyd" / name)
            shutil.chown(self.site.folder / "keyd" / name, "gims-keyd", "gims-keyd")
        self.assert_opens()
        status, said = zeroize()
        self.assertEqual((status, said), (0, "The keys are destroyed.\n"))
        self.assertEqual(self.site.keyd_status(), "zeroized")

    def assert_refused(self, answer, code):
        kind, text = answer
        self.assertEqual((kind, getattr(text, "code", None)), (keyd_peer.REFUSAL, code), text)

    def test_each_user_gets_what_is_its_own(self):
        """By the user that the kernel names, with every request that there is."""
        own = {"root": {"status", "site_root", "audit_head", "ceremony_abort", "recovery_file", "proposals", "administrators",
                        "persons", "raise_release"},
               "gims-tlsd": {"status", "site_root"},
               "gimsd": {"status", "site_root", "data_keys", "server_key", "audit_head", "certify_audit", "relay_secret"}}
        # They are theirs, and a request without its fields is none.
        without_fields = {"root": {"ceremony_begin", "ceremony_give", "ceremony_share", "ceremony_confirm", "ceremony_finish",
                                   "crl", "attest", "activate", "event_log", "certify_device", "revoke_device",
                                   "propose", "approve", "withdraw", "add_person", "wifi_passphrase"},
                          "gims-tlsd": {"sign_leaf", "crl"},
                          "gimsd": {"sign_events", "extend_audit", "mark_store", "crl", "attest", "event_log", "redeem", "acts"}}
        of_keyd = [name for name, number in keyd_peer.OPERATIONS.items() if number < 0x100]
        for user, allowed in own.items():
            for operation in of_keyd:
                with self.subTest(user=user, operation=operation), keyd_peer.Peer(self.site.run / "keyd/socket", user) as peer:
                    answer = peer.ask(operation)
                    if operation in allowed:
                        self.assertEqual(answer[0], keyd_peer.REPLY)
                    elif user == "root" and operation in ("unlock", "unlock_with"):
                        self.assert_refused(answer, keyd_peer.STATE)
                    elif operation in without_fields[user]:
                        self.assert_refused(answer, keyd_peer.FRAME)
                    else:
                        self.assert_refused(answer, keyd_peer.PEER)
        for user in ("nobody", "gims-swtpm", "gims-keyd"):
            with self.subTest(user=user), keyd_peer.Peer(self.site.run / "keyd/socket", user) as peer:
                self.assert_refused(peer.ask("status"), keyd_peer.PEER)
                self.assertEqual(peer.ask("status"), (None, b""))
        self.assertEqual(self.site.keyd_status(), "operational")

    def test_a_recorded_request_sent_again(self):
        """It does what the same request does that is made anew, by who may make it, and no more."""
        socket_path = self.site.run / "keyd/socket"
        older, newer = (keyd_peer.frame("extend_audit", struct.pack(">Q", 1_000_000 + number) + bytes([number]) * 32) for number in (1, 2))
        with keyd_peer.Peer(socket_path, "gimsd") as peer:
            for request in (older, newer, newer):  # the newest again is a success, so that a caller can repeat itself
                self.assertEqual(peer.send(request), (keyd_peer.REPLY, b""))
            self.assert_refused(peer.send(older), keyd_peer.AUDIT)
            head = peer.ask("audit_head")
        with keyd_peer.Peer(socket_path, "gims-tlsd") as peer:
            self.assert_refused(peer.send(older), keyd_peer.PEER)
            self.assert_refused(peer.send(keyd_peer.frame("data_keys")), keyd_peer.PEER)
        site = keyd_peer.field(b"gims.internal") + keyd_peer.field(b"again") + b"\0\1" + keyd_peer.field(b"gims.internal") + b"\0\0"
        with keyd_peer.Peer(socket_path) as peer:
            # One share, not typed again; no key of a development site.
            provisioning = keyd_peer.frame("ceremony_begin", b"\1" + site + keyd_peer.field(b"") + b"\1" + b"\1\1\1\1" + b"\0" + keyd_peer.field(b"") + keyd_peer.field(b""))
            self.assert_refused(peer.send(provisioning), keyd_peer.STATE)
        with keyd_peer.Peer(socket_path, "gimsd") as peer:
            self.assertEqual(peer.ask("audit_head"), head)

    def test_a_flipped_bit(self):
        seed = int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed} (GIMS_SEED)")
        choose = random.Random(seed)
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        reasons = set()
        # recovery.bin is a copy of what custody.bin holds: test_the_copy_of_the_recovery_file.
        blobs = sorted(path for path in (self.site.folder / "keyd").iterdir() if path.stat().st_size and path.name != "recovery.bin")
        self.assertGreaterEqual(len(blobs), 2)
        for path in blobs:
            good = path.read_bytes()
            places = {0, len(good) - 1} | {choose.randrange(len(good)) for _ in range(14)}
            for place in sorted(places):
                bad = bytearray(good)
                bad[place] ^= 1 << choose.randrange(8)
                path.write_bytes(bad)
                with self.subTest(blob=path.name, place=place):
                    status = self.restart_custody()
                    self.assertRegex(status, "^locked: .+")
                    reasons.add(status)
            if path is blobs[0]:
                self.assert_nothing_serves()
            path.write_bytes(good)
            self.assert_opens()
        print("\n".join(sorted(reasons)))

    def test_a_missing_blob(self):
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        for path in sorted(path for path in (self.site.folder / "keyd").iterdir() if path.name != "recovery.bin"):
            good = path.read_bytes()
            path.unlink()
            with self.subTest(blob=path.name):
                self.assertNotEqual(self.restart_custody(), "operational")
            self.site.keyd.stop()
            path.write_bytes(good)
            shutil.chown(path, "gims-keyd", "gims-keyd")
            path.chmod(0o600)
            self.assert_opens()

    def test_the_copy_of_the_recovery_file(self):
        """Whatever happens to it, it is made anew from custody.bin."""
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        path = self.site.folder / "keyd/recovery.bin"
        good = path.read_bytes()
        for bad in (b"", good[:-1], good + b"x", good[:200] + bytes([good[200] ^ 1]) + good[201:], None):
            if bad is None:
                path.unlink()
            else:
                path.write_bytes(bad)
            self.assert_opens()
            self.assertEqual(path.read_bytes(), good)

    def test_a_tpm_whose_files_are_lost(self):
        """It has the passwords of a site that nobody can open any more."""
        self.site.stop()
        for part in ("keyd", "gimsd"):
            shutil.rmtree(self.site.folder / part)
        before = self.site.fingerprint
        with self.assertRaisesRegex(supervise.Failed, "Clear the TPM in the firmware's set-up"):
            self.site.start()
        self.site.stop()
        shutil.rmtree(self.site.folder / "tpm")
        self.site.start()
        self.assertEqual(self.site.keyd_status(), "operational")
        self.assertNotEqual(self.site.fingerprint, before)

    def test_data_is_not_given_other_keys(self):
        self.site.stop()
        (self.site.folder / "keyd/custody.bin").rename(self.site.folder / "custody.bin")
        with self.assertRaisesRegex(supervise.Failed, "has data that only they open; put custody.bin back"):
            self.site.start()
        self.site.stop()
        (self.site.folder / "custody.bin").rename(self.site.folder / "keyd/custody.bin")
        self.site.start()

    def test_the_search_knows_the_private_keys(self):
        """What is searched for are the keys that the site works with: their public halves are those that it shows."""
        keys = self.site.keys()
        certificate, _ = self.site.site_root()
        scalar = int(keys["site root's private key"], 16)
        self.assertEqual(ec.derive_private_key(scalar, ec.SECP256R1()).public_key(),
                         cryptography.x509.load_der_x509_certificate(certificate).public_key())
        with keyd_peer.Peer(self.site.run / "keyd/socket", "gimsd") as peer:
            kind, answer = peer.ask("server_key")
        self.assertEqual(kind, keyd_peer.REPLY)
        seed = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys["server signing seed"]))
        self.assertIn(seed.public_key().public_bytes_raw(), answer)
        # And each is found where it lies open.
        for name, key in keys.items():
            with self.subTest(name):
                planted = self.site.folder / "gimsd/planted"
                planted.write_bytes(bytes(77) + bytes.fromhex(key))
                findings, _, _ = self.site.search({})
                self.assertEqual({(path, what) for path, _, what, _ in findings}, {(planted, f"key {name}")})
                planted.unlink()
        self.assertEqual(self.site.search({})[0], [])

    def test_a_restart_has_the_same_keys(self):
        before = self.site.fingerprint
        self.assertEqual(set(self.site.stop().values()), {0}, "a process did not end cleanly")
        self.site.start()
        self.assertEqual(self.site.fingerprint, before)


if __name__ == "__main__":
    unittest.main()
