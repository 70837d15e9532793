#include <gtest/gtest.h>

#include <string>

#include "service/push/notifications.hpp"
#include "service/push/push_rules.hpp"
#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::joined;
using test::SyncFixture;

struct Counts {
  std::int64_t notify;
  std::int64_t highlight;
  friend bool operator==(const Counts&, const Counts&) = default;
  friend void PrintTo(const Counts& counts, std::ostream* out) {
    *out << counts.notify << " of them loud " << counts.highlight;
  }
};
Counts counts_of(json::Value unread) {
  return {.notify = unread.get("notification_count").int_or(-1),
          .highlight = unread.get("highlight_count").int_or(-1)};
}
Counts unread(SyncFixture& site, std::string_view who, std::string_view room) {
  return counts_of(joined(site.sync(who), room).get("unread_notifications"));
}

const test::SyncOptionsUnderTest threaded{
    .filter = R"({"room":{"timeline":{"unread_thread_notifications":true}}})"};

TEST(SyncUnread, MessagesOfOthersCountUntilTheyAreRead) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  const auto first = site.say("joint.secretary", room, "one");
  ASSERT_TRUE(site.say("under.secretary", room, "two"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{2, 0}));
  ASSERT_TRUE(site.read_up_to("desk.officer", room, *first));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  const auto third = site.say("joint.secretary", room, "three");
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{2, 0}));
  ASSERT_TRUE(site.read_up_to("desk.officer", room, *third, "m.read.private"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
}

// Where the timeline is whole its events are counted as they were read; where it is cut, the count
// needs a statement of its own.
TEST(SyncUnread, WhatTheTimelineHasIsNotReadAgain) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  std::string since = site.now("desk.officer");
  std::int64_t said = 0;
  const auto statements_for = [&](int messages) {
    for (int i = 0; i < messages; ++i) {
      // Of what is encrypted push rules ask nothing.
      EXPECT_TRUE(site.send("joint.secretary", room,
                            R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AAAA"})",
                            "m.room.encrypted"));
    }
    said += messages;
    const std::uint64_t before = site.cold_feed().statements();
    const json::Document reply = site.sync("desk.officer", since);
    EXPECT_EQ(counts_of(joined(reply, room).get("unread_notifications")), (Counts{said, 0}));
    since = SyncFixture::next_of(reply);
    return site.cold_feed().statements() - before;
  };
  statements_for(1);  // fills what is remembered
  const std::uint64_t whole = statements_for(3);
  EXPECT_EQ(statements_for(12), whole + 1);
}

TEST(SyncUnread, AnOwnMessageReadsWhatCameBeforeIt) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  ASSERT_TRUE(site.say("desk.officer", room, "answer"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
  EXPECT_EQ(unread(site, "joint.secretary", room), (Counts{1, 0}));
}

// A change of name makes an event in every room, whether the user has looked into it or not.
TEST(SyncUnread, AnOwnNameOrTopicReadsNothing) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"}, {.name = "Cabinet"});
  const auto rename = [&](std::string_view name) {
    ASSERT_TRUE(site.put("desk.officer", room, "m.room.member",
                         R"({"membership":"join","displayname":")" + std::string(name) + R"("})",
                         SyncFixture::id("desk.officer")));
  };
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  rename("D O");
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0})) << "counted from the receipts";
  rename("Desk");
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0})) << "counted on";
  ASSERT_TRUE(site.say("desk.officer", room, "two"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
  EXPECT_EQ(unread(site, "joint.secretary", room), (Counts{1, 0}));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"new"})"));
  EXPECT_EQ(unread(site, "joint.secretary", room), (Counts{1, 0}));
}

TEST(SyncUnread, WhatWasRedactedDoesNotCount) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  const auto first = site.say("joint.secretary", room, "one");
  ASSERT_TRUE(site.say("joint.secretary", room, "two"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{2, 0}));
  ASSERT_TRUE(site.redact("joint.secretary", room, *first));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0})) << "counted before";
  EXPECT_EQ(unread(site, "under.secretary", room), (Counts{1, 0})) << "never counted before";
}

// A count that was made before a redaction and is done after it is not remembered.
TEST(SyncUnread, ACountOfBeforeARedactionIsForgotten) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto message = site.say("joint.secretary", room, "one");
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  const std::string user = SyncFixture::id("desk.officer");
  const auto before = site.feed().unread(user, site.nid(room));
  ASSERT_TRUE(before);
  ASSERT_TRUE(site.redact("joint.secretary", room, *message));
  EXPECT_FALSE(site.feed().unread(user, site.nid(room)));
  site.feed().remember_unread(user, site.nid(room), *before);
  EXPECT_FALSE(site.feed().unread(user, site.nid(room)));
}

// Removing a message of one's own is no sign of having read the others.
TEST(SyncUnread, AnOwnRedactionReadsNothing) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto own = site.say("desk.officer", room, "own");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  ASSERT_TRUE(site.redact("desk.officer", room, *own));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
}

