#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::RoomsFixture;

std::string reaction_to(std::string_view event, std::string_view key) {
  return R"({"m.relates_to":{"rel_type":"m.annotation","event_id":")" + std::string(event) +
         R"(","key":")" + std::string(key) + R"("}})";
}

TEST(Send, FollowsTheNewestEventAndNamesItsAuthEvents) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {}, {.version = "11"});
  const auto before = site.timeline(room);
  const auto sent = site.say("joint.secretary", room, "hello");
  ASSERT_TRUE(sent);
  const auto pdu = site.pdu(*sent);
  EXPECT_EQ(pdu.root().get("depth").as_int(), static_cast<std::int64_t>(before.size()) + 1);
  EXPECT_EQ(pdu.root().get("sender").as_string(), "@joint.secretary:gims.internal");
  // Spec: server-server API, "Auth events selection": create, power levels, the sender's member.
  EXPECT_EQ(pdu.root().get("auth_events").size(), 3U);
  const auto added = site.listener.all<store::EventAdded>();
  EXPECT_EQ(added.back().event->event_id(), *sent);
  EXPECT_EQ(added.back().device_id, "PHONE");
}

TEST(Send, ARetryGetsTheFirstAnswerAndMakesNoSecondEvent) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto first = site.send("joint.secretary", room, "{}", "m.room.message", "txn1");
  const auto events = site.timeline(room).size();
  const auto again = site.send("joint.secretary", room, "{}", "m.room.message", "txn1");
  EXPECT_EQ(*first, again);
  EXPECT_EQ(site.timeline(room).size(), events);
  // Another type, another device's id or another room is another request.
  EXPECT_NE(site.send("joint.secretary", room, "{}", "m.other", "txn1"), *first);
  EXPECT_NE(
      site.send("joint.secretary", site.room_of("joint.secretary"), "{}", "m.room.message", "txn1"),
      *first);
}

TEST(Send, ARetryAfterABanStillGetsTheFirstAnswer) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto first = site.send("desk.officer", room, "{}", "m.room.message", "txn1");
  ASSERT_TRUE(first);
  ASSERT_TRUE(site.act("joint.secretary", Act::ban, room, "desk.officer"));
  EXPECT_EQ(site.send("desk.officer", room, "{}", "m.room.message", "txn1"), *first);
  EXPECT_EQ(code_of(site.send("desk.officer", room, "{}", "m.room.message", "txn2")),
            "M_FORBIDDEN");
}

TEST(Send, AStrangerCannotTellARoomFromNone) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto real = site.say("stranger", room, "let me in");
  const auto none = site.say("stranger", "!nothing:gims.internal", "let me in");
  ASSERT_FALSE(real);
  ASSERT_FALSE(none);
  EXPECT_EQ(real.error().code, "M_FORBIDDEN");
  EXPECT_EQ(real.error().code, none.error().code);
  EXPECT_EQ(real.error().text, none.error().text);
}

TEST(Send, RefusesWhatIsNoCanonicalJsonOrTooLarge) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  EXPECT_EQ(code_of(site.send("joint.secretary", room, R"({"a":1.5})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(site.say("joint.secretary", room, std::string(70'000, 'x'))), "M_TOO_LARGE");
  EXPECT_EQ(code_of(site.send("joint.secretary", room, "{}", std::string(256, 't'))),
            "M_TOO_LARGE");
}

TEST(Send, AThousandInFlightKeepTheirOrderAndOneChain) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto before = site.timeline(room).size();
  constexpr int count = 1000;
  std::atomic<int> done = 0;
  std::atomic<int> failed = 0;
  std::promise<void> all;
  for (int i = 0; i < count; ++i) {
    site.rooms.send_message(RoomsFixture::actor(i % 2 == 0 ? "joint.secretary" : "desk.officer"),
                            room, "m.room.message", R"({"n":)" + std::to_string(i) + "}",
                            "txn" + std::to_string(i), [&](Result<std::string> sent) {
                              if (!sent) ++failed;
                              if (++done == count) all.set_value();
                            });
  }
  all.get_future().wait();
  EXPECT_EQ(failed, 0);
  const auto events = site.timeline(room);
  ASSERT_EQ(events.size(), before + count);
  std::string previous;
  const auto added = site.listener.all<store::EventAdded>();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i > 0) {
      ASSERT_EQ(events[i].root().get("prev_events").size(), 1U);
      ASSERT_EQ(events[i].root().get("prev_events").at(0).as_string(), previous);
    }
    if (i >= before) {
      ASSERT_EQ(events[i].root().get("content").get("n").as_int(),
                static_cast<std::int64_t>(i - before));
    }
    previous = added[i].event->event_id();
  }
}

