// Acts of the appliance itself (an update, a restart) in the site's audit log. Root does them,
// beside gimsd: this enters that one has begun, and how it ended.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "service/accounts/users.hpp"
#include "store/store.hpp"

namespace gims::service {

struct UnitAct {
  std::string act;   // "unit.update"
  std::string at;    // the console where it was asked for: "ttyS0"
  std::string step;  // "begun", "done", "refused", "failed"
  std::string text;  // what it does, or why it was not done
};

// Thread: any.
class UnitActs {
 public:
  static constexpr std::size_t longest_name = 64;
  static constexpr std::size_t longest_text = 1024;

  // The store outlives it.
  explicit UnitActs(store::Store& store) noexcept : store_(store) {}
  // M_INVALID_PARAM for what no act of a unit says.
  void enter(UnitAct act, Actor actor, std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
};

}  // namespace gims::service
