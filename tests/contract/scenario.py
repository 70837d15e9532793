"""A success case for each route: (method, path of its template): what to ask, and what it must give.

Each case is a function of the world that returns the answer; the walker checks that it is 200 (or what
the case says) and what the specification says it is. State that a case needs, it makes.
"""

import base64
import secrets

from testsite import fill, query
from world import PASSWORD, V3

V1 = "/_matrix/client/v1"
CASES = {}


def case(method, path):
    def keep(function):
        assert (method, path) not in CASES, f"two cases for {method} {path}"
        CASES[(method, path)] = function
        return function
    return keep


def simple(method, path, body=None, user="asha", arguments="", **values):
    """A request of one user whose path takes values of the world by name."""
    def run(world):
        found = {name: value(world) if callable(value) else value for name, value in values.items()}
        content = body(world) if callable(body) else body
        who = getattr(world, user) if user else None
        more = arguments(world) if callable(arguments) else arguments
        return world.site.ask(method, fill(path, **found) + more, content, token=who.token if who else None)
    case(method, path)(run)


def room(world):
    return world.room


def event(world):
    return world.event


def own(world):
    return world.asha.id


def device(world):
    return world.asha.device


# ---- discovery, sessions, accounts -----------------------------------------------------------------

simple("GET", "/_matrix/client/versions", user=None)
simple("GET", "/.well-known/matrix/client", user=None)
simple("GET", V3 + "/capabilities")
simple("GET", V3 + "/login", user=None)
simple("GET", V3 + "/account/whoami")
simple("GET", V3 + "/account/3pid")
for removal in ("delete", "unbind"):
    simple("POST", V3 + "/account/3pid/" + removal, {"medium": "email", "address": "asha@example.org"})
simple("GET", V3 + "/register/available", user=None, arguments=query(username="nobody.yet"))
simple("GET", "/_synapse/admin/v1/register", user=None)
simple("POST", "/_synapse/admin/v1/register", user=None, body=lambda world: world.registration(f"by.secret{world.number()}"))
simple("POST", V3 + "/register", user=None,
       body=lambda world: {"username": f"registered{world.number()}", "password": PASSWORD, "auth": {"type": "m.login.dummy"}})
simple("POST", V3 + "/login", user=None, body=lambda world: {
    "type": "m.login.password", "password": PASSWORD, "identifier": {"type": "m.id.user", "user": world.asha.id}})


@case("POST", V3 + "/refresh")
def refresh(world):
    return world.site.ask("POST", V3 + "/refresh", {"refresh_token": world.new_user().refresh_token})


@case("POST", V3 + "/logout")
def logout(world):
    return world.new_user().ask("POST", V3 + "/logout", {})


@case("POST", V3 + "/logout/all")
def logout_all(world):
    return world.new_user().ask("POST", V3 + "/logout/all", {})


@case("POST", V3 + "/account/password")
def password(world):
    user = world.new_user()
    return user.ask("POST", V3 + "/account/password", user.password(new_password="another " + PASSWORD))


@case("POST", V3 + "/account/deactivate")
def deactivate(world):
    user = world.new_user()
    return user.ask("POST", V3 + "/account/deactivate", user.password())


# ---- devices ------------------------------------------------------------------------------------------

simple("GET", V3 + "/devices")
simple("GET", V3 + "/devices/{deviceId}", deviceId=device)
simple("PUT", V3 + "/devices/{deviceId}", {"display_name": "Field phone"}, deviceId=device)


@case("DELETE", V3 + "/devices/{deviceId}")
def delete_device(world):
    user = world.new_user()
    return user.ask("DELETE", fill(V3 + "/devices/{d}", d=user.device), user.password())


@case("POST", V3 + "/delete_devices")
def delete_devices(world):
    user = world.new_user()
    return user.ask("POST", V3 + "/delete_devices", user.password(devices=[user.device]))


# ---- profile, account data, directory of users -----------------------------------------------------------

def named(world):
    world.asha.expect(200, "PUT", fill(V3 + "/profile/{u}/displayname", u=world.asha.id), {"displayname": "Asha"})
    return world.asha.id


def tagged(world):
    world.asha.expect(200, "PUT", fill(V3 + "/user/{u}/rooms/{r}/tags/u.work", u=world.asha.id, r=world.room), {"order": 0.5})
    return world.room


