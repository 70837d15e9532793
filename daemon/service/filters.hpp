// Filters that clients stored, to name them by a number afterwards.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "json/value.hpp"
#include "service/sync/filter.hpp"
#include "store/store.hpp"

namespace gims::service {

// Bytes of one as a client sends it, as a body or in the address.
inline constexpr std::size_t longest_filter = std::size_t{32} * 1024;

// Whether the rooms and users that a filter, or one filter of room events within it, names are ids
// (spec: client-server API, "Filtering"). M_BAD_JSON.
[[nodiscard]] Result<> check_filter_ids(json::Value filter);
[[nodiscard]] Result<> check_event_filter_ids(json::Value filter);

// Thread: any.
class Filters {
 public:
  using FilterPtr = std::shared_ptr<const sync::Filter>;

  explicit Filters(store::Store& store) noexcept : store_(store) {}

  // The same filter of the same user has the same id. M_BAD_JSON for what is none; M_TOO_LARGE
  // beyond what one account may keep. The id goes to `done` after the commit.
  void store(std::string user_id, json::Value filter,
             std::move_only_function<void(Result<std::string>)> done);
  // As it was stored: JSON. M_NOT_FOUND.
  [[nodiscard]] Result<std::string> get(std::string_view user_id, std::string_view filter_id);
  // What the `filter` of a request means: an object as JSON, or an id. Reads the store where the
  // filter was not used lately: not from a loop's thread.
  [[nodiscard]] Result<FilterPtr> resolve(const std::string& user_id, std::string_view text);

 private:
  // The filters used last; a handful of clients' kinds share one each by its text.
  static constexpr std::size_t most_cached = 256;

  store::Store& store_;
  std::mutex mutex_;
  std::list<std::pair<std::string, FilterPtr>> cache_;  // by user and id, the newest first
};

}  // namespace gims::service
