#include "service/accounts/enrolment.hpp"

#include <array>
#include <utility>

#include "crypto/random.hpp"
#include "store/statements/officers.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Without 0 O 1 I L.
constexpr std::string_view letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
constexpr std::size_t groups = 4;
constexpr std::size_t group = 4;

sql::Blob as_blob(const crypto::Digest& digest) noexcept {
  return {crypto::as_text(crypto::ByteView(digest))};
}

// As it was made: capital letters and digits. Empty: it cannot be a code.
Redacted normal(std::string_view given) {
  std::string code;
  code.reserve(groups * group);
  for (const char c : given) {
    if (c == ' ' || c == '-') continue;
    const char capital = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (!letters.contains(capital) || code.size() == groups * group) return Redacted();
    code.push_back(capital);
  }
  return code.size() == groups * group ? Redacted(std::move(code)) : Redacted();
}

}  // namespace

Redacted Enrolment::make_code() {
  std::string code;
  code.reserve(groups * (group + 1));
  for (std::size_t i = 0; i < groups * group; ++i) {
    if (i > 0 && i % group == 0) code.push_back('-');
    code.push_back(letters[crypto::random_below(static_cast<std::uint32_t>(letters.size()))]);
  }
  return Redacted(std::move(code));
}

crypto::Digest Enrolment::hash(std::string_view user_id, std::string_view code) const {
  const std::array parts{crypto::as_bytes(user_id), crypto::as_bytes(code)};
  return crypto::keyed_hash(key_, parts);
}

Result<> Enrolment::give(store::Transaction& transaction, std::string_view user_id,
                         const Redacted& code, Millis expires_ts) const {
  const crypto::Digest digest = hash(user_id, normal(code.reveal()).reveal());
  return sql::run(transaction.sql(),
                  sql_of::UpsertEnrolmentCode{.user_id = user_id,
                                              .code_hash = as_blob(digest),
                                              .created_ts = transaction.now_ms(),
                                              .expires_ts = expires_ts,
                                              .attempts_left = attempts});
}

void Enrolment::check(std::string user_id, Redacted given,
                      std::move_only_function<void(Result<bool>)> done) {
  store_->writer().submit(
      [this, user_id = std::move(user_id), given = std::move(given)](
          store::Transaction& transaction) { return check_now(transaction, user_id, given); },
      std::move(done));
}

Result<bool> Enrolment::check_now(store::Transaction& transaction, std::string_view user_id,
                                  const Redacted& given) const {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::EnrolmentCode{user_id}));
  if (!row || (!row->used_ts && row->attempts_left <= 0)) return false;
  const Redacted code = normal(given.reveal());
  const crypto::Digest digest = hash(user_id, code.reveal());
  const bool same =
      !code.empty() && equal_in_constant_time(digest, crypto::as_bytes(row->code_hash));
  if (!same && !row->used_ts) GIMS_TRY(sql::run(sql, sql_of::WrongEnrolmentCode{user_id}));
  return same && (row->used_ts || transaction.now_ms() < row->expires_ts);
}

Result<bool> Enrolment::use(store::Transaction& transaction, std::string_view user_id) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(transaction.sql(), sql_of::EnrolmentCode{user_id}));
  if (!row || row->used_ts) return false;
  GIMS_TRY(sql::run(transaction.sql(), sql_of::UseEnrolmentCode{user_id, transaction.now_ms()}));
  return true;
}

}  // namespace gims::service
