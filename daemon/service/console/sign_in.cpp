#include "service/console/sign_in.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"
#include "service/console/audit.hpp"
#include "service/console/refusals.hpp"
#include "service/errors.hpp"
#include "store/statements/administrators.hpp"

namespace gims::service::console {
namespace sql_of = store::statements;
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// From one address, as at the officers' door; from all together a person may be wrong more often,
// and a stranger who guesses cannot keep them out for longer than a quarter of an hour.
constexpr AttemptLimits of_name_and_address{.free = 5, .longest = minutes(15)};
constexpr AttemptLimits of_name{.free = 20, .longest = minutes(15)};
// A code is one of a million, and three are right at a time.
constexpr AttemptLimits of_factors{.free = 5, .longest = minutes(15)};

// So many refusals are entered at once, then one in ten seconds: 3 MB a day.
constexpr int refusals_at_once = 60;
constexpr seconds refusal_interval{10};

std::string factor_detail(FactorKind kind) {
  return "{\"factor\":" + json::quoted(name_of(kind)) + "}";
}

bool equal(std::string_view stored, const crypto::Digest& hash) {
  return equal_in_constant_time(crypto::as_bytes(stored), hash);
}

}  // namespace

std::string passphrase_id(std::string_view name) { return "administrator:" + std::string(name); }

SignIn::SignIn(store::Store& store, Passwords& passwords, Keyd& keyd, Sessions& sessions,
               Steps& steps, const Means& means, const Policy& policy, const Clock& clock) noexcept
    : store_(store),
      passwords_(passwords),
      keyd_(keyd),
      sessions_(sessions),
      steps_(steps),
      means_(means),
      policy_(policy),
      clock_(clock),
      by_name_and_address_(of_name_and_address, clock),
      by_name_(of_name, clock),
      factors_(of_factors, clock) {}

bool SignIn::may_sign_in(std::string_view name, const Account& account) {
  return !account.locked && account.passphrase_hash && keyd_.find(name);
}

Result<> SignIn::enter_refusal(store::Transaction& transaction, std::string_view name,
                               const Where& where, std::string_view reason) {
  std::uint64_t left_out = 0;
  {
    const std::lock_guard lock(refusals_mutex_);
    const auto now = clock_.steady();
    const auto next = std::max(refusals_full_at_, now) + refusal_interval;
    if (next - now > refusal_interval * refusals_at_once) {
      ++refusals_left_out_;
      return {};
    }
    refusals_full_at_ = next;
    left_out = std::exchange(refusals_left_out_, 0);
  }
  json::Writer detail;
  detail.begin_object().member("reason", reason);
  if (left_out > 0) detail.member("refused_before", left_out);
  detail.end_object();
  // A name that is none may be a passphrase in the wrong field.
  const bool known = keyd_.find(name).has_value();
  return audit(transaction, {.name = "nobody", .origin = origin_of(where)}, "signin.refused",
               known ? name : std::string_view(), detail.text());
}

template <class T>
void SignIn::refuse(std::string_view name, const Where& where, std::string_view reason,
                    Done<T> done) {
  store_.writer().submit(
      [this, name = std::string(name), where, reason](store::Transaction& transaction) {
        return enter_refusal(transaction, name, where, reason);
      },
      [done = std::move(done)](Result<> entered) mutable {
        if (!entered) return done(pass(std::move(entered)));
        done(sign_in_refused());
      });
}

void SignIn::check_passphrase(std::string name, Redacted passphrase, Where where,
                              Done<Standing> done) {
  const std::string here = name + " " + where.address;
  if (auto free = by_name_and_address_.begin(here); !free) return done(pass(std::move(free)));
  if (auto free = by_name_.begin(name); !free) {
    by_name_and_address_.undo(here);
    return done(pass(std::move(free)));
  }
  auto found = [&]() -> Result<std::optional<Standing>> {
    GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
    return standing_of(reader.sql(), name);
  }();
  if (!found) {
    by_name_and_address_.undo(here);
    by_name_.undo(name);
    return done(pass(std::move(found)));
  }
  std::optional<std::string> stored;
  if (*found && may_sign_in(name, (*found)->account)) stored = (*found)->account.passphrase_hash;
  std::string id = passphrase_id(name);
  passwords_.verify(
      std::move(id), std::move(passphrase), std::move(stored),
      [this, here, name = std::move(name), where = std::move(where), standing = std::move(*found),
       done = std::move(done)](Result<bool> verdict) mutable {
        if (!verdict) {
          by_name_and_address_.undo(here);
          by_name_.undo(name);
          return done(pass(std::move(verdict)));
        }
        if (!*verdict) {
          const bool locked = standing && standing->account.locked;
          return refuse(name, where, locked ? "locked" : "passphrase", std::move(done));
        }
        by_name_and_address_.matched(here);
        by_name_.matched(name);
        done(std::move(*standing));
      });
}

