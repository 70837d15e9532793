"""What an administrator says of a new site: its networks and names, and what the unit makes of them."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import acts
import root as image

PORTS = {"eno1": ("00:11:22:33:44:01", "1"), "eno2": ("00:11:22:33:44:02", "0"), "eno3": ("00:11:22:33:44:03", None)}
SET = {"do": "set", "management": "00:11:22:33:44:01", "officers": "00:11:22:33:44:02 00:11:22:33:44:03", "management-address": "10.1.0.1/24",
       "officers-address": "10.2.0.1/22"}
KEYD = "/usr/lib/gims/gims-keyd"


class SiteActsTest(unittest.TestCase):
    def setUp(self):
        self.unit = acts.Unit(self)
        self.site = self.unit.folder / "site"
        for name in ("network", "names"):
            (self.site / name).mkdir(parents=True)
        self.unit.tmpfs("/var/lib")
        self.unit.bind(self.site, "/var/lib/gims/site", "--bind")
        net = self.unit.folder / "net"
        for name, (mac, carrier) in {**PORTS, "wlan0": ("00:11:22:33:44:09", "1"), "officers": ("00:11:22:33:44:0a", "1")}.items():
            (net / name).mkdir(parents=True)
            (net / name / "type").write_text("1\n")
            (net / name / "address").write_text(f"{mac}\n")
            if carrier:
                (net / name / "carrier").write_text(f"{carrier}\n")
            if name != "officers":
                (net / name / "device").mkdir()
        (net / "wlan0/phy80211").mkdir()
        self.unit.bind(net, "/sys/class/net")

    def keyd(self, state):
        path = self.unit.folder / "gims-keyd"
        path.write_text(f"#!/bin/sh\necho 'state:        {state}'\n" if state else "#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
        self.unit.bind(path, KEYD)

    def files(self, folder):
        top = self.site / folder
        return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}

    # ---- networks

    def test_the_ports_are_those_with_cables(self):
        lines, end = self.unit.act("network", {"do": "list"})
        self.assertEqual((lines, end), (["eno1 00:11:22:33:44:01 none, cable", "eno2 00:11:22:33:44:02 none, no cable", "eno3 00:11:22:33:44:03 none, off"], "= ok"))
        self.unit.act("network", SET)
        lines, _ = self.unit.act("network", {"do": "list"})
        self.assertEqual([line.split()[2] for line in lines], ["management,", "officers,", "officers,"])

    def test_each_port_is_on_its_network(self):
        (self.site / "network/50-port-9.network").write_text("of before\n")
        lines, end = self.unit.act("network", SET)
        self.assertEqual((lines, end), (["The ports are given to their networks."], "= ok"))
        files = self.files("network")
        self.assertEqual(set(files), {"50-port-1.network", "50-port-2.network", "50-port-3.network", "10-management.network.d/site.conf", "10-officers.network.d/site.conf"})
        self.assertEqual(files["50-port-1.network"], "[Match]\nMACAddress=00:11:22:33:44:01\nType=ether\n[Network]\nBridge=management\nLinkLocalAddressing=no\n")
        self.assertTrue(files["50-port-2.network"].endswith("Bridge=officers\nLinkLocalAddressing=no\n[Bridge]\nIsolated=yes\n"))
        # The release's own address is taken away first.
        self.assertEqual(files["10-officers.network.d/site.conf"], "[Network]\nAddress=\nAddress=10.2.0.1/22\n")
        # networkd reads them as its own user.
        self.assertEqual({path.stat().st_mode & 0o777 for path in (self.site / "network").rglob("*")}, {0o644, 0o755})
        self.assertIn("restart systemd-networkd.service", self.unit.calls("systemctl"))
        self.assertIn("audit record unit.network", self.unit.calls("gimsctl")[0])

    def test_what_is_no_network_is_refused(self):
        for change, why in (({"do": "x"}, "not said"), ({"management": "eno1"}, "not the hardware address"), ({"management": "00:11:22:33:44:77"}, "has no port"),
                            ({"management": "00:11:22:33:44:0a; id"}, "not the hardware address"), ({"uplink": "00:11:22:33:44:01"}, "two networks"),
                            ({"officers-address": "10.2.0.1"}, "written 10.73.2.1/23"), ({"officers-address": "10.2.0.256/24"}, "written"),
                            ({"officers-address": "10.2.0.1/8"}, "written"), ({"management-address": "10.1.0.1/24 x"}, "written")):
            with self.subTest(change=change):
                lines, end = self.unit.act("network", {**SET, **change})
                self.assertTrue(end.startswith("= refused: ") and why in end, end)
                self.assertEqual(self.files("network"), {})
                self.assertEqual(self.unit.calls("gimsctl"), [])

    # ---- names

    def test_names(self):
        self.keyd("unprovisioned")
        lines, end = self.unit.act("site", {"name": "chat.example", "wifi": "Post-7", "officers-address": "10.2.1.1/22"})
        self.assertEqual((lines, end), (["The site is called chat.example."], "= ok"))
        self.assertEqual(self.files("."), {"name": "chat.example\n", "services.toml": '[wifi]\nname = "Post-7"\n\n[relay]\naddress = "10.2.1.1"\n',
                                           "names/site.conf": "local=/chat.example/\ninterface-name=chat.example,officers\ninterface-name=push.chat.example,officers\ndhcp-range=10.2.0.103,10.2.3.251,255.255.252.0,1h\n"})
        # dnsmasq takes it.
        check = subprocess.run(["/usr/sbin/dnsmasq", "--test", f"--conf-file={self.site}/names/site.conf"], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stderr)

    def test_a_site_that_has_keys_keeps_its_name(self):
        for state, why in (("operational", "keys of a site"), ("locked", "keys of a site"), ("", "does not answer")):
            with self.subTest(state=state):
                self.setUp()
                self.keyd(state)
                end = self.unit.act("site", {"name": "chat.example", "wifi": "x", "officers-address": "10.2.0.1/22"})[1]
                self.assertTrue(end.startswith("= refused: ") and why in end, end)
                self.assertEqual(self.files("."), {})

    def test_what_is_no_name_is_refused(self):
        good = {"name": "chat.example", "wifi": "x", "officers-address": "10.2.0.1/22"}
        self.keyd("unprovisioned")
        for change in ({"name": "Chat"}, {"name": "a b"}, {"name": "a/../b"}, {"name": 'a"b'}, {"name": "-a"}, {"name": "a" * 64}, {"wifi": 'x"y'}, {"wifi": "x" * 25},
                       {"officers-address": "10.2.0.1"}):
            with self.subTest(change=change):
                self.assertTrue(self.unit.act("site", {**good, **change})[1].startswith("= refused: "))
                self.assertEqual(self.files("."), {})

    # ---- gimsd's settings

    def settings(self, name):
        with tempfile.TemporaryDirectory() as folder:
            if name is not None:
                Path(folder, "name").write_text(name)
            run = subprocess.run(["sh", image.ROOT / "usr/lib/gims/site-settings", image.ROOT / "etc/gims", folder, folder], capture_output=True, text=True)
            made = Path(folder, "gimsd.toml")
            return run.returncode, made.read_text() if made.exists() else None, made.stat().st_mode & 0o777 if made.exists() else None

    def test_gimsd_s_settings_bear_the_name(self):
        release = image.text("etc/gims/gimsd.toml")
        self.assertEqual(self.settings(None), (0, release, 0o644))
        self.assertEqual(self.settings("chat.example\n"), (0, release.replace('"https://gims.internal:8443"', '"https://chat.example:8443"').replace('relay = "gims.internal"', 'relay = "chat.example"')
                         .replace("push.gims.internal", "push.chat.example"), 0o644))
        for name in ("", 'a"b\n', "a,b\n", "A\n"):
            self.assertEqual(self.settings(name)[0], 1, name)
        unit = image.Unit("gimsd.service")
        self.assertTrue(unit.one("ExecStart").endswith("--config /run/gims/settings/gimsd.toml"))
        self.assertIn("gims-settings.service", unit.words("Requires"))
        self.assertIn("gims-settings.service", unit.words("After"))


if __name__ == "__main__":
    unittest.main()
