"""Calls: the relay that the appliance has (coturn, with the image's configuration and gims-keyd's credentials) takes what gimsd gives
to officers, and nothing else."""

import asyncio
import base64
import hmac
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from appliance_site import ApplianceSite, folder_in
from rig import SiteTest
from turn import Client, Refused

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/image"))
from namespaces import Namespace  # noqa: E402

ADDRESS = "10.73.2.1"
PORTS = range(49152, 50176)


class CallsSite(ApplianceSite):
    def configuration(self):
        texts = super().configuration()
        texts["gimsd"] += f'\n[calls]\nrelay = "{ADDRESS}"\ncredential_life = "30m"\n'
        return texts


class CallsTest(SiteTest):
    site_class = CallsSite

    def setUp(self):
        # Before there are threads: it forks.
        self.network = Namespace()
        self.addCleanup(self.network.close)
        super().setUp()
        self.network("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
        self.start_relay(self.fetch())

    def fetch(self):
        """The relay's part of what gims-keyd gives to services."""
        out, lists = folder_in(self, "/dev/shm"), folder_in(self, "/dev/shm", mode=0o755)
        status, said = self.site.fetch(out, lists, ADDRESS)
        self.assertEqual(status, 0, said)
        return (out / "turn.conf").read_text()

    def start_relay(self, of_the_site):
        """As gims-turn.service does."""
        self.secret = re.search("^static-auth-secret=(.*)$", of_the_site, re.MULTILINE)[1]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        configuration = Path(folder.name, "turnserver.conf")
        configuration.write_text(of_the_site + (TOP / "image/root/etc/gims/turnserver.conf").read_text().replace("/run/gims-turn", folder.name))
        command = ["nsenter", f"--net=/proc/{self.network.pid}/ns/net", "turnserver", "-c", configuration, "--pidfile="]
        relay = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(relay.wait)
        self.addCleanup(relay.terminate)
        deadline = time.monotonic() + 60
        while True:
            self.assertIsNone(relay.poll(), "coturn has ended")
            try:
                with self.network.inside(), socket.create_connection((ADDRESS, 3478)):
                    return
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)

    def given(self, name):
        """What gimsd answers to an officer."""
        password = self.site.add_user(name)

        async def officer():
            async with self.client() as client:
                await client.login(name, password)
                return await client.call("GET", "/_matrix/client/v3/voip/turnServer")
        return asyncio.run(officer())

    def call(self, username, password, transport="udp"):
        with self.network.inside():
            return Client(ADDRESS, transport, username, password)

    def test_what_an_officer_is_given_opens_the_relay(self):
        given = self.given("desk.officer")
        end, _, who = given["username"].partition(":")
        self.assertEqual(who, f"@desk.officer:{self.site.name}")
        self.assertEqual(given["ttl"], 1800)
        self.assertLess(abs(int(end) - time.time() - 1800), 300)
        self.assertEqual(given["uris"], [f"turn:{ADDRESS}:3478?transport={transport}" for transport in ("udp", "tcp")])
        for transport in ("udp", "tcp"):
            with self.subTest(transport), self.call(given["username"], given["password"], transport) as client:
                address, port = client.allocate()
                self.assertEqual(address, ADDRESS)
                self.assertIn(port, PORTS)

    def test_two_officers_hear_each_other(self):
        given = [self.given(name) for name in ("desk.officer", "flood.control")]
        with self.call(given[0]["username"], given[0]["password"]) as one, self.call(given[1]["username"], given[1]["password"], "tcp") as other:
            addresses = [one.allocate(), other.allocate()]
            one.permit(ADDRESS)
            other.permit(ADDRESS)
            one.tell(addresses[1], b"hello")
            self.assertEqual(other.hear(), (addresses[0], b"hello"))
            other.tell(addresses[0], b"who is there")
            self.assertEqual(one.hear(), (addresses[1], b"who is there"))

    def assert_refused(self, code, username, password):
        with self.call(username, password) as client, self.assertRaises(Refused) as refused:
            client.allocate()
        self.assertEqual(refused.exception.args, (code,))

    def made(self, username):
        """As gimsd makes it, with the secret of the relay's own file."""
        return base64.b64encode(hmac.digest(self.secret.encode(), username.encode(), "sha1")).decode()

    def test_nothing_else_opens_the_relay(self):
        given = self.given("desk.officer")
        self.assertEqual(given["password"], self.made(given["username"]))
        self.assert_refused(401, given["username"], "another")
        self.assert_refused(401, given["username"].replace("desk", "home"), given["password"])
        later = str(int(given["username"].split(":")[0]) + 60) + f":@desk.officer:{self.site.name}"
        self.assert_refused(401, later, given["password"])
        over = f"{int(time.time()) - 60}:@desk.officer:{self.site.name}"
        self.assert_refused(401, over, self.made(over))

    def test_it_relays_to_the_unit_alone(self):
        given = self.given("desk.officer")
        with self.call(given["username"], given["password"]) as client:
            client.allocate()
            client.permit(ADDRESS)
            for address in ("10.73.2.50", "10.73.0.1", "127.0.0.1", "192.0.2.1"):
                with self.subTest(address), self.assertRaises(Refused) as refused:
                    client.permit(address)
                self.assertEqual(refused.exception.args, (403,))


if __name__ == "__main__":
    unittest.main()
