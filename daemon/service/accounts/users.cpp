#include "service/accounts/users.hpp"

#include <utility>

#include "json/text.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/profiles.hpp"
#include "store/statements/users.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// A profile value is stored as JSON; these two are strings.
std::optional<std::string> string_in(const std::optional<std::string>& stored) {
  if (!stored) return std::nullopt;
  auto document = json::Document::parse(*stored);
  if (!document) return std::nullopt;
  const auto text = document->root().as_string();
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::unexpected<Error> in_use() {
  return fail(ErrorKind::bad_input, "M_USER_IN_USE", "This user name is taken.");
}

// An account that is there and not closed.
Result<std::string> require_open(store::Transaction& transaction, std::string_view user_id) {
  GIMS_TRY_ASSIGN(auto row, sql::first(transaction.sql(), sql_of::UserById{user_id}));
  if (!row) return not_found("There is no such account.");
  if (row->state == name_of(UserState::deactivated)) {
    return fail(ErrorKind::conflict, "M_USER_DEACTIVATED",
                "A deactivated account stays deactivated; make a new one.");
  }
  return std::move(row->state);
}

}  // namespace

std::string_view name_of(UserState state) noexcept {
  switch (state) {
    case UserState::active:
      return "active";
    case UserState::suspended:
      return "suspended";
    case UserState::locked:
      return "locked";
    case UserState::deactivated:
      return "deactivated";
  }
  return "deactivated";
}

Result<UserState> user_state_named(std::string_view name) {
  for (const UserState state :
       {UserState::active, UserState::suspended, UserState::locked, UserState::deactivated}) {
    if (name_of(state) == name) return state;
  }
  return invalid_param("An account is active, suspended, locked or deactivated.");
}

std::string registered_localpart(std::string_view name) {
  std::string lower(name);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

Result<std::string> Users::full_id(std::string_view localpart_or_id) const {
  std::string id(localpart_or_id);
  if (!id.starts_with('@')) id = "@" + id + ":" + policy_.server_name;
  const auto parsed = matrix::parse_user_id(id);
  if (!parsed || parsed->domain != policy_.server_name) {
    return fail(ErrorKind::bad_input, "M_INVALID_USERNAME",
                "A user name is made of a-z, 0-9 and . _ = - / + and belongs to this server.");
  }
  return id;
}

Result<std::string> Users::new_id(std::string_view localpart) const {
  GIMS_TRY_ASSIGN(std::string id, full_id(localpart));
  if (!matrix::parse_user_id(id, matrix::UserIdGrammar::strict)) {
    return fail(ErrorKind::bad_input, "M_INVALID_USERNAME",
                "A user name is made of a-z, 0-9 and . _ = - / + alone.");
  }
  return id;
}

Result<std::optional<User>> Users::find(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(auto row, sql::first(reader.sql(), sql_of::UserById{user_id}));
  if (!row) return std::optional<User>();
  GIMS_TRY_ASSIGN(const UserState state, user_state_named(row->state));
  return std::optional(User{.user_id = std::string(user_id),
                            .password_hash = std::move(row->password_hash),
                            .created_ts = row->created_ts,
                            .state = state,
                            .must_change_password = row->must_change_password != 0});
}

Result<bool> Users::exists(std::string_view user_id) {
  GIMS_TRY_ASSIGN(const auto user, find(user_id));
  return user.has_value();
}

void Users::create(NewUser user, std::optional<Actor> actor,
                   std::move_only_function<void(Result<std::string>)> done) {
  auto id = new_id(user.localpart);
  if (!id) return done(std::move(id));
  auto known = exists(*id);
  if (!known) return done(pass(std::move(known)));
  if (*known) return done(in_use());
  if (!user.password) {
    return insert(std::move(user), std::move(*id), std::nullopt, std::move(actor), std::move(done));
  }
  if (auto strong = Passwords::check_strength(user.password->reveal(), policy_.shortest_password);
      !strong) {
    return done(pass(std::move(strong)));
  }
  std::string user_id = *id;
  Redacted password = std::move(*user.password);
  passwords_.hash(std::move(user_id), std::move(password),
                  [this, user = std::move(user), id = std::move(*id), actor = std::move(actor),
                   done = std::move(done)](Result<std::string> hashed) mutable {
                    if (!hashed) return done(pass(std::move(hashed)));
                    insert(std::move(user), std::move(id), std::move(*hashed), std::move(actor),
                           std::move(done));
                  });
}

void Users::insert(NewUser user, std::string user_id, std::optional<std::string> hash,
                   std::optional<Actor> actor,
                   std::move_only_function<void(Result<std::string>)> done) {
  store_.writer().submit(
      [user = std::move(user), user_id = std::move(user_id), hash = std::move(hash),
       actor = std::move(actor)](store::Transaction& transaction) mutable -> Result<std::string> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::UserIsTaken{user_id}));
        if (row) return in_use();
        GIMS_TRY(sql::run(
            sql, sql_of::InsertUser{
                     .user_id = user_id,
                     .password_hash = hash ? std::optional(sql::Blob{*hash}) : std::nullopt,
                     .created_ts = transaction.now_ms(),
                     .must_change_password = user.must_change_password || !hash}));
        if (user.display_name) {
          const std::string value = json::quoted(*user.display_name);
          GIMS_TRY(sql::run(sql, sql_of::UpsertProfileField{
                                     .user_id = user_id, .name = "displayname", .value = value}));
        }
        if (user.more) GIMS_TRY(user.more(transaction, user_id));
        if (actor) GIMS_TRY(audit(transaction, *actor, "user.add", user_id, user.detail));
        return user_id;
      },
      std::move(done));
}

