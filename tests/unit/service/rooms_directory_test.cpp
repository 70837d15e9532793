#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::parsed;
using test::RoomsFixture;
using Names = std::vector<std::string>;

Names names(json::Value rooms) {
  Names found;
  for (const json::Value room : rooms.array()) found.emplace_back(room.get("name").string_or(""));
  return found;
}

TEST(Aliases, LeadToTheirRoomUntilTheyAreRemoved) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const char* alias = "#cabinet:gims.internal";
  EXPECT_EQ(code_of(site.directory.alias(alias)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(site.directory.alias("cabinet")), "M_INVALID_PARAM");
  ASSERT_TRUE(site.add_alias("desk.officer", alias, room));
  EXPECT_EQ(parsed(site.directory.alias(alias)).root().get("room_id").as_string(), room);
  const auto again = site.add_alias("joint.secretary", alias, room);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(code_of(site.add_alias("joint.secretary", "#a:elsewhere.internal", room)),
            "M_INVALID_PARAM");
  EXPECT_EQ(code_of(site.add_alias("stranger", "#mine:gims.internal", room)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.remove_alias("stranger", alias)), "M_FORBIDDEN");
  ASSERT_TRUE(site.remove_alias("joint.secretary", alias));
  EXPECT_EQ(code_of(site.remove_alias("joint.secretary", alias)), "M_NOT_FOUND");
}

TEST(Aliases, LeaveTheCanonicalAliasWhenTheyGo) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {}, {.alias_localpart = "cabinet"});
  ASSERT_TRUE(site.remove_alias("joint.secretary", "#cabinet:gims.internal"));
  EXPECT_FALSE(site.state(room, "m.room.canonical_alias").root().get("content").get("alias"));
}

TEST(PublicRooms, ListTheLargestFirstAndPage) {
  RoomsFixture site;
  site.room_of("joint.secretary", {}, {.listed = true, .name = "small"});
  site.room_of("joint.secretary", {"desk.officer", "under.secretary"},
               {.listed = true, .name = "large"});
  site.room_of("joint.secretary", {"desk.officer"}, {.listed = true, .name = "middle"});
  site.room_of("joint.secretary", {"desk.officer"}, {.name = "hidden"});
  const auto all = parsed(site.directory.public_rooms({}));
  EXPECT_EQ(names(all.root().get("chunk")), (Names{"large", "middle", "small"}));
  EXPECT_EQ(all.root().get("total_room_count_estimate").as_int(), 3);
  EXPECT_EQ(all.root().get("chunk").at(0).get("num_joined_members").as_int(), 3);
  const auto first = parsed(site.directory.public_rooms({.limit = 2}));
  EXPECT_EQ(names(first.root().get("chunk")), (Names{"large", "middle"}));
  EXPECT_FALSE(first.root().get("prev_batch"));
  const auto second = parsed(site.directory.public_rooms(
      {.limit = 2, .since = std::string(*first.root().get("next_batch").as_string())}));
  EXPECT_EQ(names(second.root().get("chunk")), Names{"small"});
  EXPECT_FALSE(second.root().get("next_batch"));
  const auto back = parsed(site.directory.public_rooms(
      {.limit = 1, .since = std::string(*second.root().get("prev_batch").as_string())}));
  EXPECT_EQ(names(back.root().get("chunk")), Names{"middle"});
  EXPECT_EQ(back.root().get("next_batch").as_string(), first.root().get("next_batch").as_string());
  const auto front = parsed(site.directory.public_rooms(
      {.since = std::string(*back.root().get("prev_batch").as_string())}));
  EXPECT_EQ(names(front.root().get("chunk")), Names{"large"});
  EXPECT_FALSE(front.root().get("prev_batch"));
  EXPECT_EQ(code_of(site.directory.public_rooms({.since = "x"})), "M_INVALID_PARAM");
}

