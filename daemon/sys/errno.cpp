#include "sys/errno.hpp"

#include <cerrno>
#include <cstring>
#include <string>

namespace gims::sys {

std::unexpected<Error> fail_with_errno(std::string_view what, int number) {
  const char* name = ::strerrorname_np(number);
  const char* text = ::strerrordesc_np(number);
  return fail(ErrorKind::internal, name != nullptr ? name : "EUNKNOWN",
              "The system refused an operation.",
              std::string(what) + ": " + (text != nullptr ? text : "unknown error"));
}

std::unexpected<Error> fail_errno(std::string_view what) {
  const int number = errno;
  return fail_with_errno(what, number);
}

}  // namespace gims::sys