TEST(Send, ABanThatIsAcknowledgedLetsNothingPassAfterIt) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  std::vector<std::future<Result<std::string>>> outcomes;
  const auto queue = [&](auto start) {
    auto promise = std::make_shared<std::promise<Result<std::string>>>();
    outcomes.push_back(promise->get_future());
    start([promise](Result<std::string> outcome) { promise->set_value(std::move(outcome)); });
  };
  const auto send = [&](auto done) {
    site.rooms.send_message(RoomsFixture::actor("desk.officer"), room, "m.room.message", "{}", "",
                            std::move(done));
  };
  for (int i = 0; i < 50; ++i) queue(send);
  queue([&](auto done) {
    site.rooms.set_membership(RoomsFixture::actor("joint.secretary"), Act::ban, room,
                              RoomsFixture::id("desk.officer"), {}, std::move(done));
  });
  for (int i = 0; i < 50; ++i) queue(send);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].get().has_value(), i <= 50) << i;
  }
}

TEST(Send, AnOperationThatFailsLeavesNothingInMemory) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto before = site.timeline(room).size();
  const std::string user = RoomsFixture::id("joint.secretary");
  const auto failed = site.store.write([&](store::Transaction& transaction) -> Result<> {
    GIMS_TRY(site.rooms.profile_changed(transaction, user, R"("Secretary")", std::nullopt));
    return fail(ErrorKind::conflict, "M_UNKNOWN", "as if a later part had failed");
  });
  ASSERT_FALSE(failed);
  ASSERT_TRUE(site.say("joint.secretary", room, "still here"));
  const auto events = site.timeline(room);
  ASSERT_EQ(events.size(), before + 1);
  EXPECT_EQ(events.back().root().get("depth").as_int(), static_cast<std::int64_t>(before) + 1);
  EXPECT_FALSE(site.state(room, "m.room.member", user).root().get("content").get("displayname"));
}

TEST(Send, KeepsARoomGoingAcrossARestart) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto last = site.say("joint.secretary", room, "before");
  site.store.reopen();
  Rooms rooms(*site.store, site.policy, site.store.clock());
  const auto sent = RoomsFixture::wait<std::string>([&](auto done) {
    rooms.send_message(RoomsFixture::actor("joint.secretary"), room, "m.room.message", "{}", "",
                       std::move(done));
  });
  ASSERT_TRUE(sent);
  EXPECT_EQ(site.pdu(*sent).root().get("prev_events").at(0).as_string(), *last);
  site.store->stop();
}

TEST(State, TheSameOnceMoreMakesNoEvent) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto first = site.put("joint.secretary", room, "m.room.name", R"({"name":"Cabinet"})");
  EXPECT_EQ(site.put("joint.secretary", room, "m.room.name", R"({ "name": "Cabinet" })"), *first);
  EXPECT_NE(site.put("joint.secretary", room, "m.room.name", R"({"name":"Council"})"), *first);
}

TEST(State, NeedsItsPowerLevel) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  EXPECT_EQ(code_of(site.put("desk.officer", room, "m.room.name", R"({"name":"Mine"})")),
            "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.put("joint.secretary", room, "m.room.create", "{}")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.put("stranger", room, "m.room.member", R"({"membership":"join"})",
                             "@stranger:gims.internal")),
            "M_FORBIDDEN");
}

