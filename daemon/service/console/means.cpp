#include "service/console/means.hpp"

#include <array>
#include <utility>

#include "crypto/bytes.hpp"
#include "crypto/sealed.hpp"
#include "service/console/refusals.hpp"
#include "service/console/totp.hpp"
#include "store/statements/administrators.hpp"

namespace gims::service::console {
namespace sql_of = store::statements;
namespace {

using hsm::approval::KeyKind;

constexpr std::size_t code_bytes = 10;
constexpr std::size_t code_group = 4;
constexpr std::string_view label_of_known = "gims-keyd";

std::string totp_context(std::string_view name) {
  return "administrators.totp_secret:" + std::string(name);
}

std::string_view text_of(const hsm::Bytes& bytes) { return crypto::as_text(bytes); }

}  // namespace

std::vector<FactorKind> Account::factors() const {
  std::vector<FactorKind> kinds;
  if (security_keys > 0) kinds.push_back(FactorKind::webauthn);
  if (totp_secret) kinds.push_back(FactorKind::totp);
  return kinds;
}

FactorKind kind_of(const Factor& factor) noexcept {
  return std::holds_alternative<Code>(factor) ? FactorKind::totp : FactorKind::webauthn;
}
FactorKind kind_of(const NewFactor& factor) noexcept {
  return std::holds_alternative<Code>(factor) ? FactorKind::totp : FactorKind::webauthn;
}

Result<std::optional<Account>> account_of(sql::Connection& sql, std::string_view name) {
  GIMS_TRY_ASSIGN(auto row, sql::first(sql, sql_of::AdministratorByName{name}));
  if (!row) return std::nullopt;
  return Account{.locked = row->locked != 0,
                 .passphrase_hash = std::move(row->passphrase_hash),
                 .invitation_hash = std::move(row->invitation_hash),
                 .invited_until_ts = row->invited_until_ts,
                 .totp_secret = std::move(row->totp_secret),
                 .totp_step = row->totp_step,
                 .language = std::move(row->language),
                 .last_sign_in_ts = row->last_sign_in_ts,
                 .security_keys = row->security_keys};
}

Result<std::vector<SecurityKey>> keys_of(sql::Connection& sql, std::string_view name) {
  std::vector<SecurityKey> keys;
  GIMS_TRY(sql::for_each(sql, sql_of::AdministratorKeys{name}, [&](const auto& row) {
    keys.push_back(
        {.id = crypto::base64(crypto::as_bytes(row.credential_id), crypto::Alphabet::url_safe),
         .label = std::string(row.label),
         .added_ts = row.created_ts,
         .last_used_ts = row.last_used_ts});
  }));
  return keys;
}

Result<std::optional<Standing>> standing_of(sql::Connection& sql, std::string_view name) {
  GIMS_TRY_ASSIGN(auto account, account_of(sql, name));
  if (!account) return std::nullopt;
  GIMS_TRY_ASSIGN(auto keys, keys_of(sql, name));
  return Standing{.account = std::move(*account), .keys = std::move(keys)};
}

crypto::Digest Means::hash_of(std::string_view name, std::string_view code) const {
  std::string plain;
  for (const char c : code) {
    if (c >= 'a' && c <= 'z') plain.push_back(static_cast<char>(c - 'a' + 'A'));
    if ((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')) plain.push_back(c);
  }
  const std::array<crypto::ByteView, 3> parts{crypto::as_bytes("invitation"),
                                              crypto::as_bytes(name), crypto::as_bytes(plain)};
  return crypto::keyed_hash(key_, parts);
}

Result<Redacted> Means::make_code() {
  GIMS_TRY_ASSIGN(const SecretBytes bytes, SecretBytes::random(code_bytes));
  const Redacted letters = base32(bytes);
  std::string grouped;
  for (std::size_t i = 0; i < letters.reveal().size(); ++i) {
    if (i > 0 && i % code_group == 0) grouped.push_back('-');
    grouped.push_back(letters.reveal()[i]);
  }
  return Redacted(std::move(grouped));
}

Result<bool> Means::shown(store::Transaction& transaction, std::string_view name,
                          const Factor& factor, const hsm::approval::Challenge& challenge) const {
  if (const auto* const code = std::get_if<Code>(&factor)) {
    return code_shown(transaction, name, *code);
  }
  return key_shown(transaction, name, std::get<KeyYes>(factor), challenge);
}

Result<bool> Means::key_shown(store::Transaction& transaction, std::string_view name,
                              const KeyYes& yes, const hsm::approval::Challenge& challenge) const {
  sql::Connection& sql = transaction.sql();
  const sql::Blob id{yes.credential_id};
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::AdministratorKeyById{id}));
  if (!row || row->administrator != name) return false;
  hsm::approval::Administrator known;
  known.kind = static_cast<KeyKind>(row->kind);
  known.public_key.assign(row->public_key.begin(), row->public_key.end());
  known.credential_id.assign(yes.credential_id.begin(), yes.credential_id.end());
  known.rp_id = site_;
  known.sign_count = static_cast<std::uint32_t>(row->sign_count);
  const auto counter = hsm::approval::verify(known, challenge, yes.assertion);
  if (!counter) {
    if (counter.error().code == "GIMS_APPROVAL_COUNTER") return std::unexpected(counter.error());
    return false;
  }
  GIMS_TRY(sql::run(
      sql, sql_of::UseAdministratorKey{
               .credential_id = id, .sign_count = *counter, .last_used_ts = transaction.now_ms()}));
  return true;
}

Result<bool> Means::code_shown(store::Transaction& transaction, std::string_view name,
                               const Code& code) const {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto account, account_of(sql, name));
  if (!account || !account->totp_secret) return false;
  const std::string context = totp_context(name);
  GIMS_TRY_ASSIGN(const SecretBytes secret,
                  crypto::open_secret(key_, crypto::as_bytes(context),
                                      crypto::as_bytes(*account->totp_secret)));
  const auto step =
      totp_accepts(secret, code.digits.reveal(), transaction.now_ms(), account->totp_step);
  if (!step) return false;
  GIMS_TRY(sql::run(
      sql, sql_of::SetAdministratorTotp{
               .name = name, .totp_secret = sql::Blob{*account->totp_secret}, .totp_step = *step}));
  return true;
}

