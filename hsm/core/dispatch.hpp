// From a frame to its answer: which request is allowed for which peer in which state, as one table.
#pragma once

#include <cstdint>
#include <span>

#include "hsm/core/custodian.hpp"
#include "hsm/proto/answer.hpp"

namespace gims::hsm {

// Who a peer is, by the user that its process runs as. The configuration gives a user one role
// (hsm/main/settings.hpp).
enum class Role : std::uint8_t {
  admin = 1,
  tlsd = 2,
  gimsd = 4,
  tamper = 8,
  volume = 16,
  services = 32
};

template <class Enum>
struct SetOf {
  std::uint8_t bits = 0;
  [[nodiscard]] constexpr bool empty() const { return bits == 0; }
  [[nodiscard]] constexpr bool shares_one_with(SetOf other) const {
    return (bits & other.bits) != 0;
  }
};
using Roles = SetOf<Role>;
using States = SetOf<State>;

[[nodiscard]] constexpr Roles operator|(Roles roles, Role role) {
  return {static_cast<std::uint8_t>(roles.bits | static_cast<std::uint8_t>(role))};
}
[[nodiscard]] constexpr States operator|(States states, State state) {
  return {static_cast<std::uint8_t>(states.bits | (1U << static_cast<std::uint8_t>(state)))};
}

// One row: the operation, for whom, when, and what does it. A handler reads the body and writes the
// reply's; when it fails, what it wrote is dropped.
struct Rule {
  Operation operation;
  Roles roles;
  States states;
  Result<> (*handle)(Custodian& custodian, BytesView body, Writer& reply);
};
// Every operation, in the order of their numbers.
[[nodiscard]] std::span<const Rule> rules() noexcept;

// Never fails: what goes wrong is a refusal. `room` holds max_frame_size bytes.
[[nodiscard]] Answer answer(Custodian& custodian, Roles peer, BytesView message,
                            std::span<std::uint8_t> room);

}  // namespace gims::hsm
