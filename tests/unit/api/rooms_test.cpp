// The routes of rooms behind the gate and a real server: what a client sends, and what it gets.
#include "api/client/rooms.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "api/gate.hpp"
#include "support/rooms_fixture.hpp"
#include "unit/http/client.hpp"
#include "unit/http/site.hpp"

namespace gims::api::client {
namespace {

using test::RoomsFixture;

// A token is its user's name here.
class NameAuthenticator final : public Authenticator {
 public:
  [[nodiscard]] Result<Caller> authenticate(std::string_view token, Auth,
                                            const http::Request&) override {
    return Caller{.user_id = RoomsFixture::id(token), .device_id = "PHONE"};
  }
};

struct Reply {
  int status = 0;
  json::Document json;
  [[nodiscard]] std::string_view code() const { return json.root().get("errcode").string_or(""); }
  [[nodiscard]] std::string text(std::string_view key) const {
    return std::string(json.root().get(key).string_or(""));
  }
};

// '!', '#', '$' and ':' as a client writes them in a path.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '#') {
      out += "%23";
    } else if (c == '"') {
      out += "%22";
    } else if (c == '{') {
      out += "%7B";
    } else if (c == '}') {
      out += "%7D";
    } else {
      out += c;
    }
  }
  return out;
}

class RoomsApi : public ::testing::Test {
 protected:
  RoomsApi() : RoomsApi(test::open_policy()) {}
  explicit RoomsApi(service::Policy policy)
      : site(std::move(policy)),
        gate({.rate_limits = false, .admin_uids = {}}, authenticator, site.store.clock()),
        server(gate.routes(all_room_routes(site.rooms, site.reads, site.directory))) {}
  ~RoomsApi() override { server.destroy(); }

