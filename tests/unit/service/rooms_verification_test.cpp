// What of a verification in a room passes, readable as it is, where encryption is forced (spec:
// client-server API, "Key verification framework"; docs/threat-model.md).
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::RoomsFixture;

constexpr std::string_view asker = "desk.officer";
constexpr std::string_view asked = "joint.secretary";

class Verification : public ::testing::Test {
 protected:
  // The members of a request to the joint secretary, and more.
  std::string ask(std::string_view more = "", std::string_view who = asker,
                  std::string_view to = "@joint.secretary:gims.internal",
                  std::string_view body = "wants to verify") {
    const auto sent = site.send(
        who, room,
        R"({"msgtype":"m.key.verification.request","body":")" + std::string(body) +
            R"(","from_device":"PHONE","methods":["m.sas.v1","m.qr_code.show.v1"],"to":")" +
            std::string(to) + "\"" + std::string(more) + "}",
        "m.room.message");
    return sent ? *sent : sent.error().code;
  }
  // The code of the refusal; "" for a step that passed. `members` begin with no comma.
  std::string step(std::string_view who, std::string_view kind, std::string_view members,
                   std::string_view request) {
    return code_of(site.send(who, room,
                             "{" + std::string(members) + (members.empty() ? "" : ",") +
                                 R"("m.relates_to":{"rel_type":"m.reference","event_id":")" +
                                 std::string(request) + "\"}}",
                             "m.key.verification." + std::string(kind)));
  }
  static bool passed(const std::string& event) { return event.starts_with('$'); }

  RoomsFixture site{test::closed_policy()};
  std::string room = site.room_of(std::string(asked), {asker, "under.secretary"});
};

// As matrix-js-sdk and the Rust SDK send it, to the end.
TEST_F(Verification, PassesFromTheRequestToTheEnd) {
  const std::string request =
      ask(R"(,"format":"org.matrix.custom.html","formatted_body":"<b>wants</b> to verify")");
  ASSERT_TRUE(passed(request)) << request;
  EXPECT_EQ(step(asked, "ready", R"("from_device":"PHONE","methods":["m.sas.v1"])", request), "");
  EXPECT_EQ(step(asker, "start",
                 R"("from_device":"PHONE","method":"m.sas.v1","hashes":["sha256"],)"
                 R"("key_agreement_protocols":["curve25519-hkdf-sha256"],)"
                 R"("message_authentication_codes":["hkdf-hmac-sha256.v2","hkdf-hmac-sha256"],)"
                 R"("short_authentication_string":["decimal","emoji"])",
                 request),
            "");
  const std::string base64(43, 'A');
  EXPECT_EQ(step(asked, "accept",
                 R"("method":"m.sas.v1","hash":"sha256","commitment":")" + base64 +
                     R"(","key_agreement_protocol":"curve25519-hkdf-sha256",)"
                     R"("message_authentication_code":"hkdf-hmac-sha256.v2",)"
                     R"("short_authentication_string":["decimal","emoji"])",
                 request),
            "");
  EXPECT_EQ(step(asker, "key", R"("key":")" + base64 + "\"", request), "");
  EXPECT_EQ(step(asked, "mac",
                 R"("keys":")" + base64 + R"(","mac":{"ed25519:PHONE":")" + base64 +
                     R"(","ed25519:)" + base64 + R"(":")" + base64 + "\"}",
                 request),
            "");
  EXPECT_EQ(step(asker, "done", "", request), "");
  // By a code that is scanned, and ended.
  EXPECT_EQ(step(asker, "start",
                 R"("from_device":"PHONE","method":"m.reciprocate.v1","secret":")" + base64 + "\"",
                 request),
            "");
  EXPECT_EQ(step(asked, "cancel", R"("code":"m.user","reason":"User cancelled")", request), "");
}

TEST_F(Verification, ARequestHasTheMembersOfTheSpecAndShortOnes) {
  EXPECT_TRUE(passed(ask()));
  EXPECT_EQ(ask(R"(,"note":"hello")"), "M_FORBIDDEN");
  EXPECT_EQ(ask(R"(,"m.relates_to":{"event_id":"$x","rel_type":"m.thread"})"), "M_FORBIDDEN");
  EXPECT_TRUE(passed(ask("", asker, RoomsFixture::id(asked), std::string(1024, 'x'))));
  EXPECT_EQ(ask("", asker, RoomsFixture::id(asked), std::string(1025, 'x')), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.send(asker, room,
                              R"({"msgtype":"m.key.verification.request","body":{"a":"b"},)"
                              R"("from_device":"PHONE","methods":["m.sas.v1"],)"
                              R"("to":"@joint.secretary:gims.internal"})",
                              "m.room.message")),
            "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.send(asker, room,
                              R"({"msgtype":"m.key.verification.request","body":"x",)"
                              R"("to":"@joint.secretary:gims.internal"})",
                              "m.room.message")),
            "M_FORBIDDEN")
      << "from_device and methods are missing";
}

