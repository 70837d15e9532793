#include "service/receipts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "service/filters.hpp"
#include "support/sync_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;
using test::joined;
using test::SyncFixture;

class ReceiptsTest : public ::testing::Test {
 protected:
  Result<> mark(std::string_view who, std::string_view type, std::string_view event,
                std::optional<std::string> thread = std::nullopt) {
    return mark_all(who, {{.type = std::string(type),
                           .event_id = std::string(event),
                           .thread_id = std::move(thread)}});
  }
  Result<> mark_all(std::string_view who, std::vector<Receipts::Mark> marks) {
    return SyncFixture::wait<void>([&](auto done) {
      receipts.set(SyncFixture::id(who), room, std::move(marks), std::move(done));
    });
  }
  // The m.receipt that comes to `who` after `since`: content[event][type][of].
  json::Value receipt_of(const json::Document& reply, std::string_view event, std::string_view type,
                         std::string_view of) {
    for (const json::Value ephemeral : joined(reply, room).get("ephemeral").get("events").array()) {
      if (ephemeral.get("type").as_string() != "m.receipt") continue;
      return ephemeral.get("content").get(event).get(type).get(SyncFixture::id(of));
    }
    return {};
  }
  std::string say(std::string_view who, std::string_view text) {
    return *site.say(who, room, text);
  }
  std::string fully_read(std::string_view who) {
    sync::Reads reads(*site.store);
    const auto content = reads.account_data(SyncFixture::id(who), room, "m.fully_read");
    if (!content || !*content) return {};
    return std::string(json::Document::parse(**content)->root().get("event_id").string_or(""));
  }

  SyncFixture site;
  Receipts receipts{*site.store, site.rooms};
  std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
};

TEST_F(ReceiptsTest, OthersSeeAPublicOneAndNobodyElseAPrivateOne) {
  const std::string first = say("joint.secretary", "one");
  const std::string since = site.now("under.secretary");
  ASSERT_TRUE(mark("desk.officer", "m.read", first));
  const auto reply = site.sync("under.secretary", since);
  EXPECT_TRUE(receipt_of(reply, first, "m.read", "desk.officer").get("ts").is_int());
  const std::string second = say("joint.secretary", "two");
  ASSERT_TRUE(mark("desk.officer", "m.read.private", second));
  EXPECT_FALSE(receipt_of(site.sync("under.secretary", SyncFixture::next_of(reply)), second,
                          "m.read.private", "desk.officer"));
  EXPECT_TRUE(receipt_of(site.sync("desk.officer", SyncFixture::next_of(reply)), second,
                         "m.read.private", "desk.officer"));
  EXPECT_FALSE(receipt_of(site.sync("under.secretary"), second, "m.read.private", "desk.officer"));
}

TEST_F(ReceiptsTest, NeverGoBack) {
  const std::string first = say("joint.secretary", "one");
  const std::string second = say("joint.secretary", "two");
  ASSERT_TRUE(mark("desk.officer", "m.read", second));
  const std::string since = site.now("under.secretary");
  ASSERT_TRUE(mark("desk.officer", "m.read", first));
  EXPECT_FALSE(joined(site.sync("under.secretary", since), room));
}

