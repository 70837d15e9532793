// A room's state made event by event, for tests of what reads state. Nothing is authorised here.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matrix/event_builder.hpp"
#include "matrix/room_version.hpp"
#include "matrix/state_view.hpp"

namespace gims::matrix {

// For INSTANTIATE_TEST_SUITE_P of tests with a parameter of type const RoomVersion*.
inline auto every_version() {
  return testing::Values(&room_version_10(), &room_version_11(), &room_version_12());
}
inline std::string version_name(const testing::TestParamInfo<const RoomVersion*>& version) {
  return "v" + std::string(version.param->id);
}

class StateUnderTest final : public StateView {
 public:
  [[nodiscard]] EventPtr get(std::string_view type, std::string_view state_key) const override {
    const auto found = events_.find({std::string(type), std::string(state_key)});
    return found == events_.end() ? nullptr : found->second;
  }
  void set(const EventPtr& event) {
    events_[{std::string(event->type()), std::string(*event->state_key())}] = event;
  }
  void remove(std::string_view type, std::string_view state_key) {
    events_.erase({std::string(type), std::string(state_key)});
  }

 private:
  std::map<std::pair<std::string, std::string>, EventPtr> events_;
};

class RoomUnderTest {
 public:
  static constexpr std::string_view creator = "@joint.secretary:gims.internal";

  // A room with its create event alone. `content` without the members that the version asks for.
  explicit RoomUnderTest(const RoomVersion& version, std::string_view content = {})
      : version_(version) {
    std::string text(content);
    if (text.empty()) {
      text = version.creator_in_content
                 ? R"({"creator":")" + std::string(creator) + R"(","room_version":"10"})"
                 : R"({"room_version":")" + std::string(version.id) + R"("})";
    }
    create_ = build({.room_id = version.room_id_is_create_hash ? "" : "!room:gims.internal",
                     .type = "m.room.create",
                     .state_key = "",
                     .sender = creator,
                     .content = text,
                     .depth = 1});
    state_.set(create_);
  }

  // An event in this room, after the create event and one more.
  [[nodiscard]] EventPtr make(std::string_view sender, std::string_view type,
                              std::optional<std::string_view> state_key,
                              std::string_view content) const {
    const std::vector<std::string> previous{"$previous", create_->event_id()};
    return build({.room_id = create_->room_id(),
                  .type = type,
                  .state_key = state_key,
                  .sender = sender,
                  .content = content,
                  .prev_events = previous,
                  .depth = 7});
  }
  [[nodiscard]] EventPtr member(std::string_view sender, std::string_view target,
                                std::string_view membership) const {
    return make(sender, "m.room.member", target,
                R"({"membership":")" + std::string(membership) + R"("})");
  }
  [[nodiscard]] EventPtr build(const Draft& draft) const {
    auto built = build_event(version_, draft);
    EXPECT_TRUE(built) << (built ? "" : built.error().text);
    return built ? *built : nullptr;
  }

  // Puts state in force, whether it is allowed or not.
  void set(std::string_view sender, std::string_view type, std::string_view state_key,
           std::string_view content) {
    state_.set(make(sender, type, state_key, content));
  }
  void set_member(std::string_view user, std::string_view membership) {
    state_.set(member(user, user, membership));
  }
  void set_join_rule(std::string_view rule) {
    set(creator, "m.room.join_rules", "", R"({"join_rule":")" + std::string(rule) + R"("})");
  }
  void set_levels(std::string_view content) { set(creator, "m.room.power_levels", "", content); }

  [[nodiscard]] const RoomVersion& version() const { return version_; }
  [[nodiscard]] const EventPtr& create() const { return create_; }
  [[nodiscard]] StateUnderTest& state() { return state_; }
  [[nodiscard]] const StateUnderTest& state() const { return state_; }

 private:
  const RoomVersion& version_;
  StateUnderTest state_;
  EventPtr create_;
};

}  // namespace gims::matrix
