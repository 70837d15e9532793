"""docs/admin-api.yaml, the contract of the web console, keeps its own rules: each operation says who may call it, by
which door, how fresh, with whom, what is audited and how it fails; every value has bounds; what the admin socket serves is in it."""

import copy
import re
import unittest
from pathlib import Path

import jsonschema
import yaml

TOP = Path(__file__).resolve().parents[2]
METHODS = {"get", "post", "put", "patch", "delete"}
ROLES = ["administrator", "security_officer", "auditor"]
ACT = re.compile(r"[a-z]+\.[a-z_]+")
SCHEMA_KEYS = {"schema", "items", "additionalProperties", "propertyNames"}


def operations(api):
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def schemas(node, where=""):
    """(where, schema) of each schema below a node of the document, those within schemas too."""
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from schemas(value, f"{where}/{number}")
    elif isinstance(node, dict):
        for key, value in node.items():
            here = f"{where}/{key}"
            if key in SCHEMA_KEYS and isinstance(value, dict):
                yield here, value
            elif key in ("properties", "schemas") and isinstance(value, dict):
                yield from ((f"{here}/{name}", one) for name, one in value.items())
            elif key == "oneOf":
                yield from ((f"{here}/{number}", one) for number, one in enumerate(value))
            yield from schemas(value, here)


def unbounded(schema):
    """What a schema leaves open: text for a finding, or None."""
    if "$ref" in schema or "oneOf" in schema:
        return None
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds == [None]:
        return "has no type"
    if "enum" in schema or "const" in schema:
        return None
    for kind in kinds:
        wanted = {"string": ["maxLength"], "integer": ["minimum", "maximum"], "number": ["minimum", "maximum"], "array": ["maxItems", "items"]}
        missing = [word for word in wanted.get(kind, []) if word not in schema]
        if missing:
            return f"has no {' and no '.join(missing)}"
        if kind == "object" and schema.get("additionalProperties") is not False and "maxProperties" not in schema:
            return "takes any number of members"
    return None


