// Where a user's clients want to be told of events while they sleep. Kept here; the telling is its
// own part.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any.
class Pushers {
 public:
  explicit Pushers(store::Store& store) noexcept : store_(store) {}
  // {"pushers":[...]}. Reads the store.
  [[nodiscard]] Result<std::string> list(std::string_view user_id);
  // The body of POST /pushers/set: makes, changes, or with `kind` null removes one. Fails with
  // M_MISSING_PARAM, M_INVALID_PARAM, M_BAD_JSON, M_TOO_LARGE (too many).
  void set(std::string user_id, std::string device_id, json::Value body,
           std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
};

}  // namespace gims::service
