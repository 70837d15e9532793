// Idempotency: a request that comes again with the same transaction id gets the first one's answer
// (spec: client-server API, "Transaction identifiers").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/writer.hpp"

namespace gims::store {

struct TransactionKey {
  std::string_view user_id;
  std::string_view device_id;
  std::string_view txn_id;
  std::string_view endpoint;  // the path up to the transaction id
};

// An answer is kept for at least so long: much longer than any client retries.
inline constexpr Millis transaction_lifetime_ms = 24LL * 60 * 60 * 1000;

// The answer of the request with this key, if there was one.
[[nodiscard]] Result<std::optional<std::string>> recall(Transaction& transaction,
                                                        const TransactionKey& key);
// In the operation that does what the request asks. False: there was one with this key already, and
// nothing is changed; recall() gives its answer. The first send needs no recall() before.
[[nodiscard]] Result<bool> remember(Transaction& transaction, const TransactionKey& key,
                                    std::string_view result);

// Maintenance (maintenance.hpp): forgets old answers, a bounded number a call. True: there are
// more.
[[nodiscard]] Result<bool> prune_transactions(Transaction& transaction);

}  // namespace gims::store