TEST(PublicRooms, AreSearchedByNameTopicAndAliasAndByType) {
  RoomsFixture site;
  site.room_of("joint.secretary", {}, {.listed = true, .name = "Cabinet"});
  site.room_of("joint.secretary", {}, {.listed = true, .name = "B", .topic = "the CABINET papers"});
  site.room_of("joint.secretary", {}, {.listed = true, .alias_localpart = "cabinet", .name = "C"});
  site.room_of("joint.secretary", {},
               {.listed = true, .name = "Space", .creation_content = R"({"type":"m.space"})"});
  EXPECT_EQ(names(parsed(site.directory.public_rooms({.search = "cabinet"})).root().get("chunk")),
            (Names{"Cabinet", "B", "C"}));
  using Types = std::vector<std::optional<std::string>>;
  EXPECT_EQ(names(parsed(site.directory.public_rooms({.room_types = Types{"m.space"}}))
                      .root()
                      .get("chunk")),
            Names{"Space"});
  EXPECT_EQ(names(parsed(site.directory.public_rooms({.room_types = Types{std::nullopt}}))
                      .root()
                      .get("chunk")),
            (Names{"Cabinet", "B", "C"}));
}

// 2,500 larger rooms stand before the only one that has the word.
TEST(PublicRooms, AreLookedThroughInBoundedSteps) {
  RoomsFixture site;
  site.room_of("joint.secretary", {}, {.listed = true, .name = "Cabinet"});
  ASSERT_TRUE(site.store.write([](store::Transaction& t) {
    return t.sql().script(R"(
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO rooms (room_id, version, created_ts, is_listed)
        SELECT '!' || i || ':gims.internal', '12', 0, 1 FROM n;
      INSERT INTO memberships (user_id, room_nid, membership, event_id, stream_id, sender)
        SELECT m.name, r.room_nid, 'join', '$', 0, m.name FROM rooms r,
          (SELECT '@a:gims.internal' AS name UNION SELECT '@b:gims.internal') m
        WHERE r.room_nid NOT IN (SELECT room_nid FROM memberships))");
  }));
  PublicRoomsQuery query{.search = "cabinet"};
  std::vector<std::size_t> sizes;
  std::string last;
  for (;;) {
    const auto page = parsed(site.directory.public_rooms(query));
    sizes.push_back(page.root().get("chunk").size());
    EXPECT_EQ(page.root().get("total_room_count_estimate").as_int(), 2501);
    const auto next = page.root().get("next_batch").as_string();
    if (!next) break;
    ASSERT_LT(sizes.size(), 10U);
    query.since = *next;
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 0, 1}));
}

TEST(PublicRooms, AreListedByWhoMayNameTheRoom) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  EXPECT_EQ(code_of(site.set_listed("desk.officer", room, true)), "M_FORBIDDEN");
  const std::string user = RoomsFixture::id("joint.secretary");
  EXPECT_EQ(*site.directory.visibility(user, room), R"({"visibility":"private"})");
  ASSERT_TRUE(site.set_listed("joint.secretary", room, true));
  EXPECT_EQ(*site.directory.visibility(RoomsFixture::id("stranger"), room),
            R"({"visibility":"public"})");
  ASSERT_TRUE(site.set_listed("joint.secretary", room, false));
  EXPECT_EQ(code_of(site.directory.visibility(RoomsFixture::id("stranger"), room)), "M_NOT_FOUND");
}

class Spaces : public ::testing::Test {
 protected:
  std::string space(const char* name) {
    return site.room_of(
        "joint.secretary", {},
        {.preset = "public_chat", .name = name, .creation_content = R"({"type":"m.space"})"});
  }
  void add(const std::string& parent, const std::string& child, std::string_view more = "") {
    ASSERT_TRUE(site.put("joint.secretary", parent, "m.space.child",
                         R"({"via":["gims.internal"])" + std::string(more) + "}", child));
  }
  RoomsFixture site;
  std::string user = RoomsFixture::id("desk.officer");
};

