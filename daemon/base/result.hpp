// Errors as values. Every function that can fail for a reason other than a bug in this program
// returns Result<T>; nothing in this project throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gims {

// What went wrong, in the terms of the caller. Each kind maps to one HTTP status in http/.
enum class ErrorKind : std::uint8_t {
  bad_input,        // 400: the request cannot be understood or breaks a rule of the protocol
  unauthenticated,  // 401: no token, an unknown one, an expired one, or more stages are needed
  forbidden,        // 403: understood, and refused
  not_found,        // 404
  wrong_method,     // 405
  conflict,         // 409
  too_large,        // 413
  rate_limited,     // 429
  internal,         // 500: a failure of ours
  unavailable,      // 503: for now; e.g. the store is read-only, a queue is full
  not_yet_uploaded  // 504: media promised and not there yet
};

// A failure. Shape: `code` is a Matrix error code such as "M_FORBIDDEN" (spec: client-server API,
// "Standard error response"), or a word of ours outside of Matrix; `text` is for the person at the
// other end and says what to do; `detail` is for the journal alone and never leaves the machine.
// Neither may hold a secret or the body of a message.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string code;
  std::string text;
  std::string detail;
  // Set for rate_limited: how long to wait.
  std::optional<std::chrono::milliseconds> retry_after;
  // Further members of the JSON answer, encoded, without braces ("\"soft_logout\":true"), or empty.
  std::string extra_json;
};

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(ErrorKind::not_found, "M_NOT_FOUND", "There is no such room.");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string_view code,
                                                 std::string_view text,
                                                 std::string_view detail = {}) {
  return std::unexpected(Error{.kind = kind,
                               .code = std::string(code),
                               .text = std::string(text),
                               .detail = std::string(detail),
                               .retry_after = std::nullopt,
                               .extra_json = {}});
}

// Passes a failure of another Result<U> on.
template <class U>
[[nodiscard]] std::unexpected<Error> pass(Result<U>&& failed) {
  return std::unexpected(std::move(failed).error());
}

}  // namespace gims

// Runs an expression that gives a Result and returns its failure from the enclosing function.
// The two forms are for results without and with a value:
//   GIMS_TRY(store.flush());
//   GIMS_TRY_ASSIGN(auto room, rooms.find(id));
#define GIMS_DETAIL_JOIN_(a, b) a##b
#define GIMS_DETAIL_JOIN(a, b) GIMS_DETAIL_JOIN_(a, b)
#define GIMS_TRY(expression)                                  \
  do {                                                        \
    if (auto gims_result = (expression); !gims_result)        \
      return std::unexpected(std::move(gims_result).error()); \
  } while (false)
#define GIMS_TRY_ASSIGN(declaration, expression) \
  GIMS_TRY_ASSIGN_(declaration, expression, GIMS_DETAIL_JOIN(gims_result_, __COUNTER__))
#define GIMS_TRY_ASSIGN_(declaration, expression, name)       \
  auto name = (expression);                                   \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = std::move(*name)