void Users::set_state(std::string user_id, UserState state, std::string reason, Actor actor,
                      std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [this, user_id = std::move(user_id), state, reason = std::move(reason),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        GIMS_TRY_ASSIGN(const std::string before, require_open(transaction, user_id));
        if (before == name_of(state)) {
          return fail(ErrorKind::conflict, "GIMS_STATE", "The account is " + before + " already.");
        }
        GIMS_TRY(sql::run(transaction.sql(),
                          sql_of::UpdateUserState{.user_id = user_id, .state = name_of(state)}));
        transaction.publish(store::UserStateChanged{user_id});
        if (state == UserState::deactivated && end_of_account_) {
          GIMS_TRY(end_of_account_(transaction, user_id));
        }
        json::Writer detail;
        detail.begin_object().member("after", name_of(state)).member("before", before);
        if (!reason.empty()) detail.member("reason", reason);
        detail.end_object();
        return audit(transaction, actor, "user.state", user_id, detail.text());
      },
      std::move(done));
}

void Users::take_password(std::string user_id, std::string reason, Actor actor,
                          std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [this, user_id = std::move(user_id), reason = std::move(reason),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY(require_open(transaction, user_id));
        GIMS_TRY(sql::run(sql, sql_of::PasswordByCode{user_id}));
        GIMS_TRY(sql::run(sql, sql_of::EndSlipsOfUser{user_id, transaction.now_ms()}));
        transaction.publish(store::UserStateChanged{user_id});
        if (end_of_devices_) GIMS_TRY(end_of_devices_(transaction, user_id));
        json::Writer detail;
        detail.begin_object().member("password", "none");
        if (!reason.empty()) detail.member("reason", reason);
        detail.member("sessions", "ended").end_object();
        return audit(transaction, actor, "user.reset", user_id, detail.text());
      },
      std::move(done));
}

void Users::set_password(std::string user_id, Redacted password,
                         std::move_only_function<void(Result<>)> done) {
  store_password({.user_id = std::move(user_id),
                  .password = std::move(password),
                  .must_change = false,
                  .actor = std::nullopt},
                 std::move(done));
}

void Users::reset_password(std::string user_id, Redacted password, bool must_change, Actor actor,
                           std::move_only_function<void(Result<>)> done) {
  store_password({.user_id = std::move(user_id),
                  .password = std::move(password),
                  .must_change = must_change,
                  .actor = std::move(actor)},
                 std::move(done));
}

void Users::store_password(NewPassword change, std::move_only_function<void(Result<>)> done) {
  if (auto strong = Passwords::check_strength(change.password.reveal(), policy_.shortest_password);
      !strong) {
    return done(std::move(strong));
  }
  std::string user_id = change.user_id;
  Redacted password = std::move(change.password);
  passwords_.hash(
      std::move(user_id), std::move(password),
      [this, change = std::move(change),
       done = std::move(done)](Result<std::string> hashed) mutable {
        if (!hashed) return done(pass(std::move(hashed)));
        store_.writer().submit(
            [this, change = std::move(change),
             hash = std::move(*hashed)](store::Transaction& transaction) -> Result<> {
              GIMS_TRY(require_open(transaction, change.user_id));
              GIMS_TRY(
                  sql::run(transaction.sql(),
                           sql_of::UpdatePassword{.user_id = change.user_id,
                                                  .password_hash = sql::Blob{hash},
                                                  .must_change_password = change.must_change}));
              GIMS_TRY(sql::run(transaction.sql(),
                                sql_of::EndSlipsOfUser{change.user_id, transaction.now_ms()}));
              transaction.publish(store::UserStateChanged{change.user_id});
              if (!change.actor) return {};
              if (end_of_devices_) GIMS_TRY(end_of_devices_(transaction, change.user_id));
              return audit(transaction, *change.actor, "user.reset", change.user_id,
                           R"({"sessions":"ended"})");
            },
            std::move(done));
      });
}

Result<Users::Counts> Users::count() {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::UserCounts{}));
  if (!row) return Counts{};
  return Counts{.active = row->active,
                .suspended = row->suspended,
                .locked = row->locked,
                .deactivated = row->deactivated};
}

Result<Users::FoundPage> Users::search(std::string_view term, std::string_view self,
                                       std::int64_t limit) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  // One more than asked for tells whether there are more.
  GIMS_TRY_ASSIGN(auto rows, sql::all(reader.sql(), sql_of::SearchUsers{term, self, limit + 1}));
  FoundPage page;
  page.limited = std::cmp_greater(rows.size(), limit);
  if (page.limited) rows.pop_back();
  for (auto& row : rows) {
    page.users.push_back({.user_id = std::move(row.user_id),
                          .display_name = string_in(row.display_name),
                          .avatar_url = string_in(row.avatar_url)});
  }
  return page;
}

}  // namespace gims::service
