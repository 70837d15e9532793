#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::RoomsFixture;

std::vector<std::string> types_of(const std::vector<json::Document>& events) {
  std::vector<std::string> types;
  for (const auto& event : events) types.emplace_back(event.root().get("type").string_or(""));
  return types;
}

// Spec: client-server API, POST /createRoom: the order of events.
TEST(CreateRoom, MakesItsEventsInTheOrderOfTheSpec) {
  RoomsFixture site;
  const std::string room = site.room_of(
      "joint.secretary", {},
      {.alias_localpart = "cabinet",
       .name = "Cabinet",
       .topic = "Papers",
       .invite = {RoomsFixture::id("desk.officer")},
       .initial_state = {
           {.type = "m.room.avatar", .state_key = "", .content = R"({"url":"mxc://a/b"})"}}});
  EXPECT_EQ(types_of(site.timeline(room)),
            (std::vector<std::string>{
                "m.room.create", "m.room.member", "m.room.power_levels", "m.room.canonical_alias",
                "m.room.join_rules", "m.room.history_visibility", "m.room.guest_access",
                "m.room.avatar", "m.room.name", "m.room.topic", "m.room.member"}));
  EXPECT_EQ(
      site.state(room, "m.room.canonical_alias").root().get("content").get("alias").as_string(),
      "#cabinet:gims.internal");
  EXPECT_EQ(site.membership(room, "desk.officer"), "invite");
}

TEST(CreateRoom, EveryEventFollowsTheOneBefore) {
  RoomsFixture site;
  const auto events = site.timeline(site.room_of("joint.secretary"));
  ASSERT_GT(events.size(), 5U);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].root().get("prev_events").size(), i == 0 ? 0U : 1U);
    EXPECT_EQ(events[i].root().get("depth").as_int(), static_cast<std::int64_t>(i) + 1);
  }
}

struct PresetCase {
  const char* preset;
  const char* join_rule;
  const char* guest_access;
};

class CreateRoomPreset : public ::testing::TestWithParam<PresetCase> {};

TEST_P(CreateRoomPreset, SetsTheStateOfTheSpecsTable) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {}, {.preset = GetParam().preset});
  const auto value = [&](const char* type, const char* key) {
    return std::string(site.state(room, type).root().get("content").get(key).string_or(""));
  };
  EXPECT_EQ(value("m.room.join_rules", "join_rule"), GetParam().join_rule);
  EXPECT_EQ(value("m.room.history_visibility", "history_visibility"), "shared");
  EXPECT_EQ(value("m.room.guest_access", "guest_access"), GetParam().guest_access);
}

INSTANTIATE_TEST_SUITE_P(All, CreateRoomPreset,
                         ::testing::Values(PresetCase{"private_chat", "invite", "can_join"},
                                           PresetCase{"trusted_private_chat", "invite", "can_join"},
                                           PresetCase{"public_chat", "public", "forbidden"}));

class CreateRoomVersion : public ::testing::TestWithParam<const char*> {};

TEST_P(CreateRoomVersion, NamesTheCreatorAsItsVersionDoes) {
  RoomsFixture site;
  const std::string version = GetParam();
  const std::string room = site.room_of("joint.secretary", {"desk.officer"}, {.version = version});
  const auto create = std::move(site.timeline(room).front());
  const json::Value content = create.root().get("content");
  EXPECT_EQ(content.get("room_version").as_string(), version);
  EXPECT_EQ(content.get("creator").valid(), version == "10");
  const auto levels = site.state(room, "m.room.power_levels");
  // Spec: POST /createRoom: from version 12 the creator is not listed, and tombstones need more
  // than state_default.
  EXPECT_EQ(levels.root().get("content").get("users").size(), version == "12" ? 0U : 1U);
  const std::int64_t tombstone =
      levels.root().get("content").get("events").get("m.room.tombstone").int_or(0);
  EXPECT_GT(tombstone, levels.root().get("content").get("state_default").int_or(1000));
  EXPECT_EQ(create.root().get("room_id").valid(), version != "12");
  EXPECT_TRUE(site.say("desk.officer", room, "present"));
}

INSTANTIATE_TEST_SUITE_P(All, CreateRoomVersion, ::testing::Values("10", "11", "12"));

TEST(CreateRoom, TwoRoomsOfOneMomentAreTwo) {
  RoomsFixture site;
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(site.room_of("joint.secretary"));
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
}

