"""The installer against disks that are files: sfdisk, dd, mkfs.vfat, veritysetup and systemd-repart are the real ones; what
needs a kernel's disks (mounts, udev, discard) has stand-ins. Needs no machine and no built image."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
INSTALLER = TOP / "image/root/usr/lib/gims/installer"
SECTOR = 512
MIB = 1 << 20
GIB = 1 << 30
ESP, SIG, HASHES, ROOT = ("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "41092B05-9FC8-4523-994F-2DEF0408B176",
                          "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")
FILES = ("loader/loader.conf", "loader/entries.srel", "loader/keys/gims/PK.auth", "loader/keys/gims/KEK.auth", "loader/keys/gims/db.auth",
         "gims/gims_1.0.policy", "gims/gims_1.0.release.json", "EFI/Linux/gims_1.0.efi", "EFI/systemd/systemd-bootx64.efi",
         "EFI/BOOT/BOOTX64.EFI")
FOREIGN = ("loader/random-seed", "EFI/Linux/gims_1.0.efi.extra.d/more.addon.efi", "notes.txt")

# A mounted FAT is a folder, which is written back when it is unmounted.
MOUNT = """#!/bin/sh
set -eu
device=$5 folder=$6
disk=$(echo "$device" | sed 's/1$//')
{ mcopy -s -n -i "$disk@@1048576" '::*' "$folder/" || :; } 2>/dev/null
echo "mount $4 $(basename "$device")" >>"$LOG"
case $4 in rw*) echo "$disk" >"$folder.rw" ;; esac
"""
UMOUNT = """#!/bin/sh
set -eu
echo "umount $(basename "$1")" >>"$LOG"
if [ -e "$1.rw" ]; then
  mcopy -s -o -i "$(cat "$1.rw")@@1048576" "$1"/* ::
  rm "$1.rw"
fi
find "$1" -mindepth 1 -delete
"""
MKFS = """#!/bin/sh
[ "$1 $2 $3 $4" = "-F 32 -n ESP" ] || exit 1
exec /usr/sbin/mkfs.vfat -F 32 -n ESP --offset=2048 "$(echo "$5" | sed 's/1$//')" 524288
"""
# Of partitions, which here are places in files.
VERITYSETUP = """#!/bin/sh
set -eu
for number in 3 4; do
  line=$(sfdisk --dump "$(echo "$2" | sed 's/.$//')" | grep "vda$number :")
  start=$(echo "$line" | sed 's/.*start= *\\([0-9]*\\).*/\\1/') size=$(echo "$line" | sed 's/.*size= *\\([0-9]*\\).*/\\1/')
  dd if="$(echo "$2" | sed 's/.$//')" of="$LOG.$number" bs=512 skip=$start count=$size conv=sparse status=none
done
echo verify >>"$LOG"
exec /usr/sbin/veritysetup verify "$LOG.4" "$LOG.3" "$4"
"""


def run(*argv, **more):
    return subprocess.run([str(part) for part in argv], check=True, capture_output=True, **more)


def dump(disk):
    return json.loads(run("sfdisk", "--json", disk).stdout)["partitiontable"]["partitions"]


class InstallerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.made = Path(folder.name)
        cls.hash = cls.make_stick(cls.made / "stick.raw")

    @classmethod
    def make_stick(cls, stick):
        data, hashes = cls.made / "root", cls.made / "hashes"
        data.write_bytes(bytes(range(256)) * (20 * MIB // 256))
        hashes.write_bytes(bytes(MIB))
        said = run("veritysetup", "format", data, hashes).stdout.decode()
        root_hash = re.search(r"Root hash:\s+([0-9a-f]+)", said)[1]
        half = [f"{part[:8]}-{part[8:12]}-{part[12:16]}-{part[16:20]}-{part[20:]}" for part in (root_hash[:32], root_hash[32:])]
        with open(stick, "wb") as handle:
            handle.truncate(100 * MIB)
        starts = [2048, 2048 + 65536, 2048 + 65536 + 32, 2048 + 65536 + 32 + 2048]
        run("sfdisk", "--quiet", stick, text=True, input=f"""label: gpt
