// What a user was or would have been notified of (GET /notifications): made from the events and the
// user's rules, nothing is kept for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "service/sync/feed.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any but a loop's: reads the store.
class Notifications {
 public:
  // Both outlive this object.
  Notifications(store::Store& store, sync::Feed& feed) noexcept : store_(store), feed_(feed) {}

  struct Query {
    std::optional<store::StreamId> from = {};  // next_token of the answer before
    std::optional<std::int64_t> limit = {};
    bool only_highlight = false;
  };
  // The answer's JSON, the newest first. One call looks through a bounded number of events, so a
  // page may be short and still have a next_token.
  [[nodiscard]] Result<std::string> list(const std::string& user_id, const Query& query);

 private:
  store::Store& store_;
  sync::Feed& feed_;
};

}  // namespace gims::service
