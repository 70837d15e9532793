#include "sys/users.hpp"

#include <pwd.h>

#include <charconv>
#include <string>
#include <vector>

namespace gims::sys {

std::optional<uid_t> uid_of(std::string_view user) {
  uid_t number = 0;
  const char* end = user.data() + user.size();
  if (const auto [stop, error] = std::from_chars(user.data(), end, number);
      error == std::errc{} && stop == end) {
    return number;
  }
  std::vector<char> room(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  const std::string name(user);
  if (::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  return entry.pw_uid;
}

}  // namespace gims::sys
