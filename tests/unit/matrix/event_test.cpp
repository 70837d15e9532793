#include "matrix/event.hpp"

#include <gtest/gtest.h>

#include <string>

#include "json/edit.hpp"
#include "json/text.hpp"
#include "matrix/event_builder.hpp"

namespace gims::matrix {
namespace {

constexpr std::string_view pdu =
    R"({"type":"m.room.member","state_key":"@a:gims.internal","sender":"@a:gims.internal",
    "room_id":"!r:gims.internal","prev_events":["$p"],"auth_events":[],"depth":4,
    "origin_server_ts":5,"hashes":{"sha256":"x"},"signatures":{"gims.internal":{"ed25519:1":"y"}},
    "content":{"membership":"join","nested":{"content":{"a":"}\"{"}}},"unsigned":{"age":1.5}})";

std::string code_of(std::string_view text) {
  const auto event = Event::parse(room_version_11(), text);
  return event ? "" : event.error().code;
}

std::string changed(std::string_view key, std::string_view json) {
  const auto document = json::Document::parse(pdu);
  return json::with_member(document->root(), key, json);
}

TEST(Event, IsReadFromAnyFormatting) {
  const EventPtr event = Event::parse(room_version_11(), pdu).value();
  EXPECT_EQ(
      event->bytes(),
      R"({"auth_events":[],"content":{"membership":"join","nested":{"content":{"a":"}\"{"}}},)"
      R"("depth":4,"hashes":{"sha256":"x"},"origin_server_ts":5,"prev_events":["$p"],)"
      R"("room_id":"!r:gims.internal","sender":"@a:gims.internal",)"
      R"("signatures":{"gims.internal":{"ed25519:1":"y"}},)"
      R"("state_key":"@a:gims.internal","type":"m.room.member"})");
  EXPECT_EQ(event->content_bytes(), R"({"membership":"join","nested":{"content":{"a":"}\"{"}}})");
  EXPECT_EQ(event->membership(), "join");
  EXPECT_TRUE(event->is_state("m.room.member", "@a:gims.internal"));
}

TEST(Event, HasAnIdThatSignaturesDoNotChange) {
  const EventPtr event = Event::parse(room_version_11(), pdu).value();
  const EventPtr other = Event::parse(room_version_11(), changed("signatures", "{}")).value();
  EXPECT_EQ(event->event_id(), other->event_id());
  const EventPtr later = Event::parse(room_version_11(), changed("depth", "5")).value();
  EXPECT_NE(event->event_id(), later->event_id());
}

TEST(Event, ComesBackFromTheStore) {
  const EventPtr event = Event::parse(room_version_11(), pdu).value();
  const EventPtr again =
      Event::from_store(room_version_11(), event->event_id(), event->bytes()).value();
  EXPECT_EQ(again->event_id(), event->event_id());
  EXPECT_EQ(again->bytes(), event->bytes());
  EXPECT_EQ(again->content_bytes(), event->content_bytes());
  const auto damaged = Event::from_store(room_version_11(), event->event_id(), "{\"type\":");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().kind, ErrorKind::internal);
}

TEST(Event, RefusesWhatIsMalformed) {
  EXPECT_EQ(code_of(pdu), "");
  EXPECT_EQ(code_of("[]"), "M_BAD_JSON");
  EXPECT_EQ(code_of("{"), "M_NOT_JSON");
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"type", "1"},           {"type", "null"},       {"sender", "\"nobody\""},
      {"state_key", "{}"},     {"content", "[]"},      {"content", "null"},
      {"depth", "-1"},         {"depth", "\"4\""},     {"origin_server_ts", "1.5"},
      {"prev_events", "{}"},   {"prev_events", "[1]"}, {"auth_events", "[\"x\"]"},
      {"room_id", "\"room\""}, {"room_id", "1"},       {"content", R"({"a":1e3})"}};
  for (const auto& [key, json] : wrong) {
    EXPECT_EQ(code_of(changed(key, json)), "M_BAD_JSON") << key << " " << json;
  }
  const auto document = json::Document::parse(pdu);
  for (const std::string_view key : {"type", "sender", "room_id", "content", "depth",
                                     "origin_server_ts", "prev_events", "auth_events"}) {
    EXPECT_EQ(code_of(json::without_member(document->root(), key)), "M_BAD_JSON") << key;
  }
}

TEST(Event, LimitsSizesAndCounts) {
  const auto ids = [](std::size_t count) {
    std::string list = "[";
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::string("\"$a\"");
    return list + "]";
  };
  EXPECT_EQ(code_of(changed("prev_events", ids(20))), "");
  EXPECT_EQ(code_of(changed("prev_events", ids(21))), "M_BAD_JSON");
  EXPECT_EQ(code_of(changed("auth_events", ids(10))), "");
  EXPECT_EQ(code_of(changed("auth_events", ids(11))), "M_BAD_JSON");
  EXPECT_EQ(code_of(changed("type", json::quoted(std::string(256, 'x')))), "M_TOO_LARGE");
  const std::string large = R"({"body":")" + std::string(65'536, 'x') + R"("})";
  EXPECT_EQ(code_of(changed("content", large)), "M_TOO_LARGE");
  // What is dropped does not count.
  EXPECT_EQ(code_of(changed("unsigned", large)), "");
}

TEST(Event, OfVersion12NeedsARoomIdUnlessItMakesTheRoom) {
  const auto document = json::Document::parse(pdu);
  const std::string without = json::without_member(document->root(), "room_id");
  EXPECT_FALSE(Event::parse(room_version_12(), without));
  const auto create = json::Document::parse(without);
  const std::string text = json::with_member(create->root(), "type", "\"m.room.create\"");
  const EventPtr event = Event::parse(room_version_12(), text).value();
  EXPECT_EQ(event->room_id().substr(1), event->event_id().substr(1));
  EXPECT_TRUE(event->room_id().starts_with('!'));
}

}  // namespace
}  // namespace gims::matrix
