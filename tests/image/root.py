"""The appliance's root (image/root) as the tests look at it: its files, its units, and a copy that systemd's own tools read."""

import re
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ROOT = TOP / "image/root"
UNITS = ROOT / "etc/systemd/system"
SYSTEM = Path("/usr/lib/systemd/system")  # systemd's own units, of the build root


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def settings(path):
    """The lines of a configuration file that say something."""
    return [line.strip() for line in text(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]


def masked(name):
    path = UNITS / name
    return path.is_symlink() and str(path.readlink()) == "/dev/null"


def own_units(*suffixes):
    """The names of our own units, templates as one of their instances."""
    found = [path.name for path in UNITS.iterdir() if path.is_file() and not path.is_symlink() and path.suffix in (suffixes or (".service", ".path"))]
    return sorted(name.replace("@.", "@tty1.") for name in found)


class Unit:
    """A unit file with its drop-ins, as (key, value) pairs; what systemd makes of them is asked of systemd."""

    def __init__(self, name):
        self.name = name
        template = re.sub(r"@[^.]+\.", "@.", name)
        # Drop-ins for all whose names begin alike, up to each dash; of two with one name the closer one counts.
        folders = [f"{name[:dash.end()]}{Path(name).suffix}.d" for dash in re.finditer("-", name.split("@")[0])]
        drop_ins = {file.name: file for folder in [*folders, f"{template}.d"] for file in (UNITS / folder).glob("*.conf")}
        files = [UNITS / template, *(drop_ins[file] for file in sorted(drop_ins))]
        self.pairs = [tuple(part.strip() for part in line.split("=", 1)) for path in files if path.exists()
                      for line in path.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#")]

    def all(self, key):
        return [value for name, value in self.pairs if name == key]

    def one(self, key):
        values = self.all(key)
        return values[-1] if values else None

    def words(self, key):
        return [word for value in self.all(key) for word in value.split()]


def programs():
    """Every program that a unit starts, from the image's root."""
    found = set()
    for name in own_units(".service"):
        for key, value in Unit(name).pairs:
            if key.startswith("Exec") and key not in ("ExecPaths", "ExecSearchPath"):
                found.add(re.sub(r"^[@!+:-]*", "", value).split()[0])
    return sorted(found)


def assemble(folder):
    """Below folder: our root over systemd's own units, with something to start in each program's place, and what the presets
    enable enabled."""
    root = Path(folder) / "root"
    shutil.copytree(SYSTEM, root / SYSTEM.relative_to("/"), symlinks=True)
    shutil.copytree(ROOT, root, symlinks=True, dirs_exist_ok=True)
    for name in ("bin", "sbin"):
        (root / "usr" / name).mkdir(exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for program in [*programs(), "/usr/lib/systemd/systemd-networkd"]:
        path = root / program.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    subprocess.run(["systemctl", f"--root={root}", "--quiet", "preset-all"], check=True, capture_output=True)
    return root
