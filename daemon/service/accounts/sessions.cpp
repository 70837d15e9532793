#include "service/accounts/sessions.hpp"

#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "crypto/random.hpp"
#include "json/text.hpp"
#include "service/errors.hpp"
#include "store/statements/devices.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

constexpr std::size_t known_limit = 65536;
constexpr Millis touch_interval = Millis{5} * 60 * 1000;
// Between two looks at a clock that is set by small steps.
constexpr std::chrono::milliseconds clock_tolerance = std::chrono::minutes(1);
constexpr std::size_t longest_device_id = 255;
constexpr std::size_t longest_device_name = 255;
// Of one account. Every query of its keys, and every message to all its devices, goes through them.
constexpr std::int64_t most_devices = 500;

std::unexpected<Error> unknown_token(bool soft_logout) {
  Error error{.kind = ErrorKind::unauthenticated,
              .code = "M_UNKNOWN_TOKEN",
              .text = soft_logout ? "The access token has expired. Please refresh it."
                                  : "The access token is not known. Please sign in again.",
              .detail = {},
              .retry_after = std::nullopt,
              .extra_json = soft_logout ? "\"soft_logout\":true" : ""};
  return std::unexpected(std::move(error));
}

std::unexpected<Error> refused_login() {
  return forbidden("The user name or the password is not right.");
}

std::unexpected<Error> password_to_be_chosen() {
  return forbidden(
      "Your administrator gave you this password. Choose one of your own first, in your client's "
      "settings.");
}

std::unexpected<Error> suspended() {
  return fail(ErrorKind::forbidden, "M_USER_SUSPENDED",
              "This account is suspended: it may read and not send. Please ask your "
              "administrator.");
}

// Whose tokens are to be read again after a change; without a device: all of the user's.
struct Whose {
  std::string_view user_id;
  std::string_view device_id;
};
std::optional<Whose> touched_by(const store::Change& change) {
  if (const auto* removed = std::get_if<store::DeviceRemoved>(&change)) {
    return Whose{.user_id = removed->user_id, .device_id = removed->device_id};
  }
  if (const auto* ended = std::get_if<store::DeviceTokensEnded>(&change)) {
    return Whose{.user_id = ended->user_id, .device_id = ended->device_id};
  }
  if (const auto* user = std::get_if<store::UserStateChanged>(&change)) {
    return Whose{.user_id = user->user_id, .device_id = {}};
  }
  return std::nullopt;
}

std::unexpected<Error> locked(std::string_view text) {
  return std::unexpected(Error{.kind = ErrorKind::unauthenticated,
                               .code = "M_USER_LOCKED",
                               .text = std::string(text),
                               .detail = {},
                               .retry_after = std::nullopt,
                               .extra_json = "\"soft_logout\":true"});
}

// The specification has no word for one device of an account: its client has to do the same.
std::unexpected<Error> locked_device() {
  return locked("This device is locked. Please ask your administrator.");
}

Result<> may_sign_in(UserState state) {
  switch (state) {
    case UserState::active:
    case UserState::suspended:
      return {};
    case UserState::locked:
      return locked("This account is locked. Please ask your administrator.");
    case UserState::deactivated:
      break;
  }
  return fail(ErrorKind::forbidden, "M_USER_DEACTIVATED", "This account has been closed.");
}

}  // namespace

std::size_t Sessions::HashOfHash::operator()(const TokenHash& hash) const noexcept {
  std::size_t value = 0;  // the hash is random already
  std::memcpy(&value, hash.data(), sizeof value);
  return value;
}

Sessions::Sessions(Tokens tokens, const Clock& clock, const Policy& policy) noexcept
    : tokens_(std::move(tokens)), clock_(clock), policy_(policy) {}

void Sessions::attach(store::Store& store, Users& users, PasswordCheck& password_check,
                      DeviceRemoval& removal) noexcept {
  store_ = &store;
  users_ = &users;
  password_check_ = &password_check;
  removal_ = &removal;
}

void Sessions::login(LoginRequest request, Origin origin,
                     std::move_only_function<void(Result<SignedIn>)> done) {
  auto id = users_->full_id(request.user);
  if (!id) return done(refused_login());
  Redacted password = std::move(request.password);
  password_check_->run(*id, origin.address, std::move(password),
                       [this, request = std::move(request),
                        done = std::move(done)](Result<std::optional<User>> owner) mutable {
                         if (!owner) return done(pass(std::move(owner)));
                         if (!*owner) return done(refused_login());
                         if (auto allowed = may_sign_in((*owner)->state); !allowed) {
                           return done(pass(std::move(allowed)));
                         }
                         const bool by_code = (*owner)->by_code;
                         enter(std::move((*owner)->user_id), by_code, std::move(request),
                               std::move(done));
                       });
}

