#!/usr/bin/env python3
"""The Secure Boot keys of a new unit as files that systemd-boot enrols when a person asks for it and the firmware is in
setup mode (systemd-boot(7), loader/keys): PK and KEK are the Secure Boot key, db has beside it the one that signs the
root's hash, which the kernel looks up there. Written as UEFI 2.10, 8.2.6 and 32.4.1 say (EFI_VARIABLE_AUTHENTICATION_2,
EFI_SIGNATURE_LIST). Two builds with the same keys and time are the same.

    enrol.py KEYS FOLDER --epoch SECONDS
"""

import argparse
import ssl
import struct
import subprocess
import time
import uuid
from pathlib import Path

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
PKCS7 = uuid.UUID("4aafd29d-68df-49ee-8aa9-347d375665a7")
# Who put a key there.
OWNER = uuid.UUID("d9a6c7a5-7f0e-4d0f-9d3c-5a0d6f1f53f2")
# Not volatile, at start and run time, with a time and a signature.
ATTRIBUTES = 0x27
VARIABLES = {"PK": (GLOBAL, ("secure-boot",)), "KEK": (GLOBAL, ("secure-boot",)), "db": (SECURITY, ("secure-boot", "verity"))}


def certificate(keys, name):
    return ssl.PEM_cert_to_DER_cert((keys / f"{name}.crt").read_text())


def signature_list(der):
    entry = OWNER.bytes_le + der
    return X509.bytes_le + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry


def efi_time(epoch):
    at = time.gmtime(epoch)
    return struct.pack("<HBBBBBxIhBx", at.tm_year, at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, 0, 0, 0)


def signed(keys, data):
    """SignedData of PKCS#7 without the data, in it no time of the signature."""
    key = keys / "secure-boot.uri"
    key = ["-provider", "pkcs11", "-provider", "default", "-inkey", key.read_text().strip()] if key.exists() \
        else ["-inkey", str(keys / "secure-boot.key")]
    whole = subprocess.run(["openssl", "smime", "-sign", "-binary", "-noattr", "-md", "sha256", "-outform", "DER",
                            "-signer", str(keys / "secure-boot.crt"), *key], input=data, check=True, capture_output=True).stdout
    # A ContentInfo of 64 KiB at most: two lengths of two bytes, and the identifier of SignedData between them.
    if whole[:2] != b"\x30\x82" or whole[15:17] != b"\xa0\x82":
        raise ValueError("openssl wrote no PKCS#7 of the usual form")
    return whole[19:]


def enrolment(keys, name, epoch):
    vendor, names = VARIABLES[name]
    lists = b"".join(signature_list(certificate(keys, each)) for each in names)
    at = efi_time(epoch)
    said = name.encode("utf-16-le") + vendor.bytes_le + struct.pack("<I", ATTRIBUTES) + at + lists
    signature = PKCS7.bytes_le + signed(keys, said)
    return at + struct.pack("<IHH", 8 + len(signature), 0x0200, 0x0EF1) + signature + lists


def main():
    options = argparse.ArgumentParser()
    options.add_argument("keys", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("--epoch", type=int, required=True)
    options = options.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in VARIABLES:
        (options.folder / f"{name}.auth").write_bytes(enrolment(options.keys, name, options.epoch))


if __name__ == "__main__":
    main()
