#include "matrix/power_levels.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace gims::matrix {

std::string_view creator_of(const Event& create) noexcept {
  return create.version().creator_in_content ? create.content().get("creator").string_or("")
                                             : create.sender();
}

PowerLevels::PowerLevels(EventPtr create, EventPtr levels)
    : create_(std::move(create)), levels_(std::move(levels)) {
  GIMS_CHECK(create_ != nullptr);
}

PowerLevels PowerLevels::of(const StateView& state) {
  return {state.get("m.room.create", ""), state.get("m.room.power_levels", "")};
}

json::Value PowerLevels::content() const noexcept {
  return levels_ ? levels_->content() : json::Value();
}

std::int64_t PowerLevels::level(std::string_view key, std::int64_t otherwise) const noexcept {
  return content().get(key).int_or(otherwise);
}

std::int64_t PowerLevels::of_user(std::string_view user_id) const noexcept {
  if (create_->version().privileged_creators) {
    if (is_creator(user_id)) return creator_level;
  } else if (!levels_) {
    return is_creator(user_id) ? 100 : 0;
  }
  return content().get("users").get(user_id).as_int().value_or(level("users_default", 0));
}

std::int64_t PowerLevels::to_send(std::string_view type, bool is_state) const noexcept {
  if (const auto own = content().get("events").get(type).as_int()) return *own;
  return is_state ? level("state_default", 50) : level("events_default", 0);
}

std::int64_t PowerLevels::to_notify(std::string_view key) const noexcept {
  return content().get("notifications").get(key).int_or(50);
}

bool PowerLevels::is_creator(std::string_view user_id) const noexcept {
  if (creator_of(*create_) == user_id) return true;
  if (!create_->version().privileged_creators) return false;
  return std::ranges::any_of(create_->content().get("additional_creators").array(),
                             [&](json::Value element) { return element.as_string() == user_id; });
}

std::vector<std::string_view> PowerLevels::creators() const {
  std::vector<std::string_view> list{creator_of(*create_)};
  if (!create_->version().privileged_creators) return list;
  for (const json::Value element : create_->content().get("additional_creators").array()) {
    if (const auto id = element.as_string(); id && std::ranges::find(list, *id) == list.end()) {
      list.push_back(*id);
    }
  }
  return list;
}

}  // namespace gims::matrix