// A device whose filter drops the message counts nothing; what comes later must not skip it.
TEST(SyncUnread, WhatAFilterDroppedIsCountedLater) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string start = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto dropped = site.sync("desk.officer", start,
                                 {.filter = R"({"room":{"timeline":{"types":["m.room.topic"]}}})"});
  ASSERT_FALSE(joined(dropped, room));
  ASSERT_TRUE(site.set_account_data("desk.officer", "m.tag", R"({"tags":{}})", room));
  const auto tagged = site.sync("desk.officer", SyncFixture::next_of(dropped));
  EXPECT_EQ(counts_of(joined(tagged, room).get("unread_notifications")), (Counts{1, 0}));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
}

TEST(SyncUnread, WhatWasSaidBeforeOneCameDoesNotCount) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto come = [&] {
    ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
    ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::join, room));
  };
  ASSERT_TRUE(site.say("joint.secretary", room, "before"));
  come();
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  // Who leaves and comes back begins anew.
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  ASSERT_TRUE(site.say("joint.secretary", room, "meanwhile"));
  come();
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
}

TEST(SyncUnread, AMentionIsLoud) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  ASSERT_TRUE(site.send(
      "joint.secretary", room,
      R"({"msgtype":"m.text","body":"look","m.mentions":{"user_ids":["@desk.officer:gims.internal"]}})"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 1}));
  EXPECT_EQ(unread(site, "under.secretary", room), (Counts{1, 0}));
}

TEST(SyncUnread, OnlyWhoMayNotifiesTheRoom) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  const char* to_all = R"({"msgtype":"m.text","body":"all","m.mentions":{"room":true}})";
  ASSERT_TRUE(site.send("under.secretary", room, to_all));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  ASSERT_TRUE(site.send("joint.secretary", room, to_all));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{2, 1}));
}

TEST(SyncUnread, ThreadsCountApartWhereTheFilterAsks) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto root = site.say("joint.secretary", room, "root");
  ASSERT_TRUE(root);
  const std::string in_thread =
      R"({"msgtype":"m.text","body":"in it","m.relates_to":{"rel_type":"m.thread","event_id":")" +
      *root + R"("}})";
  ASSERT_TRUE(site.send("joint.secretary", room, in_thread));
  const auto last = site.send("joint.secretary", room, in_thread);
  const auto apart = site.sync("desk.officer", "", threaded);
  EXPECT_EQ(counts_of(joined(apart, room).get("unread_notifications")), (Counts{1, 0}));
  EXPECT_EQ(counts_of(joined(apart, room).get("unread_thread_notifications").get(*root)),
            (Counts{2, 0}));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{3, 0}));
  // A receipt of the thread leaves the main timeline unread.
  ASSERT_TRUE(site.read_up_to("desk.officer", room, *last, "m.read", *root));
  const auto read = site.sync("desk.officer", "", threaded);
  EXPECT_EQ(counts_of(joined(read, room).get("unread_notifications")), (Counts{1, 0}));
  EXPECT_FALSE(joined(read, room).get("unread_thread_notifications"));
  // Being read up to an event of the thread by an unthreaded receipt reads all.
  ASSERT_TRUE(site.read_up_to("desk.officer", room, *last));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
}

// Spec: client-server API, "Threaded read receipts": what relates to an event of a thread is in it.
TEST(SyncUnread, WhatRelatesToAnEventOfAThreadIsInIt) {
  SyncFixture site;
  Notifications notifications(*site.store, site.feed());
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto relate = [&](std::string_view who, std::string_view target, std::string_view kind,
                          std::string_view type) {
    const auto sent = site.send(
        who, room,
        R"({"msgtype":"m.text","body":"more","m.relates_to":{"rel_type":")" + std::string(kind) +
            R"(","key":"+","event_id":")" + std::string(target) + R"("}})",
        type);
    EXPECT_TRUE(sent);
    return sent.value_or("");
  };
  const auto root = site.say("joint.secretary", room, "root");
  ASSERT_TRUE(root);
  const std::string reply = relate("joint.secretary", *root, "m.thread", "m.room.message");
  const std::string second = relate("joint.secretary", reply, "m.reference", "m.room.message");
  relate("joint.secretary", *root, "m.reference", "m.room.message");
  const auto before = site.sync("desk.officer", "", threaded);
  EXPECT_EQ(counts_of(joined(before, room).get("unread_notifications")), (Counts{2, 0}));
  EXPECT_EQ(counts_of(joined(before, room).get("unread_thread_notifications").get(*root)),
            (Counts{2, 0}));
  // A receipt of the thread reads it, in the counts and in the list.
  ASSERT_TRUE(site.read_up_to("desk.officer", room, second, "m.read", *root));
  const auto read = site.sync("desk.officer", "", threaded);
  EXPECT_EQ(counts_of(joined(read, room).get("unread_notifications")), (Counts{2, 0}));
  EXPECT_FALSE(joined(read, room).get("unread_thread_notifications"));
  const auto list = notifications.list(SyncFixture::id("desk.officer"), {});
  ASSERT_TRUE(list);
  const auto document = json::Document::parse(*list);
  const json::Value listed = document->root().get("notifications").at(1);
  EXPECT_EQ(listed.get("event").get("event_id").as_string(), second);
  EXPECT_EQ(listed.get("read").as_bool(), true);
  // One's own reaction reads the thread that it is in, and no other.
  relate("joint.secretary", *root, "m.thread", "m.room.message");
  EXPECT_TRUE(joined(site.sync("desk.officer", "", threaded), room)
                  .get("unread_thread_notifications")
                  .get(*root));
  relate("desk.officer", reply, "m.annotation", "m.reaction");
  const auto after = site.sync("desk.officer", "", threaded);
  EXPECT_EQ(counts_of(joined(after, room).get("unread_notifications")), (Counts{2, 0}));
  EXPECT_FALSE(joined(after, room).get("unread_thread_notifications"));
}