void Sessions::sign_in(std::string user_id, LoginRequest request,
                       std::move_only_function<void(Result<SignedIn>)> done) {
  enter(std::move(user_id), false, std::move(request), std::move(done));
}

void Sessions::enter(std::string user_id, bool by_code, LoginRequest request,
                     std::move_only_function<void(Result<SignedIn>)> done) {
  if (request.device_id &&
      (request.device_id->empty() || request.device_id->size() > longest_device_id)) {
    return done(invalid_param("A device id has 1 to 255 bytes."));
  }
  if (request.device_name && request.device_name->size() > longest_device_name) {
    // Before a letter, not within one.
    std::size_t end = longest_device_name;
    while (end > 0 && (static_cast<unsigned char>((*request.device_name)[end]) & 0xC0U) == 0x80U) {
      --end;
    }
    request.device_name->resize(end);
  }
  store_->writer().submit(
      [this, user_id = std::move(user_id), by_code,
       request = std::move(request)](store::Transaction& transaction) -> Result<SignedIn> {
        sql::Connection& sql = transaction.sql();
        if (by_code) {
          GIMS_TRY_ASSIGN(const bool first, Slips::use(transaction, user_id));
          if (!first) return refused_login();
        }
        std::string device_id = request.device_id.value_or("");
        if (device_id.empty()) device_id = crypto::random_device_id();
        GIMS_TRY_ASSIGN(const auto known, sql::first(sql, sql_of::DeviceById{user_id, device_id}));
        if (known && known->locked_ts) return locked_device();
        if (known) {
          // The same device signs in again: what it had before ends.
          GIMS_TRY(sql::run(sql, sql_of::DeleteAccessTokensOfDevice{user_id, device_id}));
          GIMS_TRY(sql::run(sql, sql_of::DeleteRefreshTokensOfDevice{user_id, device_id}));
          transaction.publish(store::DeviceTokensEnded{user_id, device_id});
        } else {
          GIMS_TRY_ASSIGN(const auto has, sql::first(sql, sql_of::CountDevices{user_id}));
          if (has && has->devices >= most_devices) {
            return forbidden(
                "This account has as many devices as it may. Sign out from some of them first.");
          }
          GIMS_TRY(sql::run(
              sql, sql_of::InsertDevice{
                       .user_id = user_id,
                       .device_id = device_id,
                       .display_name = request.device_name
                                           ? std::optional<std::string_view>(*request.device_name)
                                           : std::nullopt,
                       .created_ts = transaction.now_ms()}));
        }
        return issue(transaction, user_id, std::move(device_id), request.wants_refresh_token,
                     std::nullopt);
      },
      std::move(done));
}

Result<SignedIn> Sessions::issue(store::Transaction& transaction, std::string user_id,
                                 std::string device_id, bool with_refresh,
                                 std::optional<TokenHash> predecessor) {
  sql::Connection& sql = transaction.sql();
  SignedIn signed_in;
  signed_in.access_token = Tokens::make_access_token();
  const TokenHash access_hash = tokens_.hash(signed_in.access_token.reveal());
  std::optional<TokenHash> refresh_hash;
  std::optional<Millis> expires_ts;
  if (with_refresh) {
    signed_in.refresh_token = Tokens::make_refresh_token();
    signed_in.expires_in = policy_.access_token_life;
    expires_ts = transaction.now_ms() + policy_.access_token_life.count();
    refresh_hash = tokens_.hash(signed_in.refresh_token->reveal());
    GIMS_TRY(sql::run(sql, sql_of::InsertRefreshToken{.token_hash = as_blob(*refresh_hash),
                                                      .user_id = user_id,
                                                      .device_id = device_id,
                                                      .created_ts = transaction.now_ms()}));
    if (predecessor) {
      GIMS_TRY(sql::run(
          sql, sql_of::SetRefreshSuccessor{as_blob(*predecessor), as_blob(*refresh_hash)}));
    }
  }
  GIMS_TRY(sql::run(sql, sql_of::InsertAccessToken{
                             .token_hash = as_blob(access_hash),
                             .user_id = user_id,
                             .device_id = device_id,
                             .created_ts = transaction.now_ms(),
                             .expires_ts = expires_ts,
                             .refresh_hash = refresh_hash ? std::optional(as_blob(*refresh_hash))
                                                          : std::nullopt}));
  signed_in.user_id = std::move(user_id);
  signed_in.device_id = std::move(device_id);
  return signed_in;
}