  Reply ask(std::string_view who, std::string_view method, std::string_view path,
            std::string_view body = "") {
    auto client = server.connect();
    std::string request = std::string(method) + " /_matrix/client/" + escaped(path) +
                          " HTTP/1.1\r\nHost: gims.internal\r\nAuthorization: Bearer " +
                          std::string(who) + "\r\n";
    if (method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(request + "\r\n" + std::string(body));
    auto answer = client.receive();
    EXPECT_TRUE(answer) << path;
    if (!answer) return {};
    auto parsed = json::Document::parse(answer->body);
    EXPECT_TRUE(parsed) << answer->body;
    return {.status = answer->status, .json = parsed ? std::move(*parsed) : json::Document()};
  }
  Reply post(std::string_view who, std::string_view path, std::string_view body = "{}") {
    return ask(who, "POST", path, body);
  }
  Reply put(std::string_view who, std::string_view path, std::string_view body = "{}") {
    return ask(who, "PUT", path, body);
  }
  Reply get(std::string_view who, std::string_view path) { return ask(who, "GET", path); }
  // A room of the joint secretary, as a path up to it.
  std::string rooms_path(std::string_view room) { return "v3/rooms/" + std::string(room); }

  RoomsFixture site;
  NameAuthenticator authenticator;
  Gate gate;
  http::test::Site server;
};

TEST_F(RoomsApi, CreateInviteJoinSendAndRead) {
  const auto created = post("joint.secretary", "v3/createRoom",
                            R"({"name":"Cabinet","room_alias_name":"cabinet",
                                "invite":["@desk.officer:gims.internal"]})");
  ASSERT_EQ(created.status, 200);
  const std::string room = created.text("room_id");
  const std::string path = rooms_path(room);
  EXPECT_EQ(post("desk.officer", "v3/join/#cabinet:gims.internal", "").text("room_id"), room);
  EXPECT_EQ(get("desk.officer", "v3/joined_rooms").json.root().get("joined_rooms").size(), 1U);
  const auto sent = put("desk.officer", path + "/send/m.room.message/txn1",
                        R"({"msgtype":"m.text","body":"hi"})");
  ASSERT_EQ(sent.status, 200);
  const std::string event = sent.text("event_id");
  EXPECT_EQ(
      put("desk.officer", path + "/send/m.room.message/txn1", R"({"body":"hi"})").text("event_id"),
      event);
  const auto messages = get("joint.secretary", path + "/messages?dir=b&limit=1");
  EXPECT_EQ(messages.json.root().get("chunk").at(0).get("event_id").as_string(), event);
  EXPECT_EQ(get("joint.secretary", path + "/event/" + event).text("sender"),
            "@desk.officer:gims.internal");
  EXPECT_EQ(get("joint.secretary", path + "/context/" + event + "?limit=0")
                .json.root()
                .get("event")
                .get("event_id")
                .as_string(),
            event);
  EXPECT_EQ(get("joint.secretary", path + "/state/m.room.name").text("name"), "Cabinet");
  EXPECT_EQ(get("joint.secretary", path + "/state/m.room.name/").text("name"), "Cabinet");
  EXPECT_EQ(get("joint.secretary", path + "/state/m.room.name?format=event").text("type"),
            "m.room.name");
  EXPECT_GT(get("joint.secretary", path + "/state").json.root().size(), 5U);
  EXPECT_EQ(
      get("joint.secretary", path + "/members?membership=join").json.root().get("chunk").size(),
      2U);
  EXPECT_EQ(get("joint.secretary", path + "/joined_members").json.root().get("joined").size(), 2U);
  EXPECT_EQ(put("joint.secretary", path + "/state/m.room.topic", R"({"topic":"Papers"})").status,
            200);
  EXPECT_EQ(put("desk.officer", path + "/redact/" + event + "/txn2").status, 200);
  EXPECT_EQ(get("joint.secretary", "v1/rooms/" + room + "/relations/" + event)
                .json.root()
                .get("chunk")
                .size(),
            0U);
  EXPECT_EQ(get("joint.secretary", "v1/rooms/" + room + "/threads").status, 200);
  EXPECT_EQ(get("joint.secretary", "v1/rooms/" + room + "/timestamp_to_event?ts=0&dir=f").status,
            200);
  EXPECT_EQ(get("joint.secretary", path + "/aliases").json.root().get("aliases").size(), 1U);
  EXPECT_EQ(get("desk.officer", "v3/directory/room/#cabinet:gims.internal").text("room_id"), room);
  EXPECT_EQ(get("desk.officer", "v1/room_summary/" + room).text("room_id"), room);
  EXPECT_EQ(get("desk.officer", "v1/rooms/" + room + "/hierarchy").json.root().get("rooms").size(),
            1U);
}

TEST_F(RoomsApi, MembershipByEachEndpoint) {
  const std::string room = site.room_of("joint.secretary");
  const std::string path = rooms_path(room);
  const char* officer = R"({"user_id":"@desk.officer:gims.internal","reason":"work"})";
  EXPECT_EQ(post("joint.secretary", path + "/invite", officer).status, 200);
  EXPECT_EQ(post("desk.officer", path + "/join", "").text("room_id"), room);
  EXPECT_EQ(post("joint.secretary", path + "/kick", officer).status, 200);
  EXPECT_EQ(post("joint.secretary", path + "/ban", officer).status, 200);
  EXPECT_EQ(post("desk.officer", path + "/join").status, 403);
  EXPECT_EQ(post("joint.secretary", path + "/unban", officer).status, 200);
  EXPECT_EQ(post("desk.officer", path + "/forget").status, 200);
  EXPECT_EQ(post("joint.secretary", path + "/leave").status, 200);
  const auto member = site.state(room, "m.room.member", "@desk.officer:gims.internal");
  EXPECT_EQ(member.root().get("content").get("reason").as_string(), "work");
}

