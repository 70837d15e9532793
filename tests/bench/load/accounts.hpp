// Accounts to measure with: from a file, or made on the server.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/load/device.hpp"

namespace gims::bench {

// {"accounts":[{"user_id":"@a:b","access_token":"..."}]}, as bench_seed writes it.
[[nodiscard]] std::vector<Account> read_accounts(const std::string& file);

// Registers that many, some at a time. `shared_secret` empty: open registration with m.login.dummy;
// else Synapse's form (Synapse's documentation, "Shared-Secret Registration").
[[nodiscard]] std::vector<Account> register_accounts(Loop& loop, const Target& target,
                                                     std::size_t count,
                                                     const std::string& shared_secret);

}  // namespace gims::bench