TEST(State, AliasesMustLeadToTheRoom) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const std::string other = site.room_of("joint.secretary", {}, {.alias_localpart = "other"});
  const auto put = [&](std::string_view content) {
    return code_of(site.put("joint.secretary", room, "m.room.canonical_alias", content));
  };
  EXPECT_EQ(put(R"({"alias":"cabinet"})"), "M_INVALID_PARAM");
  EXPECT_EQ(put(R"({"alias":"#cabinet:gims.internal"})"), "M_BAD_ALIAS");
  EXPECT_EQ(put(R"({"alias":"#other:gims.internal"})"), "M_BAD_ALIAS");
  ASSERT_TRUE(site.add_alias("joint.secretary", "#cabinet:gims.internal", room));
  EXPECT_EQ(put(R"({"alias":"#cabinet:gims.internal"})"), "");
  EXPECT_EQ(put(R"({"alt_aliases":["#other:gims.internal"]})"), "M_BAD_ALIAS");
  // One that is there already is not looked at again.
  ASSERT_TRUE(site.remove_alias("joint.secretary", "#cabinet:gims.internal"));
}

TEST(Reactions, TheSameTwiceIsRefused) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto message = site.say("joint.secretary", room, "agreed?");
  const auto react = [&](std::string_view who, std::string_view key, std::string_view txn = "") {
    return site.send(who, room, reaction_to(*message, key), "m.reaction", txn);
  };
  const auto first = react("desk.officer", "yes", "txn1");
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(react("desk.officer", "yes")), "M_DUPLICATE_ANNOTATION");
  EXPECT_EQ(react("desk.officer", "yes", "txn1"), *first);
  EXPECT_TRUE(react("desk.officer", "no"));
  EXPECT_TRUE(react("joint.secretary", "yes"));
  ASSERT_TRUE(site.redact("desk.officer", room, *first));
  EXPECT_TRUE(react("desk.officer", "yes"));
}

class Redaction : public ::testing::TestWithParam<const char*> {};

TEST_P(Redaction, TakesTheContentAndNamesItsTarget) {
  RoomsFixture site;
  const std::string room =
      site.room_of("joint.secretary", {"desk.officer"}, {.version = GetParam()});
  const auto message = site.say("desk.officer", room, "a secret");
  const auto redaction = site.redact("joint.secretary", room, *message, "txn1");
  ASSERT_TRUE(redaction);
  EXPECT_EQ(site.pdu(*message).root().get("content").size(), 0U);
  const auto pdu = site.pdu(*redaction);
  const bool in_content = std::string_view(GetParam()) != "10";
  const json::Value place = in_content ? pdu.root().get("content") : pdu.root();
  EXPECT_EQ(place.get("redacts").as_string(), *message);
  EXPECT_EQ(site.redact("joint.secretary", room, *message, "txn1"), *redaction);
  EXPECT_EQ(site.listener.all<store::EventRedacted>().back().event_id, *message);
}

TEST_P(Redaction, ComesAsAnOrdinaryEventToo) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {}, {.version = GetParam()});
  const auto message = site.say("joint.secretary", room, "a secret");
  ASSERT_TRUE(site.send("joint.secretary", room,
                        R"({"redacts":")" + *message + R"(","reason":"wrong room"})",
                        "m.room.redaction"));
  EXPECT_EQ(site.pdu(*message).root().get("content").size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(All, Redaction, ::testing::Values("10", "11", "12"));

TEST(Redactions, AreForOnesOwnEventsOrByLevel) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto message = site.say("joint.secretary", room, "an order");
  EXPECT_EQ(code_of(site.redact("desk.officer", room, *message)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.redact("desk.officer", room, "$unknown")), "M_NOT_FOUND");
  EXPECT_GT(site.pdu(*message).root().get("content").size(), 0U);
  const auto own = site.say("desk.officer", room, "typo");
  EXPECT_TRUE(site.redact("desk.officer", room, *own));
  // An event of another room does not exist here.
  const std::string other = site.room_of("desk.officer");
  const auto elsewhere = site.say("desk.officer", other, "here");
  EXPECT_EQ(code_of(site.redact("desk.officer", room, *elsewhere)), "M_NOT_FOUND");
}

TEST(Redactions, ChangeTheStateInForce) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto name = site.put("joint.secretary", room, "m.room.name", R"({"name":"Wrong"})");
  ASSERT_TRUE(site.redact("joint.secretary", room, *name));
  EXPECT_EQ(site.state(room, "m.room.name").root().get("content").size(), 0U);
  // The cached state is the redacted one: the same content again is a new event.
  EXPECT_NE(site.put("joint.secretary", room, "m.room.name", R"({"name":"Wrong"})"), *name);
}

// Rules 10.1 to 10.4 are about the content, whatever the room's state: the request is at fault.
TEST(Send, PowerLevelsOfAWrongFormAreABadRequest) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"}, {.version = "12"});
  const auto put = [&](std::string_view who, std::string_view content) {
    return site.put(who, room, "m.room.power_levels", content);
  };
  const auto naming_the_creator =
      put("joint.secretary", R"({"users":{"@joint.secretary:gims.internal":100}})");
  EXPECT_EQ(code_of(naming_the_creator), "M_BAD_JSON");
  EXPECT_EQ(naming_the_creator.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(code_of(put("joint.secretary", R"({"ban":"50"})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(put("joint.secretary", R"({"events":{"x":"50"}})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(put("joint.secretary", R"({"users":{"nobody":50}})")), "M_BAD_JSON");
  // Who may not set them at all, and who may not go so far, is forbidden to.
  EXPECT_EQ(code_of(put("desk.officer", R"({"ban":"50"})")), "M_FORBIDDEN");
  ASSERT_TRUE(put("joint.secretary", R"({"users":{"@desk.officer:gims.internal":100}})"));
  EXPECT_EQ(code_of(put("desk.officer", R"({"users":{"@desk.officer:gims.internal":101}})")),
            "M_FORBIDDEN");
}

TEST(ForcedEncryption, LetsNothingReadablePass) {
  RoomsFixture site(test::closed_policy());
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  EXPECT_EQ(code_of(site.say("desk.officer", room, "in the clear")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.send("desk.officer", room, "{}", "org.example.poll")), "M_FORBIDDEN");
  const auto encrypted =
      site.send("desk.officer", room, R"({"ciphertext":"x"})", "m.room.encrypted");
  ASSERT_TRUE(encrypted);
  EXPECT_TRUE(site.send("desk.officer", room, reaction_to(*encrypted, "yes"), "m.reaction"));
  EXPECT_TRUE(site.redact("desk.officer", room, *encrypted));
}

TEST(ForcedEncryption, CannotBeTurnedOff) {
  RoomsFixture site(test::closed_policy());
  const std::string room = site.room_of("joint.secretary");
  EXPECT_EQ(code_of(site.put("joint.secretary", room, "m.room.encryption", "{}")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.put("joint.secretary", room, "m.room.encryption",
                             R"({"algorithm":"m.megolm.v1.aes-sha2","rotation_period_msgs":1})")),
            "M_FORBIDDEN");
  std::string event;
  for (const auto& added : site.listener.all<store::EventAdded>()) {
    if (added.event->type() == "m.room.encryption") event = added.event->event_id();
  }
  EXPECT_EQ(code_of(site.redact("joint.secretary", room, event)), "M_FORBIDDEN");
  EXPECT_TRUE(site.put("joint.secretary", room, "m.room.join_rules", R"({"join_rule":"public"})"));
  EXPECT_EQ(code_of(site.say("joint.secretary", room, "in the clear")), "M_FORBIDDEN");
}

}  // namespace
}  // namespace gims::service::rooms
