"""The credentials of calls, push and Wi-Fi, as gims-keyd's own user for them fetches them (docs/protocol-keyd.md, "Services")."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import unittest

import keyd_peer
from appliance_site import SERVICES, ApplianceTest, folder_in

FILES = ["turn.conf", "push.crt", "push.key", "push.env", "wifi-sae.conf", "wifi-eap.conf", "wifi.crt", "wifi.key"]
LIST = "devices.pem"  # of what is no secret
CERTIFIED = ["push.crt", "push.key", "wifi.crt", "wifi.key"]
PASSPHRASE = "(?:[a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}"


class ServicesTest(ApplianceTest):
    def setUp(self):
        super().setUp()
        self.out = folder_in(self, "/dev/shm")
        self.lists = folder_in(self, "/dev/shm", mode=0o755)

    def fetch(self, user=SERVICES, out=None, lists=None):
        return self.site.fetch(out or self.out, lists or self.lists, user=user)

    def assert_fetched(self):
        status, said = self.fetch()
        self.assertEqual(status, 0, said)
        return re.findall(r"(?m)^written: (.*)$", said)

    def assert_refused(self, why, **more):
        status, said = self.fetch(**more)
        self.assertEqual(status, 1, said)
        self.assertRegex(said, why)
        for folder in (more.get("out") or self.out, more.get("lists") or self.lists):
            self.assertEqual(list(folder.iterdir()), [])

    def text(self, name):
        return (self.out / name).read_text()

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)

    def verify(self, name, host, purpose="sslserver"):
        run = self.openssl("verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", host, "-CAfile", self.site.ca,
                           "-untrusted", self.out / name, self.out / name)
        return run.returncode == 0

    def test_all_of_them_for_one_user_alone(self):
        self.assertEqual(self.assert_fetched(), [LIST, *FILES])
        self.assertEqual(sorted(path.name for path in self.out.iterdir()), sorted(FILES))
        self.assertEqual([path.name for path in self.lists.iterdir()], [LIST])
        self.assertEqual(stat.S_IMODE((self.lists / LIST).lstat().st_mode), 0o444)
        self.assertNotIn("PRIVATE", (self.lists / LIST).read_text())
        for name in FILES:
            info = (self.out / name).lstat()
            self.assertEqual((stat.S_IMODE(info.st_mode), stat.S_ISREG(info.st_mode), info.st_uid), (0o400, True, SERVICES), name)

    def test_certificates(self):
        self.assert_fetched()
        for service in ("push", "wifi"):
            with self.subTest(service):
                certificate = f"{service}.crt"
                self.assertTrue(self.verify(certificate, f"{service}.gims.internal"))
                # For nothing else: not in the site's name, not in the other's, not as a device.
                for host in ("gims.internal", "push.gims.internal" if service == "wifi" else "wifi.gims.internal", "127.0.0.1"):
                    self.assertFalse(self.verify(certificate, host), host)
                self.assertFalse(self.verify(certificate, f"{service}.gims.internal", "sslclient"))
                public = self.openssl("x509", "-in", self.out / certificate, "-noout", "-pubkey").stdout
                self.assertEqual(self.openssl("pkey", "-in", self.out / f"{service}.key", "-pubout").stdout, public)
                self.assertEqual(self.openssl("x509", "-in", self.out / certificate, "-noout", "-checkend", 7 * 86400 - 3600).returncode, 0)
                self.assertEqual(self.openssl("x509", "-in", self.out / certificate, "-noout", "-checkend", 7 * 86400 + 60).returncode, 1)
        self.assertEqual(self.text("push.env"), "NTFY_BASE_URL=https://push.gims.internal:8444\n")

    def test_what_each_program_reads(self):
        self.site.service_settings.write_text('[relay]\naddress = "10.73.2.1"\n[wifi]\nname = "PMO North"\n')
        self.assert_fetched()
        self.assertRegex(self.text("turn.conf"), r"\Astatic-auth-secret=[0-9a-f]{64}\nrealm=gims\.internal\nlistening-ip=10\.73\.2\.1\n"
                                                 r"relay-ip=10\.73\.2\.1\nallowed-peer-ip=10\.73\.2\.1\n\Z")
        self.assertRegex(self.text("wifi-sae.conf"), rf"\Assid=PMO North join\nsae_password={PASSPHRASE}\n\Z")
        self.assertEqual(self.text("wifi-eap.conf"), "ssid=PMO North\n")
        self.site.service_settings.unlink()
        self.assert_fetched()
        self.assertRegex(self.text("turn.conf"), r"\nlistening-ip=192\.0\.2\.1\n")
        self.assertEqual(self.text("wifi-eap.conf"), "ssid=gims.internal\n")

    def test_the_relays_secret_is_the_sites(self):
        self.assert_fetched()
        self.assertIn(f"static-auth-secret={self.site.keys()['relay']}\n", self.text("turn.conf"))

    def inodes(self):
        return {path.name: path.stat().st_ino for folder in (self.out, self.lists) for path in folder.iterdir()}

    def test_a_second_time_changes_nothing(self):
        """Who has them goes on with them, and is not interrupted."""
        self.assert_fetched()
        before = self.inodes()
        self.assertEqual(self.assert_fetched(), [])
        self.assertEqual(self.inodes(), before)

    def test_a_certificate_that_is_not_good_is_made_anew(self):
        """Half of its life is over, or its key is another's (unit tests have the rest)."""
        self.assert_fetched()
        shutil.copy(self.out / "wifi.key", self.out / "push.key")
        self.assertEqual(self.assert_fetched(), ["push.crt", "push.key"])
        self.assertTrue(self.verify("push.crt", "push.gims.internal"))
        self.assert_keyd("renew-ca", "--shares-from", self.site.shares_file)
        self.assertEqual(self.assert_fetched(), [LIST, *CERTIFIED])
        self.assertTrue(self.verify("wifi.crt", "wifi.gims.internal"))

    def test_the_wifi_knows_devices_and_which_were_taken_back(self):
        key, request, device = (self.site.operator / f"device.{part}" for part in ("key", "csr", "pem"))
        self.assertEqual(self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                                      "-keyout", key, "-out", request).returncode, 0)
        said = self.assert_keyd("certify-device", "--request", request, "--user", "@asha:gims.internal", "--device", "PHONE", "--out", device)
        serial = re.search(r"revoke it by: (\S+)", said)[1]
        check = ("verify", "-purpose", "sslclient", "-crl_check_all", "-CAfile", self.lists / LIST, device)
        self.assert_fetched()
        run = self.openssl(*check)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assert_keyd("revoke-device", "--serial", serial)
        self.assertEqual(self.assert_fetched(), [LIST])
        run = self.openssl(*check)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("certificate revoked", run.stderr)

    def test_another_user_is_refused(self):
        for user in ("gimsd", "gims-tlsd", "root"):
            with self.subTest(user):
                self.assert_refused("may not ask for issuing_cas", **self.as_user(pwd.getpwnam(user).pw_uid))
        self.assert_refused("has no part here", **self.as_user(65534))

    def as_user(self, uid):
        return {"user": uid, "out": folder_in(self, "/dev/shm", owner=uid), "lists": folder_in(self, "/dev/shm", owner=uid, mode=0o755)}

    def test_that_user_gets_nothing_else(self):
        os.seteuid(SERVICES)
        try:
            peer = keyd_peer.Peer(self.site.run / "keyd/socket")
        finally:
            os.seteuid(0)
        with peer:
            for operation in ("data_keys", "sign_leaf", "server_key", "recovery_file", "propose", "certify_device", "audit_head"):
                with self.subTest(operation):
                    kind, told = peer.ask(operation)
                    self.assertEqual((kind, told.code), (keyd_peer.REFUSAL, keyd_peer.PEER))
            self.assertEqual(peer.ask("status")[0], keyd_peer.REPLY)

    def test_locked_nothing_is_written(self):
        self.lock()
        self.assert_refused("The key custodian is locked")

    def test_zeroized_nothing_is_written(self):
        self.zeroize()
        self.assert_refused("The key custodian is zeroized")

    def test_the_folder_is_in_memory_and_nobody_elses(self):
        self.assert_refused("must be in memory", out=folder_in(self, folder_in(self, self.site.build, owner=0, mode=0o755)))
        self.assert_refused("of this user's own, with the mode 0700", out=folder_in(self, "/dev/shm", mode=0o750))
        self.assert_refused("of this user's own, with the mode 0700", out=folder_in(self, "/dev/shm", owner=0, mode=0o777))
        self.assert_refused("of this user's own, with the mode 0755", lists=folder_in(self, "/dev/shm", mode=0o777))

    def test_the_administrator_is_told_the_passphrase_and_changes_it(self):
        self.assert_fetched()
        first = re.search(PASSPHRASE, self.text("wifi-sae.conf"))[0]
        told = self.assert_keyd("wifi", "--settings", self.site.service_settings)
        self.assertEqual(told, f"with a certificate: gims.internal\nbefore enrolment:   gims.internal join\npassphrase:         {first}\n")
        self.site.service_settings.write_text("[wifi]\npassphrase = 2\n")
        self.assertIn("wifi-sae.conf", self.assert_fetched())
        second = re.search(PASSPHRASE, self.text("wifi-sae.conf"))[0]
        self.assertNotEqual(first, second)
        self.assertIn(second, self.assert_keyd("wifi", "--settings", self.site.service_settings))

    def test_nothing_of_them_is_on_the_disk(self):
        self.assert_fetched()
        secrets = [re.search("=([0-9a-f]{64})\n", self.text("turn.conf"))[1], re.search(PASSPHRASE, self.text("wifi-sae.conf"))[0],
                   *[line for name in ("push.key", "wifi.key") for line in self.text(name).splitlines() if "-----" not in line]]
        findings, files, _ = self.site.search({"plaintexts": secrets})
        self.assertEqual(findings, [])
        self.assertGreater(files, 5)


if __name__ == "__main__":
    unittest.main()
