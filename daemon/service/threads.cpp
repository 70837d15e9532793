#include "service/threads.hpp"

#include <cstddef>
#include <utility>

#include "store/statements/receipts.hpp"

namespace gims::service {

std::optional<std::string_view> thread_by_itself(const matrix::Relation& relation) noexcept {
  if (!relation.target || !relation.type) return std::string_view();
  if (relation.type == "m.thread") return relation.target;
  return std::nullopt;
}

Result<ThreadPlace> thread_place(sql::Connection& connection, store::RoomNid room,
                                 const matrix::Relation& relation) {
  ThreadPlace place;
  if (const auto own = thread_by_itself(relation)) {
    place.root = *own;
    return place;
  }
  // "Implementations should not recurse infinitely, though: a maximum of 3 hops is recommended".
  constexpr std::size_t most_hops = 3;
  place.through.emplace_back(*relation.target);
  while (true) {
    GIMS_TRY_ASSIGN(
        const auto parent,
        sql::first(connection, store::statements::ReceiptTarget{.event_id = place.through.back()}));
    if (!parent || parent->room_nid != room || !parent->rel_type || !parent->relates_to) break;
    if (*parent->rel_type == "m.thread") {
      place.root = *parent->relates_to;
      break;
    }
    if (place.through.size() == most_hops) break;
    place.through.push_back(*parent->relates_to);
  }
  return place;
}

Result<std::string> thread_of(sql::Connection& connection, store::RoomNid room,
                              const matrix::Relation& relation) {
  GIMS_TRY_ASSIGN(ThreadPlace place, thread_place(connection, room, relation));
  return std::move(place.root);
}

}  // namespace gims::service
