#include "service/accounts/slips.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "crypto/random.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/profiles.hpp"
#include "store/statements/users.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Base32 (RFC 4648) without what is taken for something else: I, L and O.
constexpr std::string_view letters = "ABCDEFGHJKMNPQRSTUVWXYZ234567";
constexpr std::size_t groups = 4;
constexpr std::size_t group = 4;

sql::Blob as_blob(const crypto::Digest& digest) noexcept {
  return {crypto::as_text(crypto::ByteView(digest))};
}

Redacted make_code() {
  std::string code;
  code.reserve(groups * (group + 1));
  for (std::size_t i = 0; i < groups * group; ++i) {
    if (i > 0 && i % group == 0) code.push_back('-');
    code.push_back(letters[crypto::random_below(static_cast<std::uint32_t>(letters.size()))]);
  }
  return Redacted(std::move(code));
}

// As it was made, without hyphens. Empty: it cannot be a code.
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

template <class Row>
SlipState state_of(const Row& row, Millis now) {
  if (row.used_ts) return SlipState::used;
  if (row.ended_ts || row.attempts_left <= 0) return SlipState::revoked;
  return row.expires_ts <= now ? SlipState::expired : SlipState::outstanding;
}

std::optional<std::string> text_in(const std::optional<std::string>& stored) {
  if (!stored) return std::nullopt;
  const auto document = json::Document::parse(*stored);
  if (!document || !document->root().is_string()) return std::nullopt;
  return std::string(document->root().string_or(""));
}

Result<> require_open(store::Transaction& transaction, const std::string& user_id) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(transaction.sql(), sql_of::UserById{user_id}));
  if (!row) return not_found("There is no account " + user_id + ".");
  if (row->state != "deactivated") return {};
  return fail(ErrorKind::conflict, "M_USER_DEACTIVATED",
              "The account " + user_id + " is closed for good; make a new one.");
}

}  // namespace

std::string_view name_of(SlipState state) noexcept {
  switch (state) {
    case SlipState::outstanding:
      return "outstanding";
    case SlipState::used:
      return "used";
    case SlipState::expired:
      return "expired";
    case SlipState::revoked:
      return "revoked";
  }
  return "revoked";
}

Result<SecretBytes> Slips::key_of(const SecretBytes& token_hash_key) {
  return crypto::derive_key(token_hash_key, "slips");
}

crypto::Digest Slips::hash(std::string_view user_id, std::string_view code) const {
  const std::array parts{crypto::as_bytes(user_id), crypto::as_bytes(code)};
  return crypto::keyed_hash(key_, parts);
}

void Slips::make(std::vector<std::string> user_ids, std::chrono::milliseconds life, Actor actor,
                 std::move_only_function<void(Result<std::vector<SlipWithCode>>)> done) {
  if (user_ids.empty() || user_ids.size() > most_at_once) {
    return done(invalid_param("Slips are made for 1 to 50 officers at once."));
  }
  if (life < shortest_life || life > longest_life) {
    return done(invalid_param("A slip is good for 1 to 720 hours."));
  }
  std::ranges::sort(user_ids);
  const auto [twice, end] = std::ranges::unique(user_ids);
  user_ids.erase(twice, end);
  store_->writer().submit(
      [this, user_ids = std::move(user_ids), life, actor = std::move(actor)](
          store::Transaction& transaction) -> Result<std::vector<SlipWithCode>> {
        const Millis expires_ts = transaction.now_ms() + life.count();
        std::vector<SlipWithCode> made;
        made.reserve(user_ids.size());
        for (const std::string& user_id : user_ids) {
          GIMS_TRY_ASSIGN(SlipWithCode slip, make_one(transaction, user_id, expires_ts, actor));
          made.push_back(std::move(slip));
        }
        return made;
      },
      std::move(done));
}

Result<SlipWithCode> Slips::make_one(store::Transaction& transaction, const std::string& user_id,
                                     Millis expires_ts, const Actor& actor) const {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY(require_open(transaction, user_id));
  GIMS_TRY(sql::run(sql, sql_of::EndSlipsOfUser{user_id, transaction.now_ms()}));
  SlipWithCode slip{
      .slip_id = 0, .user_id = user_id, .code = make_code(), .expires_ts = expires_ts};
  const crypto::Digest digest = hash(user_id, normal(slip.code.reveal()).reveal());
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(sql, sql_of::InsertSlip{.user_id = user_id,
                                                     .code_hash = as_blob(digest),
                                                     .made_by = actor.name,
                                                     .made_ts = transaction.now_ms(),
                                                     .expires_ts = expires_ts,
                                                     .attempts_left = attempts}));
  slip.slip_id = row->slip_id;
  json::Writer detail;
  detail.begin_object().member("expires_ts", expires_ts).member("slip", slip.slip_id).end_object();
  GIMS_TRY(audit(transaction, actor, "slip.made", user_id, detail.text()));
  return slip;
}

