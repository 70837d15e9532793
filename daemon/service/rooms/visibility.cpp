#include "service/rooms/visibility.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "json/value.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

using Step = Visibility::Step;

// The value just before `position`, or `otherwise` before the first step.
std::string_view before(const std::vector<Step>& steps, store::StreamId position,
                        std::string_view otherwise) {
  const auto next = std::ranges::lower_bound(steps, position, std::ranges::less(), &Step::since);
  return next == steps.begin() ? otherwise : std::string_view(std::prev(next)->value);
}

std::string_view at(const std::vector<Step>& steps, store::StreamId position,
                    std::string_view otherwise) {
  return before(steps, position + 1, otherwise);
}

constexpr std::string_view default_visibility = "shared";

// The steps of one piece of state, from the content member that holds its value.
Result<std::vector<Step>> steps_of(sql::Connection& connection, store::RoomNid room,
                                   std::string_view type, std::string_view state_key,
                                   std::string_view member) {
  std::vector<Step> steps;
  Result<> parsed;
  GIMS_TRY(sql::for_each(
      connection, sql_of::StateHistory{.room_nid = room, .type = type, .state_key = state_key},
      [&](const sql_of::StateHistory::View& row) {
        auto pdu = json::Document::parse(row.pdu);
        if (!pdu) {
          parsed = pass(std::move(pdu));
          return;
        }
        const std::string_view value = pdu->root().get("content").get(member).string_or("");
        // A new name or picture is a member event as well, and changes nothing here.
        if (!steps.empty() && steps.back().value == value) return;
        steps.push_back({.since = row.stream_id, .value = std::string(value)});
      }));
  GIMS_TRY(std::move(parsed));
  return steps;
}

}  // namespace

Result<Visibility> Visibility::load(sql::Connection& connection, store::RoomNid room,
                                    std::string_view user_id) {
  GIMS_TRY_ASSIGN(auto memberships,
                  steps_of(connection, room, "m.room.member", user_id, "membership"));
  GIMS_TRY_ASSIGN(auto visibilities, steps_of(connection, room, "m.room.history_visibility", "",
                                              "history_visibility"));
  return Visibility(std::string(user_id), std::move(memberships), std::move(visibilities));
}

Visibility::Visibility(std::string user_id, std::vector<Step> memberships,
                       std::vector<Step> visibilities)
    : user_id_(std::move(user_id)),
      memberships_(std::move(memberships)),
      visibilities_(std::move(visibilities)) {
  for (std::size_t i = 0; i < memberships_.size(); ++i) {
    if (memberships_[i].value != "join") continue;
    last_joined_ = i + 1 < memberships_.size() ? memberships_[i + 1].since : now;
  }
  always_sees_ = last_joined_ == now && std::ranges::all_of(visibilities_, [](const Step& step) {
                   return step.value == "shared" || step.value == "world_readable";
                 });
}

bool Visibility::allows(std::string_view visibility, std::string_view membership,
                        store::StreamId position) const {
  if (visibility == "world_readable" || membership == "join") return true;
  if (visibility == "invited" && membership == "invite") return true;
  // An unknown value counts as the default (spec: m.room.history_visibility).
  const bool shared = visibility != "invited" && visibility != "joined";
  return shared && last_joined_ > position;
}

bool Visibility::sees(const EventPlace& event) const {
  if (always_sees_) return true;
  // An event that changes what decides is judged by the more generous of before and after: who
  // leaves sees their own leaving, who joins their own join.
  std::array memberships = {before(memberships_, event.position, "leave"), std::string_view()};
  std::array visibilities = {before(visibilities_, event.position, default_visibility),
                             std::string_view()};
  std::size_t membership_count = 1;
  std::size_t visibility_count = 1;
  if (event.type == "m.room.member" && event.state_key == user_id_) {
    memberships[membership_count++] = at(memberships_, event.position, "leave");
  } else if (event.type == "m.room.history_visibility" && event.state_key == "") {
    visibilities[visibility_count++] = at(visibilities_, event.position, default_visibility);
  }
  for (std::size_t m = 0; m < membership_count; ++m) {
    for (std::size_t v = 0; v < visibility_count; ++v) {
      if (allows(visibilities[v], memberships[m], event.position)) return true;
    }
  }
  return false;
}

std::string_view Visibility::membership() const noexcept {
  return memberships_.empty() ? std::string_view() : std::string_view(memberships_.back().value);
}

std::string_view Visibility::membership_at(store::StreamId position) const noexcept {
  return at(memberships_, position, "leave");
}

bool Visibility::is_world_readable() const noexcept {
  return !visibilities_.empty() && visibilities_.back().value == "world_readable";
}

std::optional<store::StreamId> Visibility::state_position() const noexcept {
  if (last_joined_ == now || is_world_readable()) return now;
  if (last_joined_ > 0) return last_joined_;
  return std::nullopt;
}

}  // namespace gims::service::rooms