Result<Session> Sessions::authenticate(std::string_view token, Origin origin, Admit admit) {
  const TokenHash hash = tokens_.hash(token);
  Known known;
  bool cached = false;
  std::uint64_t forgettings = 0;
  {
    const std::lock_guard lock(mutex_);
    forgettings = forgettings_;
    if (const auto found = known_.find(hash); found != known_.end()) {
      known = found->second;
      cached = true;
    }
  }
  if (!cached) {
    GIMS_TRY_ASSIGN(known, load(hash, origin));
  }
  const Millis now = clock_.now_ms();
  if (known.expires_ts) {
    // One with more than its whole life before it was made by a clock that was ahead and has been
    // set back: it would count for too long.
    const Millis left = *known.expires_ts - now;
    if (left <= 0 || left > (policy_.access_token_life + clock_tolerance).count()) {
      return unknown_token(true);
    }
  }
  if (known.state == UserState::deactivated) return unknown_token(false);
  if (admit != Admit::all_but_closed) GIMS_TRY(may_sign_in(known.state));
  if (admit != Admit::all_but_closed && known.device_locked) return locked_device();
  if (admit == Admit::ready && known.state == UserState::suspended) return suspended();
  if (admit <= Admit::suspended && known.must_change_password) return password_to_be_chosen();

  const bool touch_now = now - known.touched_ts >= touch_interval || now < known.touched_ts;
  if (touch_now) known.touched_ts = now;
  if (touch_now || !cached) {
    const std::lock_guard lock(mutex_);
    if (forgettings == forgettings_) {
      if (known_.size() >= known_limit) known_.clear();
      known_.insert_or_assign(hash, known);
    }
  }
  if (touch_now) touch(known.session, origin, now);
  return known.session;
}

Result<Sessions::Known> Sessions::load(const TokenHash& hash, Origin origin) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_->read());
  GIMS_TRY_ASSIGN(auto row, sql::first(reader.sql(), sql_of::AccessTokenByHash{as_blob(hash)}));
  if (!row) {
    GIMS_TRY_ASSIGN(const auto wiped, sql::first(reader.sql(), sql_of::WipedToken{as_blob(hash)}));
    if (wiped) note_wiped(hash, std::string(origin.address));
    return unknown_token(false);
  }
  Known known;
  known.session = {.user_id = std::move(row->user_id), .device_id = std::move(row->device_id)};
  GIMS_TRY_ASSIGN(known.state, user_state_named(row->state));
  known.must_change_password = row->must_change_password != 0;
  known.device_locked = row->locked_ts.has_value();
  known.expires_ts = row->expires_ts;
  known.touched_ts = row->last_seen_ts.value_or(0);
  if (row->refresh_hash) {
    end_predecessor(known.session.user_id, known.session.device_id, std::move(*row->refresh_hash));
  }
  return known;
}

void Sessions::note_wiped(const TokenHash& hash, std::string address) {
  store_->writer().submit(
      [hash, address = std::move(address)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::WipedToken{as_blob(hash)}));
        if (!row) return {};
        GIMS_TRY(sql::run(sql, sql_of::DeviceIsWiped{row->user_id, row->device_id}));
        GIMS_TRY(sql::run(sql, sql_of::ForgetWipedTokens{row->user_id, row->device_id}));
        const std::string detail = "{\"device_id\":" + json::quoted(row->device_id) + "}";
        return audit(transaction, {.name = row->user_id, .origin = address}, "device.wiped",
                     row->user_id, detail);
      },
      [](const Result<>&) {});  // it comes again, or stays "wiping"
}