def with_data(world):
    world.asha.expect(200, "PUT", fill(V3 + "/user/{u}/account_data/org.example", u=world.asha.id), {"a": 1})
    world.asha.expect(200, "PUT", fill(V3 + "/user/{u}/rooms/{r}/account_data/org.example", u=world.asha.id, r=world.room), {"a": 1})
    return world.asha.id


simple("GET", V3 + "/profile/{userId}", userId=named)
simple("GET", V3 + "/profile/{userId}/{keyName}", userId=named, keyName="displayname")
simple("PUT", V3 + "/profile/{userId}/{keyName}", {"displayname": "Asha"}, userId=own, keyName="displayname")
simple("DELETE", V3 + "/profile/{userId}/{keyName}", userId=named, keyName="displayname")
simple("GET", V3 + "/user/{userId}/account_data/{type}", userId=with_data, type="org.example")
simple("PUT", V3 + "/user/{userId}/account_data/{type}", {"a": 1}, userId=own, type="org.example")
simple("GET", V3 + "/user/{userId}/account_data/m.push_rules", userId=own)
simple("GET", V3 + "/user/{userId}/rooms/{roomId}/account_data/{type}", userId=with_data, roomId=room, type="org.example")
simple("PUT", V3 + "/user/{userId}/rooms/{roomId}/account_data/{type}", {"a": 1}, userId=own, roomId=room, type="org.example")
simple("GET", V3 + "/user/{userId}/rooms/{roomId}/tags", userId=own, roomId=tagged)
simple("PUT", V3 + "/user/{userId}/rooms/{roomId}/tags/{tag}", {"order": 0.25}, userId=own, roomId=room, tag="u.work")
simple("DELETE", V3 + "/user/{userId}/rooms/{roomId}/tags/{tag}", userId=own, roomId=tagged, tag="u.work")
simple("POST", V3 + "/user_directory/search", lambda world: {"search_term": world.bina.id})
simple("POST", V3 + "/users/{userId}/report", {"reason": "spam"}, userId=lambda world: world.bina.id)

# ---- rooms: making them, coming and going -----------------------------------------------------------------

