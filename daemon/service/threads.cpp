#include "service/threads.hpp"

#include "store/statements/receipts.hpp"

namespace gims::service {

std::optional<std::string_view> thread_by_itself(const matrix::Relation& relation) noexcept {
  if (!relation.target || !relation.type) return std::string_view();
  if (relation.type == "m.thread") return relation.target;
  return std::nullopt;
}

Result<std::string> thread_of(sql::Connection& connection, store::RoomNid room,
                              const matrix::Relation& relation) {
  if (const auto own = thread_by_itself(relation)) return std::string(*own);
  GIMS_TRY_ASSIGN(
      const auto parent,
      sql::first(connection, store::statements::ReceiptTarget{.event_id = *relation.target}));
  // One level: whoever relates to an edit or a reaction is taken to be in the main timeline.
  if (!parent || parent->room_nid != room || parent->rel_type != "m.thread") return std::string();
  return parent->relates_to.value_or("");
}

}  // namespace gims::service
