"""The configuration in the appliance's root, read by the programs that it is for, and what it must not say."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

BUILD = Path(os.environ.get("GIMS_BUILD", image.TOP / "build/release"))


def words(path):
    """The first word of each line that says something, with the rest."""
    return [(line.split(None, 1) + [""])[:2] for line in image.settings(path)]


class DaemonsTest(unittest.TestCase):
    """Our own daemons, on a system that has the image's users and no others."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        (cls.root / "etc").mkdir()
        # Debian's own, of which root alone has a role.
        (cls.root / "etc/passwd").write_text("root:x:0:0:root:/root:/usr/sbin/nologin\n")
        (cls.root / "etc/group").write_text("root:x:0:\n")
        made = subprocess.run(["systemd-sysusers", f"--root={cls.root}", image.ROOT / "usr/lib/sysusers.d/gims.conf"], capture_output=True, text=True)
        cls.made = made.returncode, made.stderr

    def check(self, program, path, change=lambda text: text):
        file = self.root / "etc" / Path(path).name
        file.write_text(change(image.text(path)))
        return subprocess.run(["bwrap", "--dev-bind", "/", "/", "--ro-bind", self.root / "etc/passwd", "/etc/passwd", "--ro-bind",
                               self.root / "etc/group", "/etc/group", BUILD / program, "--config", file, "--check-config"],
                              capture_output=True, text=True)

    DAEMONS = {"hsm/gims-keyd": "etc/gims/keyd.toml", "daemon/app/gimsd": "etc/gims/gimsd.toml", "daemon/tls/gims-tlsd": "etc/gims/tlsd.toml"}

    def test_users(self):
        self.assertEqual(self.made[0], 0, self.made[1])
        users = {line.split(":")[0]: line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines()}
        for line in (line for line in image.settings("usr/lib/sysusers.d/gims.conf") if line.startswith("u! ")):
            self.assertEqual(users[line.split()[1]][2], line.split()[2])
        shadow = (self.root / "etc/shadow").read_text().splitlines()
        self.assertTrue(all(line.split(":")[1].startswith("!") for line in shadow), "an account with a password")

    def test_they_take_their_configuration(self):
        for program, path in self.DAEMONS.items():
            with self.subTest(program=program):
                run = self.check(program, path)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertEqual(self.check(program, path, lambda text: text + "\nno_such_setting = 1\n").returncode, 2)

    def test_each_unit_starts_its_daemon_with_it(self):
        for program, path in self.DAEMONS.items():
            name = Path(program).name
            start = image.Unit(f"{name}.service").one("ExecStart")
            # gimsd's bears the site's name (tests/image/site_acts_test.py).
            taken = path.replace("etc/gims", "run/gims/settings") if name == "gimsd" else path
            self.assertEqual(start, f"/usr/lib/gims/{name} --config /{taken}")

    def test_sockets_and_folders_agree(self):
        """A daemon finds the others where their units put them, and its own folder is its unit's."""
        keyd, gimsd, tlsd = (image.text(path) for path in self.DAEMONS.values())
        for text in (keyd, gimsd, tlsd):
            self.assertIn('socket = "/run/gims/keyd/socket"', text)
        for text in (gimsd, tlsd):
            self.assertIn('socket = "/run/gims/gimsd/connections"', text)
        for name, text, key in (("gims-keyd", keyd, "state_folder"), ("gimsd", gimsd, "data_folder")):
            unit = image.Unit(f"{name}.service")
            self.assertIn(f'{key} = "/var/lib/{unit.one("StateDirectory")}"', text)
            self.assertEqual(unit.one("StateDirectoryMode"), "0700")
        self.assertEqual(image.Unit("gims-keyd.service").one("RuntimeDirectory"), "gims/keyd")
        self.assertEqual(image.Unit("gimsd.service").one("RuntimeDirectory"), "gims/gimsd")
        # The release's policy and the log of what was measured come by credentials, which have their files' names.
        credentials = [value.split(":")[0] for value in image.Unit("gims-keyd.service").all("LoadCredential")]
        for credential, key in zip(credentials, ("release_policy", "userspace_log"), strict=True):
            self.assertIn(f'{key} = "/run/credentials/gims-keyd.service/{credential}"', keyd)
        # The log is whole, and PCR 11 stays what it is, once the last phase of a start was measured.
        self.assertIn("systemd-pcrphase.service", image.Unit("gims-keyd.service").words("After"))
        # Commands look where tmpfiles.d puts a link.
        links = {line.split()[1]: line.split()[-1] for line in image.settings("usr/lib/tmpfiles.d/gims.conf") if line.startswith("L+")}
        self.assertEqual(links, {"/run/gims/keyd.sock": "keyd/socket", "/run/gims/admin.sock": "gimsd/admin"})
        self.assertIn('"/run/gims/admin.sock"', (image.TOP / "daemon/ctl/commands.cpp").read_text())


