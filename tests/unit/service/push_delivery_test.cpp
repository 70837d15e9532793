#include <gtest/gtest.h>

#include <thread>

#include "service/push/delivery.hpp"
#include "service/push/push_rules.hpp"
#include "service/push/pushers.hpp"
#include "support/sync_fixture.hpp"

namespace gims::service::push {
namespace {

using test::code_of;
using test::ManualClock;
using test::SyncFixture;
using Texts = std::vector<std::string>;

constexpr std::string_view url = "https://push.gims.internal:8444/_matrix/push/v1/notify";

Policy policy_with_push() {
  Policy policy = test::open_policy();
  policy.any_push_url = false;
  policy.push_url = url;
  return policy;
}

// Takes every notification, or does what it is told to.
class FakeGateway final : public Gateway {
 public:
  Result<http::Answer> notify(std::string_view body) override {
    const std::scoped_lock lock(mutex_);
    if (away) return fail(ErrorKind::unavailable, "ENOENT", "nobody is there");
    bodies.emplace_back(body);
    asked_.notify_all();
    return http::Answer{.status = status, .body = answer};
  }
  void cancel() noexcept override {}
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return asked_.wait_for(lock, std::chrono::minutes(1), [&] { return bodies.size() >= count; });
  }

  bool away = false;
  int status = 200;
  std::string answer = R"({"rejected":[]})";
  Texts bodies;

 private:
  std::mutex mutex_;
  std::condition_variable asked_;
};

// In front of the fixture: the store tells it.
struct Parts {
  static DeliveryOptions options() {
    return {.gateway_url = std::string(url), .outbox = {.pace = {}}, .most_behind = 1000};
  }
  FakeGateway gateway;
  ManualClock time;
  Delivery delivery{&gateway, options(), time};
};

class Site : public Parts, public SyncFixture {
 public:
  Site() : SyncFixture(policy_with_push(), &delivery) {
    EXPECT_TRUE(delivery.attach(*store, feed()));
    delivery.work();
  }
  ~Site() { delivery.stop(); }

  Result<> set(std::string_view who, std::string_view key = "phone",
               std::string_view format = R"(,"format":"event_id_only")") {
    const auto body = json::Document::parse(
        R"({"kind":"http","app_id":"app","pushkey":")" + std::string(key) +
        R"(","app_display_name":"a","device_display_name":"d","lang":"hi","append":true,"data":{"url":")" +
        std::string(url) + "\"" + std::string(format) + "}}");
    return wait<void>(
        [&](auto done) { pushers.set(id(who), "PHONE", body->root(), std::move(done)); });
  }
  std::string encrypted(std::string_view who, std::string_view room) {
    return *send(who, room, R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AAAA"})",
                 "m.room.encrypted");
  }
  // What is told now: "event unread", or "unread" alone.
  Texts told() { return told_by(delivery); }
  Texts told_by(Delivery& one) {
    gateway.bodies.clear();
    one.work();
    Texts texts;
    for (const std::string& body : gateway.bodies) {
      const auto document = json::Document::parse(body);
      const json::Value told = document->root().get("notification");
      const std::string event(told.get("event_id").string_or(""));
      texts.push_back(event + (event.empty() ? "" : " ") +
                      std::to_string(told.get("counts").get("unread").int_or(0)));
    }
    return texts;
  }
  void later(std::chrono::milliseconds by) { time.advance(by.count()); }

  Pushers pushers{*store, policy};
};

TEST(Delivery, TellsTheOthersOfTheRoomAndHowMuchIsUnread) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  for (const char* who : {"joint.secretary", "desk.officer", "stranger"}) {
    ASSERT_TRUE(site.set(who));
  }
  EXPECT_EQ(site.told(), Texts{}) << "what came before the pusher";
  const std::string first = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{first + " 1"});
  EXPECT_EQ(site.told(), Texts{}) << "once";
  const std::string second = site.encrypted("under.secretary", room);
  EXPECT_EQ(site.told(), (Texts{second + " 2", second + " 1"}));
}