TEST_F(RoomsApi, DirectoryReportsAndUpgrade) {
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string path = rooms_path(room);
  EXPECT_EQ(put("joint.secretary", "v3/directory/room/#one:gims.internal",
                R"({"room_id":")" + room + R"("})")
                .status,
            200);
  EXPECT_EQ(put("joint.secretary", "v3/directory/room/#one:gims.internal",
                R"({"room_id":")" + room + R"("})")
                .status,
            409);
  EXPECT_EQ(ask("joint.secretary", "DELETE", "v3/directory/room/#one:gims.internal").status, 200);
  EXPECT_EQ(put("joint.secretary", "v3/directory/list/room/" + room, "").status, 200);
  EXPECT_EQ(get("stranger", "v3/directory/list/room/" + room).text("visibility"), "public");
  EXPECT_EQ(get("stranger", "v3/publicRooms?limit=1").json.root().get("chunk").size(), 1U);
  EXPECT_EQ(post("stranger", "v3/publicRooms",
                 R"({"filter":{"generic_search_term":"nothing","room_types":[null]}})")
                .json.root()
                .get("chunk")
                .size(),
            0U);
  const auto event = site.say("joint.secretary", room, "x");
  EXPECT_EQ(post("desk.officer", path + "/report/" + *event).status, 200);
  EXPECT_EQ(post("stranger", path + "/report/" + *event).status, 404);
  EXPECT_EQ(post("stranger", path + "/report", R"({"reason":"why"})").status, 200);
  EXPECT_EQ(post("stranger", "v3/users/@nobody:gims.internal/report", R"({"reason":""})").status,
            200);
  const auto upgraded = post("joint.secretary", path + "/upgrade", R"({"new_version":"11"})");
  EXPECT_EQ(upgraded.status, 200);
  EXPECT_TRUE(upgraded.text("replacement_room").starts_with("!"));
}

struct Refusal {
  const char* method;
  const char* path;  // ROOM stands for a room that desk.officer is in
  const char* body;
  int status;
  const char* code;
};

class RoomsApiRefusal : public RoomsApi, public ::testing::WithParamInterface<Refusal> {};

TEST_P(RoomsApiRefusal, HasTheSpecsCode) {
  const Refusal& refusal = GetParam();
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  std::string path = refusal.path;
  if (const auto at = path.find("ROOM"); at != std::string::npos) path.replace(at, 4, room);
  const auto reply = ask("desk.officer", refusal.method, path, refusal.body);
  EXPECT_EQ(reply.status, refusal.status) << refusal.path;
  EXPECT_EQ(reply.code(), refusal.code) << refusal.path;
}

