// Officers: accounts with a name, a place in the organisation and a clearance, as administrators
// keep them. What ordinary clients show of one is "Name (Designation)" as the display name, so that
// colleagues find and tell one another by both, in the directory and in every room; its owner
// cannot change it. Ministry, department, section and designation are fields of the profile, too.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/accounts/profiles.hpp"
#include "service/accounts/users.hpp"
#include "service/officers/organisation.hpp"
#include "store/store.hpp"

namespace gims::service {

// What administrators write of an officer. Nothing: is left as it is; an empty text, and unit or
// designation 0: there is none.
struct OfficerChange {
  std::optional<std::string> name = {};
  std::optional<std::string> employee_id = {};
  std::optional<std::string> phone = {};
  std::optional<std::int64_t> unit_id = {};
  std::optional<std::int64_t> designation_id = {};
};

struct Officer {
  std::string user_id = {};
  std::optional<std::string> name = {};  // without the designation
  UserState state = UserState::active;
  Millis created_ts = 0;
  bool must_change_password = false;
  std::int64_t clearance = 0;  // clearance.hpp
  std::optional<std::string> employee_id = {};
  std::optional<std::string> phone = {};
  std::optional<std::int64_t> unit_id = {};
  std::optional<std::int64_t> designation_id = {};
  std::int64_t devices = 0;
  std::optional<Millis> last_seen_ts = {};
  std::int64_t rooms = 0;
  std::optional<Millis> identity_reset_until_ts = {};
};

struct OfficerQuery {
  std::string after = {};  // `next` of the page before
  std::string text = {};   // begins a word of the name or the designation, or the user name
  std::optional<UserState> state = {};
  std::optional<std::int64_t> unit_id = {};  // with what is in it
  std::optional<std::int64_t> clearance = {};
  std::int64_t count = 100;
};

// Thread: any.
class Officers {
 public:
  static constexpr std::size_t longest_name = 128;        // characters
  static constexpr std::size_t longest_employee_id = 64;  // the same
  static constexpr std::size_t longest_phone = 32;

  // All outlive this.
  Officers(store::Store& store, Users& users, ProfileInRooms& rooms) noexcept
      : store_(store), users_(users), rooms_(rooms) {}

  // As Users::create(), with the rest in the same operation. M_NOT_FOUND for a unit or a
  // designation that is not there.
  void create(NewUser user, OfficerChange what, Actor actor,
              std::move_only_function<void(Result<std::string>)> done);
  // M_NOT_FOUND, M_INVALID_PARAM, M_USER_DEACTIVATED.
  void change(std::string user_id, OfficerChange what, Actor actor,
              std::move_only_function<void(Result<>)> done);
  // M_INVALID_PARAM for a level that there is not.
  void set_clearance(std::string user_id, std::int64_t level, std::string reason, Actor actor,
                     std::move_only_function<void(Result<>)> done);

  // In order of id; with a text in order of what it found. M_INVALID_PARAM for an `after` that is
  // not one of these lists'; M_NOT_FOUND for no such unit.
  struct Page {
    std::vector<Officer> officers;
    std::string next;  // empty: it was the last
  };
  [[nodiscard]] Result<Page> page(const OfficerQuery& query);
  [[nodiscard]] Result<std::optional<Officer>> find(std::string_view user_id);

  // Parts of operations, for the import:
  [[nodiscard]] static Result<> check(const OfficerChange& what);
  // Stores what is asked for, of an account that is there, and makes what others are told of it.
  [[nodiscard]] Result<> apply(store::Transaction& transaction, std::string_view user_id,
                               const OfficerChange& what) const;

  // Maintenance: what others are told of some officers is made anew. True: there are more.
  [[nodiscard]] Result<bool> refresh_some(store::Transaction& transaction) const;

 private:
  [[nodiscard]] Result<> refresh(store::Transaction& transaction, std::string_view user_id) const;

  store::Store& store_;
  Users& users_;
  ProfileInRooms& rooms_;
};

}  // namespace gims::service