void Slips::revoke(std::int64_t slip_id, Actor actor,
                   std::move_only_function<void(Result<>)> done) {
  store_->writer().submit(
      [slip_id, actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::SlipById{slip_id}));
        if (!row) return not_found("There is no such slip.");
        if (state_of(*row, transaction.now_ms()) != SlipState::outstanding) {
          return fail(ErrorKind::conflict, "GIMS_STATE",
                      "The slip was used, has expired or was revoked already.");
        }
        GIMS_TRY(sql::run(sql, sql_of::EndSlip{slip_id, transaction.now_ms()}));
        const std::string detail = "{\"slip\":" + std::to_string(slip_id) + "}";
        return audit(transaction, actor, "slip.revoked", row->user_id, detail);
      },
      std::move(done));
}

Result<Slips::Page> Slips::page(std::optional<std::int64_t> before, std::optional<SlipState> state,
                                std::int64_t count) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_->read());
  const Millis now = clock_.now_ms();
  std::int64_t from = before.value_or(std::numeric_limits<std::int64_t>::max());
  Page page;
  // What state a slip is in changes with the time, so no index has it: some are passed over.
  for (;;) {
    GIMS_TRY_ASSIGN(auto rows, sql::all(reader.sql(), sql_of::SlipsPage{from, count}));
    for (auto& row : rows) {
      from = row.slip_id;
      const SlipState is = state_of(row, now);
      if (state && *state != is) continue;
      page.slips.push_back({.slip_id = row.slip_id,
                            .user_id = std::move(row.user_id),
                            .display_name = text_in(row.display_name),
                            .state = is,
                            .made_by = std::move(row.made_by),
                            .made_ts = row.made_ts,
                            .expires_ts = row.expires_ts});
      if (std::cmp_equal(page.slips.size(), count)) {
        page.next = from;
        return page;
      }
    }
    if (std::cmp_less(rows.size(), count)) return page;
  }
}

Result<std::optional<Slip>> Slips::of_user(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_->read());
  GIMS_TRY_ASSIGN(auto row, sql::first(reader.sql(), sql_of::SlipOfUser{user_id}));
  if (!row) return std::optional<Slip>();
  return std::optional(Slip{.slip_id = row->slip_id,
                            .user_id = std::string(user_id),
                            .display_name = std::nullopt,
                            .state = state_of(*row, clock_.now_ms()),
                            .made_by = std::move(row->made_by),
                            .made_ts = row->made_ts,
                            .expires_ts = row->expires_ts});
}

void Slips::check(std::string user_id, Redacted given,
                  std::move_only_function<void(Result<bool>)> done) {
  store_->writer().submit(
      [this, user_id = std::move(user_id), given = std::move(given)](
          store::Transaction& transaction) { return check_now(transaction, user_id, given); },
      std::move(done));
}

Result<bool> Slips::check_now(store::Transaction& transaction, std::string_view user_id,
                              const Redacted& given) const {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::SlipOfUser{user_id}));
  if (!row || row->ended_ts || row->attempts_left <= 0) return false;
  const Redacted code = normal(given.reveal());
  const crypto::Digest digest = hash(user_id, code.reveal());
  const bool same =
      !code.empty() && equal_in_constant_time(digest, crypto::as_bytes(row->code_hash));
  if (!same) GIMS_TRY(sql::run(sql, sql_of::WrongSlip{row->slip_id}));
  return same && (row->used_ts || transaction.now_ms() < row->expires_ts);
}

Result<bool> Slips::use(store::Transaction& transaction, std::string_view user_id) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::SlipOfUser{user_id}));
  if (!row || row->used_ts || row->ended_ts) return false;
  GIMS_TRY(sql::run(sql, sql_of::UseSlip{row->slip_id, transaction.now_ms()}));
  GIMS_TRY(sql::run(sql, sql_of::PasswordByCode{user_id}));
  transaction.publish(store::UserStateChanged{std::string(user_id)});
  return true;
}

}  // namespace gims::service
