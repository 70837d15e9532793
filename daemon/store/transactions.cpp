#include "store/transactions.hpp"

#include "store/statements/transactions.hpp"

namespace gims::store {
namespace {

// So that no request waits long behind it.
constexpr std::int64_t most_at_once = 500;

}  // namespace

Result<std::optional<std::string>> recall(Transaction& transaction, const TransactionKey& key) {
  GIMS_TRY_ASSIGN(auto row, sql::first(transaction.sql(),
                                       statements::TransactionResult{.user_id = key.user_id,
                                                                     .device_id = key.device_id,
                                                                     .txn_id = key.txn_id,
                                                                     .endpoint = key.endpoint}));
  if (!row) return std::nullopt;
  return std::move(row->result);
}

Result<bool> remember(Transaction& transaction, const TransactionKey& key,
                      std::string_view result) {
  GIMS_TRY(sql::run(transaction.sql(),
                    statements::RememberTransaction{.user_id = key.user_id,
                                                    .device_id = key.device_id,
                                                    .txn_id = key.txn_id,
                                                    .endpoint = key.endpoint,
                                                    .result = result,
                                                    .created_ts = transaction.now_ms()}));
  return transaction.sql().changes() == 1;
}

Result<bool> prune_transactions(Transaction& transaction) {
  GIMS_TRY(sql::run(
      transaction.sql(),
      statements::ForgetTransactions{.before_ts = transaction.now_ms() - transaction_lifetime_ms,
                                     .most = most_at_once}));
  return transaction.sql().changes() == most_at_once;
}

}  // namespace gims::store