SecondStep SignIn::begin_step(StepTo to, std::string name, Where where, std::string session,
                              const Standing& standing) {
  std::vector<std::string> keys;
  for (const SecurityKey& key : standing.keys) keys.push_back(key.id);
  Steps::Begun begun = steps_.begin(to, std::move(name), std::move(where), std::move(session));
  return {.token = std::move(begun.token),
          .expires_ts = begun.expires_ts,
          .factors = standing.account.factors(),
          .keys = std::move(keys),
          .challenge = begun.challenge};
}

void SignIn::start(std::string name, Redacted passphrase, Where where, Done<SecondStep> done) {
  check_passphrase(
      name, std::move(passphrase), where,
      [this, name, where, done = std::move(done)](Result<Standing> standing) mutable {
        if (!standing) return done(pass(std::move(standing)));
        const bool enrols = !standing->account.has_factor();
        if (enrols && standing->account.invited_until_ts <= clock_.now_ms()) {
          return done(expired("The invitation has ended: ask an administrator for another one."));
        }
        done(begin_step(enrols ? StepTo::enrol : StepTo::sign_in, std::move(name), std::move(where),
                        {}, *standing));
      });
}

void SignIn::accept(std::string name, std::string code, Redacted passphrase, Where where,
                    Done<SecondStep> done) {
  if (auto strong = Passwords::check_strength(passphrase.reveal(), policy_.shortest_password);
      !strong) {
    return done(pass(std::move(strong)));
  }
  const std::string here = name + " " + where.address;
  if (auto free = by_name_and_address_.begin(here); !free) return done(pass(std::move(free)));
  const auto invited = [this](const std::optional<Account>& account, std::string_view whose,
                              const crypto::Digest& hash) {
    return account && !account->locked && account->invitation_hash && keyd_.find(whose) &&
           equal(*account->invitation_hash, hash) && account->invited_until_ts > clock_.now_ms();
  };
  const crypto::Digest hash = means_.hash_of(name, code);
  auto found = [&]() -> Result<std::optional<Account>> {
    GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
    return account_of(reader.sql(), name);
  }();
  if (!found) return done(pass(std::move(found)));
  if (!invited(*found, name, hash)) return refuse(name, where, "invitation", std::move(done));
  by_name_and_address_.matched(here);
  std::string id = passphrase_id(name);
  passwords_.hash(
      std::move(id), std::move(passphrase),
      [this, invited, hash, name = std::move(name), where = std::move(where),
       done = std::move(done)](Result<std::string> hashed) mutable {
        if (!hashed) return done(pass(std::move(hashed)));
        store_.writer().submit(
            [this, invited, hash, name, where,
             hashed = std::move(*hashed)](store::Transaction& transaction) -> Result<Standing> {
              // It may have been used, or taken back, meanwhile.
              GIMS_TRY_ASSIGN(const auto account, account_of(transaction.sql(), name));
              const auto person = keyd_.find(name);
              if (!invited(account, name, hash) || !person) return sign_in_refused();
              GIMS_TRY(sql::run(transaction.sql(),
                                sql_of::SetAdministratorPassphrase{
                                    .name = name, .passphrase_hash = sql::Blob{hashed}}));
              GIMS_TRY(means_.add_known_key(transaction, *person));
              GIMS_TRY(audit(transaction, actor_of(name, where), "signin.invited", name));
              GIMS_TRY_ASSIGN(auto after, standing_of(transaction.sql(), name));
              return std::move(*after);
            },
            [this, name, where, done = std::move(done)](Result<Standing> standing) mutable {
              if (!standing) return done(pass(std::move(standing)));
              const StepTo to = standing->account.has_factor() ? StepTo::sign_in : StepTo::enrol;
              done(begin_step(to, std::move(name), std::move(where), {}, *standing));
            });
      });
}

