#include "service/push/notifications.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "json/writer.hpp"
#include "matrix/client_event.hpp"
#include "service/rooms/visibility.hpp"
#include "service/sync/reads.hpp"
#include "service/sync/unread.hpp"
#include "store/statements/push.hpp"
#include "store/statements/receipts.hpp"

namespace gims::service {
namespace {

namespace statements = store::statements;

constexpr std::int64_t default_limit = 20;
constexpr std::int64_t most_notifications = 100;
constexpr std::int64_t most_scanned = 2000;

struct RoomReader {
  rooms::Visibility visibility;
  store::StreamId read_up_to = 0;
  std::map<std::string, store::StreamId, std::less<>> threads;
};

class Lister {
 public:
  Lister(store::Store& store, sync::Feed& feed, const std::string& user_id) noexcept
      : feed_(feed), reads_(store), user_id_(user_id) {}

  Result<std::string> list(const Notifications::Query& query) {
    const store::StreamId position = feed_.position();
    const store::StreamId below = query.from.value_or(position + 1);
    const auto limit = static_cast<std::size_t>(
        std::clamp(query.limit.value_or(default_limit), std::int64_t{1}, most_notifications));
    GIMS_TRY_ASSIGN(const auto data, sync::user_data(feed_, reads_, user_id_, position));
    const sync::PushUser user{.user_id = user_id_, .data = data};
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY_ASSIGN(
        const auto rows,
        sql::all(*connection, statements::EventsOfJoinedRooms{
                                  .user_id = user_id_, .below = below, .most = most_scanned}));
    json::Writer out;
    out.begin_object().key("notifications").begin_array();
    std::size_t found = 0;
    store::StreamId last = 0;
    for (const auto& row : rows) {
      last = row.stream_id;
      if (row.joined == 0) continue;
      const auto* version = matrix::find_room_version(row.version);
      if (version == nullptr) continue;
      GIMS_TRY_ASSIGN(const auto event, matrix::Event::from_store(*version, row.event_id, row.pdu));
      if (event->sender() == user_id_ || data->ignores(event->sender())) continue;
      GIMS_TRY_ASSIGN(RoomReader * room, reader_of(row.room_nid));
      if (!room->visibility.sees({.position = row.stream_id,
                                  .type = event->type(),
                                  .state_key = event->state_key()})) {
        continue;
      }
      GIMS_TRY_ASSIGN(const auto result,
                      sync::evaluate_push(feed_, reads_, user, row.room_nid, *version, *event,
                                          position, sync::PushWanted::actions));
      if (!result.notify || (query.only_highlight && !result.highlight)) continue;
      out.begin_object();
      out.raw_member("actions", result.actions_json.empty() ? "[]" : result.actions_json);
      out.raw_member("event", matrix::client_event(*event, matrix::RoomIdMember::without));
      GIMS_TRY_ASSIGN(const bool read, is_read(row.room_nid, *room, *event, row.stream_id));
      out.member("read", read);
      out.member("room_id", row.room_id);
      out.member("ts", event->origin_server_ts());
      out.end_object();
      if (++found == limit) break;
    }
    out.end_array();
    const bool all_rows = static_cast<std::int64_t>(rows.size()) < most_scanned;
    if (found == limit || !all_rows) out.member("next_token", std::to_string(last));
    out.end_object();
    return out.take();
  }

 private:
  Result<RoomReader*> reader_of(store::RoomNid room) {
    if (const auto known = rooms_.find(room); known != rooms_.end()) return &known->second;
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY_ASSIGN(auto visibility, rooms::Visibility::load(*connection, room, user_id_));
    RoomReader reader{.visibility = std::move(visibility), .read_up_to = 0, .threads = {}};
    GIMS_TRY(sql::for_each(*connection,
                           statements::ReceiptsOfUser{.room_nid = room, .user_id = user_id_},
                           [&](const auto& row) {
                             if (row.thread_id.empty()) {
                               reader.read_up_to = row.event_stream_id;
                             } else {
                               reader.threads.emplace(row.thread_id, row.event_stream_id);
                             }
                           }));
    return &rooms_.emplace(room, std::move(reader)).first->second;
  }

  Result<bool> is_read(store::RoomNid nid, const RoomReader& room, const matrix::Event& event,
                       store::StreamId position) {
    if (position <= room.read_up_to) return true;
    if (room.threads.empty()) return false;
    GIMS_TRY_ASSIGN(const std::string thread, reads_.thread_of(nid, event));
    const auto found = room.threads.find(thread.empty() ? std::string_view("main") : thread);
    return found != room.threads.end() && position <= found->second;
  }

  sync::Feed& feed_;
  sync::Reads reads_;
  const std::string& user_id_;
  std::map<store::RoomNid, RoomReader> rooms_;
};

}  // namespace

Result<std::string> Notifications::list(const std::string& user_id, const Query& query) {
  GIMS_TRY(feed_.ensure_user(store_, user_id));
  return Lister(store_, feed_, user_id).list(query);
}

}  // namespace gims::service
