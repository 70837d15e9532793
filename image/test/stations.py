"""Devices of the Wi-Fi in a guest: radios that its kernel simulates (mac80211_hwsim), each in a network of its own. The image for
tests has wpa_supplicant, iw, ip, busybox, curl and nmap for them; the image that ships has none of these."""

import re
import time

from devices import LEASE, Device
from machine import PATIENCE, NotSeen

# What wpa_supplicant says when it does not get in, or, at the end, when it does not even try.
REFUSED = (r"CTRL-EVENT-EAP-FAILURE", r"CTRL-EVENT-AUTH-REJECT", r"CTRL-EVENT-ASSOC-REJECT", r"CTRL-EVENT-SSID-TEMP-DISABLED",
           r"(?s)No suitable network found.*No suitable network found")


def plug_radios(machine, names):
    """One radio more than there are names; udev calls one of them wifi0, which is the unit's. The others go to the stations."""
    machine.done(f"mkdir -p /run/stations && modprobe mac80211_hwsim radios={len(names) + 1} && udevadm settle && test -d /sys/class/net/wifi0")
    machine.done("cat /sys/class/net/wifi0/address >/run/stations/unit")
    machine.done(f"cat >/run/stations/lease <<'END'\n{LEASE}END\nchmod 755 /run/stations/lease")
    rest = machine.done('for phy in /sys/class/ieee80211/*; do [ -e "$phy/device/net/wifi0" ] || echo "${phy##*/} $(ls "$phy/device/net")"; done').split()
    assert len(rest) == 2 * len(names), rest
    return [Station(machine, name, phy, interface) for name, phy, interface in zip(names, rest[::2], rest[1::2], strict=True)]


class Station(Device):
    def __init__(self, machine, name, phy, interface):
        super().__init__(interface, "/run/stations/lease")
        self.machine, self.name = machine, name
        machine.done(f"ip netns add {name} && iw phy {phy} set netns name {name}")
        self.done(f"ip link set lo up && ip link set {interface} up")

    def ask(self, command):
        return self.machine.ask(f"ip netns exec {self.name} sh -c '{command}'")

    def log(self):
        return self.machine.done(f"cat /run/stations/{self.name}.log")

    def wait_for(self, word):
        ends = time.monotonic() + PATIENCE
        while word not in self.log():
            if time.monotonic() > ends:
                raise NotSeen(f"{word}: not in " + self.log()[-4000:])
            time.sleep(1)

    def try_to_join(self, **settings):
        """None, or what wpa_supplicant said instead of joining. Text is quoted as its configuration wants it."""
        self.leave()
        words = "".join(f"{key}={value}\n" for key, value in settings.items())
        self.machine.done(f"cat >/run/stations/{self.name}.conf <<'END'\nnetwork={{\n{words}}}\nEND\n"
                          f"ip netns exec {self.name} wpa_supplicant -B -d -t -D nl80211 -i {self.interface} -c /run/stations/{self.name}.conf "
                          f"-f /run/stations/{self.name}.log -P /run/stations/{self.name}.pid")
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            log = self.log()
            if "CTRL-EVENT-CONNECTED" in log:
                return None
            if found := next((found[0].splitlines()[0] for pattern in REFUSED if (found := re.search(pattern, log))), None):
                return found
            time.sleep(1)
        raise NotSeen(self.log()[-4000:])

    def leave(self):
        self.machine.done(f"if [ -e /run/stations/{self.name}.pid ]; then kill $(cat /run/stations/{self.name}.pid); "
                          f"while [ -e /run/stations/{self.name}.pid ]; do sleep 0.2; done; fi; rm -f /run/stations/{self.name}.log")

    def join(self, **settings):
        refused = self.try_to_join(**settings)
        assert refused is None, refused + "\n" + self.log()[-4000:] + self.machine.ask("journalctl --no-pager --boot --unit gims-wifi.service --lines 40")[1]

    def networks(self):
        """What beacons say, by network's name."""
        found = {}
        for part in re.split(r"^BSS ", self.done(f"iw dev {self.interface} scan"), flags=re.MULTILINE)[1:]:
            found[re.search(r"^\tSSID: (.*)$", part, re.MULTILINE)[1]] = part
        return found


class Impostor:
    """A radio that sends with the address of the unit's own, on its channel, with a network of the same name. It knows no key."""

    def __init__(self, station, network):
        self.station, self.machine = station, station.machine
        place = f"/run/stations/{station.name}"
        self.control = f"hostapd_cli -p {place}.control -i {station.interface}"
        self.pid = f"{place}.pid"
        station.done(f"ip link set {station.interface} down && ip link set {station.interface} address $(cat /run/stations/unit) && "
                     f"ip link set {station.interface} up")
        self.machine.done(f"sed '/^bridge=/d; s/^interface=.*/interface={station.interface}/' /etc/gims/wifi/radio.conf >{place}.conf\n"
                          f"printf 'ssid=%s\\nctrl_interface=%s\\n' '{network}' {place}.control >>{place}.conf")
        station.done(f"hostapd -B -P {self.pid} {place}.conf")
        self.machine.done(f"until {self.control} status | grep -q state=ENABLED; do sleep 1; done")

    def part(self, address):
        """Tells the device in the unit's name that it has been parted from it."""
        self.station.done(f"{self.control} deauthenticate {address}")

    def leave(self):
        self.machine.done(f"kill $(cat {self.pid}); while [ -e {self.pid} ]; do sleep 0.2; done")
