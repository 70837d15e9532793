"""A site whose keys are in an HSM (SoftHSM): what happens to it when the HSM, its process or its PIN fails, and
what any other program gets of the keys."""

import json
import os
import random
import re
import shutil
import ssl
import time
import unittest
import urllib.request

import confinement_test
import hsm_site
import keyd_peer
import sitekeys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hsm_site import HsmSite, PIN, USER
from rig import BUILD, SiteTest
from search import search

FAULTY = BUILD / "tests/support/libgims_faulty_module.so"


class FaultySite(HsmSite):
    module = FAULTY


class ImpatientSite(FaultySite):
    call_limit = "2s"


class BothSite(HsmSite):
    with_tpm = True


class HsmTest(SiteTest):
    site_class = HsmSite

    def setUp(self):
        super().setUp()
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        self.public_key = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def status(self):
        return self.site.keyd_status()

    def wait_until_operational(self):
        self.wait_for("gims-keyd to be operational", lambda: self.status() == "operational")

    def wait_until_locked(self, why):
        return self.wait_for(f"gims-keyd to be locked: {why}", lambda: re.search(f"^locked: .*{why}", self.status()))

    def unlock(self):
        """As an administrator who does not wait for gims-keyd's own next attempt; whether it helped."""
        try:
            self.site.command([self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", "unlock"])
        except self.failed as failed:
            return str(failed)
        return ""

    def signing(self):
        """What comes back, each time it is something else, for leaves that are asked for without end."""
        process = hsm_site.start_signing(self.site, self.public_key, 1_000_000)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stdout:
            print(line, end="", flush=True)
            yield json.loads(line)["what"]

    def ask_site(self, method, path, token=None, body=None):
        request = urllib.request.Request(
            f"{self.site.url}/_matrix/client/v3/{path}", method=method, data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}))
        with urllib.request.urlopen(request, timeout=60, context=ssl.create_default_context(cafile=self.site.ca)) as answer:
            return json.load(answer)

    failed = hsm_site.supervise.Failed


