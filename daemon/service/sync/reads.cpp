#include "service/sync/reads.hpp"

#include <algorithm>
#include <utility>

#include "service/sync/item.hpp"
#include "service/threads.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

// The statements that give whole events all give the same columns.
template <class Statement>
Result<std::vector<ItemPtr>> items(sql::Connection& connection, const matrix::RoomVersion& version,
                                   const Statement& statement) {
  std::vector<ItemPtr> found;
  Result<> read;
  GIMS_TRY(sql::for_each(connection, statement, [&](const auto& row) {
    if (!read) return;
    auto event = matrix::Event::from_store(version, row.event_id, std::string(row.pdu));
    if (!event) {
      read = pass(std::move(event));
      return;
    }
    auto text = [](const std::optional<std::string_view>& column) {
      return column ? std::string(*column) : std::string();
    };
    auto maybe = [](const std::optional<std::string_view>& column) {
      return column ? std::optional<std::string>(*column) : std::nullopt;
    };
    found.push_back(
        std::make_shared<const Item>(row.stream_id, std::move(*event),
                                     Item::Row{.device_id = text(row.device_id),
                                               .txn_id = text(row.txn_id),
                                               .redacted_by = maybe(row.redacted_by),
                                               .replaces_state = maybe(row.replaces_state)}));
  }));
  GIMS_TRY(std::move(read));
  return found;
}

template <class Statement>
Result<ItemPtr> item(sql::Connection& connection, const matrix::RoomVersion& version,
                     const Statement& statement) {
  GIMS_TRY_ASSIGN(auto found, items(connection, version, statement));
  return found.empty() ? ItemPtr() : std::move(found.front());
}

}  // namespace

Result<sql::Connection*> Reads::sql() {
  if (!reader_) {
    GIMS_TRY_ASSIGN(auto reader, store_.read());
    reader_.emplace(std::move(reader));
  }
  if (counter_ != nullptr) counter_->fetch_add(1, std::memory_order_relaxed);
  return &reader_->sql();
}

Result<std::vector<ItemPtr>> Reads::events(store::RoomNid room, const matrix::RoomVersion& version,
                                           store::StreamId above, store::StreamId up_to,
                                           std::size_t most) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  return items(*connection, version,
               statements::SyncEvents{.room_nid = room,
                                      .above = above,
                                      .up_to = up_to,
                                      .most = static_cast<std::int64_t>(most)});
}

Result<ItemPtr> Reads::state_at(store::RoomNid room, const matrix::RoomVersion& version,
                                std::string_view type, std::string_view state_key,
                                store::StreamId up_to) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  return item(*connection, version,
              statements::SyncStateAt{
                  .room_nid = room, .type = type, .state_key = state_key, .up_to = up_to});
}

Result<std::vector<ItemPtr>> Reads::as_of(store::RoomNid room, const matrix::RoomVersion& version,
                                          std::vector<ItemPtr> rows, store::StreamId above,
                                          store::StreamId up_to) {
  for (ItemPtr& row : rows) {
    if (row->position() <= up_to) continue;
    const matrix::EventPtr event = row->event();
    GIMS_TRY_ASSIGN(row, state_at(room, version, event->type(), *event->state_key(), up_to));
  }
  std::erase_if(rows, [&](const ItemPtr& row) { return !row || row->position() <= above; });
  std::ranges::sort(rows, {}, [](const ItemPtr& row) { return row->position(); });
  return rows;
}

Result<std::vector<ItemPtr>> Reads::state_since(store::RoomNid room,
                                                const matrix::RoomVersion& version,
                                                store::StreamId above, store::StreamId up_to) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  GIMS_TRY_ASSIGN(auto rows, items(*connection, version,
                                   statements::SyncStateSince{.room_nid = room, .above = above}));
  return as_of(room, version, std::move(rows), above, up_to);
}

Result<std::vector<ItemPtr>> Reads::state_but_members(store::RoomNid room,
                                                      const matrix::RoomVersion& version,
                                                      store::StreamId up_to) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  GIMS_TRY_ASSIGN(auto rows,
                  items(*connection, version, statements::SyncStateButMembers{.room_nid = room}));
  return as_of(room, version, std::move(rows), 0, up_to);
}

Result<std::string> Reads::membership_at(store::RoomNid room, const matrix::RoomVersion& version,
                                         std::string_view user_id, store::StreamId position) {
  GIMS_TRY_ASSIGN(const ItemPtr member,
                  state_at(room, version, "m.room.member", user_id, position));
  return std::string(member ? member->event()->membership() : std::string_view("leave"));
}

Result<ItemPtr> Reads::event(const matrix::RoomVersion& version, std::string_view event_id) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  return item(*connection, version, statements::SyncEventById{.event_id = event_id});
}

Result<ItemPtr> Reads::event_at(const matrix::RoomVersion& version, store::StreamId position) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  return item(*connection, version, statements::SyncEventAt{.position = position});
}

Result<std::string> Reads::thread_of(store::RoomNid room, const matrix::Event& event) {
  const matrix::Relation relation = matrix::relation_of(event);
  if (const auto own = thread_by_itself(relation)) return std::string(*own);
  GIMS_TRY_ASSIGN(auto* connection, sql());
  return service::thread_of(*connection, room, relation);
}

Result<std::optional<std::string>> Reads::account_data(std::string_view user_id,
                                                       std::string_view room_id,
                                                       std::string_view type) {
  GIMS_TRY_ASSIGN(auto* connection, sql());
  GIMS_TRY_ASSIGN(
      auto row, sql::first(*connection, statements::SyncAccountDataOf{
                                            .user_id = user_id, .room_id = room_id, .type = type}));
  if (!row) return std::nullopt;
  return std::move(row->content);
}

}  // namespace gims::service::sync
