#!/usr/bin/env python3
"""Makes the pictures of docs/update.md and docs/disaster.md: the screens of emulated machines, on which what is typed is typed.
Those of docs/install.md are made by install_test.py. They come to build/image/test/pictures; who has looked at them copies them to
docs/pictures. In the root of scripts/image-root:

    image/test/pictures.py [SCENE...]
"""

import sys
import tempfile
from pathlib import Path

import appliance
import disk
import screen

NEWER = appliance.TOP / "build/image/newer/update"
PROMPT = r"gims> *$"


class Scene:
    def __init__(self, name):
        self.machine = appliance.copy(f"scene-{name}")
        self.screen = screen.Screen(self.machine, appliance.kernel_image())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.screen.close()
        self.machine.stop()

    def start(self, *more):
        self.machine.start(*more, *self.screen.options())

    def serve(self, *more):
        self.start(*more)
        appliance.wait_until_up(self.machine)
        appliance.wait_until_active(self.machine, "gims-tlsd.service")
        self.screen.wait_for(PROMPT)

    def type(self, line, *seen):
        """At the screen."""
        self.screen.type(f"{line}\n")
        self.screen.wait_for(*seen)

    def save(self, name):
        self.screen.save(appliance.pictures() / f"{name}.png")


def update():
    with Scene("update") as scene:
        machine = scene.machine
        scene.serve(*machine.stick(NEWER))
        scene.type("unit update --check", r"They are whole\.\n+gims>")
        scene.type("unit update", r"The unit restarts now\.")
        scene.save("update")
        machine.wait_until_off()
        machine.stop()
        scene.serve()
        machine.done("until systemctl is-active --quiet gims-release.service; do sleep 1; done")
        scene.type("unit release", r"other slot: .*\n+gims>")
        scene.save("updated")


def refused():
    """A kernel image in which one bit is another."""
    with Scene("refused") as scene:
        boot = disk.BootPartition(scene.machine.disk)
        uki = f"/EFI/Linux/{appliance.kernel_image().name}"
        with tempfile.TemporaryDirectory() as folder:
            program = boot.get(uki, Path(folder) / "uki.efi")
            start, size = disk.section(program, ".linux")
            disk.flip(program, start + size // 2)
            boot.put(program, uki)
        scene.start()
        scene.machine.wait_for(r"Access [Dd]enied|Security [Vv]iolation|Failed to execute|Image was not authenticated")
        scene.save("refused")


def locked():
    """An empty volume in the place of the site's data."""
    with Scene("locked") as scene:
        machine = scene.machine
        disk.empty(machine.disk, "gims-data")
        scene.start()
        appliance.wait_until_up(machine)
        machine.done(f"until {appliance.KEYD} status | grep -q locked; do sleep 2; done")
        # As often as the alarm asks for.
        machine.done("for each in 1 2 3; do systemctl start gims-alarms.service; done")
        scene.screen.wait_for(PROMPT)
        scene.type("", r"ALARM: .*\n(.*\n)*gims>")
        scene.type("gims-keyd status", r"state: (.*\n)+gims>")
        scene.save("locked")


SCENES = {scene.__name__: scene for scene in (update, refused, locked)}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
