// A room that an administrator shuts. Its events stay: what was written is evidence, and encrypted.
#include <string>
#include <utility>

#include "json/writer.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

// Each makes an event; other operations go between.
constexpr std::int64_t members_at_once = 50;
constexpr std::int64_t rooms_at_once = 100;

}  // namespace

Result<store::RoomNid> Core::shut(store::Transaction& transaction, std::string_view room_id,
                                  std::string_view reason, const service::Actor& actor) {
  GIMS_TRY_ASSIGN(const RoomPtr room, timeline_.cache().find(transaction.sql(), room_id));
  if (!room) return not_found("There is no such room.");
  if (room->is_shut()) {
    return fail(ErrorKind::conflict, "GIMS_STATE", "The room is shut already.");
  }
  const store::RoomNid nid = room->nid();
  transaction.on_failure([this, nid] { timeline_.cache().drop(nid); });
  room->shut();
  GIMS_TRY(sql::run(
      transaction.sql(),
      sql_of::ShutRoom{.room_nid = nid, .shut_ts = transaction.now_ms(), .shut_reason = reason}));
  GIMS_TRY(sql::run(transaction.sql(), sql_of::DeleteAliasesOfRoom{nid}));
  json::Writer detail;
  detail.begin_object().member("reason", reason).end_object();
  GIMS_TRY(audit(transaction, actor, "room.shut_down", room_id, detail.text()));
  return nid;
}

Result<bool> Core::empty_some(store::Transaction& transaction, store::RoomNid nid,
                              std::string_view reason) {
  GIMS_TRY_ASSIGN(const RoomPtr room, timeline_.cache().find(transaction.sql(), nid));
  if (!room) return false;
  json::Writer content;
  content.begin_object().member("membership", "leave").member("reason", reason).end_object();
  for (const std::string_view membership : {"invite", "knock", "join"}) {
    GIMS_TRY_ASSIGN(
        const auto members,
        sql::all(transaction.sql(), sql_of::SomeMembers{nid, membership, members_at_once}));
    std::size_t gone = 0;
    for (const auto& row : members) {
      // By the member's own leaving, which no state of a room can refuse.
      auto left = timeline_.append(transaction, *room,
                                   {.type = "m.room.member",
                                    .state_key = row.user_id,
                                    .sender = row.user_id,
                                    .content = content.text()});
      if (left) {
        ++gone;
      } else if (left.error().kind != ErrorKind::forbidden) {
        return pass(std::move(left));
      }
    }
    if (gone > 0) return true;
  }
  return false;
}

void Rooms::shut_down(std::string room_id, std::string reason, service::Actor administrator,
                      Done<> done) {
  core_->store.writer().submit(
      [core = core_.get(), room_id = std::move(room_id), reason,
       actor = std::move(administrator)](store::Transaction& transaction) {
        return core->shut(transaction, room_id, reason, actor);
      },
      [this, reason, done = std::move(done)](Result<store::RoomNid> nid) mutable {
        if (!nid) return done(pass(std::move(nid)));
        empty(*nid, std::move(reason), std::move(done));
      });
}

void Rooms::empty(store::RoomNid nid, std::string reason, Done<> done) {
  core_->store.writer().submit(
      [core = core_.get(), nid, reason](store::Transaction& transaction) {
        return core->empty_some(transaction, nid, reason);
      },
      [this, nid, reason, done = std::move(done)](Result<bool> more) mutable {
        if (!more) return done(pass(std::move(more)));
        if (!*more) return done({});
        empty(nid, std::move(reason), std::move(done));
      });
}

Result<bool> Rooms::empty_shut_rooms(store::Transaction& transaction) {
  store::RoomNid at = 0;
  for (;;) {
    GIMS_TRY_ASSIGN(const auto shut,
                    sql::all(transaction.sql(), sql_of::ShutRooms{at, rooms_at_once}));
    for (const auto& row : shut) {
      GIMS_TRY_ASSIGN(const bool some,
                      core_->empty_some(transaction, row.room_nid, row.shut_reason.value_or("")));
      if (some) return true;
      at = row.room_nid;
    }
    if (std::cmp_less(shut.size(), rooms_at_once)) return false;
  }
}

}  // namespace gims::service::rooms
