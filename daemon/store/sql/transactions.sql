-- Idempotency: what a request with a transaction id was answered (store/transactions.hpp).

-- name: TransactionResult
-- in: user_id text, device_id text, txn_id text, endpoint text
-- out: result text
SELECT result FROM transactions
WHERE user_id = :user_id AND device_id = :device_id AND txn_id = :txn_id AND endpoint = :endpoint;

-- name: RememberTransaction
-- in: user_id text, device_id text, txn_id text, endpoint text, result text, created_ts int
INSERT INTO transactions (user_id, device_id, txn_id, endpoint, result, created_ts)
VALUES (:user_id, :device_id, :txn_id, :endpoint, :result, :created_ts)
ON CONFLICT (user_id, device_id, txn_id, endpoint) DO NOTHING;

-- At most :most a call, so that the writer is never held long.
-- name: ForgetTransactions
-- in: before_ts int, most int
DELETE FROM transactions WHERE (user_id, device_id, txn_id, endpoint) IN (
  SELECT user_id, device_id, txn_id, endpoint FROM transactions
  WHERE created_ts < :before_ts ORDER BY created_ts LIMIT :most);