class LossTest(HsmTest):
    def test_a_restart_has_the_same_keys(self):
        before = self.site.fingerprint
        self.assertIn("SoftHSM", self.site.command(
            [self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml", "status"]))
        self.assertEqual(set(status for name, status in self.site.stop().items() if name != "swtpm"), {0})
        self.site.start()
        self.assertEqual(self.site.fingerprint, before)

    def test_killed_in_the_middle(self):
        password = self.site.add_user("ritu")
        token = self.ask_site("POST", "login", body={"type": "m.login.password", "password": password,
                                                     "identifier": {"type": "m.id.user", "user": "ritu"}})["access_token"]
        signing = self.signing()
        self.assertEqual(next(signing), "signed")
        for _ in range(3):
            time.sleep(random.uniform(0.05, 0.4))
            self.site.hsm.kill()
            self.wait_until_locked("gims-pkcs11d does not answer")
            # The keys are wiped; whoever asks is told so, and gimsd tells its administrators.
            told = next(signing)
            if "gims-pkcs11d does not answer" in told:  # who asks first may be gims-keyd itself, which looks at times
                told = next(signing)
            self.assertEqual(told, "The key custodian is locked: it does not answer sign_leaf.")
            self.assertRegex(self.gimsctl("status")[1], "gims-keyd: +locked: The HSM's process gims-pkcs11d does not answer")
            # Officers go on: gimsd and gims-tlsd have what they need.
            self.assertEqual(self.ask_site("GET", "account/whoami", token)["user_id"], "@ritu:gims.internal")
            self.site.start_hsm()
            self.wait_until_operational()
            self.assertEqual(next(signing), "signed")
        log = self.site.keyd.log.read_text()
        self.assertEqual(len(re.findall("locked .*gims-pkcs11d does not answer", log)), 3)
        self.assertEqual(log.count("the hardware is back: operational"), 3)
        states = [state for state in self.site.keyd.states if state.startswith("STATUS=")]
        self.assertTrue(any(state.startswith("STATUS=locked: The HSM's process") for state in states), states)
        self.assertEqual(states[-1], "STATUS=operational")

    def test_killed_while_nothing_is_asked(self):
        self.site.hsm.kill()
        self.wait_until_locked("gims-pkcs11d does not answer")
        self.site.start_hsm()
        self.wait_until_operational()

    def test_the_token_is_pulled_in_the_middle(self):
        signing = self.signing()
        self.assertEqual(next(signing), "signed")
        for _ in range(2):
            self.site.pull()
            self.wait_until_locked('There is no token "gims" in a slot of the HSM')
            self.assertRegex(self.gimsctl("status")[1], "gims-keyd: +locked: There is no token")
            self.site.plug()
            self.wait_until_operational()
        self.assertTrue(self.site.hsm.running(), "it is not gims-pkcs11d that had to end")

    def test_another_token(self):
        self.site.pull()
        self.site.make_token()
        self.wait_until_locked("another token")
        self.assertIn("another token", self.unlock())
        shutil.rmtree(self.site.tokens)
        self.site.tokens.mkdir()
        self.site.plug()
        self.wait_until_operational()

    def test_a_flipped_bit(self):
        seed = int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed} (GIMS_SEED)")
        choose = random.Random(seed)
        self.site.keyd.stop()
        custody = self.site.folder / "keyd/custody.bin"
        good = custody.read_bytes()
        start = good.index(b"pkcs11") + len(b"pkcs11")
        reasons = set()
        # The vault's part: version and wrapping, two ids, two points, nonce, wrapped key.
        places = {start + 4, start + 5} | {start + choose.randrange(240) for _ in range(14)}
        for place in sorted(places):
            bad = bytearray(good)
            bad[place] ^= 1 << choose.randrange(8)
            custody.write_bytes(bad)
            with self.subTest(place=place - start):
                self.site.keyd.start()
                self.site.keyd.wait_until_ready()
                self.assertRegex(self.status(), "^locked: .+")
                reasons.add(self.status())
                self.site.keyd.stop()
        print("\n".join(sorted(reasons)))
        custody.write_bytes(good)
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertEqual(self.status(), "operational")


class TokenTest(HsmTest):
    site_class = FaultySite

    def test_nothing_can_be_read_out_of_the_token(self):
        listed = self.site.pkcs11_tool("--list-objects")
        self.assertEqual(listed.count("sensitive, always sensitive, never extractable, local"), 4, listed)
        self.assertEqual(len(re.findall("Private Key Object; EC", listed)), 3)
        answer = self.site.pkcs11_tool("--read-object", "--type", "secrkey", "--label", "gims wrapping key", check=False)
        self.assertIn("CKR_ATTRIBUTE_SENSITIVE", answer)

    def test_what_is_written_down(self):
        """Neither the keys nor the PIN are in any file but the PIN's own."""
        keys = sitekeys.derived_keys(self.site.root_key_file.read_bytes())
        self.site.pin_file.rename(self.site.operator / "hsm-pin")
        found, files, _ = search({"secrets": [PIN], "keys": keys}, [*self.site.written(), self.site.hsm_folder])
        self.assertEqual(found, [])
        self.assertGreater(files, 20)

    def test_another_user_is_refused(self):
        path = self.site.run / "pkcs11/socket"
        for user in ("gimsd", "gims-tlsd", "root", USER):
            with keyd_peer.Peer(path, user) as peer:
                self.assertEqual(peer.ask("vault_probe"), (keyd_peer.REFUSAL, "The user of this process has no part here."), user)
        with keyd_peer.Peer(path, "gims-keyd") as peer:
            self.assertEqual(peer.ask("vault_probe")[0], keyd_peer.REPLY)
        self.wait_for_log(self.site.hsm, "refused a connection")

    def test_many_signatures_leave_nothing_behind(self):
        opened, logins = self.site.count("C_OpenSession"), self.site.count("C_Login")
        held = lambda: len(os.listdir(f"/proc/{self.site.hsm.child.pid}/fd"))
        files = held()
        many = int(os.environ.get("GIMS_SIGNATURES", "2000"))  # 65,000 by `make faults`
        with hsm_site.start_signing(self.site, self.public_key, many) as signing:
            last = [json.loads(line) for line in signing.stdout][-1]
        self.assertEqual(signing.returncode, 0)
        self.assertEqual(last, {"what": "signed", "signed": many, "refused": 0})
        self.assertEqual((self.site.count("C_OpenSession"), self.site.count("C_Login")), (opened, logins))
        self.assertLessEqual(held(), files)

    def test_a_wrong_pin_is_tried_once(self):
        self.site.hsm.stop()
        self.site.write_pin("11111111")
        before = self.site.count("C_Login")
        self.site.start_hsm()
        self.wait_until_locked("refused the PIN")
        for _ in range(5):
            self.assertIn("It is not tried again", self.unlock())
        self.assertEqual(self.site.count("C_Login"), before + 1)
        self.site.hsm.stop()
        self.site.write_pin(PIN)
        self.site.start_hsm()
        self.wait_until_operational()

    def test_zeroized(self):
        self.assertEqual(self.site.decide("zeroize"), "The keys are destroyed.\n")
        self.assertNotIn("gims", self.site.pkcs11_tool("--list-objects").replace("token", ""))
        self.assertEqual(self.status(), "zeroized")


class HangTest(HsmTest):
    site_class = ImpatientSite

    def test_a_module_that_hangs(self):
        self.site.fault.write_text("C_Sign hang\n")
        os.chmod(self.site.fault, 0o644)
        with hsm_site.start_signing(self.site, self.public_key, 1) as signing:
            self.assertIn("gims-pkcs11d does not answer", json.loads(signing.stdout.readline())["what"])
        self.assertEqual(self.site.hsm.child.wait(), 1)
        self.wait_for_log(self.site.hsm, "does not answer within the time limit: the process ends")
        self.wait_until_locked("gims-pkcs11d does not answer")
        self.site.fault.unlink()
        # As the supervisor would.
        self.site.start_hsm()
        self.wait_until_operational()

    def test_a_module_that_crashes(self):
        signing = self.signing()
        self.assertEqual(next(signing), "signed")
        self.site.fault.write_text("C_Sign crash\n")
        os.chmod(self.site.fault, 0o644)
        self.assertIn("gims-pkcs11d does not answer", next(signing))
        self.assertLess(self.site.hsm.child.wait(), 0)
        self.wait_until_locked("gims-pkcs11d does not answer")
        self.assertTrue(self.site.keyd.running() and self.site.gimsd.running())
        self.site.fault.unlink()
        self.site.start_hsm()
        self.wait_until_operational()

    def test_a_module_that_hangs_at_its_start(self):
        self.site.hsm.stop()
        self.site.fault.write_text("C_Initialize hang\n")
        os.chmod(self.site.fault, 0o644)
        with self.assertRaisesRegex(self.failed, "ended with status 1"):
            self.site.start_hsm()


class HsmConfinementTest(confinement_test.ConfinementTest):
    """What holds for every daemon holds for gims-pkcs11d."""
    site_class = HsmSite
    bad = {"gims-pkcs11d": ("call_limit = .*", 'call_limit = "1h"', "call_limit: must be a duration")}

    def daemons(self):
        return self.site.hsm,


class BothTest(HsmTest):
    site_class = BothSite

    def test_both_are_needed(self):
        self.assertRegex(self.site.command([self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml",
                                            "status"]), "keys are in: +TPM 2.0 .* and PKCS#11")
        self.site.pull()
        self.wait_until_locked("There is no token")
        self.site.plug()
        self.wait_until_operational()
        # Another HSM with the right TPM opens nothing.
        self.site.pull()
        self.site.make_token()
        self.wait_until_locked("another token")
        shutil.rmtree(self.site.tokens)
        self.site.tokens.mkdir()
        self.site.plug()
        self.wait_until_operational()
        # Nor does another TPM with the right HSM.
        with self.another_tpm():
            self.assertRegex(self.status(), "^locked: This TPM holds no storage key of ours")
        self.site.start()
        self.assertEqual(self.status(), "operational")


if __name__ == "__main__":
    unittest.main()
