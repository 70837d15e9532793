"""Who is refused what: for each route, what somebody asks who may not, and what the answer must be; or why
nobody who is signed in is refused.

A route whose path names a room or a user needs no entry where the stranger's repetition of the success
case is answered with 403 M_FORBIDDEN.
"""

import scenario
from testsite import fill, query
from world import PASSWORD, V3

V1 = scenario.V1
MEDIA = "/_matrix/media/v3"

CASES = {}  # (method, path): [(status, error code, function of the world that gives the answer)]


def refused(method, path, status=403, errcode="M_FORBIDDEN"):
    def keep(function):
        CASES.setdefault((method, path), []).append((status, errcode, function))
        return function
    return keep


def by_stranger(method, path, body=None, arguments="", status=403, errcode="M_FORBIDDEN", **values):
    """Asked by the stranger; the values of the path are functions of the world."""
    def run(world):
        found = {name: value(world) if callable(value) else value for name, value in values.items()}
        return world.stranger.ask(method, fill(path, **found) + arguments, body(world) if callable(body) else body)
    refused(method, path, status, errcode)(run)


def repeated(method, path, status, errcode):
    """The stranger repeats the success case and is told something else than 403 M_FORBIDDEN."""
    CASES.setdefault((method, path), []).append((status, errcode, None))


# ---- accounts -------------------------------------------------------------------------------------------------

@refused("POST", V3 + "/login")
def wrong_password(world):
    return world.site.ask("POST", V3 + "/login", {"type": "m.login.password", "password": "wrong " + PASSWORD,
                                                  "identifier": {"type": "m.id.user", "user": world.new_user().id}})


@refused("POST", V3 + "/login", errcode="M_USER_DEACTIVATED")
def closed_account(world):
    user = world.new_user()
    user.expect(200, "POST", V3 + "/account/deactivate", user.password())
    return world.site.ask("POST", V3 + "/login", {"type": "m.login.password", "password": PASSWORD,
                                                  "identifier": {"type": "m.id.user", "user": user.id}})


@refused("POST", V3 + "/refresh", 401, "M_UNKNOWN_TOKEN")
def ended_session(world):
    user = world.new_user()
    user.expect(200, "POST", V3 + "/logout", {})
    return world.site.ask("POST", V3 + "/refresh", {"refresh_token": user.refresh_token})


@refused("POST", V3 + "/register", errcode="M_GUEST_ACCESS_FORBIDDEN")
def guest(world):
    return world.site.ask("POST", V3 + "/register" + query(kind="guest"), {})


@refused("POST", "/_synapse/admin/v1/register")
def wrong_secret(world):
    return world.site.ask("POST", "/_synapse/admin/v1/register",
                          {**world.registration(f"by.secret{world.number()}"), "mac": "0" * 40})


def asks_for_ones_own_password(method, path, body=None, **values):
    """Another user's password is no proof: 401 with the stages that are left (client-server API,
    "User-Interactive Authentication API")."""
    @refused(method, path, 401, "M_FORBIDDEN")
    def run(world):
        user = world.new_user()
        found = {name: value(user) for name, value in values.items()}
        content = {**(body(user) if body else {}), "auth": world.new_user().password()["auth"]}
        return user.ask(method, fill(path, **found), content)


asks_for_ones_own_password("POST", V3 + "/account/password", lambda user: {"new_password": "another " + PASSWORD})
asks_for_ones_own_password("POST", V3 + "/account/deactivate")
asks_for_ones_own_password("DELETE", V3 + "/devices/{deviceId}", deviceId=lambda user: user.device)
asks_for_ones_own_password("POST", V3 + "/delete_devices", lambda user: {"devices": [user.device]})


# ---- devices and keys: each user has ids of their own, so another's are not there ------------------------------

by_stranger("GET", V3 + "/devices/{deviceId}", status=404, errcode="M_NOT_FOUND", deviceId=scenario.device)
by_stranger("PUT", V3 + "/devices/{deviceId}", {"display_name": "Mine"}, status=404, errcode="M_NOT_FOUND", deviceId=scenario.device)


@refused("POST", V3 + "/keys/device_signing/upload")
def key_with_a_devices_id(world):
    """"The public key of one of the keys is the same as one of the user's device IDs"."""
    user = world.new_user()
    keys = scenario.cross_signing_keys(user)
    public = next(iter(keys["master_key"]["keys"].values()))
    world.expect(200, "POST", V3 + "/login", {"type": "m.login.password", "password": PASSWORD, "device_id": public,
                                              "identifier": {"type": "m.id.user", "user": user.id}})
    return user.ask("POST", V3 + "/keys/device_signing/upload", user.password(**keys))