TEST_F(Verification, ARequestIsForSomebodyElseInTheRoom) {
  EXPECT_EQ(ask("", asker, RoomsFixture::id("stranger")), "M_FORBIDDEN");
  EXPECT_EQ(ask("", asker, RoomsFixture::id(asker)), "M_FORBIDDEN");
  EXPECT_EQ(ask("", asker, "nobody at all"), "M_FORBIDDEN");
  ASSERT_TRUE(site.act(asked, Act::invite, room, "stranger"));
  EXPECT_TRUE(passed(ask("", asker, RoomsFixture::id("stranger"))));
}

TEST_F(Verification, AStepAnswersARequestOfItsSenderOrToThem) {
  const std::string request = ask();
  ASSERT_TRUE(passed(request));
  const std::string members = R"("from_device":"PHONE","methods":["m.sas.v1"])";
  EXPECT_EQ(step(asked, "ready", members, request), "");
  EXPECT_EQ(step("under.secretary", "ready", members, request), "M_FORBIDDEN");
  EXPECT_EQ(step(asked, "ready", members, "$nowhere"), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.send(asked, room, "{" + members + "}", "m.key.verification.ready")),
            "M_FORBIDDEN");
  // Of another room.
  const std::string other = site.room_of(std::string(asked), {asker});
  const auto elsewhere =
      site.send(asker, other,
                R"({"msgtype":"m.key.verification.request","body":"x","from_device":"PHONE",)"
                R"("methods":["m.sas.v1"],"to":"@joint.secretary:gims.internal"})",
                "m.room.message");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(step(asked, "ready", members, *elsewhere), "M_FORBIDDEN");
  // An event that is no request: a step, the state, a request that was removed.
  const auto encrypted = site.send(asker, room, R"({"ciphertext":"x"})", "m.room.encrypted");
  const auto reaction = site.send(asker, room,
                                  R"({"m.relates_to":{"rel_type":"m.annotation","event_id":")" +
                                      *encrypted + R"(","key":"+"}})",
                                  "m.reaction");
  EXPECT_EQ(step(asked, "ready", members, *reaction), "M_FORBIDDEN");
  ASSERT_TRUE(site.redact(asker, room, request));
  EXPECT_EQ(step(asked, "ready", members, request), "M_FORBIDDEN");
}

// Some clients encrypt the request and others answer it readable: the server cannot look into it.
TEST_F(Verification, AStepMayAnswerAnEncryptedRequest) {
  const auto encrypted = site.send(asker, room, R"({"ciphertext":"x"})", "m.room.encrypted");
  EXPECT_EQ(step(asked, "ready", R"("from_device":"PHONE","methods":["m.sas.v1"])", *encrypted),
            "");
}

struct Refused {
  const char* kind;
  const char* members;
};

class VerificationStep : public Verification, public ::testing::WithParamInterface<Refused> {};

TEST_P(VerificationStep, SaysNothingElse) {
  EXPECT_EQ(step(asked, GetParam().kind, GetParam().members, ask()), "M_FORBIDDEN");
}

INSTANTIATE_TEST_SUITE_P(
    All, VerificationStep,
    ::testing::Values(
        Refused{"done", R"("note":"hello")"}, Refused{"done", R"("transaction_id":"t")"},
        Refused{"ready", R"("from_device":"PHONE","methods":["some words"])"},
        Refused{"ready", R"("from_device":"PHONE","methods":["a",{"b":"c"}])"},
        Refused{
            "ready",
            R"("from_device":"PHONE","methods":["a","a","a","a","a","a","a","a","a","a","a","a",)"
            R"("a","a","a","a","a"])"},
        Refused{"ready", R"("methods":["m.sas.v1"])"},
        Refused{"ready", R"("from_device":"of somebody else","methods":["m.sas.v1"])"},
        Refused{"start", R"("from_device":"PHONE","method":"m.sas.v1","secret":"not base64")"},
        Refused{"start", R"("from_device":"PHONE","method":"in my own words")"},
        Refused{"key", R"("key":"with a blank in it")"},
        Refused{"key",
                R"("key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA)"
                R"(AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")"},
        Refused{"mac", R"("keys":"AA","mac":{"ed25519:PHONE":"two words"})"},
        Refused{"mac", R"("keys":"AA","mac":{"no key id":"AA"})"},
        Refused{"mac", R"("keys":"AA","mac":{"ed25519:of somebody else":"AA"})"},
        Refused{"cancel", R"("code":"m.user","reason":7)"},
        Refused{"cancel", R"("code":"two words","reason":"x")"}, Refused{"unknown", ""},
        Refused{"request", R"("from_device":"PHONE","methods":["m.sas.v1"])"}));

TEST_F(Verification, GivesAShortReasonForItsEnd) {
  const std::string request = ask();
  const auto cancel = [&](std::size_t length) {
    return step(asked, "cancel", R"("code":"m.user","reason":")" + std::string(length, 'x') + "\"",
                request);
  };
  EXPECT_EQ(cancel(255), "");
  EXPECT_EQ(cancel(256), "M_FORBIDDEN");
}

}  // namespace
}  // namespace gims::service::rooms
