"""A machine of the appliance, made of qemu (software emulation), OVMF with Secure Boot and a software TPM. What it
has (disk, firmware's variables, TPM) lies in one folder, so that a machine can be copied, spoiled and started again."""

import base64
import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
from pathlib import Path

FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
OWNER = "6d4f9f2a-52f5-4a3c-8f7a-0b8f4b0c51e1"
UUID = "3f0c1c2e-9d38-4c55-9a60-0d8b5b3c7a11"
# Emulation is slow, and other work may be running beside it: this only ends what hangs.
PATIENCE = float(os.environ.get("GIMS_IMAGE_PATIENCE", 900))
# All that qemu can emulate, but for what its emulation is slower by: string operations byte by byte, one more level of pages.
PROCESSOR = "max,erms=off,fsrm=off,fzrm=off,fsrs=off,fsrc=off,la57=off"
ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[=>78Mc])|\r")


class NotSeen(AssertionError):
    """The console did not say in time what it had to say, or the machine ended before."""


class Machine:
    """`folder` is made from `image` unless it is there already. One thread."""

    def __init__(self, folder, image=None, certificates=(), size=4 << 30):
        self.folder = Path(folder)
        self.disk, self.variables, self.tpm = (self.folder / name for name in ("disk.raw", "variables.fd", "tpm"))
        self.console = self.folder / "console.log"
        self.qemu = self.swtpm = self.probe = None
        if image:
            self.make(Path(image), certificates, size)

    def make(self, image, certificates, size):
        """Without an image its disk is empty."""
        self.folder.mkdir(parents=True)
        if image:
            self.run("cp", "--sparse=always", image, self.disk)
        else:
            self.disk.touch()
        os.truncate(self.disk, size)
        self.enrol(certificates)
        self.new_tpm()

    def enrol(self, certificates):
        """A firmware's variables: the first certificate owns it (PK, KEK), all of them may sign what starts (db)."""
        enrol = []
        for index, certificate in enumerate(certificates):
            options = ("--set-pk", "--add-kek", "--add-db") if index == 0 else ("--add-db",)
            for option in options:
                enrol += [option, OWNER, certificate]
        self.run("virt-fw-vars", "--input", VARIABLES, "--output", self.variables, *enrol, "--sb")

    def new_tpm(self):
        shutil.rmtree(self.tpm, ignore_errors=True)
        self.tpm.mkdir()
        self.run("swtpm_setup", "--tpm2", "--tpmstate", self.tpm, "--create-ek-cert", "--overwrite", "--pcr-banks", "sha256")

    def copy(self, folder):
        """Another machine with the same disk, variables and TPM, to be spoiled."""
        self.stop()
        self.run("cp", "-a", "--sparse=always", self.folder, folder)
        return Machine(folder)

    def run(self, *argv):
        ran = subprocess.run([str(part) for part in argv], capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"{argv[0]}: {ran.stderr or ran.stdout}")
        return ran.stdout

    def stick(self, folder, readonly=True):
        """What start() takes for a USB stick with the files of the folder, labelled as the appliance expects it."""
        stick = self.folder / "stick.raw"
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) + (64 << 20)
        stick.unlink(missing_ok=True)
        with open(stick, "wb") as handle:
            handle.truncate(size)
        self.run("mkfs.vfat", "-F", "32", "-n", "GIMS", stick)
        self.run("mmd", "-i", stick, "::/update")
        self.run("mcopy", "-i", stick, *sorted(Path(folder).iterdir()), "::/update/")
        return ("-drive", f"if=none,id=stick,format=raw,readonly={'on' if readonly else 'off'},file={stick}", "-device", "qemu-xhci",
                "-device", "usb-storage,drive=stick")

    def installer(self, image):
        """What start() takes for a USB stick with the image; the stick can be written."""
        stick = self.folder / "installer.raw"
        self.run("cp", "--sparse=always", image, stick)
        return ("-drive", f"if=none,id=installer,format=raw,file={stick},cache=unsafe", "-device", "qemu-xhci",
                "-device", "usb-storage,drive=installer")

    def start(self, *more, descriptors=()):
        """Switches it on; its console starts anew. `more` may name open files, by their descriptors."""
        self.console.unlink(missing_ok=True)
        socket = self.folder / "tpm.socket"
        self.swtpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm}", "--terminate",
                                       "--ctrl", f"type=unixio,path={socket}"])
        while not socket.exists():
            time.sleep(0.05)
        self.started = time.monotonic()
        self.qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "q35,smm=on,accel=tcg", "-cpu", PROCESSOR, "-smp", "1", "-m", "1536",
             # The guest's clock goes by what it has computed, so that no time limit of its own is a matter of how
             # busy this machine is.
             "-icount", "shift=2", "-uuid", UUID, "-no-reboot", "-display", "none", "-nodefaults", "-nic", "none",
             "-global", "driver=cfi.pflash01,property=secure,value=on",
             "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}",
             "-drive", f"if=pflash,format=raw,unit=1,file={self.variables}",
             "-drive", f"if=none,id=disk,format=raw,file={self.disk},cache=unsafe", "-device", "virtio-blk-pci,drive=disk",
             "-chardev", f"socket,id=tpm,path={socket}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
             "-device", "tpm-crb,tpmdev=tpm", "-object", "rng-random,id=rng,filename=/dev/urandom",
             "-device", "virtio-rng-pci,rng=rng", "-device", "virtio-serial-pci",
             "-chardev", f"socket,id=probe,path={self.folder}/probe.socket,server=on,wait=off",
             "-device", "virtserialport,chardev=probe,name=gims.probe",
             "-chardev", f"socket,id=console,path={self.folder}/console.socket,server=on,wait=off,logfile={self.console}",
             "-serial", "chardev:console", *more],
            stdin=subprocess.DEVNULL, pass_fds=descriptors)

    def words(self):
        """What the console has said, without a terminal's escapes."""
        if not self.console.exists():
            return ""
        return ESCAPES.sub("", self.console.read_text(encoding="utf-8", errors="replace"))

    def wait_for(self, *patterns, patience=PATIENCE):
        """The first match, of any of the patterns, on the console."""
        ends = time.monotonic() + patience
        while True:
            ended = self.qemu.poll() is not None
            words = self.words()
            for pattern in patterns:
                if found := re.search(pattern, words):
                    return found
            if ended or time.monotonic() > ends:
                state = "the machine ended" if ended else f"not within {patience:.0f} s"
                raise NotSeen(f"{state}: none of {patterns}; the console's end:\n" + "\n".join(words.splitlines()[-40:]))
            time.sleep(0.5)

    def wait_until_off(self, patience=PATIENCE):
        self.qemu.wait(patience)
        return self.words()

    def type(self, text):
        """Types at the serial console."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / "console.socket"))
            line.sendall(text.encode())
            # What qemu has not taken when the line is closed is lost, and it takes as much as the guest's UART holds.
            line.settimeout(0.2)
            while struct.unpack("i", fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)))[0]:
                with contextlib.suppress(TimeoutError):
                    line.recv(1 << 16)

    def ask(self, command, patience=PATIENCE):
        """Status and output of a shell command in the guest; only the image for tests has what answers (probe/)."""
        if not self.probe:
            self.probe = socket.socket(socket.AF_UNIX)
            self.probe.connect(str(self.folder / "probe.socket"))
        self.probe.settimeout(patience)
        self.probe.sendall(base64.b64encode(command.encode()) + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = self.probe.recv(1 << 16)
            if not part:
                raise NotSeen("the probe's line was closed")
            answer += part
        status, _, output = answer.decode().strip().partition(" ")
        return int(status), base64.b64decode(output).decode(errors="replace")

    def done(self, command, patience=PATIENCE):
        """What it printed; it must succeed."""
        status, output = self.ask(command, patience)
        if status:
            raise AssertionError(f"{command}: {status}: {output}")
        return output

    def seconds(self):
        return time.monotonic() - self.started

    def switch_off(self):
        """As by its button: the guest stops what runs."""
        self.ask("systemctl poweroff --no-block")
        self.wait_until_off()
        self.stop()

    def cut_power(self):
        """At once: nothing of it is told to the guest."""
        self.stop(signal.SIGKILL)

    def stop(self, how=signal.SIGTERM):
        for process in (self.qemu, self.swtpm):
            if process and process.poll() is None:
                process.send_signal(how if process is self.qemu else signal.SIGTERM)
                process.wait(30)
        if self.probe:
            self.probe.close()
        self.qemu = self.swtpm = self.probe = None
        (self.folder / "tpm.socket").unlink(missing_ok=True)