Result<> Means::insert_key(store::Transaction& transaction, std::string_view name,
                           std::string_view label,
                           const hsm::approval::Administrator& credential) const {
  sql::Connection& sql = transaction.sql();
  const sql::Blob id{text_of(credential.credential_id)};
  GIMS_TRY_ASSIGN(const auto there, sql::first(sql, sql_of::AdministratorKeyById{id}));
  if (there) return not_in_this_state("This security key is registered already.");
  GIMS_TRY_ASSIGN(const auto keys, sql::all(sql, sql_of::AdministratorKeys{name}));
  if (keys.size() >= most_keys_of_one) {
    return not_in_this_state("There are eight security keys already: remove one first.");
  }
  return sql::run(
      sql, sql_of::InsertAdministratorKey{.credential_id = id,
                                          .administrator = name,
                                          .label = label,
                                          .kind = static_cast<std::int64_t>(credential.kind),
                                          .public_key = sql::Blob{text_of(credential.public_key)},
                                          .sign_count = credential.sign_count,
                                          .created_ts = transaction.now_ms()});
}

Result<> Means::add_key(store::Transaction& transaction, std::string_view name, const NewKey& key,
                        const hsm::approval::Challenge& challenge) const {
  auto credential = hsm::approval::registered(site_, challenge, key.registration);
  if (!credential) {
    credential.error().code = "M_FORBIDDEN";
    return pass(std::move(credential));
  }
  return insert_key(transaction, name, key.label, *credential);
}

Result<> Means::add_totp(store::Transaction& transaction, std::string_view name, const Code& code,
                         const SecretBytes& secret) const {
  const auto step = totp_accepts(secret, code.digits.reveal(), transaction.now_ms(), 0);
  if (!step) return sign_in_refused();
  const std::string context = totp_context(name);
  const crypto::Bytes sealed = crypto::seal(key_, crypto::as_bytes(context), secret.bytes());
  return sql::run(
      transaction.sql(),
      sql_of::SetAdministratorTotp{
          .name = name, .totp_secret = sql::Blob{crypto::as_text(sealed)}, .totp_step = *step});
}

Result<> Means::add_known_key(store::Transaction& transaction,
                              const hsm::approval::Administrator& person) const {
  if (!is_webauthn(person.kind) || person.rp_id != site_) return {};
  return insert_key(transaction, person.name, label_of_known, person);
}

}  // namespace gims::service::console
