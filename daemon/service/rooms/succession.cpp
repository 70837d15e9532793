// What a user has set up for a room goes along to the one that replaces it (spec: client-server
// API, "Room upgrades", server behaviour: "When a user joins the new room, the server should
// automatically transfer/replicate some of the user's personalized settings").
#include <algorithm>
#include <string>
#include <vector>

#include "json/edit.hpp"
#include "json/writer.hpp"
#include "matrix/power_levels.hpp"
#include "service/accounts/account_data.hpp"
#include "service/push/push_rules.hpp"
#include "service/rooms/core.hpp"
#include "store/statements/profiles.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

struct Step {
  std::string_view user_id;
  std::string_view from;
  std::string_view to;
};

// Who keeps as much as one may does not join the less for it.
Result<> unless_full(Result<> put) {
  if (!put && put.error().kind == ErrorKind::too_large) return {};
  return put;
}

Result<> copy_push_rules(store::Transaction& transaction, const Step& step) {
  return PushRules::change_in(transaction, step.user_id, [&](matrix::RuleSet& rules) -> Result<> {
    rules.follow_room(step.from, step.to);
    return {};
  });
}

Result<> copy_tags(store::Transaction& transaction, const Step& step) {
  constexpr std::string_view tags = "m.tag";
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto held,
                  sql::first(sql, sql_of::AccountDataByType{step.user_id, step.from, tags}));
  GIMS_TRY_ASSIGN(const auto there,
                  sql::first(sql, sql_of::AccountDataByType{step.user_id, step.to, tags}));
  if (!held || there) return {};
  return AccountData::put_in(transaction, step.user_id, step.to, tags, held->content);
}

// m.direct: for each user the rooms that are conversations with them.
Result<> copy_direct(store::Transaction& transaction, const Step& step) {
  constexpr std::string_view direct = "m.direct";
  GIMS_TRY_ASSIGN(const auto held, sql::first(transaction.sql(),
                                              sql_of::AccountDataByType{step.user_id, "", direct}));
  if (!held) return {};
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(held->content));
  const auto names = [](json::Value list, std::string_view room) {
    return std::ranges::any_of(list.array(),
                               [&](json::Value one) { return one.as_string() == room; });
  };
  std::vector<std::string> lists;
  lists.reserve(document.root().size());
  std::vector<json::Change> changes;
  for (const auto& [user, list] : document.root().object()) {
    if (!names(list, step.from) || names(list, step.to)) continue;
    json::Writer longer;
    longer.begin_array();
    for (const json::Value room : list.array()) longer.value(room);
    longer.value(step.to).end_array();
    changes.push_back({.key = user, .json = lists.emplace_back(longer.take())});
  }
  if (changes.empty()) return {};
  return AccountData::put_in(transaction, step.user_id, "", direct,
                             json::changed(document.root(), changes));
}

}  // namespace

Result<> Core::take_settings_along(store::Transaction& transaction, const Room& room,
                                   std::string_view user_id) {
  const matrix::EventPtr create = room.get("m.room.create", "");
  const auto before = create->content().get("predecessor").get("room_id").as_string();
  if (!before) return {};
  GIMS_TRY_ASSIGN(const RoomPtr old, timeline_.cache().find(transaction.sql(), *before));
  if (!old) return {};
  // Anybody can say of a room that it follows another: the other has to say so too, but for the
  // one who says it.
  const matrix::EventPtr tombstone = old->get("m.room.tombstone", "");
  const bool is_followed =
      tombstone && tombstone->content().get("replacement_room").as_string() == room.id();
  if (!is_followed && matrix::creator_of(*create) != user_id) return {};
  const Step step{.user_id = user_id, .from = old->id(), .to = room.id()};
  GIMS_TRY(unless_full(copy_push_rules(transaction, step)));
  GIMS_TRY(unless_full(copy_tags(transaction, step)));
  return unless_full(copy_direct(transaction, step));
}

}  // namespace gims::service::rooms
