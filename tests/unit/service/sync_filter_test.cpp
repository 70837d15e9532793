#include <gtest/gtest.h>

#include <string>

#include "service/sync/filter.hpp"
#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::bodies_of;
using test::joined;
using test::SyncFixture;
using test::types_of;
using Names = std::vector<std::string>;

// Spec: client-server API, "Filtering": "A * can be used as a wildcard to match any sequence".
TEST(SyncWildcard, MatchesAnySequence) {
  EXPECT_TRUE(matches_wildcard("m.room.*", "m.room.message"));
  EXPECT_TRUE(matches_wildcard("*", ""));
  EXPECT_TRUE(matches_wildcard("*.message", "m.room.message"));
  EXPECT_TRUE(matches_wildcard("m.*.m*e", "m.room.message"));
  EXPECT_TRUE(matches_wildcard("m.room.message", "m.room.message"));
  EXPECT_FALSE(matches_wildcard("m.room.*", "m.roomy"));
  EXPECT_FALSE(matches_wildcard("m.room.message", "m.room.messages"));
  EXPECT_FALSE(matches_wildcard("", "m"));
  // A question mark is itself.
  EXPECT_FALSE(matches_wildcard("m.roo?.message", "m.room.message"));
}

TEST(SyncWildcard, ManyStarsStayCheap) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(matches_wildcard(pattern + "b", std::string(10'000, 'a')));
}

Result<Filter> parse(std::string_view text) {
  const auto document = json::Document::parse(text);
  EXPECT_TRUE(document);
  return Filter::parse(document->root());
}

TEST(SyncFilter, AListThatIsThereAndEmptyLetsNothingPass) {
  const auto none = parse(R"({"room":{"timeline":{"types":[]}}})");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->timeline.passes_any());
  EXPECT_FALSE(none->timeline.passes_type("m.room.message"));
  const auto all = parse("{}");
  EXPECT_TRUE(all->timeline.passes_any());
  EXPECT_TRUE(all->timeline.passes_type("m.room.message"));
}

TEST(SyncFilter, WhatIsExcludedIsSoThoughItIsIncluded) {
  const auto filter = parse(
      R"({"room":{"rooms":["!a:x","!b:x"],"not_rooms":["!b:x"],"timeline":{"types":["m.*"],
      "not_types":["m.room.member"],"senders":["@a:x","@b:x"],"not_senders":["@b:x"],
      "contains_url":true}}})");
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->passes_room("!a:x"));
  EXPECT_FALSE(filter->passes_room("!b:x"));
  EXPECT_FALSE(filter->passes_room("!c:x"));
  const RoomEventFilter& timeline = filter->timeline;
  EXPECT_TRUE(timeline.passes_event("m.room.message", "@a:x", true));
  EXPECT_FALSE(timeline.passes_event("m.room.message", "@a:x", false));
  EXPECT_FALSE(timeline.passes_event("m.room.message", "@b:x", true));
  EXPECT_FALSE(timeline.passes_event("m.room.member", "@a:x", true));
}

TEST(SyncFilter, LimitsHaveADefaultAndAnEnd) {
  EXPECT_EQ(parse("{}")->timeline_limit(), 10U);
  EXPECT_EQ(parse(R"({"room":{"timeline":{"limit":3}}})")->timeline_limit(), 3U);
  EXPECT_EQ(parse(R"({"room":{"timeline":{"limit":1000000}}})")->timeline_limit(), 100U);
}

TEST(SyncFilter, WrongTypesAreRefused) {
  for (const char* text :
       {R"({"room":1})", R"({"room":{"timeline":[]}})", R"({"room":{"rooms":"!a:x"}})",
        R"({"room":{"timeline":{"types":[1]}}})", R"({"room":{"timeline":{"limit":"3"}}})",
        R"({"room":{"timeline":{"limit":-1}}})", R"({"room":{"include_leave":"yes"}})",
        R"({"event_format":"xml"})", R"({"presence":[]})", R"([])",
        R"({"room":{"state":{"lazy_load_members":1}}})"}) {
    const auto filter = parse(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().code, "M_BAD_JSON") << text;
  }
}

TEST(SyncFilter, TooManyEntriesAreRefused) {
  std::string text = R"({"room":{"timeline":{"types":["a")";
  for (int i = 0; i < 2000; ++i) text += ",\"a\"";
  EXPECT_FALSE(parse(text + "]}}}"));
}

TEST(SyncFilter, HoldsForEachPartOfARoom) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string other = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"new"})"));
  ASSERT_TRUE(site.say("joint.secretary", other, "two"));
  ASSERT_TRUE(site.set_account_data("desk.officer", "m.tag", R"({"tags":{}})", room));
  ASSERT_TRUE(site.set_account_data("desk.officer", "org.example.other", "{}", room));
  ASSERT_TRUE(site.set_account_data("desk.officer", "org.example.global", "{}"));
  const auto reply = site.sync(
      "desk.officer", since,
      {.filter =
           R"({"account_data":{"not_types":["org.example.*"]},"room":{"not_rooms":[")" + other +
           R"("],"timeline":{"not_types":["m.room.topic"]},"account_data":{"types":["m.*"]}}})"});
  EXPECT_FALSE(joined(reply, other));
  EXPECT_FALSE(reply.root().get("account_data"));
  EXPECT_EQ(bodies_of(joined(reply, room).get("timeline")), Names{"one"});
  // The timeline does not tell of the topic, so the state does.
  EXPECT_EQ(types_of(joined(reply, room).get("state")), Names{"m.room.topic"});
  EXPECT_EQ(types_of(joined(reply, room).get("account_data")), Names{"m.tag"});
}

TEST(SyncFilter, TheFormatOfFederationIsTheWholePdu) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto reply =
      site.sync("desk.officer", since, {.filter = R"({"event_format":"federation"})"});
  const json::Value event = joined(reply, room).get("timeline").get("events").at(0);
  EXPECT_TRUE(event.get("auth_events").is_array());
  EXPECT_TRUE(event.get("hashes").is_object());
}

}  // namespace
}  // namespace gims::service::sync