@refused("POST", V3 + "/keys/upload", 400, "M_INVALID_PARAM")
def keys_of_another(world):
    keys = scenario.device_keys(world.asha)
    return world.stranger.ask("POST", V3 + "/keys/upload", {"device_keys": keys})


def version_of_another(world):
    return scenario.backup(world)[1]


@refused("PUT", V3 + "/room_keys/keys", errcode="M_WRONG_ROOM_KEYS_VERSION")
def keys_into_an_older_backup(world):
    user, version = scenario.backup(world, keys=False)
    user.expect(200, "POST", V3 + "/room_keys/version", scenario.BACKUP)
    return user.ask("PUT", V3 + "/room_keys/keys" + query(version=version), {"rooms": {"!r:x": {"sessions": {"s": scenario.SESSION}}}})


for below, content in (("/{roomId}", {"sessions": {"s": scenario.SESSION}}), ("/{roomId}/{sessionId}", scenario.SESSION)):
    @refused("PUT", V3 + "/room_keys/keys" + below, errcode="M_WRONG_ROOM_KEYS_VERSION")
    def some_keys_into_an_older_backup(world, below=below, content=content):
        user, version = scenario.backup(world, keys=False)
        user.expect(200, "POST", V3 + "/room_keys/version", scenario.BACKUP)
        path = fill(V3 + "/room_keys/keys" + below, roomId="!r:x", sessionId="s")
        return user.ask("PUT", path + query(version=version), content)

for method in ("GET", "PUT", "DELETE"):
    by_stranger(method, V3 + "/room_keys/version/{version}", scenario.BACKUP if method == "PUT" else None, status=404,
                errcode="M_NOT_FOUND", version=version_of_another)
for method in ("GET", "DELETE"):
    for below in ("", "/{roomId}", "/{roomId}/{sessionId}"):
        @refused(method, V3 + "/room_keys/keys" + below, 404, "M_NOT_FOUND")
        def keys_of_anothers_backup(world, method=method, below=below):
            path = fill(V3 + "/room_keys/keys" + below, roomId="!r:x", sessionId="s")
            return world.stranger.ask(method, path + query(version=version_of_another(world)))


# ---- rooms ----------------------------------------------------------------------------------------------------

by_stranger("POST", V3 + "/join/{roomIdOrAlias}", {}, roomIdOrAlias=scenario.room)
by_stranger("POST", V3 + "/knock/{roomIdOrAlias}", {}, roomIdOrAlias=scenario.room)
by_stranger("POST", V3 + "/rooms/{roomId}/join", {}, roomId=scenario.room)
by_stranger("GET", V1 + "/room_summary/{roomIdOrAlias}", status=404, errcode="M_NOT_FOUND", roomIdOrAlias=scenario.room)


@refused("POST", V3 + "/join/{roomIdOrAlias}")
def banned(world):
    user, room = world.new_user(), world.new_room(preset="public_chat")
    world.asha.expect(200, "POST", fill(V3 + "/rooms/{r}/ban", r=room), {"user_id": user.id})
    return user.ask("POST", fill(V3 + "/join/{r}", r=room), {})


@refused("POST", V3 + "/createRoom")
def invitation_by_telephone(world):
    """There is no identity server to find a user by a telephone number."""
    return world.asha.ask("POST", V3 + "/createRoom", {"invite_3pid": [
        {"id_server": "id.example", "id_access_token": "x", "medium": "msisdn", "address": "15550100"}]})


@refused("PUT", V3 + "/directory/room/{roomAlias}")
def name_for_anothers_room(world):
    path = fill(V3 + "/directory/room/{a}", a=f"#alias{world.number()}:gims.internal")
    return world.stranger.ask("PUT", path, {"room_id": world.room})


@refused("DELETE", V3 + "/directory/room/{roomAlias}")
def anothers_alias(world):
    path = fill(V3 + "/directory/room/{a}", a=f"#alias{world.number()}:gims.internal")
    world.asha.expect(200, "PUT", path, {"room_id": world.room})
    return world.stranger.ask("DELETE", path)


for method in ("GET", "POST"):
    @refused(method, V3 + "/publicRooms")
    def rooms_of_another_server(world, method=method):
        return world.asha.ask(method, V3 + "/publicRooms" + query(server="elsewhere.example"), {} if method == "POST" else None)

# "the user does not have permission to see it" is answered as an event that is not there.
repeated("POST", V3 + "/rooms/{roomId}/report/{eventId}", 404, "M_NOT_FOUND")
repeated("GET", V3 + "/rooms/{roomId}/event/{eventId}", 404, "M_NOT_FOUND")
for below in ("", "/{relType}", "/{relType}/{eventType}"):
    repeated("GET", V1 + "/rooms/{roomId}/relations/{eventId}" + below, 404, "M_NOT_FOUND")
