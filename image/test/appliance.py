"""What the tests of the image share: its files, and one machine that has had its first start and serves."""

import functools
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import machine
from machine import PATIENCE, NotSeen

TOP = Path(__file__).resolve().parents[2]
BUILT = TOP / "build/image/probe"
KEYS = Path(os.environ.get("GIMS_KEYS") or TOP / "build/image/keys")
FOLDER = TOP / "build/image/test"
CERTIFICATES = (KEYS / "secure-boot.crt", KEYS / "verity.crt")
CONSOLE = r"help says what can be done here"
# Of the started system, whichever comes first: once the console is there, the manager says no more on it.
UP = rf"Started gims-keyd\.service|{CONSOLE}"
# The kernel's last words.
REBOOTS = r"reboot: Restarting system"
POWER_DOWN = r"reboot: Power down"
# The first words of a kernel, and those after the root was verified and mounted.
KERNEL = r"Linux version"
ROOT_IS_THERE = r"Switch Root"
KEYD = "/usr/lib/gims/gims-keyd --config /etc/gims/keyd.toml"
DATA = "/var/lib/gims/gimsd"
# The site's name, its address in the officers' network, and the hardware address of the card that is its port there.
NAME = "gims.internal"
UNIT = "10.73.2.1"
OFFICERS_MAC = "52:54:00:00:02:01"
# In a guest: gives that card to the officers' network, as the act `network` does.
GIVE_PORT = f"""folder=/var/lib/gims/site/network
mkdir -p $folder
cat >$folder/50-port-1.network <<'END'
[Match]
MACAddress={OFFICERS_MAC}
Type=ether
[Network]
Bridge=officers
LinkLocalAddressing=no
[Bridge]
Isolated=yes
END
chmod 755 $folder
chmod 644 $folder/*
sync
systemctl restart systemd-networkd.service
"""


def image():
    found = list(BUILT.glob("gims_*.raw"))
    disks = [path for path in found if ".root-" not in path.name]
    if len(disks) != 1:
        raise RuntimeError(f"one image is needed in {BUILT}, and there are {disks}; 'make image-test' makes it")
    return disks[0]


def kernel_image():
    return image().with_suffix(".efi")


def pictures():
    """The folder for what documents show of a screen."""
    folder = FOLDER / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ports(machine):
    """The TCP ports at which anything listens in the guest."""
    rows = [row.split() for row in machine.done("cat /proc/net/tcp").splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A"}


def troubles(machine):
    """Why it may not serve, in its own words."""
    return machine.ask(f"journalctl --no-pager --boot --lines 60; {KEYD} status; systemctl list-jobs")[1]


def wait_until_active(machine, unit, patience=PATIENCE):
    """As long as it has not failed, or what it waits for."""
    ends = time.monotonic() + patience
    while machine.ask(f"systemctl is-active {unit}")[1].strip() != "active":
        failed = machine.ask("systemctl list-units --failed --plain --no-legend 'gims*' '*.mount'")[1].strip()
        if failed or time.monotonic() > ends:
            raise NotSeen(failed + troubles(machine))
        time.sleep(2)


def wait_until_up(machine):
    """Started as far as what waits for keys."""
    machine.wait_for(UP)
    wait_until_active(machine, "gims-keyd.service")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def officers_line(port):
    """What start() takes for a network card at whose other end, in the officers' network, is that port of this machine: the
    unit's for clients. Nothing leaves this machine by it."""
    return ("-netdev", f"user,id=officers,restrict=on,net=10.73.2.0/23,host=10.73.3.254,dns=10.73.3.253,hostfwd=tcp:127.0.0.1:{port}-{UNIT}:8443",
            "-device", f"virtio-net-pci,netdev=officers,mac={OFFICERS_MAC}")


def make_persons(folder):
    """The keys of an administrator and a security officer: NAME.pem and NAME.pub."""
    folder.mkdir(exist_ok=True)
    for name, kind in (("Asha", ["ed25519"]), ("Bimal", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"])):
        subprocess.run(["openssl", "genpkey", "-algorithm", *kind, "-out", folder / f"{name}.pem"], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", folder / f"{name}.pem", "-pubout", "-out", folder / f"{name}.pub"], check=True)


def provision(machine):
    """Makes the keys of a site, and waits until it serves; what its two persons keep is in `persons`."""
    persons = machine.folder / "persons"
    make_persons(persons)
    for name in ("Asha", "Bimal"):
        machine.done(f"cat >/run/{name}.pub <<'END'\n{(persons / f'{name}.pub').read_text()}END\n")
    machine.done(f"{KEYD} provision --server-name gims.internal --organisation Test --dns-name gims.internal "
                 "--administrator Asha=/run/Asha.pub --security-officer Bimal=/run/Bimal.pub --shares 3/5 --shares-to /run/shares")
    wait_until_active(machine, "gims-tlsd.service")


def new(name, **more):
    """A machine that was never switched on."""
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    return machine.Machine(FOLDER / name, image(), CERTIFICATES, **more)


class First:
    """What the first start of a machine was like, whose site got its keys then, and which is switched off; copies of it are
    started, and spoiled. `seen` is what can be written down of it."""

    def __init__(self, machine, seen):
        self.machine = machine
        vars(self).update(seen)


def start_first():
    machine = new("first")
    machine.start()
    wait_until_up(machine)
    seen = {"status": machine.done(f"{KEYD} status"), "ports": sorted(ports(machine)),
            "data_is_there": machine.ask(f"findmnt {DATA}")[0] == 0}
    provision(machine)
    seen |= {"seconds": machine.seconds(), "ports_serving": sorted(ports(machine)),
             "data_is_from": machine.done(f"findmnt --noheadings --output SOURCE {DATA}").strip(), "words": machine.words()}
    # Something that an older database does not have.
    machine.done("gimsctl user add asha --generate && sync")
    machine.switch_off()
    return machine, seen


@functools.cache
def first():
    """Of this run; with GIMS_IMAGE_KEEP set, that of an earlier run of the same image, too, for who tries one test again and
    again."""
    kept, of = FOLDER / "first.json", (BUILT / "SHA256SUMS").read_text()
    if os.environ.get("GIMS_IMAGE_KEEP") and kept.exists():
        was = json.loads(kept.read_text())
        if was["of"] == of:
            return First(machine.Machine(FOLDER / "first"), was["seen"])
    kept.unlink(missing_ok=True)
    made, seen = start_first()
    kept.write_text(json.dumps({"of": of, "seen": seen}))
    return First(made, seen)


def copy(name):
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    return first().machine.copy(FOLDER / name)
