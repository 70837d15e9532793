// Profiles: display name, avatar, and the fields of specification 1.16. Every officer sees every
// other's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace gims::service {

// Implemented by the rooms: the names in the user's memberships follow the profile.
class ProfileInRooms {
 public:
  ProfileInRooms() = default;
  ProfileInRooms(const ProfileInRooms&) = delete;
  ProfileInRooms& operator=(const ProfileInRooms&) = delete;
  virtual ~ProfileInRooms() = default;
  // The values are JSON, empty where the profile has none. On the writer's thread.
  [[nodiscard]] virtual Result<> profile_changed(store::Transaction& transaction,
                                                 std::string_view user_id,
                                                 std::string_view display_name,
                                                 std::string_view avatar_url) = 0;
};

// Thread: any.
class Profiles {
 public:
  Profiles(store::Store& store, ProfileInRooms& rooms) noexcept : store_(store), rooms_(rooms) {}
  using Fields = std::vector<std::pair<std::string, std::string>>;  // name, JSON
  // M_NOT_FOUND for no such account.
  [[nodiscard]] Result<Fields> all(std::string_view user_id);
  // The field's JSON. M_NOT_FOUND.
  [[nodiscard]] Result<std::string> field(std::string_view user_id, std::string_view name);
  // `json`: the new value; nothing removes the field. M_FORBIDDEN for what administrators say of
  // the account (service/officers). M_KEY_TOO_LARGE, M_PROFILE_TOO_LARGE, M_INVALID_PARAM where
  // displayname or avatar_url are not strings.
  void set(std::string user_id, std::string name, std::optional<std::string> json,
           std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
  ProfileInRooms& rooms_;
};

}  // namespace gims::service