simple("POST", V3 + "/createRoom", {"preset": "private_chat", "name": "Joint desk", "topic": "Monday"})
simple("POST", V3 + "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=lambda world: world.new_room())
simple("GET", V3 + "/joined_rooms")
simple("POST", V3 + "/join/{roomIdOrAlias}", {}, user="bina", roomIdOrAlias=lambda world: world.alias)
simple("POST", V3 + "/rooms/{roomId}/join", {}, user="bina", roomId=lambda world: world.public_room)
simple("POST", V3 + "/rooms/{roomId}/invite", lambda world: {"user_id": world.new_user().id}, roomId=room)
simple("POST", V3 + "/rooms/{roomId}/leave", {}, user="bina", roomId=lambda world: world.new_room(world.bina))


@case("POST", V3 + "/knock/{roomIdOrAlias}")
def knock(world):
    open_to_knocks = world.new_room(initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    return world.bina.ask("POST", fill(V3 + "/knock/{r}", r=open_to_knocks), {"reason": "I belong here"})


@case("POST", V3 + "/rooms/{roomId}/forget")
def forget(world):
    left = world.new_room(world.bina)
    world.bina.expect(200, "POST", fill(V3 + "/rooms/{r}/leave", r=left), {})
    return world.bina.ask("POST", fill(V3 + "/rooms/{r}/forget", r=left), {})


for act in ("kick", "ban"):
    simple("POST", V3 + "/rooms/{roomId}/" + act, lambda world: {"user_id": world.bina.id, "reason": "rules"},
           roomId=lambda world: world.new_room(world.bina))


@case("POST", V3 + "/rooms/{roomId}/unban")
def unban(world):
    place = world.new_room(world.bina)
    world.asha.expect(200, "POST", fill(V3 + "/rooms/{r}/ban", r=place), {"user_id": world.bina.id})
    return world.asha.ask("POST", fill(V3 + "/rooms/{r}/unban", r=place), {"user_id": world.bina.id})


# ---- rooms: events ---------------------------------------------------------------------------------------

simple("PUT", V3 + "/rooms/{roomId}/send/{eventType}/{txnId}", {"msgtype": "m.text", "body": "नमस्ते"}, roomId=room,
       eventType="m.room.message", txnId="contract")
simple("PUT", V3 + "/rooms/{roomId}/redact/{eventId}/{txnId}", {"reason": "wrong room"}, roomId=room,
       eventId=lambda world: world.say(), txnId="contract-redaction")
simple("GET", V3 + "/rooms/{roomId}/state", roomId=room)
simple("GET", V3 + "/rooms/{roomId}/state/{eventType}/{stateKey?}", roomId=room, eventType="m.room.member", stateKey=own)
simple("PUT", V3 + "/rooms/{roomId}/state/{eventType}/{stateKey?}", {"topic": "Tuesday"}, roomId=room,
       eventType="m.room.topic", stateKey="")
simple("GET", V3 + "/rooms/{roomId}/members", roomId=room)
simple("GET", V3 + "/rooms/{roomId}/joined_members", roomId=room)
simple("GET", V3 + "/rooms/{roomId}/messages", roomId=room, arguments=query(dir="b", limit=5))
simple("GET", V3 + "/rooms/{roomId}/context/{eventId}", roomId=room, eventId=event)
simple("GET", V3 + "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=event)
simple("GET", V1 + "/rooms/{roomId}/timestamp_to_event", roomId=room, arguments=query(ts=0, dir="f"))
simple("GET", V3 + "/rooms/{roomId}/aliases", roomId=room)
simple("POST", V3 + "/rooms/{roomId}/report", {"reason": "spam"}, user="bina", roomId=room)
simple("POST", V3 + "/rooms/{roomId}/report/{eventId}", {"reason": "spam"}, user="bina", roomId=room, eventId=event)


def with_replies(world):
    parent = world.say()
    world.reply_to(parent)
    return parent


RELATIONS = V1 + "/rooms/{roomId}/relations/{eventId}"
simple("GET", RELATIONS, roomId=room, eventId=with_replies)
simple("GET", RELATIONS + "/{relType}", roomId=room, eventId=with_replies, relType="m.thread")
simple("GET", RELATIONS + "/{relType}/{eventType}", roomId=room, eventId=with_replies, relType="m.thread",
       eventType="m.room.message")


@case("GET", V1 + "/rooms/{roomId}/threads")
def threads(world):
    with_replies(world)
    return world.asha.ask("GET", fill(V1 + "/rooms/{r}/threads", r=world.room))


# ---- rooms: directory, spaces, summaries ------------------------------------------------------------------

simple("GET", V3 + "/directory/room/{roomAlias}", roomAlias=lambda world: world.alias)
simple("PUT", V3 + "/directory/room/{roomAlias}", lambda world: {"room_id": world.room},
       roomAlias=lambda world: f"#alias{world.number()}:gims.internal")


@case("DELETE", V3 + "/directory/room/{roomAlias}")
def delete_alias(world):
    path = fill(V3 + "/directory/room/{a}", a=f"#alias{world.number()}:gims.internal")
    world.asha.expect(200, "PUT", path, {"room_id": world.room})
    return world.asha.ask("DELETE", path)


simple("GET", V3 + "/directory/list/room/{roomId}", roomId=lambda world: world.public_room)
simple("PUT", V3 + "/directory/list/room/{roomId}", {"visibility": "public"}, roomId=lambda world: world.public_room)
simple("GET", V3 + "/publicRooms", arguments=lambda world: query(limit=10) if world.public_room else "")
simple("POST", V3 + "/publicRooms", lambda world: {"filter": {"generic_search_term": "Duty"}} if world.public_room else {})
simple("GET", V1 + "/room_summary/{roomIdOrAlias}", roomIdOrAlias=lambda world: world.public_room)


@case("GET", V1 + "/rooms/{roomId}/hierarchy")
def hierarchy(world):
    space = world.new_room(creation_content={"type": "m.space"})
    world.asha.expect(200, "PUT", fill(V3 + "/rooms/{s}/state/m.space.child/{r}", s=space, r=world.public_room),
                      {"via": ["gims.internal"]})
    return world.asha.ask("GET", fill(V1 + "/rooms/{s}/hierarchy", s=space))


# ---- sync, receipts, typing, filters, presence ------------------------------------------------------------

simple("GET", V3 + "/sync", arguments=lambda world: query(timeout=0) if world.event else "")
simple("POST", V3 + "/user/{userId}/filter", {"room": {"timeline": {"limit": 10}}}, userId=own)


@case("GET", V3 + "/user/{userId}/filter/{filterId}")
def get_filter(world):
    made = world.asha.expect(200, "POST", fill(V3 + "/user/{u}/filter", u=world.asha.id), {"room": {"timeline": {"limit": 10}}})
    return world.asha.ask("GET", fill(V3 + "/user/{u}/filter/{f}", u=world.asha.id, f=made.body["filter_id"]))


simple("PUT", V3 + "/rooms/{roomId}/typing/{userId}", {"typing": True, "timeout": 1000}, roomId=room, userId=own)
simple("POST", V3 + "/rooms/{roomId}/receipt/{receiptType}/{eventId}", {}, roomId=room, receiptType="m.read", eventId=event)
simple("POST", V3 + "/rooms/{roomId}/read_markers", lambda world: {"m.fully_read": world.event, "m.read": world.event}, roomId=room)
simple("PUT", V3 + "/presence/{userId}/status", {"presence": "online", "status_msg": "at the desk"}, userId=own)
simple("GET", V3 + "/presence/{userId}/status", userId=own)
simple("GET", V3 + "/voip/turnServer")
simple("GET", V3 + "/notifications")
simple("GET", V3 + "/pushers")
simple("POST", V3 + "/pushers/set", {
    "app_display_name": "Phone", "app_id": "internal.gims.phone", "data": {"format": "event_id_only", "url": "https://push.gims.internal/_matrix/push/v1/notify"},
    "device_display_name": "Field phone", "kind": "http", "lang": "hi", "pushkey": "key", "append": False})

# ---- push rules -------------------------------------------------------------------------------------------

simple("GET", V3 + "/pushrules/")
simple("GET", V3 + "/pushrules/global/")
simple("GET", V3 + "/pushrules")
simple("GET", V3 + "/pushrules/global")
RULE = V3 + "/pushrules/global/{kind}/{ruleId}"


def rule(world):
    name = f"rule{world.number()}"
    world.asha.expect(200, "PUT", fill(RULE, kind="content", ruleId=name), {"actions": ["notify"], "pattern": "urgent"})
    return name


simple("PUT", RULE, {"actions": ["notify"], "pattern": "urgent"}, kind="content", ruleId=lambda world: f"rule{world.number()}")
simple("GET", RULE, kind="content", ruleId=rule)
simple("DELETE", RULE, kind="content", ruleId=rule)
simple("GET", RULE + "/actions", kind="content", ruleId=rule)
simple("PUT", RULE + "/actions", {"actions": []}, kind="content", ruleId=rule)
simple("GET", RULE + "/enabled", kind="content", ruleId=rule)
simple("PUT", RULE + "/enabled", {"enabled": False}, kind="content", ruleId=rule)

# ---- end-to-end encryption ---------------------------------------------------------------------------------


def unpadded(size):
    return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")


def device_keys(user):
    names = {f"{kind}:{user.device}": unpadded(32) for kind in ("curve25519", "ed25519")}
    return {"user_id": user.id, "device_id": user.device, "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": names, "signatures": {user.id: {f"ed25519:{user.device}": unpadded(64)}}}


def signed_key(user):
    return {"key": unpadded(32), "signatures": {user.id: {f"ed25519:{user.device}": unpadded(64)}}}


def upload_keys(user):
    return user.ask("POST", V3 + "/keys/upload", {
        "device_keys": device_keys(user), "one_time_keys": {f"signed_curve25519:{unpadded(6)}": signed_key(user)},
        "fallback_keys": {f"signed_curve25519:{unpadded(6)}": {**signed_key(user), "fallback": True}}})


def with_keys(world):
    user = world.new_user()
    assert upload_keys(user).status == 200
    return user


case("POST", V3 + "/keys/upload")(lambda world: upload_keys(world.new_user()))
simple("POST", V3 + "/keys/query", lambda world: {"device_keys": {with_keys(world).id: []}})


@case("POST", V3 + "/keys/claim")
def claim(world):
    user = with_keys(world)
    return world.asha.ask("POST", V3 + "/keys/claim", {"one_time_keys": {user.id: {user.device: "signed_curve25519"}}})


@case("GET", V3 + "/keys/changes")
def changes(world):
    since = world.asha.expect(200, "GET", V3 + "/sync" + query(timeout=0)).body["next_batch"]
    upload_keys(world.bina)
    until = world.asha.expect(200, "GET", V3 + "/sync" + query(timeout=0, since=since)).body["next_batch"]
    return world.asha.ask("GET", V3 + "/keys/changes" + query(**{"from": since, "to": until}))


def cross_signing_keys(user):
    """Self-signed in form; the server checks the signatures, so the test signs in earnest."""
    from signing import sign
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    master = Ed25519PrivateKey.generate()
    made = {}
    for usage in ("master", "self_signing", "user_signing"):
        key = master if usage == "master" else Ed25519PrivateKey.generate()
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
        value = {"user_id": user.id, "usage": [usage], "keys": {f"ed25519:{public}": public}}
        made[usage + "_key"] = value if usage == "master" else sign(value, user.id, master)
    return made


@case("POST", V3 + "/keys/device_signing/upload")
def device_signing(world):
    user = world.new_user()
    return user.ask("POST", V3 + "/keys/device_signing/upload", user.password(**cross_signing_keys(user)))


@case("POST", V3 + "/keys/signatures/upload")
def signatures(world):
    user = with_keys(world)
    return user.ask("POST", V3 + "/keys/signatures/upload", {user.id: {user.device: device_keys(user)}})


simple("PUT", V3 + "/sendToDevice/{eventType}/{txnId}",
       lambda world: {"messages": {world.bina.id: {world.bina.device: {"a": 1}}}}, eventType="m.dummy", txnId="contract")

SESSION = {"first_message_index": 0, "forwarded_count": 0, "is_verified": True,
           "session_data": {"ephemeral": "AAAA", "ciphertext": "BBBB", "mac": "CCCC"}}
BACKUP = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": unpadded(32), "signatures": {}}}


def backup(world, keys=True):
    """A user with a backup, as (user, version)."""
    user = world.new_user()
    version = user.expect(200, "POST", V3 + "/room_keys/version", BACKUP).body["version"]
    if keys:
        user.expect(200, "PUT", V3 + "/room_keys/keys" + query(version=version), {"rooms": {"!r:x": {"sessions": {"s": SESSION}}}})
    return user, version


def of_backup(method, path, body=None, by_version=True, **values):
    @case(method, path)
    def run(world):
        user, version = backup(world)
        content = {**body, "version": version} if body is not None and path.endswith("{version}") else body
        arguments = query(version=version) if by_version else ""
        return user.ask(method, fill(path, version=version, roomId="!r:x", sessionId="s") + arguments, content)


simple("POST", V3 + "/room_keys/version", BACKUP)
of_backup("GET", V3 + "/room_keys/version", by_version=False)
of_backup("GET", V3 + "/room_keys/version/{version}", by_version=False)
of_backup("PUT", V3 + "/room_keys/version/{version}", BACKUP, by_version=False)
of_backup("DELETE", V3 + "/room_keys/version/{version}", by_version=False)
for below, content in (("", {"rooms": {"!r:x": {"sessions": {"s": SESSION}}}}), ("/{roomId}", {"sessions": {"s": SESSION}}),
                       ("/{roomId}/{sessionId}", SESSION)):
    of_backup("GET", V3 + "/room_keys/keys" + below)
    of_backup("PUT", V3 + "/room_keys/keys" + below, content)
    of_backup("DELETE", V3 + "/room_keys/keys" + below)

# ---- media --------------------------------------------------------------------------------------------------

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==")


def upload(world):
    return world.asha.ask("POST", "/_matrix/media/v3/upload" + query(filename="dot.png"), raw=PNG, headers={"Content-Type": "image/png"})


def media(world):
    return upload(world).body["content_uri"].rsplit("/", 1)[1]


case("POST", "/_matrix/media/v3/upload")(upload)
simple("GET", "/_matrix/media/v3/config")
simple("GET", V1 + "/media/config")
simple("POST", "/_matrix/media/v1/create")
simple("GET", V1 + "/media/download/{serverName}/{mediaId}", serverName="gims.internal", mediaId=media)
simple("GET", V1 + "/media/download/{serverName}/{mediaId}/{fileName}", serverName="gims.internal", mediaId=media, fileName="dot.png")
simple("GET", V1 + "/media/thumbnail/{serverName}/{mediaId}", serverName="gims.internal", mediaId=media,
       arguments=query(width=32, height=32, method="scale"))


@case("PUT", "/_matrix/media/v3/upload/{serverName}/{mediaId}")
def late_upload(world):
    uri = world.asha.expect(200, "POST", "/_matrix/media/v1/create").body["content_uri"]
    return world.asha.ask("PUT", fill("/_matrix/media/v3/upload/gims.internal/{m}", m=uri.rsplit("/", 1)[1]), raw=PNG,
                          headers={"Content-Type": "image/png"})
