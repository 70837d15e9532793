// A user's push rules, kept as account data m.push_rules: only what differs from the defaults.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "matrix/push_rules.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any.
class PushRules {
 public:
  explicit PushRules(store::Store& store) noexcept : store_(store) {}
  // Reads the store.
  [[nodiscard]] Result<matrix::RuleSet> of(std::string_view user_id);
  // `change` works on the newest rules, on the writer's thread, so that two changes cannot lose
  // each other. Where it fails nothing is changed.
  using Change = std::move_only_function<Result<>(matrix::RuleSet&)>;
  void change(std::string user_id, Change change, std::move_only_function<void(Result<>)> done);
  // Within a transaction of another service (a room that replaces another).
  [[nodiscard]] static Result<> change_in(store::Transaction& transaction, std::string_view user_id,
                                          Change change);

 private:
  store::Store& store_;
};

}  // namespace gims::service
