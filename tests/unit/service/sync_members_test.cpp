#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::joined;
using test::SyncFixture;
using test::types_of;
using Names = std::vector<std::string>;

const test::SyncOptionsUnderTest lazy{
    .filter = R"({"room":{"state":{"lazy_load_members":true},"timeline":{"limit":3}}})"};

std::string member(std::string_view name) { return "m.room.member|" + SyncFixture::id(name); }

Names members_of(json::Value list) {
  Names members;
  for (const std::string& type : types_of(list)) {
    if (type.starts_with("m.room.member")) members.push_back(type);
  }
  std::ranges::sort(members);
  return members;
}

TEST(SyncMembers, OnlyThoseOfTheTimelineOneselfAndTheHeroesComeFirst) {
  SyncFixture site;
  const std::string room = site.room_of(
      "joint.secretary", {"desk.officer", "under.secretary", "stranger"}, {.name = "Cabinet"});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(site.say("under.secretary", room, "hello"));
  auto request = site.request("desk.officer", "", lazy);
  const auto reply = site.sync("desk.officer", "", lazy);
  // All four are heroes or oneself here.
  EXPECT_EQ(members_of(joined(reply, room).get("state")),
            (Names{member("desk.officer"), member("joint.secretary"), member("stranger"),
                   member("under.secretary")}));
}

TEST(SyncMembers, AreNotSentTwiceToADeviceThatGoesOn) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string start =
      SyncFixture::next_of(site.sync("desk.officer", "", {.filter = lazy.filter, .device = "A"}));
  static_cast<void>(start);
  std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto first = site.sync("desk.officer", since, lazy);
  EXPECT_EQ(members_of(joined(first, room).get("state")), Names{member("joint.secretary")});
  ASSERT_TRUE(site.say("joint.secretary", room, "two"));
  const auto second = site.sync("desk.officer", SyncFixture::next_of(first), lazy);
  EXPECT_EQ(members_of(joined(second, room).get("state")), Names{});
  ASSERT_TRUE(site.say("joint.secretary", room, "three"));
  auto redundant = lazy;
  redundant.filter =
      R"({"room":{"state":{"lazy_load_members":true,"include_redundant_members":true}}})";
  const auto third = site.sync("desk.officer", SyncFixture::next_of(second), redundant);
  EXPECT_EQ(members_of(joined(third, room).get("state")), Names{member("joint.secretary")});
}

TEST(SyncMembers, AreSentAgainWhereAReplyWasLost) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto lost = site.sync("desk.officer", since, lazy);
  ASSERT_EQ(members_of(joined(lost, room).get("state")), Names{member("joint.secretary")});
  const auto again = site.sync("desk.officer", since, lazy);
  EXPECT_EQ(members_of(joined(again, room).get("state")), Names{member("joint.secretary")});
}

TEST(SyncMembers, WhoChangedInAGapIsToldAlsoWhereNotSpeaking) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "stranger"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.act("stranger", SyncFixture::Act::leave, room));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(site.say("joint.secretary", room, "hello"));
  const auto reply = site.sync("desk.officer", since, lazy);
  EXPECT_EQ(joined(reply, room).get("timeline").get("limited").as_bool(), true);
  const Names members = members_of(joined(reply, room).get("state"));
  EXPECT_NE(std::ranges::find(members, member("stranger")), members.end());
  EXPECT_NE(std::ranges::find(members, member("joint.secretary")), members.end());
  EXPECT_EQ(joined(reply, room).get("summary").get("m.joined_member_count").as_int(), 2);
}

TEST(SyncMembers, WithoutLazyLoadingAllComeFirst) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(site.say("joint.secretary", room, "hello"));
  const auto reply = site.sync("desk.officer");
  EXPECT_EQ(members_of(joined(reply, room).get("state")),
            (Names{member("desk.officer"), member("joint.secretary"), member("under.secretary")}));
}

TEST(SyncSummary, NamesFiveOthersAndNeverTheReader) {
  SyncFixture site;
  const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f"};
  for (const std::string& name : names) site.add_user(name);
  const std::string room = site.room_of("desk.officer", {"a", "b", "c", "d", "e", "f"});
  const auto reply = site.sync("desk.officer");
  Names heroes;
  for (const json::Value hero : joined(reply, room).get("summary").get("m.heroes").array()) {
    heroes.emplace_back(hero.string_or(""));
  }
  EXPECT_EQ(heroes, (Names{SyncFixture::id("a"), SyncFixture::id("b"), SyncFixture::id("c"),
                           SyncFixture::id("d"), SyncFixture::id("e")}));
  EXPECT_EQ(joined(reply, room).get("summary").get("m.joined_member_count").as_int(), 7);
  EXPECT_EQ(joined(reply, room).get("summary").get("m.invited_member_count").as_int(), 0);
}

TEST(SyncSummary, NamesWhoLeftWhereNobodyElseIsLeft) {
  SyncFixture site;
  const std::string room = site.room_of("desk.officer", {"joint.secretary"});
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::leave, room));
  const auto reply = site.sync("desk.officer");
  EXPECT_EQ(joined(reply, room).get("summary").get("m.heroes").at(0).as_string(),
            SyncFixture::id("joint.secretary"));
}

}  // namespace
}  // namespace gims::service::sync
