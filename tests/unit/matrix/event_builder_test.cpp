#include "matrix/event_builder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "matrix/hashes.hpp"

namespace gims::matrix {
namespace {

const std::vector<std::string> previous{"$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
const std::vector<std::string> auth{"$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
constexpr std::string_view target = "$ccccccccccccccccccccccccccccccccccccccccccc";

Draft draft_of(std::string_view type, std::string_view content) {
  return {.room_id = "!room:gims.internal",
          .type = type,
          .sender = "@desk.officer:gims.internal",
          .content = content,
          .prev_events = previous,
          .auth_events = auth,
          .depth = 3,
          .origin_server_ts = 1700000000000};
}

void expect_hashes(const RoomVersion& version, const Draft& draft, std::string_view content_hash,
                   std::string_view event_id) {
  const auto event = build_event(version, draft);
  ASSERT_TRUE(event) << event.error().text;
  EXPECT_EQ((*event)->json().get("hashes").get("sha256").as_string(), content_hash);
  EXPECT_EQ((*event)->event_id(), event_id);
  EXPECT_TRUE(content_hash_fits((*event)->json()));
}

// The expected hashes were computed apart from this code, with Python's json and hashlib, from the
// rules of the spec (server-server API, "Signing Events"; rooms/v4, "Event IDs").
TEST(EventBuilder, HashesAsTheSpecSays) {
  expect_hashes(room_version_11(),
                draft_of("m.room.message", R"({"msgtype":"m.text","body":"नमस्ते"})"),
                "sTzrjhh5dH29QHSwBKa7THH32z44IBXMm9UrKOwupno",
                "$ti-suXW2YZUeqhf8rxCTkYbZHuOQVaABYNxS4vE8zZE");
  Draft levels = draft_of("m.room.power_levels",
                          R"({"ban":60,"invite":10,"notifications":{"room":20},
                          "users":{"@joint.secretary:gims.internal":100}})");
  levels.state_key = "";
  expect_hashes(room_version_10(), levels, "0ABpuT4aa/Pe7z1urv1J6udXa/ZW843/TkmOf5rQLQA",
                "$5rdkoS78xDlU465deVjnFt3E4HDBxBbSXCshjRgjSmQ");
  expect_hashes(room_version_11(), levels, "0ABpuT4aa/Pe7z1urv1J6udXa/ZW843/TkmOf5rQLQA",
                "$Uf0rF5sKFWyv7bMirLsplOl0Q8Nidy2M_zu4n11J3qk");
}

TEST(EventBuilder, PutsTheRedactedEventWhereTheVersionHasIt) {
  Draft redaction = draft_of("m.room.redaction", R"({"reason":"spam"})");
  redaction.redacts = target;
  expect_hashes(room_version_10(), redaction, "M8Gag/mfxTUfYK1CksZ96ufcnabsdbWeyry1qQMsRRY",
                "$HKXKhAYVhDJENgPtWsgPoxhSjDxlY4jJAoltkaqCjOY");
  expect_hashes(room_version_11(), redaction, "gpSzatIfFsr77hRBxC6bIABzwIGbIb6uX1Fh/CrNcYg",
                "$1B2H2oiLYMVLdzzHbLTBg7ckCNpRY68wykXFqP4vTUw");
  for (const RoomVersion& version : room_versions()) {
    EXPECT_EQ(build_event(version, redaction).value()->redacts(), target) << version.id;
  }
}

TEST(EventBuilder, NamesARoomOfVersion12AfterItsCreateEvent) {
  const Draft create{
      .type = "m.room.create",
      .state_key = "",
      .sender = "@desk.officer:gims.internal",
      .content =
          R"({"room_version":"12","additional_creators":["@joint.secretary:gims.internal"]})",
      .depth = 1,
      .origin_server_ts = 1700000000000};
  expect_hashes(room_version_12(), create, "6+vs3JQLEwqPXE/4ECV3insuBHmUyc+oyviN0fCA+MU",
                "$3m02_RI51qQYchRqXSGJEFgfRyUotpI_v_2Lmaiq-j8");
  const EventPtr event = build_event(room_version_12(), create).value();
  EXPECT_EQ(event->room_id(), "!3m02_RI51qQYchRqXSGJEFgfRyUotpI_v_2Lmaiq-j8");
  EXPECT_FALSE(event->json().get("room_id"));
  EXPECT_FALSE(build_event(room_version_11(), create));
}

TEST(EventBuilder, GivesEveryMemberBack) {
  Draft draft = draft_of("m.room.topic", R"({ "topic" : "Budget" })");
  draft.state_key = "";
  const EventPtr event = build_event(room_version_11(), draft).value();
  EXPECT_EQ(event->type(), "m.room.topic");
  EXPECT_EQ(event->sender(), "@desk.officer:gims.internal");
  EXPECT_EQ(event->room_id(), "!room:gims.internal");
  EXPECT_EQ(event->state_key(), "");
  EXPECT_EQ(event->depth(), 3);
  EXPECT_EQ(event->origin_server_ts(), 1700000000000);
  EXPECT_EQ(event->prev_events(), std::vector<std::string_view>{previous.front()});
  EXPECT_EQ(event->auth_events(), std::vector<std::string_view>{auth.front()});
  EXPECT_EQ(event->content().get("topic").as_string(), "Budget");
  EXPECT_EQ(event->content_bytes(), R"({"topic":"Budget"})");
  EXPECT_FALSE(event->redacts());
}

std::string code_of(const Draft& draft) {
  const auto event = build_event(room_version_12(), draft);
  return event ? "" : event.error().code;
}

TEST(EventBuilder, RefusesContentThatIsNotCanonical) {
  for (const std::string_view content :
       {"[]", "1", R"({"a":1.5})", R"({"a":9007199254740992})", R"({"a":1,"a":2})"}) {
    EXPECT_EQ(code_of(draft_of("m.room.message", content)), "M_BAD_JSON") << content;
  }
  EXPECT_EQ(code_of(draft_of("m.room.message", "{")), "M_NOT_JSON");
}

TEST(EventBuilder, RefusesATypeOrStateKeyThatIsNotUtf8) {
  EXPECT_EQ(code_of(draft_of("m.\xff", "{}")), "M_BAD_JSON");
  Draft draft = draft_of("m.room.topic", "{}");
  draft.state_key = "\xc3";
  EXPECT_EQ(code_of(draft), "M_BAD_JSON");
  EXPECT_EQ(build_event(room_version_12(), draft).error().kind, ErrorKind::bad_input);
  draft.state_key = "\xc3\xa9";
  EXPECT_EQ(code_of(draft), "");
}

TEST(EventBuilder, LimitsTheLengthOfKeys) {
  const std::string longest(255, 'x');
  Draft draft = draft_of(longest, "{}");
  draft.state_key = longest;
  EXPECT_EQ(code_of(draft), "");
  const std::string too_long = longest + "x";
  draft.state_key = too_long;
  EXPECT_EQ(code_of(draft), "M_TOO_LARGE");
  EXPECT_EQ(code_of(draft_of(too_long, "{}")), "M_TOO_LARGE");
  const std::string sender = "@" + longest + ":gims.internal";
  draft = draft_of("m.room.message", "{}");
  draft.sender = sender;
  EXPECT_EQ(code_of(draft), "M_TOO_LARGE");
}

TEST(EventBuilder, LimitsTheEventWithItsSignature) {
  const auto with_body = [](std::size_t size) {
    return R"({"body":")" + std::string(size, 'x') + R"("})";
  };
  const std::string fits = with_body(64'000);
  const EventPtr event = build_event(room_version_12(), draft_of("m.room.message", fits)).value();
  // The longest body leaves room for a signature by a server of this name.
  const std::size_t frame = event->bytes().size() - 64'000;
  const std::string signature =
      R"(,"signatures":{"gims.internal":{"ed25519:a_key_id":")" + std::string(86, 'A') + R"("}})";
  std::size_t most = 0;
  for (std::size_t size = 64'000; size < max_event_bytes; ++size) {
    const std::string content = with_body(size);
    if (code_of(draft_of("m.room.message", content)) == "M_TOO_LARGE") break;
    most = size;
  }
  EXPECT_LE(frame + most + signature.size(), max_event_bytes);
  EXPECT_GT(frame + most + 400, max_event_bytes);
}

}  // namespace
}  // namespace gims::matrix
