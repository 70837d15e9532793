#include "service/encryption/key_backup.hpp"

#include <tuple>
#include <utility>

#include "json/fields.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "store/statements/key_backup.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Of one user: ten years of a busy officer are some hundred thousand sessions of about 500 bytes.
// All backups count together, so that making more of them gives no more room.
constexpr std::int64_t most_sessions = 500'000;
// A client makes one for each new recovery key, and deletes the one before.
constexpr std::int64_t most_versions = 100;
// Deleting a backup again succeeds for this many numbers (spec: DELETE of a version); an older one
// is as if it had never been.
constexpr std::int64_t deleted_remembered = 100;
constexpr std::size_t largest_session = std::size_t{16} * 1024;
constexpr std::size_t longest_id = 255;

std::unexpected<Error> no_backup() { return not_found("There is no such key backup."); }

std::unexpected<Error> wrong_version(std::int64_t current) {
  return std::unexpected(
      Error{.kind = ErrorKind::forbidden,
            .code = "M_WRONG_ROOM_KEYS_VERSION",
            .text = "Keys go into the newest backup alone.",
            .detail = {},
            .retry_after = std::nullopt,
            .extra_json = "\"current_version\":" + json::quoted(std::to_string(current))});
}

void write_summary(json::Writer& out, std::int64_t count, std::int64_t etag) {
  out.member("count", count).member("etag", std::to_string(etag));
}

Result<std::string> summary(sql::Connection& sql, std::string_view user_id, std::int64_t version) {
  GIMS_TRY_ASSIGN(const auto backup, sql::first(sql, sql_of::KeyBackupByVersion{user_id, version}));
  if (!backup) return no_backup();
  json::Writer out;
  out.begin_object();
  write_summary(out, backup->sessions, backup->etag);
  out.end_object();
  return out.take();
}

Result<BackedUpSession> decode_session(json::Value session, std::string_view room_id,
                                       std::string_view session_id) {
  if (!session.is_object()) return bad_json("The data of a session must be an object.");
  if (session_id.empty() || session_id.size() > longest_id || room_id.empty() ||
      room_id.size() > longest_id) {
    return invalid_param("Ids have 1 to 255 bytes.");
  }
  BackedUpSession decoded;
  decoded.room_id = room_id;
  decoded.session_id = session_id;
  GIMS_TRY_ASSIGN(decoded.first_message_index, json::required_int(session, "first_message_index"));
  GIMS_TRY_ASSIGN(decoded.forwarded_count, json::required_int(session, "forwarded_count"));
  GIMS_TRY_ASSIGN(decoded.is_verified, json::required_bool(session, "is_verified"));
  GIMS_TRY_ASSIGN(const json::Value data, json::required_object(session, "session_data"));
  decoded.session_data = data.to_text();
  if (decoded.session_data.size() > largest_session) {
    return too_large("The data of a session have at most 16 KiB.");
  }
  return decoded;
}

Result<> decode_room(json::Value room, std::string_view room_id,
                     std::vector<BackedUpSession>& into) {
  GIMS_TRY_ASSIGN(const json::Value sessions, json::required_object(room, "sessions"));
  for (const auto [session_id, session] : sessions.object()) {
    GIMS_TRY_ASSIGN(BackedUpSession decoded, decode_session(session, room_id, session_id));
    into.push_back(std::move(decoded));
  }
  return {};
}

// Better is verified, then known from an earlier message on, then passed through fewer hands.
bool better(const BackedUpSession& candidate, const sql_of::KeyBackupSession::Row& stored) {
  return std::tuple(!candidate.is_verified, candidate.first_message_index,
                    candidate.forwarded_count) <
         std::tuple(stored.is_verified == 0, stored.first_message_index, stored.forwarded_count);
}

void write_session(json::Writer& out, const auto& row) {
  out.begin_object().member("first_message_index", row.first_message_index);
  out.member("forwarded_count", row.forwarded_count);
  out.member("is_verified", row.is_verified != 0);
  out.raw_member("session_data", row.session_data).end_object();
}

}  // namespace

