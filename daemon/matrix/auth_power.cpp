#include "matrix/auth_power.hpp"

#include <array>

#include "matrix/auth_rejected.hpp"
#include "matrix/ids.hpp"

namespace gims::matrix::detail {
namespace {

constexpr std::array<std::string_view, 7> single_levels{
    "users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"};

bool holds_integers(json::Value object) {
  for (const auto [key, value] : object.object()) {
    if (!value.is_int()) return false;
  }
  return object.is_object();
}

// Rules 10.1 to 10.4: the form.
Result<void> check_form(const Case& at) {
  const json::Value content = at.event.content();
  for (const std::string_view key : single_levels) {
    const json::Value level = content.get(key);
    if (level && !level.is_int()) return malformed(std::string(key) + " must be an integer.");
  }
  for (const std::string_view key : {"events", "notifications"}) {
    const json::Value levels = content.get(key);
    if (levels && !holds_integers(levels)) {
      return malformed(std::string(key) + " must be an object of integers.");
    }
  }
  const json::Value users = content.get("users");
  if (!users) return {};
  if (!holds_integers(users)) return malformed("users must be an object of integers.");
  for (const auto [user, level] : users.object()) {
    if (!is_user_id(user)) return malformed("users holds a key that is no user id.");
    if (at.create.version().privileged_creators && at.levels.is_creator(user)) {
      return malformed("users must not name a creator of the room, who stands above all levels.");
    }
  }
  return {};
}

std::unexpected<Error> above(std::string_view what) {
  return rejected("You cannot change a power level that is above your own: " + std::string(what) +
                  ".");
}

// Rules 10.6 to 10.8: neither the old nor the new value of what changes may be above one's own.
Result<void> check_change(std::string_view name, json::Value before, json::Value after,
                          std::int64_t own) {
  const auto was = before.as_int();
  const auto is = after.as_int();
  if (was == is) return {};
  if (was && *was > own) return above(name);
  if (is && *is > own) return above(name);
  return {};
}

// Calls check(key, before, after) for each key of either object, until one fails.
template <class Check>
Result<void> for_each_entry(json::Value before, json::Value after, Check check) {
  for (const auto [key, value] : before.object()) GIMS_TRY(check(key, value, after.get(key)));
  for (const auto [key, value] : after.object()) {
    if (!before.get(key)) GIMS_TRY(check(key, json::Value(), value));
  }
  return {};
}

}  // namespace

Result<void> authorise_power_levels(const Case& at) {
  GIMS_TRY(check_form(at));
  const EventPtr current = at.state.get("m.room.power_levels", "");
  if (!current) return {};
  const json::Value before = current->content();
  const json::Value after = at.event.content();
  const std::int64_t own = at.levels.of_user(at.event.sender());
  for (const std::string_view key : single_levels) {
    GIMS_TRY(check_change(key, before.get(key), after.get(key), own));
  }
  const auto within = [own](std::string_view key, json::Value was, json::Value is) {
    return check_change(key, was, is, own);
  };
  for (const std::string_view key : {"events", "notifications"}) {
    GIMS_TRY(for_each_entry(before.get(key), after.get(key), within));
  }
  // Rules 10.9 and 10.10.
  return for_each_entry(
      before.get("users"), after.get("users"),
      [&](std::string_view user, json::Value was, json::Value is) -> Result<void> {
        const auto old_level = was.as_int();
        const auto new_level = is.as_int();
        if (old_level == new_level) return {};
        if (old_level && user != at.event.sender() && *old_level >= own) return above(user);
        if (new_level && *new_level > own) return above(user);
        return {};
      });
}

}  // namespace gims::matrix::detail