INSTANTIATE_TEST_SUITE_P(
    All, RoomsApiRefusal,
    ::testing::Values(
        Refusal{"POST", "v3/createRoom", "[", 400, "M_NOT_JSON"},
        Refusal{"POST", "v3/createRoom", R"({"name":1})", 400, "M_BAD_JSON"},
        Refusal{"POST", "v3/createRoom", R"({"invite":"@a:b"})", 400, "M_BAD_JSON"},
        Refusal{"POST", "v3/createRoom", R"({"visibility":"open"})", 400, "M_INVALID_PARAM"},
        Refusal{"POST", "v3/createRoom", R"({"initial_state":[{"type":"a"}]})", 400,
                "M_MISSING_PARAM"},
        Refusal{"POST", "v3/createRoom", R"({"room_version":"99"})", 400,
                "M_UNSUPPORTED_ROOM_VERSION"},
        Refusal{"POST", "v3/join/nonsense", "{}", 400, "M_INVALID_PARAM"},
        Refusal{"POST", "v3/join/#none:gims.internal", "{}", 404, "M_NOT_FOUND"},
        Refusal{"POST", "v3/join/!none:gims.internal", "{}", 403, "M_FORBIDDEN"},
        Refusal{"POST", "v3/rooms/ROOM/invite", "{}", 400, "M_MISSING_PARAM"},
        Refusal{"POST", "v3/rooms/ROOM/invite",
                R"({"medium":"email","address":"a@b","id_server":"x","id_access_token":"y"})", 403,
                "M_FORBIDDEN"},
        Refusal{"POST", "v3/rooms/ROOM/kick", R"({"user_id":"@joint.secretary:gims.internal"})",
                403, "M_FORBIDDEN"},
        Refusal{"POST", "v3/rooms/ROOM/forget", "{}", 400, "M_UNKNOWN"},
        Refusal{"PUT", "v3/rooms/!none:gims.internal/send/m.room.message/1", "{}", 403,
                "M_FORBIDDEN"},
        Refusal{"PUT", "v3/rooms/ROOM/send/m.room.message/1", "no", 400, "M_NOT_JSON"},
        Refusal{"PUT", "v3/rooms/ROOM/send/m.room.message/1", R"({"a":0.5})", 400, "M_BAD_JSON"},
        Refusal{"PUT", "v3/rooms/ROOM/state/m.room.name", R"({"name":"x"})", 403, "M_FORBIDDEN"},
        Refusal{"PUT", "v3/rooms/ROOM/redact/$none/1", "{}", 404, "M_NOT_FOUND"},
        Refusal{"GET", "v3/rooms/ROOM/messages", "", 400, "M_MISSING_PARAM"},
        Refusal{"GET", "v3/rooms/ROOM/messages?dir=x", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v3/rooms/ROOM/messages?dir=b&from=x", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v3/rooms/ROOM/messages?dir=b&limit=-1", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v3/rooms/ROOM/messages?dir=b&filter={", "", 400, "M_NOT_JSON"},
        Refusal{"GET", "v3/rooms/ROOM/members?membership=boss", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v3/rooms/ROOM/state/m.room.none", "", 404, "M_NOT_FOUND"},
        Refusal{"GET", "v3/rooms/!none:gims.internal/state", "", 403, "M_FORBIDDEN"},
        Refusal{"GET", "v3/rooms/ROOM/event/$none", "", 404, "M_NOT_FOUND"},
        Refusal{"GET", "v3/rooms/ROOM/context/$none", "", 404, "M_NOT_FOUND"},
        Refusal{"GET", "v1/rooms/ROOM/relations/$none", "", 404, "M_NOT_FOUND"},
        Refusal{"GET", "v1/rooms/ROOM/relations/$none?recurse=x", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v1/rooms/ROOM/threads?include=mine", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v1/rooms/ROOM/timestamp_to_event?dir=f", "", 400, "M_MISSING_PARAM"},
        Refusal{"GET", "v1/rooms/!none:gims.internal/hierarchy", "", 403, "M_FORBIDDEN"},
        Refusal{"GET", "v1/room_summary/!none:gims.internal", "", 404, "M_NOT_FOUND"},
        Refusal{"GET", "v3/directory/room/none", "", 400, "M_INVALID_PARAM"},
        Refusal{"GET", "v3/directory/room/#none:gims.internal", "", 404, "M_NOT_FOUND"},
        Refusal{"PUT", "v3/directory/list/room/ROOM", R"({"visibility":"all"})", 400,
                "M_INVALID_PARAM"},
        Refusal{"GET", "v3/publicRooms?server=elsewhere.internal", "", 403, "M_FORBIDDEN"},
        Refusal{"POST", "v3/rooms/ROOM/upgrade", "{}", 400, "M_MISSING_PARAM"},
        Refusal{"POST", "v3/rooms/ROOM/upgrade", R"({"new_version":"12"})", 403, "M_FORBIDDEN"},
        Refusal{"POST", "v3/rooms/ROOM/report", "{}", 400, "M_MISSING_PARAM"}));

TEST_F(RoomsApi, EveryRouteAsksForAToken) {
  for (const Route& route : all_room_routes(site.rooms, site.reads, site.directory)) {
    EXPECT_EQ(route.auth, Auth::token) << route.path;
    EXPECT_NE(route.rate, RateClass::unlimited) << route.path;
  }
}

}  // namespace
}  // namespace gims::api::client
