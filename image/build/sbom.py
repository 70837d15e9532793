#!/usr/bin/env python3
"""The image's parts as a CycloneDX 1.6 document: Debian's packages with their licences, archives and what they need, and
our own programs. Nothing of npm is in an image (the clients that come from there are for tests), and the document says so.
What is not known stands nowhere: a package without a machine-readable copyright file has no licence here, and one whose
archive is not at hand no hash.

    sbom.py --status STATUS --copyrights FOLDER --archives FOLDER --programs FOLDER --needed NAMES --image FILE
            --version 1.0.0 --epoch SECONDS > sbom.cdx.json

STATUS is dpkg's list of what is installed, FOLDER/NAME Debian's copyright file of each package, NAMES the packages that our
programs are linked with, separated by spaces.
"""

import argparse
import hashlib
import json
import re
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

SUPPLIER = {"name": "GIMS"}
# Debian's short names (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/) of licences that SPDX knows by
# another; those of the GPL's family are told by their form.
SPDX = {"Expat": "MIT", "MIT": "MIT", "BSD-2-clause": "BSD-2-Clause", "BSD-2-Clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause",
        "BSD-3-Clause": "BSD-3-Clause", "BSD-4-clause": "BSD-4-Clause", "BSD-4-clause-UC": "BSD-4-Clause-UC", "Apache-2": "Apache-2.0",
        "Apache-2.0": "Apache-2.0", "CC0": "CC0-1.0", "CC0-1.0": "CC0-1.0", "ISC": "ISC", "Zlib": "Zlib", "zlib": "Zlib",
        "BSL-1.0": "BSL-1.0", "MPL-2.0": "MPL-2.0", "OpenSSL": "OpenSSL", "curl": "curl", "Unlicense": "Unlicense"}
NAMESPACE = uuid.UUID("5d0a3f5e-6f0c-4a53-9d5a-0f5f9d9f7b1e")


def paragraphs(text):
    """Debian control paragraphs (deb822) as dictionaries."""
    for block in re.split(r"\n\s*\n", text):
        fields, key = {}, None
        for line in block.splitlines():
            if line[:1] in " \t":
                if key:
                    fields[key] += "\n" + line.strip()
            elif ":" in line:
                key, value = line.split(":", 1)
                fields[key] = value.strip()
        if fields:
            yield fields


def licences_of(path):
    """The short names of a machine-readable copyright file; of another kind, none that a program could tell."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("Format:"):
        return []
    found = {fields["License"].splitlines()[0].strip() for fields in paragraphs(text) if fields.get("License", "").strip()}
    return sorted(found - {""})


def licence(name):
    """As CycloneDX has it: SPDX's identifier where Debian's name means one, and Debian's name where it does not."""
    if form := re.fullmatch(r"(GPL-[123]|LGPL-[23]|LGPL-2\.1|AGPL-3)(?:\.0)?(\+)?", name):
        number = form[1] if "." in form[1] else form[1] + ".0"
        return {"id": f"{number}-{'or-later' if form[2] else 'only'}"}
    return {"id": SPDX[name]} if name in SPDX else {"name": name}


def sha256(path):
    with open(path, "rb") as file:
        return [{"alg": "SHA-256", "content": hashlib.file_digest(file, "sha256").hexdigest()}]


def needed(field, installed, provided):
    """The installed packages by which the alternatives of a Depends field are met."""
    for group in filter(None, (part.strip() for part in field.replace("\n", " ").split(","))):
        for alternative in group.split("|"):
            name = re.split(r"[\s(:\[]", alternative.strip())[0]
            if name in installed or name in provided:
                yield name if name in installed else provided[name]
                break


def debian(status, copyrights, archives):
    files = {path.name: path for path in sorted(archives.rglob("*.deb"))}
    packages = {p["Package"]: p for p in paragraphs(status) if p.get("Status", "").endswith(" installed")}
    provided = {}
    for name in sorted(packages):
        for virtual in packages[name].get("Provides", "").split(","):
            provided.setdefault(virtual.split("(")[0].strip(), name)
    reference = {name: f"pkg:deb/debian/{quote(name)}@{quote(p['Version'], safe='')}?arch={p['Architecture']}&distro=debian-13"
                 for name, p in packages.items()}
    components, dependencies = [], []
    for name in sorted(packages):
        package = packages[name]
        source = package.get("Source", name)
        component = {"type": "library", "bom-ref": reference[name], "name": name, "version": package["Version"],
                     "purl": reference[name], "supplier": {"name": package.get("Maintainer", "Debian")},
                     "description": package.get("Description", "").splitlines()[0] if package.get("Description") else "",
                     "properties": [{"name": "debian:source", "value": source}]}
        if licences := licences_of(copyrights / name):
            unique = {json.dumps(licence(each)): licence(each) for each in licences}
            component["licenses"] = [{"license": unique[key]} for key in sorted(unique)]
        # The archive by which Debian signs for it.
        if archive := files.get(f"{name}_{package['Version'].replace(':', '%3a')}_{package['Architecture']}.deb"):
            component["hashes"] = sha256(archive)
        components.append(component)
        wanted = ", ".join(package.get(field, "") for field in ("Pre-Depends", "Depends") if package.get(field))
        dependencies.append({"ref": reference[name],
                             "dependsOn": sorted({reference[found] for found in needed(wanted, packages, provided)} - {reference[name]})})
    return components, dependencies


def ours(folder, version):
    components = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        reference = f"pkg:generic/{path.name}@{version}"
        components.append({"type": "application", "bom-ref": reference, "name": path.name, "version": version, "purl": reference,
                           "supplier": SUPPLIER, "hashes": sha256(path), "licenses": [{"license": {"id": "Apache-2.0"}}],
                           "properties": [{"name": "gims:path", "value": "/" + str(path.relative_to(folder))}]})
    return components


def main():
    options = argparse.ArgumentParser()
    for name in ("status", "copyrights", "archives", "programs", "image"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--needed", required=True)
    options.add_argument("--version", required=True)
    options.add_argument("--epoch", type=int, required=True)
    options = options.parse_args()
    components, dependencies = debian(options.status.read_text(encoding="utf-8"), options.copyrights, options.archives)
    if not components:
        sys.exit(f"sbom: no package in {options.status}")
    programs = ours(options.programs, options.version)
    linked = [part["bom-ref"] for part in components if part["name"] in options.needed.split()]
    dependencies += [{"ref": part["bom-ref"], "dependsOn": sorted(linked)} for part in programs]
    image = f"pkg:generic/gims-image@{options.version}"
    dependencies.append({"ref": image, "dependsOn": sorted(part["bom-ref"] for part in components + programs)})
    metadata = {
        "timestamp": datetime.fromtimestamp(options.epoch, timezone.utc).isoformat(), "lifecycles": [{"phase": "build"}],
        "authors": [SUPPLIER], "supplier": SUPPLIER,
        "tools": {"components": [{"type": "application", "name": "image/build/sbom.py", "version": options.version}]},
        "component": {"type": "operating-system", "bom-ref": image, "name": "gims-image", "version": options.version, "purl": image,
                      "supplier": SUPPLIER, "description": "GIMS, the messaging appliance's disk", "hashes": sha256(options.image)},
        "properties": [{"name": "gims:npm", "value": "no package of npm is in the image"}]}
    body = json.dumps([components, programs, dependencies, metadata], sort_keys=True)
    json.dump({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, body)}", "version": 1,
        "metadata": metadata, "components": components + programs, "dependencies": dependencies}, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