void SignIn::try_factor(std::string name, Where where, Work work, Done<Standing> done) {
  if (auto free = factors_.begin(name); !free) return done(pass(std::move(free)));
  store_.writer().submit(
      [this, name, where, work = std::move(work)](
          store::Transaction& transaction) mutable -> Result<std::optional<Standing>> {
        GIMS_TRY_ASSIGN(const auto account, account_of(transaction.sql(), name));
        bool good = account && may_sign_in(name, *account);
        if (good) {
          GIMS_TRY_ASSIGN(good, work(transaction));
        }
        if (good) return standing_of(transaction.sql(), name);
        GIMS_TRY(enter_refusal(transaction, name, where, "second factor"));
        return std::nullopt;
      },
      [this, name, where,
       done = std::move(done)](Result<std::optional<Standing>> standing) mutable {
        if (standing && *standing) {
          factors_.matched(name);
          return done(std::move(**standing));
        }
        if (standing) return done(sign_in_refused());
        // What failed is rolled back, the entry with it.
        if (standing.error().kind != ErrorKind::forbidden) {
          factors_.undo(name);
          return done(pass(std::move(standing)));
        }
        refuse<void>(name, where, "second factor",
                     [done = std::move(done), why = std::move(standing.error())](
                         const Result<>&) mutable { done(std::unexpected(std::move(why))); });
      });
}

Result<hsm::approval::Challenge> SignIn::challenge_of(std::string_view token, FactorKind kind) {
  if (kind == FactorKind::webauthn) return steps_.take_challenge(token);
  return hsm::approval::Challenge{};
}

Result<> SignIn::enter_sign_in(store::Transaction& transaction, std::string_view name,
                               const Where& where, FactorKind kind) {
  GIMS_TRY(sql::run(transaction.sql(), sql_of::NoteAdministratorSignIn{
                                           .name = name, .last_sign_in_ts = transaction.now_ms()}));
  return audit(transaction, actor_of(name, where), "signin.done", name, factor_detail(kind));
}

SessionStanding SignIn::standing(Session session, Standing standing) {
  const auto person = keyd_.find(session.name);
  return {.session = std::move(session),
          .roles = person ? person->roles : Roles{},
          .standing = std::move(standing)};
}

SignIn::Done<Standing> SignIn::opening(std::string token, std::string name, Where where,
                                       FactorKind kind, Done<ConsoleSignedIn> done) {
  return [this, token = std::move(token), name = std::move(name), where = std::move(where), kind,
          done = std::move(done)](Result<Standing> after) mutable {
    if (!after) return done(pass(std::move(after)));
    steps_.end(token);
    Sessions::Begun begun = sessions_.begin(std::move(name), kind, std::move(where));
    done(ConsoleSignedIn{.cookie = std::move(begun.cookie),
                         .is = standing(std::move(begun.session), std::move(*after))});
  };
}

void SignIn::finish(std::string token, Factor factor, Where where, Done<ConsoleSignedIn> done) {
  auto step = steps_.find(token, StepTo::sign_in, where);
  if (!step) return done(pass(std::move(step)));
  const FactorKind kind = kind_of(factor);
  auto challenge = challenge_of(token, kind);
  if (!challenge) return done(pass(std::move(challenge)));
  const std::string name = step->name;
  try_factor(
      name, where,
      [this, name, where, challenge = *challenge, kind,
       factor = std::move(factor)](store::Transaction& transaction) -> Result<bool> {
        GIMS_TRY_ASSIGN(const bool shown, means_.shown(transaction, name, factor, challenge));
        if (!shown) return false;
        GIMS_TRY(enter_sign_in(transaction, name, where, kind));
        return true;
      },
      opening(std::move(token), name, where, kind, std::move(done)));
}

Result<FactorOptions> SignIn::begin_enrolment(std::string_view token, FactorKind kind,
                                              const Where& where) {
  GIMS_TRY_ASSIGN(Steps::Step step, steps_.find(token, StepTo::enrol, where));
  return offer(steps_, token, std::move(step.name), kind);
}