// Nothing was looked at between the first pusher, the event and the first look.
TEST(Delivery, TellsWhatCameBeforeItFirstLooked) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  Delivery other(&site.gateway, Parts::options(), site.time);
  ASSERT_TRUE(other.attach(*site.store, site.feed()));
  ASSERT_TRUE(site.set("desk.officer"));
  const store::Change change = store::PushersChanged{SyncFixture::id("desk.officer")};
  other.committed(site.store->position(), {&change, 1});
  const std::string event = site.encrypted("joint.secretary", room);
  other.committed(site.store->position(), {});
  EXPECT_EQ(site.told_by(other), Texts{event + " 1"});
}

TEST(Delivery, TellsWhatTheFormatAsksForAndNoContent) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer", "phone", ""));
  ASSERT_TRUE(site.say("joint.secretary", room, "the secret"));
  ASSERT_EQ(site.told().size(), 1U);
  const std::string body = site.gateway.bodies.front();
  EXPECT_TRUE(
      body.contains(R"("type":"m.room.message","sender":"@joint.secretary:gims.internal")"));
  EXPECT_TRUE(body.contains(R"("prio":"high")"));
  EXPECT_TRUE(body.contains(R"("tweaks":{"sound":"default"})"));
  EXPECT_FALSE(body.contains("secret\"")) << body;
  EXPECT_FALSE(body.contains("url"));
  // Of what is encrypted too, the sound of a room of two is the room's.
  site.encrypted("joint.secretary", room);
  site.told();
  EXPECT_TRUE(site.gateway.bodies.front().contains(R"("tweaks":{"sound":"default"})"));
}

TEST(Delivery, FollowsTheRulesOfEach) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  ASSERT_TRUE(site.set("desk.officer"));
  ASSERT_TRUE(site.set("under.secretary"));
  PushRules rules(*site.store);
  ASSERT_TRUE(SyncFixture::wait<void>([&](auto done) {
    rules.change(
        SyncFixture::id("desk.officer"),
        [&](matrix::RuleSet& set) {
          return set.put(matrix::RuleKind::room, room,
                         json::Document::parse(R"({"actions":["dont_notify"]})")->root());
        },
        std::move(done));
  }));
  ASSERT_TRUE(site.set_account_data("under.secretary", "m.ignored_user_list",
                                    R"({"ignored_users":{"@desk.officer:gims.internal":{}}})"));
  const std::string event = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{event + " 1"});
  site.encrypted("desk.officer", room);
  EXPECT_EQ(site.told(), Texts{}) << "of whom one ignores";
}

TEST(Delivery, TellsWhoIsInvitedWhileTheyAre) {
  Site site;
  ASSERT_TRUE(site.set("desk.officer"));
  const std::string room = site.room_of("joint.secretary");
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
  ASSERT_EQ(site.told().size(), 1U);
  EXPECT_TRUE(site.gateway.bodies.front().contains(R"("room_id":")" + room));
  const std::string other = site.room_of("joint.secretary");
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, other, "desk.officer"));
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::join, other));
  EXPECT_EQ(site.told(), Texts{});
}

TEST(Delivery, DoesNotTellOfWhatWasReadMeanwhile) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  const std::string event = site.encrypted("joint.secretary", room);
  ASSERT_TRUE(site.read_up_to("desk.officer", room, event));
  EXPECT_EQ(site.told(), Texts{});
}

TEST(Delivery, ClearsTheCountWhenAllIsRead) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string other = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  const std::string event = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{event + " 1"});
  const std::string second = site.encrypted("joint.secretary", other);
  EXPECT_EQ(site.told(), Texts{second + " 2"});
  ASSERT_TRUE(site.read_up_to("desk.officer", room, event));
  EXPECT_EQ(site.told(), Texts{}) << "there is more";
  site.encrypted("desk.officer", other);  // who answers has read
  EXPECT_EQ(site.told(), Texts{"0"});
  ASSERT_TRUE(site.read_up_to("desk.officer", other, second));
  EXPECT_EQ(site.told(), Texts{}) << "it is told once";
}

