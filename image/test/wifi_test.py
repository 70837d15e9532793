"""Wi-Fi with radios that the guest's kernel simulates: who joins by SAE and by EAP-TLS, who is refused, and what who joined reaches."""

import re
import time
import unittest

import appliance
import stations
from appliance import KEYD, wait_until_active
from machine import PATIENCE

UNIT = "10.73.2.1"
SITE = "/run/gims/site"
URL = "https://gims.internal:8443/_matrix/client/versions"


def table():
    """The TCP ports that docs/ports.md opens in the officers' network."""
    return {int(port) for port in re.findall(r"^\| officers \| in \| tcp \| (\d+) \|", (appliance.TOP / "docs/ports.md").read_text(), re.MULTILINE)}


class WifiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = appliance.copy("wifi")
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.start()
        appliance.wait_until_up(cls.machine)
        wait_until_active(cls.machine, "gims-tlsd.service")
        wait_until_active(cls.machine, "gims-setup.service")
        cls.machine.done(f"{KEYD} site-root >/run/site-root.pem")
        # A device that is never revoked.
        cls.certify("kept")
        # What trusts another site's root.
        cls.new_key("stranger", "-x509 -out /run/stranger.crt -subj /CN=stranger -days 3650")
        cls.one, cls.other, cls.third = stations.plug_radios(cls.machine, ["one", "other", "third"])
        cls.start_wifi()
        said = {name: dict(line.split("=", 1) for line in cls.machine.done(f"cat {SITE}/wifi-{name}.conf").splitlines() if "=" in line)
                for name in ("sae", "eap")}
        cls.names = {name: said[name]["ssid"] for name in said}
        cls.sae = {"ssid": f'"{cls.names["sae"]}"', "key_mgmt": "SAE", "sae_password": f'"{said["sae"]["sae_password"]}"', "ieee80211w": 2}
        cls.eap = {"ssid": f'"{cls.names["eap"]}"', "key_mgmt": "WPA-EAP-SHA256", "eap": "TLS", "identity": '"device"', "ieee80211w": 2,
                   "ca_cert": '"/run/site-root.pem"', "domain_match": '"wifi.gims.internal"'}

    # ---- the access point's side ---------------------------------------------------------------------------------------

    @classmethod
    def new_key(cls, name, more):
        """A key and a certificate or request for it; made in the guest, whose clock is its own."""
        cls.machine.done(f"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/{name}.key {more}")

    @classmethod
    def start_wifi(cls):
        cls.machine.done("since=$(date '+%F %T'); systemctl restart gims-wifi.service; "
                         "until journalctl --boot --unit gims-wifi.service --since \"$since\" | grep -q 'wifi0: AP-ENABLED'; do sleep 1; done")

    def renew_lists(self):
        """As the unit does it by itself from time to time."""
        self.machine.done("systemctl start gims-site.service")

    # ---- a device's side -----------------------------------------------------------------------------------------------

    @classmethod
    def certify(cls, name, days=30):
        """A device's key, and its certificate of the site's CA; the serial number by which it is revoked."""
        cls.new_key(name, f"-out /run/{name}.csr -subj /CN=x")
        said = cls.machine.done(f"{KEYD} certify-device --request /run/{name}.csr --user @asha:gims.internal --device {name.upper()} --days {days} "
                                f"--out /run/{name}.pem")
        return re.search(r"to revoke it by: (\S+)", said)[1]

    def with_certificate(self, name):
        return {**self.eap, "client_cert": f'"/run/{name}.pem"', "private_key": f'"/run/{name}.key"'}

    def refused(self, **settings):
        why = self.one.try_to_join(**settings)
        self.assertIsNotNone(why, "it joined")
        return why

    def reaches_the_site(self, station):
        address, _, router, names, clock = station.get_address()
        self.assertRegex(address, r"^10\.73\.[23]\.\d+$")
        self.assertEqual((router, names, clock), ("", UNIT, UNIT))
        self.assertEqual(station.resolve("gims.internal", UNIT), [UNIT])
        self.assertEqual(station.resolve("example.org", UNIT), [])
        resolve = f"--resolve gims.internal:8443:{UNIT}"
        status, answer = station.get(URL, "--cacert /run/site-root.pem", resolve)
        self.assertEqual((status, answer.split()[1]), (0, "200"), answer)
        # Its certificate is the site's, or nothing is said to it.
        self.assertEqual(station.get(URL, "--cacert /run/stranger.crt", resolve)[0], 60)
        return address

    # ---- tests ---------------------------------------------------------------------------------------------------------

    def test_beacons(self):
        self.one.leave()
        found = self.one.networks()
        self.assertEqual(set(found), set(self.names.values()))
        for name, suite in (("sae", "SAE"), ("eap", "IEEE 802.1X/SHA-256")):
            beacon = found[self.names[name]]
            with self.subTest(network=name):
                self.assertRegex(beacon, r"Country: IN\b")
                self.assertEqual(re.findall(r"Authentication suites: (.*)", beacon), [suite])
                self.assertEqual(re.findall(r"Pairwise ciphers: (.*)", beacon), ["CCMP"])
                self.assertIn("MFP-required", beacon)
                self.assertNotRegex(beacon, r"\n\t(WPA|WPS):")

    def test_a_device_before_its_enrolment(self):
        self.one.join(**self.sae)
        self.reaches_the_site(self.one)
        # It is led to the set-up page, and gets the site's certificate there.
        self.assertEqual(self.one.resolve("captive.apple.com", UNIT), [UNIT])
        for name in ("captive.apple.com/hotspot-detect.html", "connectivitycheck.gstatic.com/generate_204"):
            host = name.partition("/")[0]
            self.assertRegex(self.one.get(f"http://{name}", f"--resolve {host}:80:{UNIT}")[1], r"^HTTP/1.1 302 [\s\S]*\r\nLocation: http://gims\.internal/en\.html\r\n")
        page = self.one.get(f"http://{UNIT}/en.html")[1]
        fingerprint = self.machine.done("openssl x509 -in /run/site-root.pem -noout -fingerprint -sha256").strip().partition("=")[2]
        self.assertIn(fingerprint, page.replace("<wbr>", ""))
        self.one.done(f"curl --silent --output /run/stations/site.crt http://{UNIT}/site.crt")
        self.machine.done("openssl x509 -inform DER -in /run/stations/site.crt | cmp - /run/site-root.pem")

    def test_it_reaches_only_what_it_may(self):
        self.one.join(**self.sae)
        self.other.join(**self.sae)
        self.reaches_the_site(self.one)
        other = self.reaches_the_site(self.other)
        self.assertEqual(self.one.answering(UNIT), table())
        # The unit answers an echo; another device of the same network does not, and nothing of the management network.
        self.assertTrue(self.one.pings(UNIT))
        self.assertFalse(self.one.pings(other))
        # Not even whose address it is.
        self.assertTrue(self.one.finds(UNIT))
        self.assertFalse(self.one.finds(other))
        self.one.done(f"ip route add 10.73.0.0/24 via {UNIT}")
        self.assertFalse(self.one.pings("10.73.0.1"))
        self.assertEqual(self.one.answering("10.73.0.1"), set())

    def test_nobody_else_parts_a_device(self):
        self.one.join(**self.sae)
        self.reaches_the_site(self.one)
        impostor = stations.Impostor(self.third, self.names["sae"])
        self.addCleanup(impostor.leave)
        impostor.part(self.one.address_of_card())
        self.one.wait_for("NL80211_CMD_UNPROT_DEAUTHENTICATE")
        self.assertTrue(self.one.pings(UNIT))
        self.assertNotIn("CTRL-EVENT-DISCONNECTED", self.one.log())

    def test_who_is_refused_by_the_first_network(self):
        self.one.join(**self.sae)
        self.assertEqual(self.refused(**{**self.sae, "sae_password": '"not the passphrase of it"'}), "CTRL-EVENT-AUTH-REJECT")
        # With the right passphrase, by WPA2; with no key; and without protection of management frames.
        for settings, why in (({"key_mgmt": "WPA-PSK", "psk": self.sae["sae_password"]}, "skip RSN IE - key mgmt mismatch"),
                              ({"key_mgmt": "NONE"}, "skip"),
                              ({**self.sae, "ieee80211w": 0}, "no mgmt frame protection enabled but AP requires it")):
            with self.subTest(settings=settings):
                self.assertEqual(self.refused(ssid=self.sae["ssid"], **{key: value for key, value in settings.items() if key != "ssid"}),
                                 "No suitable network found")
                self.assertIn(why, self.one.log())

    def test_a_device_with_a_certificate(self):
        self.one.join(**self.with_certificate("kept"))
        self.reaches_the_site(self.one)
        # It has been set up: whatever asks for the page is told at once that there is none.
        status, answer = self.one.get(f"http://{UNIT}/")
        self.assertEqual(status, 7, answer)
        self.other.join(**self.sae)
        address = self.reaches_the_site(self.other)
        self.assertFalse(self.one.pings(address))

    def test_a_certificate_of_another_ca(self):
        self.one.join(**self.with_certificate("kept"))
        self.new_key("strange", "-x509 -out /run/strange.pem -subj /CN=KEPT -addext extendedKeyUsage=clientAuth -days 30")
        self.assertEqual(self.refused(**self.with_certificate("strange")), "CTRL-EVENT-EAP-FAILURE")

    def test_a_revoked_certificate(self):
        serial = self.certify("lost")
        self.one.join(**self.with_certificate("lost"))
        self.machine.done(f"{KEYD} revoke-device --serial {serial}")
        self.renew_lists()
        ends = time.monotonic() + PATIENCE
        # hostapd reads a new list within five minutes.
        while (why := self.one.try_to_join(**self.with_certificate("lost"))) is None and time.monotonic() < ends:
            time.sleep(10)
        self.assertEqual(why, "CTRL-EVENT-EAP-FAILURE")
        self.one.join(**self.with_certificate("kept"))

    def test_an_expired_certificate(self):
        self.certify("old", days=1)
        self.one.join(**self.with_certificate("old"))
        self.machine.done("date --set '+2 days'")
        self.addCleanup(self.machine.done, "date --set '-2 days'")
        self.renew_lists()
        self.start_wifi()
        self.assertEqual(self.refused(**self.with_certificate("old")), "CTRL-EVENT-EAP-FAILURE")
        self.one.join(**self.with_certificate("kept"))


if __name__ == "__main__":
    unittest.main()
