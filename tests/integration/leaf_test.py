"""The TLS certificate is renewed while clients are connected, also when gims-keyd was away for a while."""

import subprocess
import unittest

import matrix_api
from cryptography import x509
from line import Line
from rig import SiteTest, gimssite


class ShortLeaves(gimssite.Site):
    """With leaves of the shortest life: a minute."""

    def configuration(self):
        texts = super().configuration()
        texts["gims-tlsd"] = texts["gims-tlsd"].replace("[keyd]\n", '[keyd]\nleaf_lifetime = "60s"\n')
        return texts


class LeafTest(SiteTest):
    site_class = ShortLeaves

    def line(self, name="127.0.0.1"):
        line = Line(self.site.port, self.site.ca, name)
        self.addCleanup(line.http.close)
        return line

    def test_renewal_with_gims_keyd_away_for_a_while(self):
        first = self.line()
        token, user = self.sign_in(first)
        room = self.asked(first, "POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat"}, token)["room_id"]
        since = self.asked(first, "GET", "/_matrix/client/v3/sync", token=token)["next_batch"]
        waiting = self.line()
        waiting.begin("GET", f"/_matrix/client/v3/sync?since={since}&timeout=240000", token=token)

        self.site.keyd.stop()
        self.assertRegex(self.gimsctl("status")[1], "gims-keyd: +not reached")
        told = self.wait_for_log(self.site.tlsd, "The TLS certificate was not renewed; the old one is used on.")
        self.assertIn("The key custodian does not answer", told)
        # What was signed a minute before its end is still good, and the same: new clients come in with it.
        late = self.line()
        self.assertEqual(late.leaf.serial_number, first.leaf.serial_number)
        self.asked(late, "GET", "/_matrix/client/v3/account/whoami", token=token)

        self.site.start_keyd()
        self.wait_for_log(self.site.tlsd, "The TLS certificate was renewed.")
        renewed = self.line()
        self.assertNotEqual(renewed.leaf.serial_number, first.leaf.serial_number)
        self.assertNotEqual(renewed.leaf.public_key(), first.leaf.public_key())
        self.assertGreater(renewed.leaf.not_valid_after_utc, first.leaf.not_valid_after_utc)

        # Those who were connected go on, on the connections that they have, and the poll gets its message.
        self.asked(first, "GET", "/_matrix/client/v3/account/whoami", token=token)
        sent = self.asked(renewed, "PUT", f"/_matrix/client/v3/rooms/{matrix_api.quoted(room)}/send/m.room.encrypted/t",
                          matrix_api.encrypted(1), token)
        status, news = waiting.end()
        self.assertEqual(status, 200)
        self.assertEqual(news["rooms"]["join"][room]["timeline"]["events"][-1]["event_id"], sent["event_id"])

        # And again, by itself, before the second leaf ends.
        def third():
            with Line(self.site.port, self.site.ca) as line:
                return line.leaf if line.leaf.serial_number != renewed.leaf.serial_number else None
        self.assertGreater(self.wait_for("another leaf", third).not_valid_after_utc, renewed.leaf.not_valid_after_utc)
        self.assertNotIn("has expired", self.site.tlsd.log.read_text())
        self.assert_chain(renewed)

    def sign_in(self, line):
        password = self.site.add_user("officer")
        answer = self.asked(line, "POST", "/_matrix/client/v3/login", {
            "type": "m.login.password", "identifier": {"type": "m.id.user", "user": "officer"}, "password": password})
        return answer["access_token"], answer["user_id"]

    def asked(self, line, *request, **more):
        status, answer = line.ask(*request, **more)
        self.assertEqual(status, 200, answer)
        return answer

    def assert_chain(self, line):
        """By another implementation than gims-keyd's and Python's own check: openssl, strictly."""
        self.assertEqual(len(line.chain), 2, "the leaf and its CA, without the root")
        leaf, issuing = self.site.operator / "leaf.pem", self.site.operator / "issuing.pem"
        leaf.write_text(line.chain[0])
        issuing.write_text(line.chain[1])

        def verify(*more):
            return subprocess.run(["openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslserver",
                                   "-CAfile", self.site.ca, "-untrusted", issuing, *more, leaf], capture_output=True).returncode
        self.assertEqual(verify(), 0)
        self.assertEqual(verify("-verify_hostname", self.site.name), 0)
        self.assertEqual(verify("-verify_ip", "127.0.0.1"), 0)
        self.assertNotEqual(verify("-verify_hostname", "somewhere.else"), 0)
        self.line(self.site.name)
        # Neither CA can sign for a name that is not the site's, and the leaf has only those.
        names = line.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        own = {x509.DNSName(self.site.name)}
        self.assertEqual({name for name in names if isinstance(name, x509.DNSName)}, own)
        addresses = {name.value for name in names if isinstance(name, x509.IPAddress)}
        for pem in (line.chain[1], self.site.ca.read_text()):
            constraints = x509.load_pem_x509_certificate(pem.encode()).extensions.get_extension_for_class(x509.NameConstraints)
            self.assertTrue(constraints.critical)
            permitted = constraints.value.permitted_subtrees
            self.assertEqual({name for name in permitted if isinstance(name, x509.DNSName)}, own)
            self.assertEqual({name.value.network_address for name in permitted if isinstance(name, x509.IPAddress)}, addresses)


if __name__ == "__main__":
    unittest.main()