TEST(SyncUnread, RedactedPowerLevelsNotifyNobodyMore) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  const auto levels =
      site.put("joint.secretary", room, "m.room.power_levels", R"({"notifications":{"room":0}})");
  ASSERT_TRUE(levels);
  const char* to_all = R"({"msgtype":"m.text","body":"all","m.mentions":{"room":true}})";
  const auto loud = site.send("under.secretary", room, to_all);
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 1}));
  ASSERT_TRUE(site.read_up_to("desk.officer", room, *loud));
  ASSERT_TRUE(site.redact("joint.secretary", room, *levels));
  ASSERT_TRUE(site.send("under.secretary", room, to_all));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
}

TEST(SyncUnread, RulesDecideAndANewRuleCountsAnew) {
  SyncFixture site;
  PushRules rules(*site.store);
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{1, 0}));
  const auto changed = SyncFixture::wait<void>([&](auto done) {
    rules.change(
        SyncFixture::id("desk.officer"),
        [&](matrix::RuleSet& set) {
          const auto body = json::Document::parse(R"({"actions":[]})");
          return set.put(matrix::RuleKind::room, room, body->root());
        },
        std::move(done));
  });
  ASSERT_TRUE(changed) << changed.error().text;
  EXPECT_EQ(unread(site, "desk.officer", room), (Counts{0, 0}));
  const auto reply = site.sync("desk.officer");
  const json::Value data = reply.root().get("account_data").get("events").at(0);
  EXPECT_EQ(data.get("type").as_string(), "m.push_rules");
  EXPECT_EQ(data.get("content").get("global").get("room").at(0).get("rule_id").as_string(), room);
}

TEST(SyncUnread, ListsNotificationsTheNewestFirst) {
  SyncFixture site;
  Notifications notifications(*site.store, site.feed());
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto first = site.say("joint.secretary", room, "one");
  ASSERT_TRUE(site.say("desk.officer", room, "own"));
  const auto second = site.send(
      "joint.secretary", room,
      R"({"msgtype":"m.text","body":"two","m.mentions":{"user_ids":["@desk.officer:gims.internal"]}})");
  ASSERT_TRUE(site.read_up_to("desk.officer", room, *first));
  const auto list = [&](Notifications::Query query) {
    auto text = notifications.list(SyncFixture::id("desk.officer"), query);
    EXPECT_TRUE(text) << text.error().text << text.error().detail;
    auto document = json::Document::parse(text.value_or("{}"));
    EXPECT_TRUE(document) << *text;
    return document ? std::move(*document) : json::Document();
  };
  const auto all = list({});
  const json::Value items = all.root().get("notifications");
  // The invitation is one, too.
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items.at(0).get("event").get("event_id").as_string(), *second);
  EXPECT_EQ(items.at(0).get("read").as_bool(), false);
  EXPECT_EQ(items.at(0).get("room_id").as_string(), room);
  EXPECT_EQ(items.at(1).get("event").get("event_id").as_string(), *first);
  EXPECT_EQ(items.at(1).get("read").as_bool(), true);
  EXPECT_FALSE(all.root().get("next_token"));
  const auto one = list({.limit = 1});
  ASSERT_EQ(one.root().get("notifications").size(), 1U);
  const auto next = one.root().get("next_token").as_string();
  ASSERT_TRUE(next);
  const auto rest = list({.from = std::stoll(std::string(*next))});
  EXPECT_EQ(rest.root().get("notifications").at(0).get("event").get("event_id").as_string(),
            *first);
  EXPECT_EQ(list({.only_highlight = true}).root().get("notifications").size(), 1U);
}

}  // namespace
}  // namespace gims::service::sync