void Sessions::end_predecessor(std::string user_id, std::string device_id,
                               std::string refresh_hash) {
  store_->writer().submit(
      [user_id = std::move(user_id), device_id = std::move(device_id),
       refresh_hash = std::move(refresh_hash)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto old,
                        sql::first(sql, sql_of::PredecessorOfRefreshToken{
                                            user_id, device_id, sql::Blob{refresh_hash}}));
        if (!old) return {};
        GIMS_TRY(
            sql::run(sql, sql_of::DeleteAccessTokensOfRefresh{sql::Blob{old->predecessor_hash}}));
        GIMS_TRY(sql::run(sql, sql_of::DeleteRefreshToken{sql::Blob{old->predecessor_hash}}));
        // The ended access token may be cached: the account's entries are read again.
        transaction.publish(store::UserStateChanged{user_id});
        return {};
      },
      [](const Result<>& outcome) {
        if (!outcome) {
          log::failure(log::id::token_not_ended, "an older access token could not be ended",
                       outcome.error());
        }
      });
}

void Sessions::touch(const Session& session, Origin origin, Millis now) {
  store_->writer().submit(
      [session, now, address = std::string(origin.address),
       agent = std::string(origin.agent)](store::Transaction& transaction) {
        return sql::run(transaction.sql(),
                        sql_of::TouchDevice{.user_id = session.user_id,
                                            .device_id = session.device_id,
                                            .last_seen_ts = now,
                                            .last_seen_ip = address,
                                            .last_seen_agent = std::string_view(agent)});
      },
      [](const Result<>&) {});  // "last seen" may be a little old
}

void Sessions::refresh(Redacted refresh_token,
                       std::move_only_function<void(Result<SignedIn>)> done) {
  const TokenHash hash = tokens_.hash(refresh_token.reveal());
  store_->writer().submit(
      [this, hash](store::Transaction& transaction) -> Result<SignedIn> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(auto row, sql::first(sql, sql_of::RefreshTokenByHash{as_blob(hash)}));
        if (!row) return unknown_token(false);
        GIMS_TRY_ASSIGN(const UserState state, user_state_named(row->state));
        GIMS_TRY(may_sign_in(state));
        if (row->locked_ts) return locked_device();
        if (row->successor_hash) {
          // The answer with the successor got lost: it was never used, or this row were gone.
          GIMS_TRY(
              sql::run(sql, sql_of::DeleteAccessTokensOfRefresh{sql::Blob{*row->successor_hash}}));
          GIMS_TRY(sql::run(sql, sql_of::DeleteRefreshToken{sql::Blob{*row->successor_hash}}));
          // Its first use may be on its way at this moment, and be cached.
          transaction.publish(store::UserStateChanged{row->user_id});
        }
        // The use of this refresh token ends the one before it.
        GIMS_TRY_ASSIGN(const auto old,
                        sql::first(sql, sql_of::PredecessorOfRefreshToken{
                                            row->user_id, row->device_id, as_blob(hash)}));
        if (old) {
          GIMS_TRY(
              sql::run(sql, sql_of::DeleteAccessTokensOfRefresh{sql::Blob{old->predecessor_hash}}));
          GIMS_TRY(sql::run(sql, sql_of::DeleteRefreshToken{sql::Blob{old->predecessor_hash}}));
          transaction.publish(store::UserStateChanged{row->user_id});
        }
        return issue(transaction, std::move(row->user_id), std::move(row->device_id), true, hash);
      },
      [this, hash, done = std::move(done)](Result<SignedIn> outcome) mutable {
        if (!outcome && outcome.error().code == "M_UNKNOWN_TOKEN") note_wiped(hash, {});
        done(std::move(outcome));
      });
}

void Sessions::logout(Session session, std::move_only_function<void(Result<>)> done) {
  store_->writer().submit(
      [this, session = std::move(session)](store::Transaction& transaction) {
        return removal_->remove(transaction, session.user_id, session.device_id);
      },
      std::move(done));
}

void Sessions::logout_all(std::string user_id, std::optional<std::string> except_device,
                          std::move_only_function<void(Result<>)> done) {
  store_->writer().submit(
      [this, user_id = std::move(user_id),
       except = std::move(except_device).value_or("")](store::Transaction& transaction) {
        return removal_->remove_all(transaction, user_id, except);
      },
      std::move(done));
}

void Sessions::committed(store::StreamId /*position*/,
                         std::span<const store::Change> changes) noexcept {
  for (const store::Change& change : changes) {
    const auto whose = touched_by(change);
    if (!whose) continue;
    const std::lock_guard lock(mutex_);
    ++forgettings_;
    std::erase_if(known_, [&](const auto& entry) {
      const Session& session = entry.second.session;
      return session.user_id == whose->user_id &&
             (whose->device_id.empty() || session.device_id == whose->device_id);
    });
  }
}

}  // namespace gims::service