TEST(Delivery, ANewerOneStandsForWhatTheGatewayDidNotTake) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  site.gateway.away = true;
  site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{});
  EXPECT_EQ(site.delivery.state()->failing, "ENOENT");
  EXPECT_EQ(site.delivery.state()->unsent, 1U);
  const std::string newer = site.encrypted("joint.secretary", room);
  site.gateway.away = false;
  EXPECT_EQ(site.told(), Texts{}) << "it is left alone for a second";
  site.later(std::chrono::seconds(1));
  EXPECT_EQ(site.told(), Texts{newer + " 2"});
  EXPECT_EQ(site.delivery.state()->failing, "");
  EXPECT_EQ(site.delivery.state()->unsent, 0U);
}

// The pauses grow to a minute, and no further.
TEST(Delivery, AsksAGatewayThatIsAwayLessAndLess) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  site.gateway.status = 401;
  site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told().size(), 1U);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    site.later(std::chrono::seconds(seconds) - std::chrono::milliseconds(1));
    EXPECT_EQ(site.told().size(), 0U) << seconds;
    site.later(std::chrono::milliseconds(1));
    EXPECT_EQ(site.told().size(), 1U) << seconds;
  }
}

TEST(Delivery, OneThatIsTooMuchDoesNotHoldUpOthers) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  const std::string event = site.encrypted("joint.secretary", room);
  site.gateway.status = 429;
  EXPECT_EQ(site.told(), Texts{event + " 1"});
  site.gateway.status = 200;
  ASSERT_TRUE(site.set("joint.secretary"));
  const std::string other = site.encrypted("desk.officer", room);
  EXPECT_EQ(site.told(), Texts{other + " 1"}) << "who answered has read it";
}

TEST(Delivery, WhatIsRefusedForGoodIsNotRepeated) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  site.gateway.status = 403;
  const std::string event = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{event + " 1"});
  site.later(std::chrono::hours(1));
  EXPECT_EQ(site.told(), Texts{});
}

TEST(Delivery, ARejectedPusherIsRemoved) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer", "phone"));
  ASSERT_TRUE(site.set("desk.officer", "tablet"));
  site.gateway.answer = R"({"rejected":["phone"]})";
  site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told().size(), 2U);
  const auto left = test::parsed(site.pushers.list(SyncFixture::id("desk.officer")));
  ASSERT_EQ(left.root().get("pushers").size(), 1U);
  EXPECT_EQ(left.root().get("pushers").at(0).get("pushkey").as_string(), "tablet");
  site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told().size(), 1U);
}

TEST(Delivery, APusherEndsWhenItIsTakenAwayOrItsOwnerIsLocked) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  ASSERT_TRUE(site.set("desk.officer"));
  ASSERT_TRUE(site.set("under.secretary"));
  const std::string event = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), (Texts{event + " 1", event + " 1"}));
  const auto none = json::Document::parse(R"({"kind":null,"app_id":"app","pushkey":"phone"})");
  ASSERT_TRUE(SyncFixture::wait<void>([&](auto done) {
    site.pushers.set(SyncFixture::id("desk.officer"), "PHONE", none->root(), std::move(done));
  }));
  ASSERT_TRUE(site.store.write([](store::Transaction& transaction) -> Result<> {
    transaction.publish(store::UserStateChanged{SyncFixture::id("under.secretary")});
    return transaction.sql().script(
        "UPDATE users SET state = 'locked' WHERE user_id = "
        "'@under.secretary:gims.internal'");
  }));
  site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{});
  EXPECT_EQ(site.delivery.state()->users, 0U);
  ASSERT_TRUE(site.store.write([](store::Transaction& transaction) -> Result<> {
    transaction.publish(store::UserStateChanged{SyncFixture::id("under.secretary")});
    return transaction.sql().script("UPDATE users SET state = 'active'");
  }));
  site.told();
  const std::string last = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{last + " 3"});
}

