#include <gtest/gtest.h>

#include "json/value.hpp"
#include "service/push/notification.hpp"
#include "service/push/outbox.hpp"

namespace gims::service::push {
namespace {

using std::chrono::milliseconds;

class OutboxTest : public ::testing::Test {
 protected:
  explicit OutboxTest(
      const OutboxLimits& limits = {.rooms = 2, .unsent = 3, .tries = 3, .pace = milliseconds(0)})
      : outbox(limits) {}
  static Pusher pusher(std::string_view user, std::string_view key = "phone") {
    return {.user_id = std::string(user), .app_id = "app", .push_key = std::string(key)};
  }
  void set(std::string_view user, const std::vector<std::string>& keys = {"phone"},
           Outbox::Known known = Outbox::Known::never_told) {
    std::vector<Pusher> pushers;
    for (const std::string& key : keys) pushers.push_back(pusher(user, key));
    outbox.set_pushers(user, std::move(pushers), known);
  }
  static Unsent unsent(store::RoomNid room, store::StreamId position) {
    return {.event = std::make_shared<const Told>(Told{.position = position,
                                                       .room = room,
                                                       .room_id = "!" + std::to_string(room),
                                                       .event_id = "$" + std::to_string(position),
                                                       .type = "m.room.encrypted",
                                                       .sender = "@one:gims.internal"})};
  }
  // The events that are sent one after the other now, "count" for a count alone.
  std::vector<std::string> send_all(std::int64_t unread = 1) {
    std::vector<std::string> sent;
    while (const auto job = outbox.next(now)) {
      sent.push_back(job->unsent == nullptr ? "count" : job->unsent->event->event_id);
      outbox.sent(*job, unread, now);
    }
    return sent;
  }
  using Texts = std::vector<std::string>;

