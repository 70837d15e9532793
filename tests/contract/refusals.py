"""Where routes differ in how they refuse. Everything that stands here is an exception with its reason."""

import scenario
from testsite import fill
from world import V3

# Routes that never succeed on a GIMS server: an air gap has no identity server, e-mail or telephone
# (client-server API, "Adding Account Administrative Contact Information").
_NO_CONTACTS = (403, "M_THREEPID_DENIED")
NEVER = {("POST", V3 + path): _NO_CONTACTS for path in (
    "/account/3pid/add", "/account/3pid/bind",
    "/account/3pid/email/requestToken", "/account/3pid/msisdn/requestToken", "/account/password/email/requestToken",
    "/account/password/msisdn/requestToken", "/register/email/requestToken", "/register/msisdn/requestToken")}

# Media went behind authentication (client-server API 1.11): the old addresses find nothing.
NEVER.update({("GET", "/_matrix/media/v3" + path): (404, "M_NOT_FOUND") for path in (
    "/download/{serverName}/{mediaId}", "/download/{serverName}/{mediaId}/{fileName}", "/thumbnail/{serverName}/{mediaId}")})

# A test site has no hardware that states what it is.
NEVER[("GET", "/_gims/attestation")] = (404, "M_NOT_FOUND")

# Not Matrix's: Synapse's form of registration, which conformance suites use, and what a unit states of itself.
# And other names of a path of the specification: without its last slash, and account data that has
# a route of its own because its content is computed.
OWN_PATHS = {"/_synapse/admin/v1/register", "/_gims/attestation", V3 + "/pushrules", V3 + "/pushrules/global",
             V3 + "/user/{userId}/account_data/m.push_rules"}


def takes_any_content(method, path):
    """The body is the content of an event or of account data, whatever its fields."""
    return (method, path) in NEVER or "/send/" in path or "/state/" in path or "/account_data/" in path


def _delete_devices(world):
    user = world.new_user()
    return V3 + "/delete_devices", user, user.password(devices=[])


# Where the success case ends what it was asked with: the same request, not made yet.
FRESH = {("POST", V3 + "/delete_devices"): _delete_devices}

# Fields that the server has no use for and does not look at.
UNREAD = {
    ("POST", V3 + "/createRoom"): {"invite_3pid"},
    ("POST", V3 + "/publicRooms"): {"include_all_networks", "third_party_instance_id"},
    ("POST", V3 + "/account/deactivate"): {"id_server", "erase"},
    ("POST", V3 + "/login"): {"medium", "address", "token", "user"},
}


class _Recorder:
    """Stands in for the site while a success case runs, so that its last request can be made again by
    somebody else, or with another body."""

    def __init__(self, site):
        self.site, self.last = site, None

    def ask(self, method, path, body=None, token=None, headers=None, raw=None):
        self.last = (method, path, body, token)
        return self.site.ask(method, path, body, token=token, headers=headers, raw=raw)


def place(world, method, path):
    """The path of the route's success case, who asked, and its body."""
    if (method, path) in FRESH:
        return FRESH[(method, path)](world)
    site, recorder = world.site, _Recorder(world.site)
    world.site = recorder
    try:
        run = scenario.CASES.get((method, path))
        if run is None:
            return fill(path), world.asha, {}
        run(world)
    finally:
        world.site = site
    _, where, body, token = recorder.last
    user = next((user for user in vars(world).values() if getattr(user, "token", None) == token), world.asha)
    user = type("Asking", (), {"token": token}) if token and getattr(user, "token", None) != token else user
    return where, user, body or {}