// As after kill -9: what was not told stands in the store, and is told by the next process.
TEST(Delivery, WhatWasNotToldIsToldByTheNextProcess) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  const std::string told = site.encrypted("joint.secretary", room);
  EXPECT_EQ(site.told(), Texts{told + " 1"});
  site.later(std::chrono::seconds(5));
  site.delivery.work();  // keeps how far it came
  site.gateway.away = true;
  const std::string untold = site.encrypted("joint.secretary", room);
  site.later(std::chrono::seconds(5));
  EXPECT_EQ(site.told(), Texts{});
  site.gateway.away = false;
  Delivery next(&site.gateway, Parts::options(), site.time);
  EXPECT_TRUE(next.attach(*site.store, site.feed()));
  EXPECT_EQ(site.told_by(next), Texts{untold + " 2"});
}

TEST(Delivery, NobodyIsToldOfWhatIsLongAgo) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string other = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  site.delivery.work();
  site.later(std::chrono::seconds(5));
  site.delivery.work();
  site.gateway.away = true;
  site.encrypted("joint.secretary", other);
  site.delivery.work();
  std::string last;
  for (int i = 0; i < 3; ++i) last = site.encrypted("joint.secretary", room);
  site.gateway.away = false;
  DeliveryOptions options = Parts::options();
  options.most_behind = 3;
  Delivery next(&site.gateway, options, site.time);
  EXPECT_TRUE(next.attach(*site.store, site.feed()));
  EXPECT_EQ(site.told_by(next), Texts{last + " 4"});
}

TEST(Delivery, EventsWaitInTheStoreWhileTooManyAreUnsent) {
  Site site;
  Texts rooms;
  for (int i = 0; i < 3; ++i) {
    rooms.push_back(site.room_of("joint.secretary", {"desk.officer"}));
  }
  ASSERT_TRUE(site.set("desk.officer"));
  site.delivery.work();
  site.gateway.away = true;
  DeliveryOptions options = Parts::options();
  options.outbox.unsent = 1;
  Delivery small(&site.gateway, options, site.time);
  EXPECT_TRUE(small.attach(*site.store, site.feed()));
  small.work();
  Texts expected;
  for (const std::string& room : rooms) {
    expected.push_back(site.encrypted("joint.secretary", room));
    small.committed(site.store->position(), {});
    small.work();
  }
  EXPECT_EQ(small.state()->unsent, 1U);
  site.gateway.away = false;
  Texts told;
  for (int i = 0; i < 4; ++i) {
    site.later(std::chrono::minutes(1));
    for (const std::string& text : site.told_by(small)) told.push_back(text);
  }
  EXPECT_EQ(told, (Texts{expected[0] + " 3", expected[1] + " 3", expected[2] + " 3"}));
}

TEST(Delivery, WorksByItselfAndStops) {
  Site site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.set("desk.officer"));
  site.gateway.bodies.clear();
  site.delivery.start();
  site.encrypted("joint.secretary", room);
  EXPECT_TRUE(site.gateway.wait_for(1));
  site.delivery.stop();
  Delivery next(&site.gateway, Parts::options(), site.time);
  EXPECT_TRUE(next.attach(*site.store, site.feed()));
  EXPECT_EQ(site.told_by(next), Texts{}) << "it noted how far it came";
}

TEST(Delivery, WithoutAGatewayNothingIsDone) {
  Site site;
  Delivery none(nullptr, {}, site.time);
  EXPECT_TRUE(none.attach(*site.store, site.feed()));
  none.start();
  none.committed(1, {});
  none.stop();
  EXPECT_FALSE(none.state());
}

}  // namespace
}  // namespace gims::service::push
