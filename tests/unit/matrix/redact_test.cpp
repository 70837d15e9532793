#include "matrix/redact.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims::matrix {
namespace {

std::string left_of(const RoomVersion& version, std::string_view type, std::string_view content) {
  const auto document = json::Document::parse(content);
  return redacted_content(version, type, document->root()).value();
}

// One content for all types: every key that any rule keeps, and one that none does.
constexpr std::string_view all_keys =
    R"({"allow":[1],"ban":1,"creator":"@a:x","events":{"b":2,"a":1},"events_default":1,
    "history_visibility":"shared","invite":1,"join_authorised_via_users_server":"@b:x",
    "join_rule":"invite","kick":1,"membership":"join","notifications":{"room":1},"other":1,
    "redact":1,"redacts":"$x","room_version":"11","state_default":1,
    "third_party_invite":{"display_name":"x","signed":{"token":"t"}},"users":{},"users_default":1})";

// Spec: rooms/v11, "Redactions".
TEST(Redact, KeepsOfContentsWhatVersion11Names) {
  for (const RoomVersion* version : {&room_version_11(), &room_version_12()}) {
    EXPECT_EQ(left_of(*version, "m.room.member", all_keys),
              R"({"join_authorised_via_users_server":"@b:x","membership":"join",)"
              R"("third_party_invite":{"signed":{"token":"t"}}})");
    EXPECT_EQ(left_of(*version, "m.room.create", R"({"z":1,"creator":"@a:x"})"),
              R"({"creator":"@a:x","z":1})");
    EXPECT_EQ(left_of(*version, "m.room.join_rules", all_keys),
              R"({"allow":[1],"join_rule":"invite"})");
    EXPECT_EQ(left_of(*version, "m.room.power_levels", all_keys),
              R"({"ban":1,"events":{"a":1,"b":2},"events_default":1,"invite":1,"kick":1,)"
              R"("redact":1,"state_default":1,"users":{},"users_default":1})");
    EXPECT_EQ(left_of(*version, "m.room.history_visibility", all_keys),
              R"({"history_visibility":"shared"})");
    EXPECT_EQ(left_of(*version, "m.room.redaction", all_keys), R"({"redacts":"$x"})");
    EXPECT_EQ(left_of(*version, "m.room.message", all_keys), "{}");
    EXPECT_EQ(left_of(*version, "m.room.aliases", R"({"aliases":[]})"), "{}");
  }
}

// Spec: rooms/v9, "Redactions", which version 10 keeps.
TEST(Redact, KeepsOfContentsWhatVersion10Names) {
  const RoomVersion& version = room_version_10();
  EXPECT_EQ(left_of(version, "m.room.member", all_keys),
            R"({"join_authorised_via_users_server":"@b:x","membership":"join"})");
  EXPECT_EQ(left_of(version, "m.room.create", all_keys), R"({"creator":"@a:x"})");
  EXPECT_EQ(left_of(version, "m.room.join_rules", all_keys),
            R"({"allow":[1],"join_rule":"invite"})");
  EXPECT_EQ(left_of(version, "m.room.power_levels", all_keys),
            R"({"ban":1,"events":{"a":1,"b":2},"events_default":1,"kick":1,)"
            R"("redact":1,"state_default":1,"users":{},"users_default":1})");
  EXPECT_EQ(left_of(version, "m.room.redaction", all_keys), "{}");
  EXPECT_EQ(left_of(version, "m.room.message", all_keys), "{}");
}

TEST(Redact, KeepsOfAThirdPartyInviteTheSignedPartAlone) {
  EXPECT_EQ(left_of(room_version_11(), "m.room.member",
                    R"({"membership":"invite","third_party_invite":{"display_name":"x"}})"),
            R"({"membership":"invite"})");
}

constexpr std::string_view pdu =
    R"({"age_ts":1,"auth_events":[],"content":{"body":"x"},"depth":1,"event_id":"$e",
    "hashes":{"sha256":"h"},"membership":"join","origin":"x","origin_server_ts":1,
    "prev_events":[],"prev_state":[],"redacts":"$r","room_id":"!r:x","sender":"@s:x",
    "signatures":{"x":{}},"state_key":"","type":"t","unsigned":{},"z":1})";

TEST(Redact, KeepsOfTheTopLevelWhatTheVersionNames) {
  const auto document = json::Document::parse(pdu);
  EXPECT_EQ(redacted_pdu(room_version_10(), document->root()).value(),
            R"({"auth_events":[],"content":{},"depth":1,"event_id":"$e","hashes":{"sha256":"h"},)"
            R"("membership":"join","origin":"x","origin_server_ts":1,"prev_events":[],)"
            R"("prev_state":[],"room_id":"!r:x","sender":"@s:x","signatures":{"x":{}},)"
            R"("state_key":"","type":"t"})");
  for (const RoomVersion* version : {&room_version_11(), &room_version_12()}) {
    EXPECT_EQ(redacted_pdu(*version, document->root()).value(),
              R"({"auth_events":[],"content":{},"depth":1,"event_id":"$e",)"
              R"("hashes":{"sha256":"h"},"origin_server_ts":1,"prev_events":[],"room_id":"!r:x",)"
              R"("sender":"@s:x","signatures":{"x":{}},"state_key":"","type":"t"})");
  }
}

TEST(Redact, LeavesTheEventItsId) {
  const EventPtr event = Event::parse(room_version_12(), pdu).value();
  const EventPtr stripped = redacted(*event).value();
  EXPECT_EQ(stripped->event_id(), event->event_id());
  EXPECT_EQ(stripped->content_bytes(), "{}");
  // The hash over what is left gives the same id.
  EXPECT_EQ(Event::parse(room_version_12(), stripped->bytes()).value()->event_id(),
            event->event_id());
}

}  // namespace
}  // namespace gims::matrix
