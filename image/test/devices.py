"""What a device of one of the unit's networks does, wherever it runs, by busybox, curl and nmap."""

import re

# Writes beside itself what it was given: for busybox's DHCP client.
LEASE = """#!/bin/sh
case $1 in bound | renew) ;; *) exit 0 ;; esac
ip address flush dev $interface
ip address add $ip/$mask dev $interface
echo "$ip/$mask router=$router dns=$dns ntp=$ntpsrv" >"${0%/*}/$interface.lease"
"""


class Device:
    """`script` is where LEASE lies; who inherits says by ask() how a shell command is run there: its status and output."""

    def __init__(self, interface, script):
        self.interface, self.script = interface, script

    def done(self, command):
        status, output = self.ask(command)
        assert status == 0, f"{command}: {status}: {output}"
        return output

    def get_address(self):
        """The address that the unit gives, with what comes along."""
        self.done(f"busybox udhcpc -n -q -t 10 -i {self.interface} -s {self.script}")
        lease = self.done(f"cat {self.script.rpartition('/')[0]}/{self.interface}.lease").strip()
        return re.fullmatch(r"(\S+)/(\S+) router=(\S*) dns=(\S*) ntp=(\S*)", lease).groups()

    def pings(self, address):
        return self.ask(f"busybox ping -c 2 -W 3 {address}")[0] == 0

    def resolve(self, name, server):
        """The addresses that DNS gives."""
        return re.findall(r"Address: (\d+\.\d+\.\d+\.\d+)$", self.ask(f"busybox nslookup -type=a {name} {server}")[1].partition("\n\n")[2], re.MULTILINE)

    def get(self, url, *options):
        """Status and answer of curl."""
        return self.ask(f"curl --silent --show-error --include --max-time 60 {' '.join(options)} {url}")

    def answering(self, address):
        """The TCP ports from which there is any answer, out of all that there are."""
        said = self.done(f"nmap -n -Pn -sS -p- --max-retries 2 --min-rate 2000 --reason -oG - {address}")
        return {int(port) for port in re.findall(r"(\d+)/(?:open|closed)/tcp", said)}

    def finds(self, address):
        """Whether anybody says by ARP that the address is theirs."""
        return self.ask(f"busybox arping -f -c 3 -w 20 -I {self.interface} {address}")[0] == 0

    def address_of_card(self):
        return self.done(f"cat /sys/class/net/{self.interface}/address").strip()