TEST_F(ReceiptsTest, ThreadsHaveTheirOwn) {
  const std::string root = say("joint.secretary", "root");
  const auto in_thread = site.send(
      "joint.secretary", room,
      R"({"body":"in it","m.relates_to":{"rel_type":"m.thread","event_id":")" + root + R"("}})");
  ASSERT_TRUE(in_thread);
  const auto reaction = site.send("joint.secretary", room,
                                  R"({"m.relates_to":{"rel_type":"m.annotation","event_id":")" +
                                      *in_thread + R"(","key":"+"}})",
                                  "m.reaction");
  ASSERT_TRUE(reaction);
  const std::string since = site.now("under.secretary");
  EXPECT_TRUE(mark("desk.officer", "m.read", root, "main"));
  EXPECT_TRUE(mark("desk.officer", "m.read", *in_thread, root));
  EXPECT_TRUE(mark("desk.officer", "m.read", *reaction, root));
  const auto reply = site.sync("under.secretary", since);
  EXPECT_EQ(receipt_of(reply, root, "m.read", "desk.officer").get("thread_id").as_string(), "main");
  EXPECT_EQ(receipt_of(reply, *reaction, "m.read", "desk.officer").get("thread_id").as_string(),
            root);
  // Spec: POST receipt, 400: the event is not related to the thread; empty; incompatible type.
  EXPECT_EQ(code_of(mark("desk.officer", "m.read", *in_thread, "main")), "M_INVALID_PARAM");
  const std::string apart = say("joint.secretary", "apart");
  EXPECT_EQ(code_of(mark("desk.officer", "m.read", apart, root)), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(mark("desk.officer", "m.read", apart, "")), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(mark("desk.officer", "m.fully_read", apart, "main")), "M_INVALID_PARAM");
}

// One user's unthreaded and threaded receipts may stand at one event, and m.receipt has room for
// one of them.
TEST_F(ReceiptsTest, AnUnthreadedAndAThreadedOneOfOneEventAreBothTold) {
  const std::string event = say("joint.secretary", "one");
  const std::string since = site.now("under.secretary");
  ASSERT_TRUE(mark("desk.officer", "m.read", event));
  ASSERT_TRUE(mark("desk.officer", "m.read", event, "main"));
  ASSERT_TRUE(mark("joint.secretary", "m.read", event));
  for (const std::string& from : {std::string(), since}) {
    const auto reply = site.sync("under.secretary", from);
    std::vector<std::string> threads;
    int others = 0;
    for (const json::Value told : joined(reply, room).get("ephemeral").get("events").array()) {
      EXPECT_EQ(told.get("type").as_string(), "m.receipt");
      const json::Value users = told.get("content").get(event).get("m.read");
      if (const json::Value receipt = users.get(SyncFixture::id("desk.officer"))) {
        threads.emplace_back(receipt.get("thread_id").string_or("none"));
      }
      if (users.get(SyncFixture::id("joint.secretary"))) ++others;
    }
    EXPECT_EQ(threads, (std::vector<std::string>{"none", "main"}));
    EXPECT_EQ(others, 1);
  }
}

// Spec: "Threaded read receipts": three hops at most; and POST receipt, 400, only where the event
// is not related to the thread. What is related to a root in another way than by m.thread is in the
// main timeline, and may mark the thread too.
TEST_F(ReceiptsTest, AnEventIsRelatedToAThreadThroughOthers) {
  const auto relate = [&](std::string_view type, std::string_view to) {
    return *site.send("joint.secretary", room,
                      R"({"body":"x","m.relates_to":{"rel_type":")" + std::string(type) +
                          R"(","event_id":")" + std::string(to) + R"(","key":"+"}})");
  };
  const std::string root = say("joint.secretary", "root");
  const std::string in_thread = relate("m.thread", root);
  const std::string edit = relate("m.replace", in_thread);
  const std::string reaction_to_edit = relate("m.annotation", edit);
  EXPECT_TRUE(mark("desk.officer", "m.read", reaction_to_edit, root));
  EXPECT_EQ(code_of(mark("desk.officer", "m.read", reaction_to_edit, "main")), "M_INVALID_PARAM");

  const std::string reference = relate("m.reference", root);
  const std::string reaction = relate("m.annotation", reference);
  EXPECT_TRUE(mark("desk.officer", "m.read", reaction, root));
  EXPECT_TRUE(mark("desk.officer", "m.read", reaction, "main"));

  std::string far = in_thread;
  for (int hop = 0; hop < 3; ++hop) far = relate("m.reference", far);
  EXPECT_TRUE(mark("under.secretary", "m.read", far, root));
  far = relate("m.reference", far);
  EXPECT_EQ(code_of(mark("under.secretary", "m.read", far, root)), "M_INVALID_PARAM");
}

