"""Telling a software TPM of a start, as firmware and systemd would, and the logs that they keep of it."""

import hashlib
import json
import socket
import struct


def digest(event):
    return hashlib.sha256(event).digest()


def measured(*events):
    """What a PCR holds in the end."""
    value = bytes(32)
    for event in events:
        value = hashlib.sha256(value + digest(event)).digest()
    return value.hex()


def measure(tpm_socket, pcr, event):
    """TPM2_PCR_Extend (TPM 2.0 library part 3, section 22.2), authorised by an empty password. The TPM's answer code."""
    password = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
    body = struct.pack(">II", pcr, len(password)) + password + struct.pack(">IH", 1, 0x000B) + digest(event)
    with socket.socket(socket.AF_UNIX) as tpm:
        tpm.connect(str(tpm_socket))
        tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
        answer = tpm.recv(4096)
    return struct.unpack_from(">I", answer, 6)[0]


def firmware_log(events):
    """binary_bios_measurements of (pcr, event, words): TCG PC Client Platform Firmware Profile, section 10."""
    description = (b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 0, 2) + struct.pack("<I", 1) +
                   struct.pack("<HH", 11, 32) + b"\0")
    log = struct.pack("<II", 0, 3) + bytes(20) + struct.pack("<I", len(description)) + description
    for pcr, event, words in events:
        data = (words + "\0").encode("utf-16-le")
        log += struct.pack("<IIIH", pcr, 0x0D, 1, 11) + digest(event) + struct.pack("<I", len(data)) + data
    return log


def userspace_log(events):
    """tpm2-measure.log of (pcr, event, words), as systemd writes it."""
    return b"".join(b"\x1e" + json.dumps({
        "pcr": pcr, "digests": [{"hashAlg": "sha256", "digest": digest(event).hex()}], "content_type": "systemd",
        "content": {"eventType": "phase", "string": words, "bootId": "0" * 32, "timestamp": 1}}).encode() + b"\n"
        for pcr, event, words in events)
