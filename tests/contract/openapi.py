"""The specification's OpenAPI files: which responses an endpoint has, and whether a body is one of them, or of its requests."""

import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPEC = Path(__file__).resolve().parent / "spec"


def text_keys(value):
    """YAML reads the keys of responses as numbers; JSON pointers want texts."""
    if isinstance(value, dict):
        return {str(key): text_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [text_keys(item) for item in value]
    return value


def shape(path):
    """A path without the names of its parameters: two that differ in those alone are one endpoint."""
    return re.sub(r"\{[^}]*\}", "{}", path)


class Spec:
    def __init__(self):
        self.files = {}
        self.registry = Registry(retrieve=self._retrieve)
        self.operations = {}  # (method, shape of the path): (uri, pointer, operation, common parameters)
        for folder in ("client-server", "push-gateway"):
            for path in sorted((SPEC / "api" / folder).glob("*.yaml")):
                self._read(path)

    def _load(self, path):
        if path not in self.files:
            self.files[path] = text_keys(yaml.safe_load(path.read_text(encoding="utf-8")))
        return self.files[path]

    def _retrieve(self, uri):
        contents = self._load(Path(uri.removeprefix("file://")))
        return Resource.from_contents(contents, default_specification=DRAFT202012)

    def _read(self, path):
        document = self._load(path)
        servers = document.get("servers", [])
        base = servers[0].get("variables", {}).get("basePath", {}).get("default", "") if servers else ""
        for below, methods in document.get("paths", {}).items():
            for method, operation in methods.items():
                if method not in ("get", "put", "post", "delete"):
                    continue
                pointer = f"/paths/{below.replace('~', '~0').replace('/', '~1')}/{method}"
                key = (method.upper(), shape((base + below).strip()))
                self.operations[key] = (path.as_uri(), pointer, operation)

    def find(self, method, path):
        return self.operations.get((method, shape(path.replace("?}", "}"))))

    def _schema(self, uri, pointer, node):
        """The pointer of the JSON schema below a response or a request body, through its $ref; or None."""
        while "$ref" in node:
            target, _, fragment = node["$ref"].partition("#")
            path = (Path(uri.removeprefix("file://")).parent / target).resolve() if target else Path(uri.removeprefix("file://"))
            uri, pointer, node = path.as_uri(), fragment, self._load(path)
            for part in [part for part in fragment.split("/") if part]:
                node = node[part.replace("~1", "/").replace("~0", "~")]
        if "schema" not in node.get("content", {}).get("application/json", {}):
            return None
        return f"{uri}#{pointer}/content/application~1json/schema"

    def errors(self, method, path, status, body):
        """What is wrong with a response, one text each. A status that the endpoint does not list is held
        to the standard error response."""
        found = self.find(method, path)
        responses = found[2]["responses"] if found else {}
        schema = None
        # 401 is described as re-authentication asked for; without flows it is about the token.
        about_token = status == 401 and isinstance(body, dict) and "flows" not in body
        if str(status) in responses and not about_token:
            uri, pointer, _ = found
            schema = self._schema(uri, f"{pointer}/responses/{status}", responses[str(status)])
        elif status < 400 and found:
            return [f"{method} {path} has no response {status} in the specification"]
        problems = self._against(schema, body) if schema else []
        if status >= 400 and (status != 401 or about_token):
            problems += standard_error(body)
        return problems

    def _against(self, schema, body):
        validator = Draft202012Validator({"$ref": schema}, registry=self.registry)
        return [f"{'/'.join(str(part) for part in error.absolute_path) or '(body)'}: {error.message[:300]}"
                for error in validator.iter_errors(body)]

    def request_errors(self, method, path, body):
        """What is wrong with a request's body that a server of ours sends, one text each."""
        uri, pointer, operation = self.find(method, path)
        return self._against(self._schema(uri, f"{pointer}/requestBody", operation["requestBody"]), body)

    def request_properties(self, method, path):
        """name: type of the request body's top level, where the specification says one type."""
        found = self.find(method, path)
        if not found or "requestBody" not in found[2]:
            return {}
        uri, pointer, operation = found
        reference = self._schema(uri, f"{pointer}/requestBody", operation["requestBody"])
        if not reference:
            return {}
        types = {}
        self._collect(self.registry.resolver().lookup(reference), types)
        return types

    def _collect(self, resolved, types):
        schema, resolver = resolved.contents, resolved.resolver
        if "$ref" in schema:
            self._collect(resolver.lookup(schema["$ref"]), types)
        for part in schema.get("allOf", []):
            if "$ref" in part:
                self._collect(resolver.lookup(part["$ref"]), types)
            else:
                self._note(part, types)
        self._note(schema, types)

    @staticmethod
    def _note(schema, types):
        for name, rule in schema.get("properties", {}).items():
            if isinstance(rule.get("type"), str):
                types[name] = rule["type"]


def standard_error(body):
    """Client-server API, "Standard error response"."""
    if not isinstance(body, dict):
        return ["the error is no JSON object"]
    problems = []
    if not re.fullmatch(r"[A-Z][A-Z0-9_.]*", str(body.get("errcode"))):
        problems.append(f"errcode is {body.get('errcode')!r}")
    if not body.get("error") or not isinstance(body["error"], str):
        problems.append("there is no text for a person")
    return problems
