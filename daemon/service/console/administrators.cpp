#include "service/console/administrators.hpp"

#include <algorithm>
#include <utility>

#include "crypto/bytes.hpp"
#include "hsm/approval/change.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"
#include "service/console/audit.hpp"
#include "service/console/refusals.hpp"
#include "service/console/sign_in.hpp"
#include "service/errors.hpp"
#include "store/statements/administrators.hpp"

namespace gims::service::console {
namespace sql_of = store::statements;
namespace {

SignInState state_of(const std::optional<Account>& account) {
  if (!account) return SignInState::none;
  if (account->locked) return SignInState::locked;
  return account->passphrase_hash && account->has_factor() ? SignInState::active
                                                           : SignInState::invited;
}

// Within an operation that a session asked for.
Result<Account> own_account(store::Transaction& transaction, const Session& session) {
  GIMS_TRY_ASSIGN(auto account, account_of(transaction.sql(), session.name));
  if (!account) return not_signed_in();
  return std::move(*account);
}

Result<> keeps_one(std::size_t left) {
  if (left > 0) return {};
  return not_in_this_state("One second factor always stays: register another one first.");
}

Result<> enter_removal(store::Transaction& transaction, const Session& session, FactorKind kind,
                       std::string_view label) {
  json::Writer detail;
  detail.begin_object().member("factor", name_of(kind));
  if (!label.empty()) detail.member("label", label);
  detail.end_object();
  return audit(transaction, actor_of(session), "administrator.factor_removed", session.name,
               detail.text());
}

}  // namespace

std::string_view name_of(SignInState state) noexcept {
  switch (state) {
    case SignInState::none:
      return "none";
    case SignInState::invited:
      return "invited";
    case SignInState::active:
      return "active";
    case SignInState::locked:
      return "locked";
  }
  return "";
}

Result<std::vector<AdministratorShown>> Administrators::list() {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  const std::vector<Session> sessions = sessions_.list();
  std::vector<AdministratorShown> shown;
  for (hsm::approval::Administrator& person : keyd_.all()) {
    GIMS_TRY_ASSIGN(const auto account, account_of(reader.sql(), person.name));
    AdministratorShown& one = shown.emplace_back();
    one.fingerprint = hsm::approval::fingerprint(person);
    one.approves = person.roles.any_of(hsm::approval::approvers);
    one.state = state_of(account);
    if (account) {
      one.factors = account->factors();
      one.last_sign_in_ts = account->last_sign_in_ts;
    }
    one.sessions =
        static_cast<std::size_t>(std::ranges::count(sessions, person.name, &Session::name));
    one.person = std::move(person);
  }
  return shown;
}

void Administrators::invite(std::string name, Actor actor, Done<Invitation> done) {
  if (!keyd_.find(name)) return done(no_such_administrator());
  auto code = Means::make_code();
  if (!code) return done(pass(std::move(code)));
  const crypto::Digest hash = means_.hash_of(name, code->reveal());
  store_.writer().submit(
      [name, hash, actor = std::move(actor)](store::Transaction& transaction) -> Result<Millis> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto before, account_of(sql, name));
        const Millis until =
            transaction.now_ms() + std::chrono::milliseconds(invitation_life).count();
        GIMS_TRY(sql::run(
            sql, sql_of::InviteAdministrator{.name = name,
                                             .created_ts = transaction.now_ms(),
                                             .invitation_hash = sql::Blob{crypto::as_text(hash)},
                                             .invited_until_ts = until}));
        GIMS_TRY(sql::run(sql, sql_of::DeleteAdministratorKeys{name}));
        const std::string detail =
            "{\"after\":\"invited\",\"before\":" + json::quoted(name_of(state_of(before))) + "}";
        GIMS_TRY(audit(transaction, actor, "administrator.invited", name, detail));
        return until;
      },
      [this, name, code = std::move(*code), done = std::move(done)](Result<Millis> until) mutable {
        if (!until) return done(pass(std::move(until)));
        sessions_.end_all(name);
        done(Invitation{.name = std::move(name), .code = std::move(code), .expires_ts = *until});
      });
}

void Administrators::set_locked(std::string name, bool locked, std::string reason, Actor actor,
                                Done<void> done) {
  if (!keyd_.find(name)) return done(no_such_administrator());
  store_.writer().submit(
      [name, locked, reason = std::move(reason),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto before, account_of(sql, name));
        if (!before) return not_in_this_state("This person was not invited to the console yet.");
        if (before->locked == locked) {
          return not_in_this_state(locked ? "This person is locked out already."
                                          : "This person is not locked out.");
        }
        if (locked) {
          GIMS_TRY_ASSIGN(const auto left,
                          sql::first(sql, sql_of::CountSigningAdministrators{.but = name}));
          if (!left || left->others == 0) {
            return not_in_this_state("Nobody else could sign in to the console any more.");
          }
        }
        GIMS_TRY(sql::run(sql, sql_of::SetAdministratorLocked{.name = name, .locked = locked}));
        auto after = before;
        after->locked = locked;
        json::Writer detail;
        detail.begin_object().member("after", name_of(state_of(after)));
        detail.member("before", name_of(state_of(before)));
        if (!reason.empty()) detail.member("reason", reason);
        detail.end_object();
        return audit(transaction, actor, locked ? "administrator.locked" : "administrator.unlocked",
                     name, detail.text());
      },
      [this, name, locked, done = std::move(done)](Result<> outcome) mutable {
        if (outcome && locked) sessions_.end_all(name);
        done(std::move(outcome));
      });
}