void KeyBackups::create(std::string user_id, std::string algorithm, std::string auth_data,
                        std::move_only_function<void(Result<std::string>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), algorithm = std::move(algorithm),
       auth_data = std::move(auth_data)](store::Transaction& transaction) -> Result<std::string> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto newest,
                        sql::first(sql, sql_of::NewestKeyBackupVersion{user_id}));
        GIMS_TRY_ASSIGN(const auto totals, sql::first(sql, sql_of::KeyBackupTotals{user_id}));
        if (totals && totals->versions >= most_versions) {
          return too_large("This account has as many key backups as it may. Delete one first.");
        }
        const std::int64_t version = (newest ? newest->version.value_or(0) : 0) + 1;
        GIMS_TRY(
            sql::run(sql, sql_of::ForgetDeletedKeyBackups{user_id, version - deleted_remembered}));
        GIMS_TRY(sql::run(
            sql, sql_of::InsertKeyBackup{user_id, version, algorithm, sql::Blob{auth_data}}));
        json::Writer out;
        out.begin_object().member("version", std::to_string(version)).end_object();
        return out.take();
      },
      std::move(done));
}

Result<std::string> KeyBackups::describe(std::string_view user_id,
                                         std::optional<std::int64_t> version) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  sql::Connection& sql = reader.sql();
  std::int64_t wanted = version.value_or(0);
  if (!version) {
    GIMS_TRY_ASSIGN(const auto current, sql::first(sql, sql_of::CurrentKeyBackup{user_id}));
    if (!current) return not_found("There is no key backup.");
    wanted = current->version;
  }
  GIMS_TRY_ASSIGN(const auto backup, sql::first(sql, sql_of::KeyBackupByVersion{user_id, wanted}));
  if (!backup) return no_backup();
  json::Writer out;
  out.begin_object().member("algorithm", backup->algorithm);
  out.raw_member("auth_data", backup->auth_data);
  write_summary(out, backup->sessions, backup->etag);
  out.member("version", std::to_string(backup->version)).end_object();
  return out.take();
}

void KeyBackups::update(std::string user_id, std::int64_t version, std::string algorithm,
                        std::string auth_data, std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), version, algorithm = std::move(algorithm),
       auth_data = std::move(auth_data)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto backup,
                        sql::first(sql, sql_of::KeyBackupByVersion{user_id, version}));
        if (!backup) return no_backup();
        if (backup->algorithm != algorithm) {
          return invalid_param("The algorithm of a backup does not change; make a new version.");
        }
        return sql::run(sql, sql_of::UpdateKeyBackupAuth{user_id, version, sql::Blob{auth_data}});
      },
      std::move(done));
}

void KeyBackups::remove(std::string user_id, std::int64_t version,
                        std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), version](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto backup,
                        sql::first(sql, sql_of::KeyBackupEverMade{user_id, version}));
        if (!backup) return no_backup();
        if (backup->deleted != 0) return {};  // spec: deleting it again succeeds
        GIMS_TRY(sql::run(sql, sql_of::DeleteKeyBackupSessions{.user_id = user_id,
                                                               .version = version,
                                                               .any_room = 1,
                                                               .room_id = {},
                                                               .any_session = 1,
                                                               .session_id = {}}));
        // The row stays, so that its number is not given again.
        return sql::run(sql, sql_of::MarkKeyBackupDeleted{user_id, version});
      },
      std::move(done));
}

Result<std::vector<BackedUpSession>> KeyBackups::decode(json::Value body,
                                                        const BackupSelection& into) {
  std::vector<BackedUpSession> sessions;
  if (into.session_id) {
    GIMS_TRY_ASSIGN(BackedUpSession session,
                    decode_session(body, into.room_id.value_or(""), *into.session_id));
    sessions.push_back(std::move(session));
    return sessions;
  }
  if (into.room_id) {
    GIMS_TRY(decode_room(body, *into.room_id, sessions));
    return sessions;
  }
  GIMS_TRY_ASSIGN(const json::Value rooms, json::required_object(body, "rooms"));
  for (const auto [room_id, room] : rooms.object()) {
    if (!room.is_object()) return bad_json("rooms holds an object for each room.");
    GIMS_TRY(decode_room(room, room_id, sessions));
  }
  return sessions;
}

