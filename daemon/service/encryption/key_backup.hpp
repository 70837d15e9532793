// Server-side backups of room keys (spec: client-server API, "Server-side key backups"). What is in
// them is encrypted by the clients.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "store/store.hpp"

namespace gims::service {

struct BackedUpSession {
  std::string room_id;
  std::string session_id;
  std::int64_t first_message_index = 0;
  std::int64_t forwarded_count = 0;
  bool is_verified = false;
  std::string session_data;  // JSON object
};

// Which sessions of a backup: all, those of a room, or one.
struct BackupSelection {
  std::optional<std::string> room_id;
  std::optional<std::string> session_id;
};

// Thread: any. Gives bodies of answers as JSON.
class KeyBackups {
 public:
  explicit KeyBackups(store::Store& store) noexcept : store_(store) {}

  void create(std::string user_id, std::string algorithm, std::string auth_data,
              std::move_only_function<void(Result<std::string>)> done);
  // `version`: nothing for the newest. M_NOT_FOUND.
  [[nodiscard]] Result<std::string> describe(std::string_view user_id,
                                             std::optional<std::int64_t> version);
  // M_NOT_FOUND; M_INVALID_PARAM for another algorithm.
  void update(std::string user_id, std::int64_t version, std::string algorithm,
              std::string auth_data, std::move_only_function<void(Result<>)> done);
  void remove(std::string user_id, std::int64_t version,
              std::move_only_function<void(Result<>)> done);

  // The sessions of a PUT /room_keys/keys body in the form that fits the selection.
  [[nodiscard]] static Result<std::vector<BackedUpSession>> decode(json::Value body,
                                                                   const BackupSelection& into);
  // Of two backups of a session the better is kept (spec: "Backup algorithm"). M_NOT_FOUND;
  // M_WRONG_ROOM_KEYS_VERSION unless it is the newest version. Gives count and etag.
  void put(std::string user_id, std::int64_t version, std::vector<BackedUpSession> sessions,
           std::move_only_function<void(Result<std::string>)> done);
  [[nodiscard]] Result<std::string> get(std::string_view user_id, std::int64_t version,
                                        const BackupSelection& selection);
  void erase(std::string user_id, std::int64_t version, BackupSelection selection,
             std::move_only_function<void(Result<std::string>)> done);

 private:
  store::Store& store_;
};

}  // namespace gims::service
