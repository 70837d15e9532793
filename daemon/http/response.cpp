#include "http/response.hpp"

namespace gims::http {

int status_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::bad_input:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::wrong_method:
      return 405;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::too_large:
      return 413;
    case ErrorKind::rate_limited:
      return 429;
    case ErrorKind::internal:
      return 500;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::not_yet_uploaded:
      return 504;
  }
  return 500;
}

}  // namespace gims::http