void KeyBackups::put(std::string user_id, std::int64_t version,
                     std::vector<BackedUpSession> sessions,
                     std::move_only_function<void(Result<std::string>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), version,
       sessions = std::move(sessions)](store::Transaction& transaction) -> Result<std::string> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto current, sql::first(sql, sql_of::CurrentKeyBackup{user_id}));
        if (!current) return no_backup();
        if (current->version != version) return wrong_version(current->version);
        GIMS_TRY_ASSIGN(const auto totals, sql::first(sql, sql_of::KeyBackupTotals{user_id}));
        const std::int64_t before = totals ? totals->sessions.value_or(0) : 0;
        std::int64_t added = 0;
        bool changed = false;
        for (const BackedUpSession& session : sessions) {
          GIMS_TRY_ASSIGN(const auto stored, sql::first(sql, sql_of::KeyBackupSession{
                                                                 user_id, version, session.room_id,
                                                                 session.session_id}));
          if (stored && !better(session, *stored)) continue;
          if (!stored && before + ++added > most_sessions) {
            return too_large("The key backup is full.");
          }
          changed = true;
          GIMS_TRY(sql::run(sql, sql_of::UpsertKeyBackupSession{
                                     .user_id = user_id,
                                     .version = version,
                                     .room_id = session.room_id,
                                     .session_id = session.session_id,
                                     .first_message_index = session.first_message_index,
                                     .forwarded_count = session.forwarded_count,
                                     .is_verified = session.is_verified,
                                     .session_data = sql::Blob{session.session_data}}));
        }
        if (changed) GIMS_TRY(sql::run(sql, sql_of::KeyBackupChanged{added, user_id, version}));
        return summary(sql, user_id, version);
      },
      std::move(done));
}

Result<std::string> KeyBackups::get(std::string_view user_id, std::int64_t version,
                                    const BackupSelection& selection) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  sql::Connection& sql = reader.sql();
  GIMS_TRY_ASSIGN(const auto backup, sql::first(sql, sql_of::KeyBackupByVersion{user_id, version}));
  if (!backup) return no_backup();
  const std::string room_id = selection.room_id.value_or("");
  json::Writer out;
  if (selection.session_id) {
    GIMS_TRY_ASSIGN(const auto row,
                    sql::first(sql, sql_of::KeyBackupSession{user_id, version, room_id,
                                                             *selection.session_id}));
    if (!row) return not_found("This session is not in the backup.");
    write_session(out, *row);
    return out.take();
  }
  // Rows come ordered by room.
  std::string open_room;
  out.begin_object().key(selection.room_id ? "sessions" : "rooms").begin_object();
  GIMS_TRY(sql::for_each(sql,
                         sql_of::KeyBackupSessions{.user_id = user_id,
                                                   .version = version,
                                                   .any_room = !selection.room_id,
                                                   .room_id = room_id},
                         [&](const auto& row) {
                           if (!selection.room_id && row.room_id != open_room) {
                             if (!open_room.empty()) out.end_object().end_object();
                             open_room = row.room_id;
                             out.key(open_room).begin_object().key("sessions").begin_object();
                           }
                           out.key(row.session_id);
                           write_session(out, row);
                         }));
  if (!open_room.empty()) out.end_object().end_object();
  out.end_object().end_object();
  return out.take();
}

void KeyBackups::erase(std::string user_id, std::int64_t version, BackupSelection selection,
                       std::move_only_function<void(Result<std::string>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), version,
       selection = std::move(selection)](store::Transaction& transaction) -> Result<std::string> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto backup,
                        sql::first(sql, sql_of::KeyBackupByVersion{user_id, version}));
        if (!backup) return no_backup();
        GIMS_TRY(sql::run(
            sql, sql_of::DeleteKeyBackupSessions{.user_id = user_id,
                                                 .version = version,
                                                 .any_room = !selection.room_id,
                                                 .room_id = selection.room_id.value_or(""),
                                                 .any_session = !selection.session_id,
                                                 .session_id = selection.session_id.value_or("")}));
        const std::int64_t erased = sql.changes();
        if (erased > 0)
          GIMS_TRY(sql::run(sql, sql_of::KeyBackupChanged{-erased, user_id, version}));
        return summary(sql, user_id, version);
      },
      std::move(done));
}

}  // namespace gims::service