unit: sectors
start={starts[0]}, size=65536, type={ESP}, name="esp"
start={starts[1]}, size=32, type={SIG}, uuid={half[0]}, name="gims_1.0_sig"
start={starts[2]}, size=2048, type={HASHES}, uuid={half[1]}, name="gims_1.0_verity", attrs="GUID:60"
start={starts[3]}, size={20 * MIB // SECTOR}, type={ROOT}, uuid={half[0]}, name="gims_1.0", attrs="GUID:60"
""")
        with open(stick, "r+b") as handle:
            for start, content in ((starts[1], b"signature" * 100), (starts[2], hashes.read_bytes()), (starts[3], data.read_bytes())):
                handle.seek(start * SECTOR)
                handle.write(content)
        run("mkfs.vfat", "-F", "32", "--offset=2048", stick, "32768")
        boot = cls.made / "boot"
        for name in (*FILES, *FOREIGN):
            (boot / name).parent.mkdir(parents=True, exist_ok=True)
            (boot / name).write_text(f"{name}\n" * 1000)
        run("mcopy", "-s", "-i", f"{stick}@@{MIB}", *boot.iterdir(), "::")
        return root_hash

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root, self.log = Path(folder.name) / "root", Path(folder.name) / "log"
        self.bin = Path(folder.name) / "bin"
        for name in ("dev", "proc", "run/gims", "sys/block"):
            (self.root / name).mkdir(parents=True)
        (self.root / "run/gims/stick").write_text("sda\n")
        (self.root / "proc/cmdline").write_text(f"ro roothash={self.hash} quiet\n")
        shutil.copy(self.made / "stick.raw", self.root / "dev/sda")
        (self.root / "usr/lib").mkdir(parents=True)
        shutil.copytree(TOP / "image/build/extra/usr/lib/repart.d", self.root / "usr/lib/repart.d")
        self.disk("sda", None, model="Stick")
        self.target = self.disk("vda", 4 * GIB, model="Disk \x1b[2JONE", serial="S-1")
        self.log.touch()
        self.bin.mkdir()
        for name, text in (("mount", MOUNT), ("umount", UMOUNT), ("veritysetup", VERITYSETUP), ("mkfs.vfat", MKFS), ("udevadm", "#!/bin/sh\n"), ("blkdiscard", "#!/bin/sh\nexit 1\n"),
                           ("blockdev", "#!/bin/sh\n"), ("sync", "#!/bin/sh\n"), ("sleep", "#!/bin/sh\n"),
                           ("systemctl", '#!/bin/sh\necho "systemctl $*" >>"$LOG"\n'),
                           ("cp", '#!/bin/sh\necho "cp ${2#*/to/}" >>"$LOG"\nexec /bin/cp "$@"\n')):
            self.program(name, text)

    def program(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def disk(self, name, size, model, serial=None, sector=512, ro=0):
        file = self.root / "dev" / name
        if size:
            with open(file, "wb") as handle:
                handle.truncate(size)
        entry = self.root / "sys/block" / name
        for path, text in (("size", file.stat().st_size // SECTOR), ("ro", ro), ("queue/logical_block_size", sector), ("device/model", model), ("serial", serial)):
            if text is not None:
                (entry / path).parent.mkdir(parents=True, exist_ok=True)
                (entry / path).write_text(f"{text}\n")
        return file

    def install(self, *answers):
        ran = subprocess.run(["dash", INSTALLER, self.root], input="".join(f"{line}\n" for line in answers), capture_output=True, text=True, timeout=300,
                             env={"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin", "LOG": str(self.log)})
        self.assertEqual(ran.stderr, "")
        return ran

    def boot_files(self):
        listed = subprocess.run(["mdir", "-i", f"{self.target}@@{MIB}", "-/", "-b", "::"], capture_output=True, text=True).stdout
        return {line[3:] for line in listed.split() if not line.endswith("/")}

    def at(self, start, size):
        with open(self.target, "rb") as handle:
            handle.seek(start * SECTOR)
            return handle.read(size)

    def an_older_unit(self):
        """Of another layout: its volumes lie where the new ones have their middle, and the other way round."""
        run("sfdisk", "--quiet", self.target, text=True, input='label: gpt\nstart=2048, size=4000000, name="gims-var"\nstart=4196352, size=4000000, name="gims-data"\n')
        with open(self.target, "r+b") as handle:
            for sector in (2048, 4196352, *range(4196352, 8300000, 8192)):
                handle.seek(sector * SECTOR)
                handle.write(b"LUKS\xba\xbe secret")
        entry = self.root / "sys/block/vda"
        for number, start in ((1, 2048), (2, 4196352)):
            (entry / f"vda{number}").mkdir()
            for name, text in (("partition", number), ("start", start), ("size", 4000000)):
                (entry / f"vda{number}" / name).write_text(f"{text}\n")

    def test_installs(self):
        self.an_older_unit()
        ran = self.install("vda", "erase vda", "")
        self.assertEqual(ran.returncode, 0, ran.stdout)
        self.assertIn("on it: a GIMS unit's data", ran.stdout)
        self.assertIn("TAKE THE STICK OUT", ran.stdout)
        self.assertIn("root: 100 %", ran.stdout)
        parts = dump(self.target)
        self.assertEqual([part["name"] for part in parts], ["esp", "gims_1.0_sig", "gims_1.0_verity", "gims_1.0", "_empty", "_empty", "_empty", "gims-data"])
        stick = dump(self.root / "dev/sda")
        self.assertEqual([part["uuid"] for part in parts[1:4]], [part["uuid"] for part in stick[1:4]])
        self.assertEqual([part.get("attrs") for part in parts[1:4]], [None, "GUID:60", "GUID:60"])
        # By the boot partition's number a start tells the two apart.
        self.assertNotEqual(parts[0]["uuid"], stick[0]["uuid"])
        self.assertEqual(self.boot_files(), set(FILES))
        for name in FILES:
            self.assertEqual(run("mtype", "-i", f"{self.target}@@{MIB}", f"::/{name}").stdout.decode(), f"{name}\n" * 1000)
        # What was there: volumes' heads are gone, old and new.
        end = parts[6]["start"] + parts[6]["size"]
        for start in (4196352, end, parts[7]["start"]):
            self.assertEqual(self.at(start, 16 * MIB), bytes(16 * MIB), start)
        self.assertEqual(self.log.read_text().splitlines()[-1], "systemctl --no-block reboot")

    def repart(self, *more):
        """With the image's own definitions, but for the TPM and the file system."""
        with tempfile.TemporaryDirectory() as folder:
            for file in sorted((self.root / "usr/lib/repart.d").glob("*.conf")):
                text = re.sub(r"^(Format|Encrypt|MakeDirectories)=.*\n", "", file.read_text().replace("%M_%A", "gims_1.0"), flags=re.M)
                Path(folder, file.name).write_text(text)
            run("systemd-repart", "--dry-run=no", "--discard=no", f"--definitions={folder}", *more, self.target)
        return {part["name"]: (part["start"], part["size"]) for part in dump(self.target) if part["name"] != "_empty"}

    def test_the_first_start_fills_the_gap(self):
        """And a factory reset finds the same places: the beginning that was cleared is the volume's."""
        for size in (4 * GIB, 64 * GIB):
            with self.subTest(size=size):
                self.target.unlink()
                shutil.rmtree(self.root / "sys/block/vda")
                self.disk("vda", size, model="Disk")
                self.install("vda", "erase vda", "")
                second, data = dump(self.target)[6:]
                places = self.repart()
                self.assertEqual(places["gims-data"], (data["start"], data["size"]))
                self.assertEqual(places["gims-var"][0], second["start"] + second["size"])
                self.assertEqual(sum(places["gims-var"]), data["start"])
                self.assertEqual(self.repart("--factory-reset=yes"), places)

    def test_the_loader_comes_last(self):
        self.install("vda", "erase vda", "")
        log = self.log.read_text().splitlines()
        copies = [line[3:] for line in log if line.startswith("cp ")]
        self.assertEqual(copies, list(FILES))
        # After everything else was read back.
        first = log.index("cp EFI/systemd/systemd-bootx64.efi")
        self.assertIn("verify", log[:log.index("mount ro,nosuid,nodev,noexec sda1")])
        self.assertEqual(log[first - 2:first], ["umount to", "mount rw,nosuid,nodev,noexec vda1"])

    def test_a_root_that_is_not_its_hash_gets_no_boot_partition(self):
        with open(self.root / "dev/sda", "r+b") as handle:
            handle.seek(dump(self.root / "dev/sda")[3]["start"] * SECTOR + 5 * MIB)
            handle.write(b"spoiled")
        ran = self.install("vda", "erase vda", "")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("the root that is read back is not what its hash says", ran.stdout)
        self.assertEqual(self.at(2048, 512), bytes(512))

    def test_no_place_for_the_volumes(self):
        self.program("systemd-repart", "#!/bin/sh\nexit 1\n")
        ran = self.install("vda", "erase vda", "")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("It did not succeed: no place is found for the volumes", ran.stdout)

    def test_what_fails_in_the_boot_partition_leaves_no_loader(self):
        self.program("cp", '#!/bin/sh\ncase $1 in */from/*.efi) exit 1 ;; esac\nexec /bin/cp "$@"\n')
        ran = self.install("vda", "erase vda", "")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("gims_1.0.efi cannot be copied", ran.stdout)
        self.assertNotIn("EFI/BOOT/BOOTX64.EFI", self.boot_files())

    def test_nothing_is_written_before_the_words(self):
        for answers in (("",), ("sda",), ("vdb",), ("vda", ""), ("vda", "erase"), ("vda", "erase sda"), ("vda", "yes"), ("vda", "erase vda2"), ("../vda",), ("v*",)):
            with self.subTest(answers=answers):
                ran = self.install(*answers)
                self.assertNotEqual(ran.returncode, 0)  # the line's end
                self.assertEqual(self.target.stat().st_blocks, 0)
                self.assertNotIn("1 of 5", ran.stdout)

    def test_what_cannot_be_taken_says_why(self):
        self.disk("vdb", 4 * GIB - SECTOR, model="Small")
        self.disk("vdc", 8 * GIB, model="Protected", ro=1)
        self.disk("nvme0n1", 8 * GIB, model="Large sectors", sector=4096)
        self.disk("vdd", 8 * GIB, model="Root")
        (self.root / "sys/block/vdd/vdd4/holders/dm-0").mkdir(parents=True)
        ran = self.install("vdb", "vdc", "nvme0n1", "vdd")
        for name, why in (("vdb", "too small: a unit needs 4294 MB"), ("vdc", "write-protected"), ("nvme0n1", "sectors have 4096 bytes"), ("vdd", "runs from it")):
            self.assertRegex(ran.stdout, rf"{name} cannot be taken: .*{why}")
        self.assertNotIn("EVERYTHING", ran.stdout)
        self.assertNotIn("  sda ", ran.stdout)

    def test_a_device_cannot_write_on_the_screen(self):
        ran = self.install("")
        self.assertIn("\n\nDisks of this machine:\n\n  vda   4294 MB, Disk [2JONE, serial number S-1\n      on it: nothing that is known\n", ran.stdout)
        self.assertNotIn("\x1b", ran.stdout)

    def test_no_disk(self):
        shutil.rmtree(self.root / "sys/block/vda")
        self.assertIn("none. Is the disk plugged in", self.install("").stdout)

    def test_one_installs_at_a_time(self):
        lock = self.root / "run/gims/installer.lock"
        with subprocess.Popen(["flock", lock, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdin.write(b"x\n")
            other.stdin.flush()
            other.stdout.read(2)  # it has the lock
            ran = self.install("vda", "erase vda", "")
            other.stdin.close()
        self.assertEqual(ran.returncode, 1)
        self.assertIn("somebody installs at the other console", ran.stdout)
        self.assertEqual(self.target.stat().st_blocks, 0)

    def test_a_stick_that_is_no_image(self):
        run("sfdisk", "--quiet", "--delete", self.root / "dev/sda", "2")
        ran = self.install("vda", "erase vda", "")
        self.assertIn("not an image of GIMS as it was built", ran.stdout)
        self.assertEqual(self.target.stat().st_blocks, 0)


if __name__ == "__main__":
    unittest.main()
