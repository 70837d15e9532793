// Registering a second factor, in two steps: what the person's key or application is told, and its
// answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/console/means.hpp"
#include "service/console/steps.hpp"

namespace gims::service::console {

struct FactorOptions {
  std::string name;
  // Of a security key:
  std::optional<hsm::approval::Challenge> challenge;
  std::vector<std::string> keys;  // that are there already, base64url
  // Of an application: its secret, in base32.
  std::optional<Redacted> secret;
};
// Kept with the step. GIMS_EXPIRED.
[[nodiscard]] Result<FactorOptions> offer(Steps& steps, std::string_view token, std::string name,
                                          FactorKind kind);

struct Adding {
  FactorKind kind = FactorKind::webauthn;
  std::move_only_function<Result<>(store::Transaction&)> add;  // as Means::add_key(), add_totp()
};
// What was kept goes with it: a challenge is good once. `means` outlives it. GIMS_EXPIRED.
[[nodiscard]] Result<Adding> adding(Steps& steps, const Means& means, std::string_view token,
                                    std::string name, NewFactor factor);

}  // namespace gims::service::console