  Outbox outbox;
  Outbox::Time now{std::chrono::hours(1)};
};

class PacedOutboxTest : public OutboxTest {
 protected:
  PacedOutboxTest() : OutboxTest({.pace = milliseconds(250)}) {}
};

TEST_F(OutboxTest, ANewerEventOfARoomStandsForAnOlder) {
  set("@a");
  Unsent loud = unsent(1, 10);
  loud.highlight = loud.high = true;
  loud.sound = "ring";
  outbox.add("@a", loud, now);
  outbox.add("@a", unsent(2, 11), now);
  outbox.add("@a", unsent(1, 12), now);
  EXPECT_EQ(outbox.unsent(), 2U);
  EXPECT_EQ(outbox.oldest(), 10);
  const auto job = outbox.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->unsent->event->event_id, "$12");
  EXPECT_TRUE(job->unsent->highlight && job->unsent->high);
  EXPECT_EQ(job->unsent->sound, "ring");
  EXPECT_EQ(send_all(), (Texts{"$12", "$11"}));
  EXPECT_EQ(outbox.oldest(), std::nullopt);
}

TEST_F(OutboxTest, ToldAreAllDevicesOfAUserAndNobodyElse) {
  set("@a", {"phone", "tablet"});
  set("@b");
  outbox.add("@a", unsent(1, 10), now);
  outbox.add("@c", unsent(1, 10), now);
  EXPECT_EQ(send_all(), (Texts{"$10", "$10"}));
}

TEST_F(OutboxTest, TheOldestRoomOfAPusherMakesPlace) {
  set("@a");
  for (int room = 1; room <= 3; ++room) outbox.add("@a", unsent(room, 10 + room), now);
  EXPECT_EQ(send_all(), (Texts{"$12", "$13"}));
}

TEST_F(OutboxTest, SaysWhenItIsFull) {
  for (const char* user : {"@a", "@b", "@c"}) {
    EXPECT_FALSE(outbox.full());
    set(user);
    outbox.add(user, unsent(1, 10), now);
  }
  EXPECT_TRUE(outbox.full());
  send_all();
  EXPECT_FALSE(outbox.full());
}

TEST_F(PacedOutboxTest, APusherHasAPace) {
  set("@a");
  set("@b");
  outbox.add("@a", unsent(1, 10), now);
  outbox.add("@a", unsent(2, 11), now);
  EXPECT_EQ(send_all(), Texts{"$10"});
  outbox.add("@b", unsent(2, 11), now);
  EXPECT_EQ(send_all(), Texts{"$11"}) << "another's is not held up";
  EXPECT_EQ(outbox.next_due(), now + milliseconds(250));
  now += milliseconds(250);
  EXPECT_EQ(send_all(), Texts{"$11"});
}

TEST_F(OutboxTest, AFailureIsTriedLaterAndAtLastGivenUp) {
  set("@a");
  outbox.add("@a", unsent(1, 10), now);
  for (const int seconds : {1, 2}) {
    const auto job = outbox.next(now);
    ASSERT_TRUE(job);
    EXPECT_TRUE(outbox.failed(*job, now));
    EXPECT_FALSE(outbox.next(now));
    EXPECT_EQ(outbox.next_due(), now + std::chrono::seconds(seconds));
    now = *outbox.next_due();
  }
  EXPECT_FALSE(outbox.failed(*outbox.next(now), now)) << "the third";
  EXPECT_EQ(outbox.unsent(), 0U);
  EXPECT_EQ(outbox.next_due(), std::nullopt);
  outbox.add("@a", unsent(1, 11), now);
  now = *outbox.next_due();
  EXPECT_EQ(send_all(), Texts{"$11"});
}

TEST_F(OutboxTest, NothingUnreadIsToldOfOnce) {
  set("@a");
  outbox.read("@a", now);
  EXPECT_EQ(send_all(0), Texts{}) << "it was told of nothing";
  outbox.add("@a", unsent(1, 10), now);
  EXPECT_EQ(send_all(1), Texts{"$10"});
  for (const Texts& expected : {Texts{"count"}, Texts{}}) {
    outbox.read("@a", now);
    EXPECT_EQ(send_all(0), expected);
  }
  set("@b", {"phone"}, Outbox::Known::nothing);
  outbox.read("@b", now);
  EXPECT_EQ(send_all(0), Texts{"count"}) << "what it was told by the process before is not known";
}

TEST_F(OutboxTest, APusherThatIsGoneTakesItsWithIt) {
  set("@a", {"phone", "tablet"});
  outbox.add("@a", unsent(1, 10), now);
  set("@a", {"tablet", "laptop"});
  EXPECT_EQ(outbox.unsent(), 1U);
  const auto job = outbox.next(now);
  EXPECT_EQ(job->pusher->push_key, "tablet") << "what it has stays";
  outbox.remove(*job);
  EXPECT_EQ(outbox.unsent(), 0U);
  EXPECT_TRUE(outbox.serves("@a"));
  set("@a", {});
  EXPECT_FALSE(outbox.serves("@a"));
  EXPECT_EQ(outbox.users(), 0U);
}

// ---- the texts ----------------------------------------------------------------------------------

TEST(Notification, HoldsWhatTheFormatSaysAndNoContent) {
  Pusher pusher{.user_id = "@a", .app_id = "app", .push_key = "key", .data = R"({"x":1})"};
  const Unsent unsent{
      .event = std::make_shared<const Told>(
          Told{.room_id = "!r", .event_id = "$e", .type = "m.room.member", .sender = "@b"}),
      .user_is_target = true,
      .high = true,
      .highlight = true,
      .sound = "default"};
  EXPECT_EQ(notification(pusher, &unsent, 3),
            R"({"notification":{"event_id":"$e","room_id":"!r","counts":{"unread":3},)"
            R"("devices":[{"app_id":"app","pushkey":"key","data":{"x":1}}]}})");
  pusher.id_only = false;
  EXPECT_EQ(notification(pusher, &unsent, 0),
            R"({"notification":{"event_id":"$e","room_id":"!r","type":"m.room.member",)"
            R"("sender":"@b","user_is_target":true,"prio":"high","counts":{},)"
            R"("devices":[{"app_id":"app","pushkey":"key","data":{"x":1},)"
            R"("tweaks":{"sound":"default","highlight":true}}]}})");
  EXPECT_EQ(notification(pusher, nullptr, 0),
            R"({"notification":{"counts":{"unread":0},)"
            R"("devices":[{"app_id":"app","pushkey":"key","data":{"x":1}}]}})");
}

TEST(Notification, ReadsWhatIsRejected) {
  EXPECT_EQ(is_rejected(R"({"rejected":["other","key"]})", "key"), true);
  EXPECT_EQ(is_rejected(R"({"rejected":["other",7]})", "key"), false);
  for (const char* none : {"", "{}", "[]", R"({"rejected":"key"})", R"({"rejected":["key")"}) {
    EXPECT_FALSE(is_rejected(none, "key")) << none;
  }
}

}  // namespace
}  // namespace gims::service::push
