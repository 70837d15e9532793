#include "matrix/client_event.hpp"

#include <gtest/gtest.h>

#include "matrix/event_builder.hpp"

namespace gims::matrix {
namespace {

EventPtr build(const RoomVersion& version, const Draft& draft) {
  return build_event(version, draft).value();
}

Draft topic() {
  return {.room_id = "!r:gims.internal",
          .type = "m.room.topic",
          .state_key = "",
          .sender = "@a:gims.internal",
          .content = R"({"topic":"T"})",
          .depth = 2,
          .origin_server_ts = 9};
}

TEST(ClientEvent, HasTheMembersOfTheSpec) {
  const EventPtr event = build(room_version_11(), topic());
  const std::string id = event->event_id();
  EXPECT_EQ(client_event(*event, RoomIdMember::with, R"({"age":3})"),
            R"({"content":{"topic":"T"},"event_id":")" + id +
                R"(","origin_server_ts":9,"room_id":"!r:gims.internal",)"
                R"("sender":"@a:gims.internal","state_key":"","type":"m.room.topic",)"
                R"("unsigned":{"age":3}})");
  EXPECT_EQ(client_event_head(*event, RoomIdMember::without),
            R"({"content":{"topic":"T"},"event_id":")" + id +
                R"(","origin_server_ts":9,"sender":"@a:gims.internal","state_key":"",)"
                R"("type":"m.room.topic")");
}

TEST(ClientEvent, OfAMessageHasNoStateKey) {
  Draft message = topic();
  message.state_key = std::nullopt;
  const EventPtr event = build(room_version_12(), message);
  EXPECT_FALSE(client_event(*event, RoomIdMember::with).contains("state_key"));
}

// Spec: rooms/v11, "Moving the redacts property of m.room.redaction events to a content property".
TEST(ClientEvent, NamesWhatARedactionRedactsInBothPlaces) {
  Draft redaction = topic();
  redaction.type = "m.room.redaction";
  redaction.state_key = std::nullopt;
  redaction.content = R"({"reason":"x"})";
  redaction.redacts = "$target";
  for (const RoomVersion& version : room_versions()) {
    const EventPtr event = build(version, redaction);
    const auto document = json::Document::parse(client_event(*event, RoomIdMember::with));
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().get("redacts").as_string(), "$target") << version.id;
    EXPECT_EQ(document->root().get("content").get("redacts").as_string(), "$target") << version.id;
    EXPECT_EQ(document->root().get("content").get("reason").as_string(), "x") << version.id;
  }
}

TEST(ClientEvent, IsStrippedToFourMembers) {
  EXPECT_EQ(stripped_state(*build(room_version_11(), topic())),
            R"({"content":{"topic":"T"},"sender":"@a:gims.internal","state_key":"",)"
            R"("type":"m.room.topic"})");
}

}  // namespace
}  // namespace gims::matrix