TEST(CreateRoom, TrustedInviteesAreCreatorsInVersion12AndEqualBefore) {
  RoomsFixture site;
  const NewRoom request{
      .version = "12",
      .preset = "trusted_private_chat",
      .invite = {RoomsFixture::id("desk.officer")},
      .creation_content =
          R"({"additional_creators":["@under.secretary:gims.internal","@desk.officer:gims.internal"]})"};
  const auto create =
      std::move(site.timeline(site.room_of("joint.secretary", {}, request)).front());
  const json::Value creators = create.root().get("content").get("additional_creators");
  ASSERT_EQ(creators.size(), 2U);
  EXPECT_EQ(creators.at(0).as_string(), "@under.secretary:gims.internal");
  EXPECT_EQ(creators.at(1).as_string(), "@desk.officer:gims.internal");

  NewRoom older = request;
  older.version = "11";
  older.creation_content.clear();
  const auto levels = site.state(site.room_of("joint.secretary", {}, older), "m.room.power_levels");
  EXPECT_EQ(levels.root().get("content").get("users").get("@desk.officer:gims.internal").as_int(),
            100);
}

TEST(CreateRoom, OverridesPowerLevelsByMember) {
  RoomsFixture site;
  const std::string room =
      site.room_of("joint.secretary", {}, {.power_levels = R"({"events_default":50,"invite":75})"});
  const auto levels = site.state(room, "m.room.power_levels");
  EXPECT_EQ(levels.root().get("content").get("events_default").as_int(), 50);
  EXPECT_EQ(levels.root().get("content").get("invite").as_int(), 75);
  EXPECT_EQ(levels.root().get("content").get("ban").as_int(), 50);
}

TEST(CreateRoom, InitialStateTakesPrecedenceOverThePreset) {
  RoomsFixture site;
  const std::string room = site.room_of(
      "joint.secretary", {},
      {.name = "By name",
       .initial_state = {
           {.type = "m.room.history_visibility",
            .state_key = "",
            .content = R"({"history_visibility":"joined"})"},
           {.type = "m.room.name", .state_key = "", .content = R"({"name":"by state"})"}}});
  EXPECT_EQ(site.state(room, "m.room.history_visibility")
                .root()
                .get("content")
                .get("history_visibility")
                .as_string(),
            "joined");
  EXPECT_EQ(site.state(room, "m.room.name").root().get("content").get("name").as_string(),
            "By name");
}

TEST(CreateRoom, RefusesInTheSpecsCodes) {
  RoomsFixture site;
  EXPECT_EQ(code_of(site.create("joint.secretary", {.version = "1"})),
            "M_UNSUPPORTED_ROOM_VERSION");
  EXPECT_EQ(code_of(site.create("joint.secretary", {.preset = "open_house"})), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(site.create("joint.secretary", {.invite = {"desk.officer"}})),
            "M_INVALID_PARAM");
  EXPECT_EQ(code_of(site.create("joint.secretary", {.invite = {"@nobody:gims.internal"}})),
            "M_NOT_FOUND");
  EXPECT_EQ(
      code_of(site.create("joint.secretary", {.power_levels = R"({"users_default":"many"})"})),
      "M_INVALID_ROOM_STATE");
  EXPECT_EQ(
      code_of(site.create("joint.secretary",
                          {.version = "12",
                           .power_levels = R"({"users":{"@joint.secretary:gims.internal":100}})"})),
      "M_INVALID_ROOM_STATE");
  ASSERT_TRUE(site.create("joint.secretary", {.alias_localpart = "cabinet"}));
  EXPECT_EQ(code_of(site.create("desk.officer", {.alias_localpart = "cabinet"})), "M_ROOM_IN_USE");
}

