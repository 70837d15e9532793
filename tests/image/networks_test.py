"""systemd-networkd makes the unit's networks of our files, behind the firewall, and dnsmasq gives a device an address and the site's name:
both started as their units start them, in network namespaces."""

import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import questions
import root as image
from namespaces import Namespace
from questions import COOKIE

# What a site writes for a port that it gives to the officers (docs/hardening.md).
CABLE = "[Match]\nName=cable0\n\n[Network]\nBridge=officers\nLinkLocalAddressing=no\n\n[Bridge]\nIsolated=yes\n"


def wait_for(what, process):
    """Until it holds, or the program that is to bring it about has ended, or in any case after some minutes."""
    for _ in range(1200):
        if result := what():
            return result
        if process.poll() is not None:
            raise AssertionError(process.log.read_text())
        time.sleep(0.1)
    raise AssertionError("it did not come about\n" + process.log.read_text())


class NetworksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.state = cls.folder / "gims"
        for part in ("site/names", "site/network", "names"):
            (cls.state / part).mkdir(parents=True)
        cls.user = next(int(line.split()[2]) for line in image.settings("usr/lib/sysusers.d/gims.conf") if " gims-names " in line)
        os.chown(cls.state / "names", cls.user, cls.user)
        cls.folder.chmod(0o755)
        (cls.state / "site/network/10-cable.network").write_text(CABLE)
        cls.unit, cls.device = Namespace(), Namespace()
        cls.addClassCleanup(cls.device.close)
        cls.addClassCleanup(cls.unit.close)
        cls.unit("nft", "--file", image.ROOT / "etc/nftables.conf")
        cls.unit("ip", "link", "add", "cable0", "type", "veth", "peer", "name", "eth0", "netns", cls.device.pid)
        cls.device("ip", "link", "set", "eth0", "up")
        # Both as in the unit: /run/systemd/network is what the site wrote. Without udev, networkd does not wait for it where /sys
        # cannot be written.
        cls.networkd = cls.start("networkd", [
            "--ro-bind", "/sys", "/sys", "--bind", image.ROOT / "etc/systemd/network", "/etc/systemd/network",
            "--dir", "/run/systemd", "--ro-bind", cls.state / "site/network", "/run/systemd/network"],
            ["sh", "-c", "install -d -o systemd-network -g systemd-network /run/systemd/netif && exec /usr/lib/systemd/systemd-networkd"])
        wait_for(lambda: cls.links().keys() >= {"management", "officers", "uplink"} and cls.links()["cable0"].get("master")
                 and cls.addresses("management") and cls.addresses("officers"), cls.networkd)

    @classmethod
    def start(cls, name, mounts, command):
        log = cls.folder / f"{name}.log"
        with log.open("w") as out:
            process = subprocess.Popen(["nsenter", f"--net=/proc/{cls.unit.pid}/ns/net", "bwrap", "--dev-bind", "/", "/", "--tmpfs", "/run",
                                        "--tmpfs", "/var/lib", "--bind", cls.state, "/var/lib/gims", *mounts, "--die-with-parent", *command],
                                       stdout=out, stderr=out)
        process.log = log
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        return process

    @classmethod
    def links(cls):
        return {link["ifname"]: link for link in json.loads(cls.unit("ip", "-json", "-details", "link", "show"))}

    @classmethod
    def addresses(cls, name):
        return [f"{info['local']}/{info['prefixlen']}" for link in json.loads(cls.unit("ip", "-json", "address", "show", "dev", name))
                for info in link["addr_info"]]

    def test_three_networks_kept_apart(self):
        links = self.links()
        for name in ("management", "officers", "uplink"):
            self.assertEqual(links[name]["linkinfo"]["info_kind"], "bridge")
        self.assertEqual(self.addresses("management"), ["10.73.0.1/24"])
        self.assertEqual(self.addresses("officers"), ["10.73.2.1/23"])
        self.assertEqual(self.addresses("uplink"), [])
        self.assertEqual(links["cable0"]["master"], "officers")
        self.assertTrue(links["cable0"]["linkinfo"]["info_slave_data"]["isolated"])
        self.assertEqual(self.unit("ip", "route", "show", "default"), "")
        for name in ("all", "officers", "management", "uplink"):
            self.assertEqual(self.unit("cat", f"/proc/sys/net/ipv4/conf/{name}/forwarding").strip(), "0")

    # ---- a device --------------------------------------------------------------------------------------------------------

    def serve(self):
        self.unit("nft", "--file", image.ROOT / "etc/gims/firewall/open.nft")
        unit = image.Unit("gims-names.service")
        capabilities = ",".join("+" + name.removeprefix("CAP_").lower() for name in unit.words("AmbientCapabilities"))
        command = unit.one("ExecStart").split()
        dnsmasq = self.start("dnsmasq", ["--bind", image.ROOT / "etc/gims", "/etc/gims"], [
            "setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", f"--inh-caps={capabilities}",
            f"--ambient-caps={capabilities}", *command])
        wait_for(lambda: ":53 " in self.unit("ss", "-lun") and ":67 " in self.unit("ss", "-lun"), dnsmasq)
        return dnsmasq

    def ask(self, ear, send, good):
        """Until there is an answer: a datagram may get lost while the program is starting."""
        ear.settimeout(1)
        for _ in range(120):
            send()
            try:
                answer = ear.recv(2000)
            except TimeoutError:
                continue
            if good(answer):
                return answer
        self.fail("no answer")

    def discover(self):
        """The options of what a DHCP server offers to a device without an address."""
        mac, number = bytes.fromhex("02aabbccddee"), random.randbytes(4)
        packet = questions.discover(mac, number)
        with self.device.inside():
            ear = socket.socket(type=socket.SOCK_DGRAM)
        self.addCleanup(ear.close)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        ear.bind(("", 68))
        answer = self.ask(ear, lambda: ear.sendto(packet, ("255.255.255.255", 67)), lambda got: got[4:8] == number)
        options, rest = {"address": socket.inet_ntoa(answer[16:20])}, answer[answer.index(COOKIE) + 4:]
        while rest and rest[0] != 255:
            kind, size = rest[0], rest[1]
            options[kind], rest = rest[2:2 + size], rest[2 + size:]
        return options

    def query(self, name):
        """The addresses that the unit's DNS gives for a name, and its code."""
        number = random.randbytes(2)
        question = questions.name(name, number)
        with self.device.inside():
            ear = socket.socket(type=socket.SOCK_DGRAM)
        self.addCleanup(ear.close)
        answer = self.ask(ear, lambda: ear.sendto(question, ("10.73.2.1", 53)), lambda got: got[:2] == number)
        found, = struct.unpack(">H", answer[6:8])
        return [socket.inet_ntoa(answer[len(answer) - 4:])] if found == 1 else [], answer[3] & 15

    def test_a_device_gets_an_address_and_finds_the_site(self):
        self.serve()
        offer = self.discover()
        self.assertRegex(offer["address"], r"^10\.73\.[23]\.\d+$")
        self.assertEqual(offer[1], socket.inet_aton("255.255.254.0"))
        self.assertNotIn(3, offer, "a router")
        for option in (6, 42, 54):  # names, time, who offers
            self.assertEqual(offer[option], socket.inet_aton("10.73.2.1"))
        self.device("ip", "address", "add", f"{offer['address']}/23", "dev", "eth0")
        for name in ("gims.internal", "push.gims.internal"):
            self.assertEqual(self.query(name), (["10.73.2.1"], 0))
        # Nobody else is asked: not below the site's own top-level domain, and not elsewhere.
        self.assertEqual(self.query("other.internal"), ([], 3))
        self.assertEqual(self.query("example.org"), ([], 5))
        # What asks whether this is the internet is led to the set-up page; no name is the unit that is for anything else, too.
        for name in ("captive.apple.com", "connectivitycheck.gstatic.com", "www.msftconnecttest.com"):
            self.assertEqual(self.query(name), (["10.73.2.1"], 0))
        for name in ("www.apple.com", "www.google.com", "gstatic.com"):
            self.assertEqual(self.query(name), ([], 5))


if __name__ == "__main__":
    unittest.main()