# Forgetting what one is not in.
repeated("POST", V3 + "/rooms/{roomId}/forget", 400, "M_UNKNOWN")


# ---- media ----------------------------------------------------------------------------------------------------

@refused("PUT", MEDIA + "/upload/{serverName}/{mediaId}")
def anothers_promise(world):
    """"The request comes from a different user than the one that called POST /create"."""
    uri = world.asha.expect(200, "POST", "/_matrix/media/v1/create").body["content_uri"]
    return world.stranger.ask("PUT", fill(MEDIA + "/upload/gims.internal/{m}", m=uri.rsplit("/", 1)[1]), raw=scenario.PNG,
                              headers={"Content-Type": "image/png"})


# ---- who is signed in may, or everybody ------------------------------------------------------------------------

OPEN = {}


def open_to_all(reason, *routes):
    for route in routes:
        method, path = route.split(" ", 1)
        assert (method, path) not in OPEN, route
        OPEN[(method, path)] = reason


open_to_all("says what the server is, to everybody",
            "GET /_matrix/client/versions", "GET /.well-known/matrix/client", f"GET {V3}/login", f"GET {V3}/capabilities",
            f"GET {MEDIA}/config", f"GET {V1}/media/config")
open_to_all("is how a test's secret gets its nonce", "GET /_synapse/admin/v1/register")
open_to_all("says whether a name is free; a name that is not allowed is 400", f"GET {V3}/register/available")
open_to_all("is about the one who asks alone; the path names nobody",
            f"POST {V3}/logout", f"POST {V3}/logout/all", f"GET {V3}/account/3pid",
            f"POST {V3}/account/3pid/delete", f"POST {V3}/account/3pid/unbind", f"GET {V3}/devices", f"GET {V3}/joined_rooms",
            f"GET {V3}/sync", f"GET {V3}/notifications", f"GET {V3}/pushers", f"POST {V3}/pushers/set",
            f"GET {V3}/pushrules/", f"GET {V3}/pushrules", f"GET {V3}/pushrules/global/", f"GET {V3}/pushrules/global",
            *(f"{method} {V3}/pushrules/global/{{kind}}/{{ruleId}}" for method in ("GET", "PUT", "DELETE")),
            *(f"{method} {V3}/pushrules/global/{{kind}}/{{ruleId}}/{part}" for method in ("GET", "PUT") for part in ("enabled", "actions")),
            f"POST {V3}/room_keys/version", f"GET {V3}/room_keys/version")
open_to_all("is about the one who asks; its 403 is for application services, which there are none of", f"GET {V3}/account/whoami")
open_to_all("shows officers to officers; without a token the product answers 401 (Policy::public_profiles)",
            f"GET {V3}/profile/{{userId}}", f"GET {V3}/profile/{{userId}}/{{keyName}}")
open_to_all("shows everybody as offline, whoever asks", f"GET {V3}/presence/{{userId}}/status")
open_to_all("gives everybody who is signed in credentials in their own name", f"GET {V3}/voip/turnServer")
open_to_all("finds officers whom the asker may write to", f"POST {V3}/user_directory/search")
open_to_all("is for every officer: keys of others are public, and whom one may write to is a matter of rooms",
            f"POST {V3}/keys/query", f"POST {V3}/keys/claim", f"GET {V3}/keys/changes", f"PUT {V3}/sendToDevice/{{eventType}}/{{txnId}}")
open_to_all("tells of each signature that is not taken in its 200", f"POST {V3}/keys/signatures/upload")
open_to_all("looks up what is listed", f"GET {V3}/directory/room/{{roomAlias}}", f"GET {V3}/directory/list/room/{{roomId}}")
open_to_all("is for every officer who knows the room or the user",
            f"POST {V3}/rooms/{{roomId}}/report", f"POST {V3}/users/{{userId}}/report")
open_to_all("has 403 for a full storage, which a walk cannot fill: unit/service/media_test.cpp shows it", f"POST {MEDIA}/upload")
open_to_all("promises a place and takes none; too many promises are 429", "POST /_matrix/media/v1/create")
open_to_all("gives a file to every officer who knows its random address; what is in it is encrypted",
            f"GET {V1}/media/download/{{serverName}}/{{mediaId}}", f"GET {V1}/media/download/{{serverName}}/{{mediaId}}/{{fileName}}",
            f"GET {V1}/media/thumbnail/{{serverName}}/{{mediaId}}")