// Whom the server cannot bring an invitation to is not invited in this way either.
TEST(CreateRoom, AMembershipInTheInitialStateIsCheckedAsAnInvitation) {
  RoomsFixture site;
  const auto with_member = [&](std::string_view user, std::string_view content) {
    return site.create("joint.secretary", {.initial_state = {{.type = "m.room.member",
                                                              .state_key = std::string(user),
                                                              .content = std::string(content)}}});
  };
  constexpr std::string_view invite = R"({"membership":"invite"})";
  EXPECT_EQ(code_of(with_member("@nobody:gims.internal", invite)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(with_member("@officer:elsewhere.internal", invite)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(with_member("nobody", invite)), "M_INVALID_PARAM");
  EXPECT_TRUE(site.rooms.joined_rooms(RoomsFixture::id("joint.secretary"))->empty());
  const auto room = with_member(RoomsFixture::id("desk.officer"), invite);
  ASSERT_TRUE(room) << room.error().text;
  EXPECT_EQ(site.membership(*room, "desk.officer"), "invite");
  // Only the server says who vouched for a join.
  const auto vouched =
      with_member(RoomsFixture::id("joint.secretary"),
                  R"({"membership":"join","join_authorised_via_users_server":"@x:y"})");
  ASSERT_TRUE(vouched) << vouched.error().text;
  EXPECT_FALSE(site.state(*vouched, "m.room.member", RoomsFixture::id("joint.secretary"))
                   .root()
                   .get("content")
                   .get("join_authorised_via_users_server"));
}

TEST(CreateRoom, WhatFailsHalfwayLeavesNothing) {
  RoomsFixture site;
  site.listener.clear();
  EXPECT_EQ(code_of(site.create(
                "joint.secretary",
                {.alias_localpart = "half",
                 .initial_state = {{.type = "m.room.create", .state_key = "", .content = "{}"}}})),
            "M_INVALID_ROOM_STATE");
  EXPECT_TRUE(site.listener.all<store::EventAdded>().empty());
  EXPECT_TRUE(site.rooms.joined_rooms(RoomsFixture::id("joint.secretary"))->empty());
  EXPECT_EQ(code_of(site.rooms.resolve("#half:gims.internal")), "M_NOT_FOUND");
}

TEST(CreateRoom, IsEncryptedWhereThePolicySaysSo) {
  RoomsFixture site(test::closed_policy());
  const std::string room = site.room_of("joint.secretary");
  EXPECT_EQ(
      site.state(room, "m.room.encryption").root().get("content").get("algorithm").as_string(),
      "m.megolm.v1.aes-sha2");
  const std::string rotating = site.room_of(
      "joint.secretary", {},
      {.initial_state = {
           {.type = "m.room.encryption",
            .state_key = "",
            .content = R"({"algorithm":"m.megolm.v1.aes-sha2","rotation_period_msgs":10})"}}});
  EXPECT_EQ(site.state(rotating, "m.room.encryption")
                .root()
                .get("content")
                .get("rotation_period_msgs")
                .as_int(),
            10);
  EXPECT_EQ(code_of(site.create("joint.secretary",
                                {.initial_state = {{.type = "m.room.encryption",
                                                    .state_key = "",
                                                    .content = R"({"algorithm":"none"})"}}})),
            "M_INVALID_ROOM_STATE");
  RoomsFixture open_site;
  EXPECT_FALSE(
      open_site.state(open_site.room_of("joint.secretary"), "m.room.encryption").root().valid());
}

// A database that a later version of the server has written.
TEST(RoomsOfAVersionThatIsNotKnown, AreNeitherReadNorWritten) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const std::string other = site.room_of("joint.secretary");
  const auto run = [&](const std::string& sql) {
    return site.store.write([&](store::Transaction& t) { return t.sql().script(sql); });
  };
  ASSERT_TRUE(run("UPDATE rooms SET version = '99' WHERE room_id = '" + room + "'"));
  const std::size_t events = site.timeline(room).size();
  // As after a restart: the fixture's own have the room in memory.
  Rooms rooms(*site.store, site.policy, site.store.clock());
  const auto say = [&](const std::string& where) {
    return RoomsFixture::wait<std::string>([&](auto done) {
      rooms.send_message(RoomsFixture::actor("joint.secretary"), where, "m.room.message",
                         R"({"body":"note"})", "", std::move(done));
    });
  };
  const auto said = say(room);
  const auto read = site.reads.state(RoomsFixture::actor("joint.secretary"), room);
  ASSERT_FALSE(said);
  ASSERT_FALSE(read);
  for (const Error& error : {said.error(), read.error()}) {
    EXPECT_EQ(error.kind, ErrorKind::internal);
    EXPECT_EQ(error.code, "M_UNKNOWN");
    EXPECT_EQ(error.text, "This room cannot be read.");
    EXPECT_TRUE(error.detail.contains(room)) << error.detail;
    EXPECT_TRUE(error.detail.contains("unknown version")) << error.detail;
  }
  EXPECT_EQ(site.timeline(room).size(), events);
  EXPECT_TRUE(say(other)) << "the others go on";
}

}  // namespace
}  // namespace gims::service::rooms
