#include "service/receipts.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"
#include "service/accounts/account_data.hpp"
#include "service/errors.hpp"
#include "service/threads.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/profiles.hpp"
#include "store/statements/receipts.hpp"

namespace gims::service {
namespace {

namespace statements = store::statements;

constexpr std::string_view fully_read = "m.fully_read";
constexpr std::size_t longest_thread_id = 255;

Result<> check(const Receipts::Mark& mark) {
  if (mark.type != "m.read" && mark.type != "m.read.private" && mark.type != fully_read) {
    return invalid_param("A receipt's type is m.read, m.read.private or m.fully_read.");
  }
  if (!mark.thread_id) return {};
  if (mark.type == fully_read) {
    return invalid_param("The marker m.fully_read is of the whole room: leave thread_id out.");
  }
  if (mark.thread_id->empty() || mark.thread_id->size() > longest_thread_id) {
    return invalid_param("thread_id must be \"main\" or the id of the thread's first event.");
  }
  return {};
}

std::unexpected<Error> not_in_room() { return forbidden("You are not in this room."); }

Result<> require_joined(sql::Connection& connection, store::RoomNid room,
                        std::string_view user_id) {
  GIMS_TRY_ASSIGN(
      const auto row,
      sql::first(connection, statements::MembershipOf{.user_id = user_id, .room_nid = room}));
  if (!row || row->membership != "join") return not_in_room();
  return {};
}

struct Target {
  store::StreamId position;
  std::string thread;                // "main", or the id of the thread's root
  std::vector<std::string> related;  // the event, and those that it relates to
};

Result<Target> find(sql::Connection& connection, store::RoomNid room, std::string_view event_id) {
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(connection, statements::ReceiptTarget{.event_id = event_id}));
  if (!row || row->room_nid != room) return not_found("There is no such event in this room.");
  GIMS_TRY_ASSIGN(
      ThreadPlace place,
      thread_place(connection, room, {.target = row->relates_to, .type = row->rel_type}));
  Target target{.position = row->stream_id,
                .thread = place.root.empty() ? std::string("main") : std::move(place.root),
                .related = std::move(place.through)};
  target.related.emplace_back(event_id);
  return target;
}

Result<> mark_fully_read(store::Transaction& transaction, std::string_view user_id,
                         std::string_view room_id, store::RoomNid room, const Target& target,
                         std::string_view event_id) {
  GIMS_TRY_ASSIGN(
      const auto held,
      sql::first(transaction.sql(), statements::AccountDataByType{user_id, room_id, fully_read}));
  if (held) {
    const auto document = json::Document::parse(held->content);
    const auto before = document ? document->root().get("event_id").as_string() : std::nullopt;
    if (before) {
      const auto there = find(transaction.sql(), room, *before);
      if (there && there->position >= target.position) return {};
    }
  }
  json::Writer content;
  content.begin_object().member("event_id", event_id).end_object();
  return AccountData::put_in(transaction, user_id, room_id, fully_read, content.text());
}

Result<> set_receipt(store::Transaction& transaction, std::string_view user_id, store::RoomNid room,
                     const Receipts::Mark& mark, const Target& target) {
  const std::string thread = mark.thread_id.value_or("");
  // The root of a thread is in the main timeline and begins the thread, and what is related to the
  // root is related to the thread.
  if (mark.thread_id && thread != target.thread && !std::ranges::contains(target.related, thread)) {
    return invalid_param("The event is not in the thread that thread_id names.");
  }
  GIMS_TRY_ASSIGN(const auto held,
                  sql::first(transaction.sql(), statements::ReceiptPlace{.room_nid = room,
                                                                         .user_id = user_id,
                                                                         .type = mark.type,
                                                                         .thread_id = thread}));
  if (held && held->event_stream_id >= target.position) return {};
  const store::StreamId position = transaction.next_position();
  const Millis now = transaction.now_ms();
  GIMS_TRY(sql::run(transaction.sql(), statements::SetReceipt{.room_nid = room,
                                                              .user_id = user_id,
                                                              .type = mark.type,
                                                              .thread_id = thread,
                                                              .event_id = mark.event_id,
                                                              .event_stream_id = target.position,
                                                              .ts = now,
                                                              .stream_id = position}));
  transaction.publish(store::ReceiptChanged{.room = room,
                                            .position = position,
                                            .user_id = std::string(user_id),
                                            .type = mark.type,
                                            .event_id = mark.event_id,
                                            .thread_id = thread,
                                            .ts = now});
  return {};
}

Result<> set_all(store::Transaction& transaction, std::string_view user_id,
                 std::string_view room_id, store::RoomNid room,
                 const std::vector<Receipts::Mark>& marks) {
  GIMS_TRY(require_joined(transaction.sql(), room, user_id));
  for (const Receipts::Mark& mark : marks) {
    GIMS_TRY_ASSIGN(const Target target, find(transaction.sql(), room, mark.event_id));
    if (mark.type == fully_read) {
      GIMS_TRY(mark_fully_read(transaction, user_id, room_id, room, target, mark.event_id));
    } else {
      GIMS_TRY(set_receipt(transaction, user_id, room, mark, target));
    }
  }
  return {};
}

}  // namespace

void Receipts::set(std::string user_id, std::string room_id, std::vector<Mark> marks,
                   std::move_only_function<void(Result<>)> done) {
  for (const Mark& mark : marks) {
    if (auto valid = check(mark); !valid) return done(std::move(valid));
  }
  auto room = rooms_.room_nid(room_id);
  if (!room) return done(pass(std::move(room)));
  if (!*room) return done(not_in_room());
  store_.writer().submit(
      [user_id = std::move(user_id), room_id = std::move(room_id), room = **room,
       marks = std::move(marks)](store::Transaction& transaction) {
        return set_all(transaction, user_id, room_id, room, marks);
      },
      std::move(done));
}

Result<store::RoomNid> Receipts::joined_room(std::string_view user_id, std::string_view room_id) {
  GIMS_TRY_ASSIGN(const auto room, rooms_.room_nid(room_id));
  if (!room) return not_in_room();
  GIMS_TRY_ASSIGN(auto reader, store_.read());
  GIMS_TRY(require_joined(reader.sql(), *room, user_id));
  return *room;
}

}  // namespace gims::service