TEST_F(Spaces, AreWalkedDepthFirstInTheOrderOfTheirChildren) {
  const std::string root = space("root");
  const std::string inner = space("inner");
  const std::string leaf =
      site.room_of("joint.secretary", {}, {.preset = "public_chat", .name = "leaf"});
  const std::string deep =
      site.room_of("joint.secretary", {}, {.preset = "public_chat", .name = "deep"});
  const std::string secret = site.room_of("joint.secretary", {}, {.name = "secret"});
  add(root, leaf);
  add(root, secret);
  add(root, inner, R"(,"order":"a")");
  add(inner, deep, R"(,"suggested":true)");
  add(inner, root);  // a ring
  const auto all = parsed(site.directory.hierarchy(user, root, {}));
  EXPECT_EQ(names(all.root().get("rooms")), (Names{"root", "inner", "deep", "leaf"}));
  EXPECT_EQ(all.root().get("rooms").at(0).get("children_state").size(), 3U);
  const json::Value child = all.root().get("rooms").at(0).get("children_state").at(0);
  EXPECT_EQ(child.get("state_key").as_string(), inner);
  EXPECT_TRUE(child.get("origin_server_ts").is_int());
  EXPECT_EQ(
      names(parsed(site.directory.hierarchy(user, root, {.max_depth = 1})).root().get("rooms")),
      (Names{"root", "inner", "leaf"}));
  EXPECT_EQ(names(parsed(site.directory.hierarchy(user, inner, {.suggested_only = true}))
                      .root()
                      .get("rooms")),
            (Names{"inner", "deep"}));
}

TEST_F(Spaces, ArePagedAndATokenKeepsItsQuestion) {
  const std::string root = space("root");
  for (const char* name : {"a", "b", "c"}) {
    add(root, site.room_of("joint.secretary", {}, {.preset = "public_chat", .name = name}),
        R"(,"order":")" + std::string(name) + "\"");
  }
  Names seen;
  HierarchyQuery query{.limit = 2};
  for (int page = 0; page < 5; ++page) {
    const auto answer = parsed(site.directory.hierarchy(user, root, query));
    for (std::string& name : names(answer.root().get("rooms"))) seen.push_back(std::move(name));
    const auto next = answer.root().get("next_batch").as_string();
    if (!next) break;
    query.from = *next;
  }
  EXPECT_EQ(seen, (Names{"root", "a", "b", "c"}));
  ASSERT_FALSE(query.from.empty());
  query.suggested_only = true;
  EXPECT_EQ(code_of(site.directory.hierarchy(user, root, query)), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(site.directory.hierarchy(user, root, {.from = "nonsense"})), "M_INVALID_PARAM");
}

TEST_F(Spaces, AreHiddenFromWhoIsBanned) {
  const std::string root = space("root");
  EXPECT_TRUE(site.directory.hierarchy(user, root, {}));
  ASSERT_TRUE(site.act("joint.secretary", Act::ban, root, "desk.officer"));
  EXPECT_EQ(code_of(site.directory.hierarchy(user, root, {})), "M_FORBIDDEN");
}

TEST(Summary, SaysWhatOneWouldJoin) {
  RoomsFixture site(test::closed_policy());
  const std::string room = site.room_of(
      "joint.secretary", {},
      {.version = "11", .preset = "public_chat", .alias_localpart = "cabinet", .name = "Cabinet"});
  const auto summary =
      parsed(site.directory.summary(RoomsFixture::id("desk.officer"), "#cabinet:gims.internal"));
  EXPECT_EQ(summary.root().get("room_id").as_string(), room);
  EXPECT_EQ(summary.root().get("name").as_string(), "Cabinet");
  EXPECT_EQ(summary.root().get("join_rule").as_string(), "public");
  EXPECT_EQ(summary.root().get("encryption").as_string(), "m.megolm.v1.aes-sha2");
  EXPECT_EQ(summary.root().get("room_version").as_string(), "11");
  EXPECT_EQ(summary.root().get("membership").as_string(), "leave");
  EXPECT_EQ(summary.root().get("num_joined_members").as_int(), 1);
}

}  // namespace
}  // namespace gims::service::rooms
