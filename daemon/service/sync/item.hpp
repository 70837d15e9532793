// One event on its way to clients, with its bytes made once for all of them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "http/response.hpp"
#include "matrix/event.hpp"
#include "service/sync/reads.hpp"
#include "store/changes.hpp"

namespace gims::service::sync {

// What every client is sent of an event, whoever it is.
struct ItemBytes {
  http::SharedBytes head;  // {"content":...,"type":... without the last brace
  // Members of `unsigned` that are the same for all, without braces; empty for none.
  std::string extra;
  // More of them, for who may see the event whose place this one took, which is of this position.
  std::string replaced;
  store::StreamId replaced_position = 0;
};

// Immutable but for the bytes, which the first that needs them makes. Any thread.
class Item {
 public:
  struct Row {  // what the events table says beside the PDU
    std::string device_id;
    std::string txn_id;
    std::optional<std::string> redacted_by;
    std::optional<std::string> replaces_state;
  };
  // From the table.
  Item(store::StreamId position, matrix::EventPtr event, Row row);
  // From a commit: whatever it takes the place of is not known yet, and is read when it is needed.
  explicit Item(const store::EventAdded& added);

  [[nodiscard]] store::StreamId position() const noexcept { return position_; }
  [[nodiscard]] const matrix::EventPtr& event() const noexcept { return event_; }
  [[nodiscard]] bool is_member_event() const noexcept {
    return event_->is_state() && event_->type() == "m.room.member";
  }
  [[nodiscard]] bool has_url() const noexcept;
  [[nodiscard]] const std::optional<std::string>& redacted_by() const noexcept {
    return row_.redacted_by;
  }
  // For the device that sent it, else empty.
  [[nodiscard]] std::string_view transaction_id(std::string_view user_id,
                                                std::string_view device_id) const noexcept;
  // What the user's membership was before this member event; nothing: not known.
  [[nodiscard]] const std::optional<std::string>& previous_membership() const noexcept {
    return previous_membership_;
  }
  // Only by who made the item, before anybody else sees it.
  void set_previous_membership(std::string membership) const {
    previous_membership_ = std::move(membership);
  }
  [[nodiscard]] Result<ItemBytes> bytes(Reads& reads) const;
  // Another event was redacted by one at the position: bytes that quote it are made anew, by a
  // snapshot that has the redaction.
  void redacted(std::string_view event_id, store::StreamId position) const;

 private:
  [[nodiscard]] Result<std::vector<std::string>> quote(Reads& reads, ItemBytes& bytes) const;

  store::StreamId position_;
  matrix::EventPtr event_;
  Row row_;
  bool from_table_;
  mutable std::optional<std::string> previous_membership_;
  mutable std::mutex mutex_;
  mutable ItemBytes made_;
  mutable std::vector<std::string> quoted_;   // events whose content is in made_ beside its own
  mutable store::StreamId quotes_as_of_ = 0;  // made_ quotes by no older snapshot
};

using ItemPtr = std::shared_ptr<const Item>;

}  // namespace gims::service::sync