Result<Me> Administrators::me_in(sql::Connection& sql, const Session& session) {
  const auto person = keyd_.find(session.name);
  GIMS_TRY_ASSIGN(auto standing, standing_of(sql, session.name));
  if (!person || !standing) return not_signed_in();
  return Me{.name = session.name, .roles = person->roles, .standing = std::move(*standing)};
}

Result<Me> Administrators::me(const Session& session) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  return me_in(reader.sql(), session);
}

void Administrators::set_passphrase(const Session& session, Redacted passphrase, Done<void> done) {
  if (auto strong = Passwords::check_strength(passphrase.reveal(), policy_.shortest_password);
      !strong) {
    return done(std::move(strong));
  }
  passwords_.hash(
      passphrase_id(session.name), std::move(passphrase),
      [this, session, done = std::move(done)](Result<std::string> hashed) mutable {
        if (!hashed) return done(pass(std::move(hashed)));
        store_.writer().submit(
            [session, hash = std::move(*hashed)](store::Transaction& transaction) -> Result<> {
              GIMS_TRY(own_account(transaction, session));
              GIMS_TRY(sql::run(transaction.sql(),
                                sql_of::SetAdministratorPassphrase{
                                    .name = session.name, .passphrase_hash = sql::Blob{hash}}));
              return audit(transaction, actor_of(session), "administrator.passphrase",
                           session.name);
            },
            [this, session, done = std::move(done)](Result<> outcome) mutable {
              if (outcome) sessions_.end_all(session.name, session.id);
              done(std::move(outcome));
            });
      });
}

void Administrators::set_language(const Session& session, std::string language, Done<void> done) {
  store_.writer().submit(
      [session, language = std::move(language)](store::Transaction& transaction) -> Result<> {
        return sql::run(transaction.sql(), sql_of::SetAdministratorLanguage{.name = session.name,
                                                                            .language = language});
      },
      std::move(done));
}

Result<FactorOptions> Administrators::begin_factor(const Session& session, FactorKind kind) {
  steps_.begin_add(session);
  GIMS_TRY_ASSIGN(FactorOptions options, offer(steps_, session.id, session.name, kind));
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(auto keys, keys_of(reader.sql(), session.name));
  for (SecurityKey& key : keys) options.keys.push_back(std::move(key.id));
  return options;
}

void Administrators::add_factor(const Session& session, NewFactor factor, Done<Me> done) {
  auto step = steps_.find(session.id, StepTo::add, session.where);
  if (!step) return done(pass(std::move(step)));
  auto made = adding(steps_, means_, session.id, session.name, std::move(factor));
  if (!made) return done(pass(std::move(made)));
  store_.writer().submit(
      [this, session, kind = made->kind,
       add = std::move(made->add)](store::Transaction& transaction) mutable -> Result<Me> {
        GIMS_TRY(own_account(transaction, session));
        GIMS_TRY(add(transaction));
        const std::string detail = "{\"factor\":" + json::quoted(name_of(kind)) + "}";
        GIMS_TRY(audit(transaction, actor_of(session), "administrator.factor_added", session.name,
                       detail));
        return me_in(transaction.sql(), session);
      },
      [this, session, done = std::move(done)](Result<Me> after) mutable {
        if (after) steps_.end(session.id);
        done(std::move(after));
      });
}

void Administrators::remove_key(const Session& session, std::string credential_id,
                                Done<void> done) {
  const auto id = crypto::from_base64(credential_id, crypto::Alphabet::url_safe);
  if (!id) return done(not_found("You have no such security key."));
  store_.writer().submit(
      [session,
       id = std::string(crypto::as_text(*id))](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto key,
                        sql::first(sql, sql_of::AdministratorKeyById{sql::Blob{id}}));
        if (!key || key->administrator != session.name) {
          return not_found("You have no such security key.");
        }
        GIMS_TRY_ASSIGN(const Account account, own_account(transaction, session));
        const auto keys_left = static_cast<std::size_t>(account.security_keys - 1);
        GIMS_TRY(keeps_one(keys_left + (account.totp_secret ? 1 : 0)));
        GIMS_TRY(sql::run(sql, sql_of::DeleteAdministratorKey{sql::Blob{id}}));
        return enter_removal(transaction, session, FactorKind::webauthn, key->label);
      },
      std::move(done));
}

void Administrators::remove_totp(const Session& session, Done<void> done) {
  store_.writer().submit(
      [session](store::Transaction& transaction) -> Result<> {
        GIMS_TRY_ASSIGN(const Account account, own_account(transaction, session));
        if (!account.totp_secret) return not_found("You have no application for codes.");
        GIMS_TRY(keeps_one(static_cast<std::size_t>(account.security_keys)));
        GIMS_TRY(sql::run(transaction.sql(),
                          sql_of::SetAdministratorTotp{
                              .name = session.name, .totp_secret = std::nullopt, .totp_step = 0}));
        return enter_removal(transaction, session, FactorKind::totp, {});
      },
      std::move(done));
}

}  // namespace gims::service::console