def of_operation(path, method, operation, api):
    """The findings about one operation."""
    found = []
    codes, common = api["x-gims-errcodes"], api["x-gims-common-errors"]
    doors, roles, fresh = operation.get("x-gims-doors"), operation.get("x-gims-roles"), operation.get("x-gims-fresh")
    two, audit, errors = operation.get("x-gims-two-persons"), operation.get("x-gims-audit"), operation.get("x-gims-errors")
    if not (isinstance(doors, list) and doors and set(doors) <= {"console", "socket"}):
        found.append("x-gims-doors is a list of console and socket")
    if not (isinstance(roles, list) and roles == [role for role in ROLES if role in roles]):
        found.append("x-gims-roles is a list of roles, in their order")
    if type(fresh) is not int or not 0 <= fresh <= 900:
        found.append("x-gims-fresh is a number of seconds, 0 to 900")
    if two is not False and two != "any" and two not in api["x-gims-keyd-actions"]:
        found.append("x-gims-two-persons is false, any, or one of x-gims-keyd-actions")
    if audit is not False and not (isinstance(audit, str) and ACT.fullmatch(audit)):
        found.append("x-gims-audit is false or an act")
    if not isinstance(errors, list) or not set(errors) <= set(codes):
        found.append("x-gims-errors is a list of x-gims-errcodes")
    elif set(errors) & set(common["session"]):
        found.append("x-gims-errors repeats what each session has")
    if found:
        return found
    security = operation.get("security", api["security"])
    changes = method != "get"
    if changes and security and any("csrf" not in way for way in security):
        found.append("changes something, and takes no X-GIMS-CSRF")
    if fresh and not any("session" in way for way in security):
        found.append("cannot be fresh without a session")
    if roles and not any("session" in way for way in security):
        found.append("has roles and no session")
    if fresh and roles == ROLES and not path.startswith("/me"):
        found.append("an auditor changes nothing")
    if not changes and audit and "export" not in path and not path.endswith("/file"):
        found.append("reads, and is audited")
    if not operation.get("operationId") or not operation.get("summary") or len(operation.get("tags", [])) != 1:
        found.append("has no operationId, summary or tag")
    if "200" not in operation["responses"] or operation["responses"].get("default") != {"$ref": "#/components/responses/Refused"}:
        found.append("has not 200 and Refused as responses")
    in_path = re.findall(r"{(\w+)}", path)
    parameters = [api["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p for p in operation.get("parameters", [])]
    if sorted(in_path) != sorted(p["name"] for p in parameters if p["in"] == "path"):
        found.append("its path has other parameters than it says")
    return found


def check(api):
    """The findings about the whole document."""
    found = []
    if api.get("openapi") != "3.1.0":
        found.append("is not OpenAPI 3.1.0")
    for path, method, operation in operations(api):
        if method not in METHODS:
            found.append(f"{method} {path}: no method")
            continue
        found += [f"{method} {path}: {finding}" for finding in of_operation(path, method, operation, api)]
    names = [operation.get("operationId") for _, _, operation in operations(api)]
    found += [f"{name} is the name of two operations" for name in sorted({name for name in names if names.count(name) > 1})]
    for where, schema in schemas(api):
        if (open_end := unbounded(schema)) is not None:
            found.append(f"{where}: {open_end}")
    used = set(references(api))
    for kind, things in api["components"].items():
        if kind != "securitySchemes":
            found += [f"{kind}/{name} is used nowhere" for name in things if f"#/components/{kind}/{name}" not in used]
    for reference in used:
        node = api
        for part in reference.removeprefix("#/").split("/"):
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            found.append(f"{reference} is not there")
    for name, schema in api["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            found.append(f"{name}: {error.message}")
    told = set().union(*api["x-gims-common-errors"].values(), *(operation.get("x-gims-errors", []) for _, _, operation in operations(api)))
    found += [f"{code} is an error of no operation" for code in api["x-gims-errcodes"] if code not in told | {"M_UNRECOGNIZED"}]
    for code, what in api["x-gims-errcodes"].items():
        if not 400 <= what["status"] <= 599 or not what["do"].endswith("."):
            found.append(f"{code} has no status, or does not say what to do")
    return found


class AdminApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = yaml.safe_load((TOP / "docs/admin-api.yaml").read_text(encoding="utf-8"))

    def test_it_keeps_its_rules(self):
        self.assertGreater(len(list(operations(self.api))), 100)
        self.assertEqual(check(self.api), [])

    def test_what_the_admin_socket_serves_is_in_it(self):
        base = self.api["servers"][0]["url"]
        # admin_route(http::Method::get, "/_gims/admin/v1/status", …)
        route = re.compile(r'Method::(\w+),\s*"' + re.escape(base) + r'([^"]*)"')
        served = set()
        for source in sorted((TOP / "daemon/api/admin").glob("*.cpp")):
            served |= {("delete" if method == "del" else method, path) for method, path in route.findall(source.read_text(encoding="utf-8"))}
        self.assertGreater(len(served), 15)
        told = {(method, path) for path, method, operation in operations(self.api) if "socket" in operation["x-gims-doors"]}
        self.assertEqual(sorted(served ^ told), [])

    def test_what_is_wrong_is_found(self):
        def without(member):
            def change(api):
                del api["paths"]["/users/{userId}/lock"]["post"][member]
            return change

        def set_to(member, value):
            def change(api):
                api["paths"]["/users/{userId}/lock"]["post"][member] = value
            return change

        def open_text(api):
            del api["components"]["schemas"]["LabelId"]["maxLength"]

        def unused(api):
            api["components"]["schemas"]["Nobody"] = {"type": "boolean"}

        def gone(api):
            del api["components"]["schemas"]["Reason"]

        def audited_read(api):
            api["paths"]["/users"]["get"]["x-gims-audit"] = "user.read"

        for change, expected in (
                (without("x-gims-roles"), "x-gims-roles"), (without("x-gims-fresh"), "x-gims-fresh"), (without("x-gims-two-persons"), "x-gims-two-persons"),
                (without("x-gims-audit"), "x-gims-audit"), (without("x-gims-errors"), "x-gims-errors"), (without("x-gims-doors"), "x-gims-doors"),
                (without("parameters"), "other parameters"), (set_to("x-gims-roles", ["auditor", "administrator"]), "in their order"),
                (set_to("x-gims-errors", ["GIMS_NEW"]), "x-gims-errors"), (set_to("x-gims-errors", ["M_UNKNOWN"]), "repeats"),
                (set_to("security", [{"session": []}]), "no X-GIMS-CSRF"), (set_to("operationId", "listUsers"), "two operations"),
                (set_to("x-gims-two-persons", "nothing"), "x-gims-two-persons"), (open_text, "has no maxLength"), (unused, "used nowhere"),
                (gone, "is not there"), (audited_read, "is audited")):
            with self.subTest(expected=expected):
                api = copy.deepcopy(self.api)
                change(api)
                self.assertTrue(any(expected in finding for finding in check(api)), check(api))

    def test_open_values_are_found(self):
        for schema, expected in (({}, "has no type"), ({"type": "string"}, "has no maxLength"), ({"type": "integer", "minimum": 0}, "has no maximum"),
                                 ({"type": "array", "items": {}}, "has no maxItems"), ({"type": "object"}, "takes any number of members"),
                                 ({"type": ["string", "null"]}, "has no maxLength"), ({"type": "string", "enum": ["a"]}, None),
                                 ({"type": "object", "additionalProperties": False}, None), ({"type": "boolean"}, None)):
            with self.subTest(schema=schema):
                self.assertEqual(unbounded(schema), expected)


if __name__ == "__main__":
    unittest.main()
