"""docs/admin-api.yaml: which operations the console's door has, for whom, and whether an answer is one of them."""

import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from openapi import shape, text_keys
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/admin-api.yaml"
METHODS = ("get", "put", "post", "delete", "patch")


class Contract:
    def __init__(self):
        self.document = text_keys(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
        self.base = self.document["servers"][0]["url"]
        self.operations = {(method.upper(), shape(self.base + path)): operation for path, methods in self.document["paths"].items()
                           for method, operation in methods.items() if method in METHODS}
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self.registry = Registry().with_resource("urn:contract", resource)

    def at(self, door):
        """The operations that this door has."""
        return {key: operation for key, operation in self.operations.items() if door in operation["x-gims-doors"]}

    def find(self, method, path):
        """The operation that a whole path is of: the one with the fewest parameters."""
        found = [(known.count("{}"), known) for way, known in self.operations
                 if way == method and re.fullmatch(re.escape(known).replace(r"\{\}", "[^/]+"), path)]
        return self.operations[(method, min(found)[1])] if found else None

    def errcodes(self, operation):
        """Those that the operation may answer with, with their statuses."""
        common = self.document["x-gims-common-errors"]
        kinds = ["public"] if operation.get("security") == [] else ["session"]
        if operation.get("security") is None:
            kinds.append("change")
        if operation["x-gims-fresh"]:
            kinds.append("fresh")
        codes = set(operation["x-gims-errors"]).union(*(common[kind] for kind in kinds)) | {"GIMS_ROLE"}
        return {code: self.document["x-gims-errcodes"][code]["status"] for code in codes}

    def faults(self, method, path, status, body):
        """What of an answer is not as the contract has it; nothing where all is."""
        operation = self.find(method, path)
        if operation is None:
            return [f"{method} {path} is not in {DOCUMENT.name}"]
        if status == 200:
            return self._faults_of(body, operation["responses"]["200"]["content"]["application/json"]["schema"])
        faults = self._faults_of(body, {"$ref": "#/components/schemas/Error"})
        expected = self.errcodes(operation).get(body.get("errcode"))
        if expected != status:
            faults.append(f"{method} {path} answers {status} {body.get('errcode')}; the contract has {expected} for that")
        return faults

    def _faults_of(self, body, schema):
        if "$ref" in schema:
            schema = {"$ref": "urn:contract" + schema["$ref"]}
        validator = Draft202012Validator(schema, registry=self.registry)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(body)]
