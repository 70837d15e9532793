// What the tests of the rules of authorisation share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "json/text.hpp"
#include "matrix/auth_rules.hpp"
#include "support/room_under_test.hpp"

namespace gims::matrix {

inline constexpr std::string_view creator = RoomUnderTest::creator;
inline constexpr std::string_view officer = "@desk.officer:gims.internal";
inline constexpr std::string_view clerk = "@clerk:gims.internal";
inline constexpr std::string_view stranger = "@envoy:other.internal";

// The creator, a joined officer, and nobody else; levels as a private chat's preset makes them.
class AuthRule : public testing::TestWithParam<const RoomVersion*> {
 protected:
  AuthRule() : room_(*GetParam()) {
    room_.set_member(creator, "join");
    room_.set_member(officer, "join");
    room_.set_join_rule("invite");
    set_levels(R"("invite":10)", R"("@desk.officer:gims.internal":20)");
  }

  // Where creators stand above levels, they must not be named.
  void set_levels(std::string_view members, std::string_view users) {
    room_.set_levels(levels(members, users));
  }
  static std::string levels(std::string_view members, std::string_view users) {
    std::string text = "{";
    if (!members.empty()) text += std::string(members) + ",";
    text += R"("users":{)";
    if (!GetParam()->privileged_creators) {
      text += json::quoted(creator) + ":100" + (users.empty() ? "" : ",");
    }
    return text + std::string(users) + "}}";
  }

  [[nodiscard]] bool allows(const EventPtr& event) const {
    return authorise(room_.version(), *event, room_.state()).has_value();
  }
  [[nodiscard]] bool allows_message(std::string_view sender) const {
    return allows(room_.make(sender, "m.room.message", std::nullopt, "{}"));
  }
  [[nodiscard]] bool allows_member(std::string_view sender, std::string_view target,
                                   std::string_view membership) const {
    return allows(room_.member(sender, target, membership));
  }
  [[nodiscard]] bool allows_levels(std::string_view sender, std::string_view members,
                                   std::string_view users) const {
    return allows(room_.make(sender, "m.room.power_levels", "", levels(members, users)));
  }
  [[nodiscard]] bool is_v12() const { return room_.version().room_id_is_create_hash; }

  RoomUnderTest room_;
};

}  // namespace gims::matrix
