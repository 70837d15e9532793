#include "service/sync/item.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"
#include "matrix/client_event.hpp"

namespace gims::service::sync {

Item::Item(store::StreamId position, matrix::EventPtr event, Row row)
    : position_(position), event_(std::move(event)), row_(std::move(row)), from_table_(true) {}

Item::Item(const store::EventAdded& added)
    : position_(added.position),
      event_(added.event),
      row_{.device_id = added.device_id,
           .txn_id = added.txn_id,
           .redacted_by = std::nullopt,
           .replaces_state = std::nullopt},
      from_table_(!added.event->is_state()) {}

bool Item::has_url() const noexcept { return event_->content().get("url").is_string(); }

std::string_view Item::transaction_id(std::string_view user_id,
                                      std::string_view device_id) const noexcept {
  if (row_.txn_id.empty() || row_.device_id != device_id || event_->sender() != user_id) return {};
  return row_.txn_id;
}

// Gives the ids of the events that are quoted.
Result<std::vector<std::string>> Item::quote(Reads& reads, ItemBytes& bytes) const {
  Row row = row_;
  if (!from_table_) {
    GIMS_TRY_ASSIGN(const ItemPtr stored, reads.event_at(event_->version(), position_));
    if (stored) row = stored->row_;
  }
  std::vector<std::string> quoted;
  if (row.replaces_state) {
    GIMS_TRY_ASSIGN(const ItemPtr replaced, reads.event(event_->version(), *row.replaces_state));
    if (replaced) {
      bytes.replaced = "\"replaces_state\":" + json::quoted(*row.replaces_state);
      bytes.replaced.append(",\"prev_content\":").append(replaced->event_->content_bytes());
      bytes.replaced_position = replaced->position_;
      quoted.push_back(*row.replaces_state);
    }
  }
  if (row.redacted_by) {
    GIMS_TRY_ASSIGN(const ItemPtr redaction, reads.event(event_->version(), *row.redacted_by));
    if (redaction) {
      bytes.extra = "\"redacted_because\":";
      bytes.extra.append(matrix::client_event(*redaction->event_, matrix::RoomIdMember::without));
      quoted.push_back(*row.redacted_by);
    }
  }
  return quoted;
}

Result<ItemBytes> Item::bytes(Reads& reads) const {
  {
    const std::scoped_lock lock(mutex_);
    if (made_.head) return made_;
  }
  ItemBytes bytes;
  GIMS_TRY_ASSIGN(auto quoted, quote(reads, bytes));
  bytes.head = std::make_shared<const std::string>(
      matrix::client_event_head(*event_, matrix::RoomIdMember::without));
  const std::scoped_lock lock(mutex_);
  if (made_.head) return made_;
  // What a snapshot of before a redaction quotes is good for its own reply alone.
  if (quoted.empty() || reads.position() >= quotes_as_of_) {
    made_ = bytes;
    quoted_ = std::move(quoted);
  }
  return bytes;
}

void Item::redacted(std::string_view event_id, store::StreamId position) const {
  const std::scoped_lock lock(mutex_);
  quotes_as_of_ = std::max(quotes_as_of_, position);
  if (std::ranges::find(quoted_, event_id) == quoted_.end()) return;
  made_ = {};
  quoted_.clear();
}

}  // namespace gims::service::sync