void SignIn::enrol(std::string token, NewFactor factor, Where where, Done<ConsoleSignedIn> done) {
  auto step = steps_.find(token, StepTo::enrol, where);
  if (!step) return done(pass(std::move(step)));
  const std::string name = step->name;
  auto made = adding(steps_, means_, token, name, std::move(factor));
  if (!made) return done(pass(std::move(made)));
  const FactorKind kind = made->kind;
  try_factor(
      name, where,
      [name, where, kind,
       add = std::move(made->add)](store::Transaction& transaction) mutable -> Result<bool> {
        GIMS_TRY_ASSIGN(const auto account, account_of(transaction.sql(), name));
        if (account->has_factor()) {
          return not_in_this_state("A factor is registered already: sign in with it.");
        }
        GIMS_TRY(add(transaction));
        GIMS_TRY(audit(transaction, actor_of(name, where), "administrator.factor_added", name,
                       factor_detail(kind)));
        GIMS_TRY(enter_sign_in(transaction, name, where, kind));
        return true;
      },
      opening(std::move(token), name, where, kind, std::move(done)));
}

void SignIn::start_fresh(const Session& session, Redacted passphrase, Done<SecondStep> done) {
  check_passphrase(
      session.name, std::move(passphrase), session.where,
      [this, session, done = std::move(done)](Result<Standing> standing) mutable {
        if (!standing) return done(pass(std::move(standing)));
        done(begin_step(StepTo::be_fresh, session.name, session.where, session.id, *standing));
      });
}

void SignIn::finish_fresh(const Session& session, std::string token, Factor factor,
                          Done<SessionStanding> done) {
  auto step = steps_.find(token, StepTo::be_fresh, session.where);
  if (step && step->session != session.id) step = expired("This was begun by another session.");
  if (!step) return done(pass(std::move(step)));
  const FactorKind kind = kind_of(factor);
  auto challenge = challenge_of(token, kind);
  if (!challenge) return done(pass(std::move(challenge)));
  try_factor(
      session.name, session.where,
      [this, session, challenge = *challenge, kind,
       factor = std::move(factor)](store::Transaction& transaction) -> Result<bool> {
        GIMS_TRY_ASSIGN(const bool shown,
                        means_.shown(transaction, session.name, factor, challenge));
        if (!shown) return false;
        GIMS_TRY(audit(transaction, actor_of(session), "signin.fresh", session.name,
                       factor_detail(kind)));
        return true;
      },
      [this, session, token = std::move(token),
       done = std::move(done)](Result<Standing> after) mutable {
        if (!after) return done(pass(std::move(after)));
        steps_.end(token);
        auto fresh = sessions_.refresh(session.id);
        if (!fresh) return done(not_signed_in());
        done(standing(std::move(*fresh), std::move(*after)));
      });
}

void SignIn::sign_out(const Session& session, Done<void> done) {
  // First: it has ended, whatever becomes of the entry.
  sessions_.end(session.id);
  store_.writer().submit(
      [session](store::Transaction& transaction) {
        return audit(transaction, actor_of(session), "signin.ended", session.name);
      },
      std::move(done));
}

void SignIn::revoke(const Session& session, std::string session_id, bool any, Done<void> done) {
  const auto whose =
      sessions_.end(session_id, any ? std::nullopt : std::optional<std::string_view>(session.name));
  if (!whose) return done(not_found("There is no such session."));
  store_.writer().submit(
      [session, session_id = std::move(session_id),
       whose = *whose](store::Transaction& transaction) {
        const std::string detail = "{\"session_id\":" + json::quoted(session_id) + "}";
        return audit(transaction, actor_of(session), "session.revoked", whose, detail);
      },
      std::move(done));
}

void SignIn::note_moved(const Session& session, const Where& now) {
  store_.writer().submit(
      [session, now](store::Transaction& transaction) {
        const std::string detail = "{\"given_to\":" + json::quoted(session.where.address) + "}";
        return audit(transaction, {.name = "nobody", .origin = origin_of(now)}, "session.misused",
                     session.name, detail);
      },
      [](const Result<>& entered) {
        if (!entered) {
          log::failure(log::id::request_failed, "A stolen session was ended and not entered.",
                       entered.error());
        }
      });
}

}  // namespace gims::service::console
