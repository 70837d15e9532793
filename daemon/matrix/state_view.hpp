// The state of a room at some point, as the rules of authorisation ask for it.
#pragma once

#include <string_view>

#include "matrix/event.hpp"

namespace gims::matrix {

// Thread: as its implementation says.
class StateView {
 public:
  StateView() = default;
  StateView(const StateView&) = delete;
  StateView& operator=(const StateView&) = delete;
  virtual ~StateView() = default;
  // Null where the state has no such event.
  [[nodiscard]] virtual EventPtr get(std::string_view type, std::string_view state_key) const = 0;
};

}  // namespace gims::matrix