class OthersTest(unittest.TestCase):
    """Programs around the daemons."""

    def test_time_never_comes_from_a_network(self):
        lines = words("etc/gims/chrony.conf")
        self.assertEqual({name for name, _ in lines} & {"server", "pool", "peer", "sourcedir", "include", "confdir", "allow", "ntsservercert",
                                                        "broadcast", "initstepslew"}, set())
        self.assertIn(["cmdport", "0"], lines)
        self.assertEqual({name for name, _ in lines if name in ("refclock", "manual", "local", "rtcsync")}, {"refclock", "manual", "local", "rtcsync"})
        self.assertTrue(image.masked("systemd-timesyncd.service"))

    def test_names_and_addresses(self):
        with tempfile.TemporaryDirectory() as folder:
            text = image.text("etc/gims/dnsmasq.conf").replace("/var/lib/gims/site/names", folder)
            file = Path(folder, "dnsmasq")
            file.write_text(text)
            self.assertEqual(subprocess.run(["dnsmasq", "--test", f"--conf-file={file}"], capture_output=True).returncode, 0)
            file.write_text(text + "no-such-setting\n")
            self.assertNotEqual(subprocess.run(["dnsmasq", "--test", f"--conf-file={file}"], capture_output=True).returncode, 0)
        lines = image.settings("etc/gims/dnsmasq.conf")
        self.assertIn("no-resolv", lines)
        self.assertEqual([line for line in lines if line.startswith(("server", "rev-server", "resolv-file", "enable-tftp", "dhcp-script"))], [])
        self.assertEqual([line for line in lines if line.startswith(("interface=", "except", "listen"))], ["interface=officers"])
        resolved = image.settings("etc/systemd/resolved.conf.d/gims.conf")
        for line in ("DNS=", "FallbackDNS=", "LLMNR=no", "DNSStubListener=no", "MulticastDNS=yes"):
            self.assertIn(line, resolved)

    # ---- Wi-Fi ---------------------------------------------------------------------------------------------------------

    SAE = "ssid=Site\nsae_password=not the site's own\n"
    EAP = "ssid=Site devices\n"

    def hostapd(self, sae=SAE, eap=EAP):
        """The configuration as the unit puts it together of its files and what the site adds."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "wifi-sae.conf").write_text(sae)
            (folder / "wifi-eap.conf").write_text(eap)
            command = re.fullmatch(r"/bin/sh -c '(.*)'", image.Unit("gims-wifi.service").one("ExecStartPre"))[1]
            command = command.replace("/etc/gims/wifi", str(image.ROOT / "etc/gims/wifi")).replace("/run/gims-wifi", str(folder))
            subprocess.run(["sh", "-c", command], check=True, env={"CREDENTIALS_DIRECTORY": str(folder), "PATH": "/usr/bin:/bin"})
            return (folder / "hostapd.conf").read_text()

    def networks(self, text):
        """For each network its settings, of which the last counts; those of the radio are in the first."""
        found = [{}]
        for line in text.splitlines():
            if line and not line.startswith("#"):
                key, value = line.split("=", 1)
                if key == "bss":
                    found.append({})
                found[-1][key] = value
        return found

    def test_hostapd_knows_every_setting(self):
        """It names each line that it does not take before it looks for the radio, which there is none of here."""
        with tempfile.TemporaryDirectory() as folder:
            for more, wrong in (("", False), ("no_such_setting=1\n", True)):
                file = Path(folder, "hostapd.conf")
                file.write_text(self.hostapd().replace("/etc/gims/wifi", str(image.ROOT / "etc/gims/wifi")) + more)
                run = subprocess.run(["hostapd", file], capture_output=True, text=True, timeout=300)
                self.assertEqual(bool(re.search(r"Line \d+|errors? found", run.stdout + run.stderr)), wrong, run.stdout)

    def test_wifi_is_wpa3_and_keeps_devices_apart(self):
        self.check_networks(self.networks(self.hostapd()))

    def test_what_the_site_adds_loosens_nothing(self):
        loose = "ieee80211w=0\nap_isolate=0\nwpa_key_mgmt=WPA-PSK\nwpa=1\ncheck_crl=0\nrsn_pairwise=TKIP\nsae_require_mfp=0\neap_user_file=/tmp/x\n"
        self.check_networks(self.networks(self.hostapd(self.SAE + loose, self.EAP + loose)))

    def check_networks(self, networks):
        self.assertEqual(len(networks), 2)
        personal, enterprise = networks
        self.assertEqual((personal["country_code"], personal["ieee80211d"], personal["ieee80211h"]), ("IN", "1", "1"))
        for each in networks:
            self.assertEqual((each["wpa"], each["ieee80211w"], each["ap_isolate"], each["rsn_pairwise"], each["bridge"]), ("2", "2", "1", "CCMP", "officers"))
            self.assertIn("ssid", each)
        self.assertEqual((personal["wpa_key_mgmt"], personal["sae_require_mfp"]), ("SAE", "1"))
        self.assertEqual((enterprise["wpa_key_mgmt"], enterprise["ieee8021x"], enterprise["eap_server"]), ("WPA-EAP-SHA256", "1", "1"))
        self.assertEqual((enterprise["check_crl"], enterprise["check_crl_strict"], enterprise["eap_user_file"]), ("2", "1", "/etc/gims/wifi/eap-users"))
        self.assertEqual(image.settings("etc/gims/wifi/eap-users"), ["* TLS"])
        credentials = {value.split(":")[0] for value in image.Unit("gims-wifi.service").all("LoadCredential")}
        for key in ("server_cert", "private_key"):
            folder, _, name = enterprise[key].rpartition("/")
            self.assertEqual(folder, "/run/credentials/gims-wifi.service")
            self.assertIn(name, credentials)
        # What changes while it runs is read where it is written, and again: a credential is a copy of the start.
        lists = re.search(r"--lists-out (\S+)", image.Unit("gims-site.service").one("ExecStart"))[1]
        self.assertEqual(enterprise["ca_cert"], f"{lists}/devices.pem")
        self.assertIn(f"d  {lists} 0755 gims-site gims-site -", image.settings("usr/lib/tmpfiles.d/gims.conf"))
        self.assertLess(0, int(enterprise["crl_reload_interval"]))
        self.assertLess(0, int(enterprise["eap_reauth_period"]))
        self.assertIn("options cfg80211 ieee80211_regdom=IN", image.settings("usr/lib/modprobe.d/gims.conf"))

    # ---- calls and push --------------------------------------------------------------------------------------------------

    def test_clients_find_the_relay_where_it_listens(self):
        relay, = re.findall(r'^relay = "(.*)"$', image.text("etc/gims/gimsd.toml"), re.MULTILINE)
        self.assertIn(f"interface-name={relay},officers", image.settings("etc/gims/dnsmasq.conf"))
        self.assertIn("listening-port=3478", image.settings("etc/gims/turnserver.conf"))

    def test_calls_are_relayed_to_the_unit_itself_alone(self):
        lines = image.settings("etc/gims/turnserver.conf")
        for line in ("use-auth-secret", "no-tcp-relay", "no-cli", "no-multicast-peers", "denied-peer-ip=0.0.0.0-255.255.255.255"):
            self.assertIn(line, lines)
        self.assertEqual([line for line in lines if line.startswith(("allowed-peer-ip", "static-auth-secret", "user=", "allow-loopback", "no-auth"))], [])
        # The site's part stands before ours: of two lines the last counts.
        self.assertIn('cat "$CREDENTIALS_DIRECTORY/turn.conf" /etc/gims/turnserver.conf', image.Unit("gims-turn.service").one("ExecStartPre"))

    def test_push_tells_nobody_else(self):
        import yaml
        settings = yaml.safe_load(image.text("etc/gims/ntfy.yml"))
        self.assertEqual((settings["listen-http"], settings["upstream-base-url"], settings["auth-default-access"], settings["web-root"]),
                         ("-", "", "read-only", "disable"))
        self.assertEqual([key for key in settings if key.startswith(("smtp", "firebase", "twilio", "stripe", "web-push"))], [])
        self.assertFalse(settings["enable-signup"] or settings["enable-login"] or settings["behind-proxy"])


class SystemTest(unittest.TestCase):
    def test_kernel_settings_are_ones(self):
        """Each name is one of a kernel's; those of modules that are not loaded here are named."""
        elsewhere = {"kernel.yama.ptrace_scope", "kernel.unprivileged_userns_clone", "kernel.kexec_load_disabled", "kernel.io_uring_disabled",
                     "kernel.perf_event_paranoid", "kernel.unprivileged_bpf_disabled", "dev.tty.legacy_tiocsti", "dev.tty.ldisc_autoload",
                     "vm.unprivileged_userfaultfd", "net.core.bpf_jit_harden", "kernel.sysrq", "kernel.dmesg_restrict"}
        lines = image.settings("usr/lib/sysctl.d/80-gims.conf")
        for line in lines:
            name, value = (part.strip() for part in line.split("="))
            with self.subTest(name=name):
                self.assertRegex(value, r"^\d+( \d+)?$|^\|/bin/false$")
                self.assertTrue(name in elsewhere or Path("/proc/sys", name.replace(".", "/")).exists())
        self.assertEqual(len({line.split("=")[0] for line in lines}), len(lines))
        for line in ("net.ipv4.ip_forward = 0", "net.ipv6.conf.all.disable_ipv6 = 1", "kernel.core_pattern = |/bin/false", "kernel.printk = 4"):
            self.assertIn(line, lines)

    def test_modules(self):
        """A line for each, and none that the image itself or its tests live on."""
        lines = image.settings("usr/lib/modprobe.d/gims.conf")
        refused = [line.split()[1] for line in lines if line.startswith("install")]
        self.assertEqual(len(set(refused)), len(refused))
        self.assertTrue(all(re.fullmatch(r"install \w+ /bin/false|options cfg80211 ieee80211_regdom=IN", line) for line in lines))
        self.assertEqual(set(refused) & {"erofs", "ext4", "vfat", "dm_verity", "dm_crypt", "overlay", "usb_storage", "uas", "tls", "bridge", "nf_tables",
                                         "mac80211_hwsim", "cfg80211", "virtio_net", "virtio_blk", "tpm_tis", "tpm_crb", "vsock", "9p"}, set())

    def test_nothing_that_can_be_written_can_be_run(self):
        mounts = {line.split()[1]: line.split()[3].split(",") for line in image.settings("etc/fstab")}
        self.assertEqual(set(mounts), {"/var", "/tmp", "/dev/shm", "/boot", "/media/stick"})
        for place, options in mounts.items():
            with self.subTest(place=place):
                self.assertLessEqual({"noexec", "nosuid", "nodev"}, set(options))
        self.assertIn("ro", mounts["/boot"])
        verify = subprocess.run(["findmnt", "--verify", "--tab-file", image.ROOT / "etc/fstab"], capture_output=True, text=True)
        self.assertNotIn("parse error", verify.stdout)
        volumes = [line.split() for line in image.settings("etc/crypttab")]
        self.assertEqual([volume[0] for volume in volumes], ["var"])
        for volume in volumes:
            self.assertLessEqual({"luks", "tpm2-device=auto", "tpm2-measure-pcr=yes", "headless=yes", "tries=1"}, set(volume[3].split(",")))
            self.assertEqual(volume[2], "none")

    def test_the_journal_is_kept_within_a_limit(self):
        lines = image.settings("etc/systemd/journald.conf.d/gims.conf")
        self.assertIn("Storage=persistent", lines)
        self.assertTrue(any(re.fullmatch(r"SystemMaxUse=\d+G", line) for line in lines))
        self.assertTrue(all(line.endswith("=no") for line in lines if line.startswith("Forward")))

    def test_folders_are_made(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["systemd-sysusers", f"--root={folder}", image.ROOT / "usr/lib/sysusers.d/gims.conf"], check=True, capture_output=True)
            Path(folder, "run/log/systemd").mkdir(parents=True)
            run = subprocess.run(["systemd-tmpfiles", f"--root={folder}", "--create", image.ROOT / "usr/lib/tmpfiles.d/gims.conf"],
                                 capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertEqual(Path(folder, "run/gims/site").stat().st_mode & 0o7777, 0o700)
            self.assertEqual(Path(folder, "var/lib/gims/admin").stat().st_uid, 806)

    def test_nothing_secret_and_no_service_of_others(self):
        for path in sorted(image.ROOT.rglob("*")):
            if path.is_file() and not path.is_symlink():
                text = path.read_text(encoding="utf-8")
                with self.subTest(path=path.name):
                    self.assertNotRegex(text, r"PRIVATE KEY|sae_password=|wpa_passphrase=|static-auth-secret=")


if __name__ == "__main__":
    unittest.main()