TEST_F(ReceiptsTest, RefuseWhatIsNotThere) {
  const std::string event = say("joint.secretary", "one");
  EXPECT_EQ(code_of(mark("desk.officer", "m.seen", event)), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(mark("stranger", "m.read", event)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(mark("desk.officer", "m.read", "$nowhere")), "M_NOT_FOUND");
  const std::string other = site.room_of("desk.officer");
  const auto elsewhere = site.say("desk.officer", other, "one");
  EXPECT_EQ(code_of(mark("desk.officer", "m.read", *elsewhere)), "M_NOT_FOUND");
}

TEST_F(ReceiptsTest, MarkersAreSetTogetherOrNotAtAll) {
  const std::string first = say("joint.secretary", "one");
  const std::string since = site.now("desk.officer");
  EXPECT_EQ(code_of(mark_all("desk.officer",
                             {{.type = "m.fully_read", .event_id = first, .thread_id = {}},
                              {.type = "m.read", .event_id = "$nowhere", .thread_id = {}}})),
            "M_NOT_FOUND");
  EXPECT_EQ(fully_read("desk.officer"), "");
  EXPECT_FALSE(joined(site.sync("desk.officer", since), room));
  ASSERT_TRUE(
      mark_all("desk.officer", {{.type = "m.fully_read", .event_id = first, .thread_id = {}},
                                {.type = "m.read", .event_id = first, .thread_id = {}}}));
  EXPECT_EQ(fully_read("desk.officer"), first);
  const auto reply = site.sync("desk.officer", since);
  const json::Value data = joined(reply, room).get("account_data").get("events").at(0);
  EXPECT_EQ(data.get("type").as_string(), "m.fully_read");
  EXPECT_EQ(data.get("content").get("event_id").as_string(), first);
  EXPECT_TRUE(receipt_of(reply, first, "m.read", "desk.officer"));
  const std::string second = say("joint.secretary", "two");
  ASSERT_TRUE(mark("desk.officer", "m.fully_read", second));
  ASSERT_TRUE(mark("desk.officer", "m.fully_read", first));
  EXPECT_EQ(fully_read("desk.officer"), second);
}

TEST(Filters, GiveTheSameFilterTheSameIdAndKeepItFromOthers) {
  SyncFixture site;
  Filters filters(*site.store);
  const auto store = [&](std::string_view who, std::string_view text) {
    const auto document = json::Document::parse(text);
    return SyncFixture::wait<std::string>(
        [&](auto done) { filters.store(SyncFixture::id(who), document->root(), std::move(done)); });
  };
  const auto first = store("desk.officer", R"({"room":{"timeline":{"limit":3},"rooms":[]}})");
  ASSERT_TRUE(first);
  EXPECT_EQ(*store("desk.officer", R"({"room":{"rooms":[],"timeline":{"limit":3}}})"), *first);
  const auto second = store("desk.officer", R"({"room":{"timeline":{"limit":4}}})");
  EXPECT_NE(*second, *first);
  EXPECT_EQ(*filters.get(SyncFixture::id("desk.officer"), *second),
            R"({"room":{"timeline":{"limit":4}}})");
  EXPECT_EQ(code_of(filters.get(SyncFixture::id("stranger"), *second)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(filters.get(SyncFixture::id("desk.officer"), "../1")), "M_NOT_FOUND");
  EXPECT_EQ((*filters.resolve(SyncFixture::id("desk.officer"), *second))->timeline_limit(), 4U);
  // From what was used lately.
  EXPECT_EQ((*filters.resolve(SyncFixture::id("desk.officer"), *second))->timeline_limit(), 4U);
  EXPECT_EQ((*filters.resolve(SyncFixture::id("stranger"), R"({"room":{"timeline":{"limit":5}}})"))
                ->timeline_limit(),
            5U);
  EXPECT_EQ(code_of(filters.resolve(SyncFixture::id("stranger"), *second)), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(filters.resolve(SyncFixture::id("stranger"), "{")), "M_NOT_JSON");
  EXPECT_EQ(code_of(store("desk.officer", R"({"room":[]})")), "M_BAD_JSON");
}

}  // namespace
}  // namespace gims::service
