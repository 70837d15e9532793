// Where a user's clients want to be told of events while they sleep. Kept here; delivery.hpp tells
// them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any.
class Pushers {
 public:
  // Both outlive this object.
  Pushers(store::Store& store, const Policy& policy) noexcept : store_(store), policy_(policy) {}
  // {"pushers":[...]}. Reads the store.
  [[nodiscard]] Result<std::string> list(std::string_view user_id);
  // The body of POST /pushers/set: makes, changes, or with `kind` null removes one. Fails with
  // M_MISSING_PARAM, M_BAD_JSON, M_TOO_LARGE (too many, or too much data), M_INVALID_PARAM: also
  // for a gateway that is not the site's own. A site has no way out to another, and none is wanted:
  // who runs a gateway learns who is written to, and when.
  void set(std::string user_id, std::string device_id, json::Value body,
           std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
  const Policy& policy_;
};

}  // namespace gims::service
