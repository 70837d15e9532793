// The target of a request line (RFC 9112, section 3.2) taken apart. Pure functions on hostile
// bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/request.hpp"

namespace gims::http {

// "/a/b%20c/?x=1" has the segments "a", "b c" and "" and one query argument. "*" has no segments.
struct Target {
  std::vector<std::string> segments;  // percent-decoded
  Request::Pairs queries;
};

inline constexpr std::size_t most_segments = 32;
inline constexpr std::size_t most_queries = 128;

// The path of a target in origin-form, absolute-form or asterisk-form, still encoded: a view into
// it, without the query.
[[nodiscard]] std::string_view path_of(std::string_view target) noexcept;

// Fails (bad_input, BAD_TARGET) for a form other than those three, a bad escape, NUL, bytes that
// are not UTF-8 once decoded, and more segments or arguments than the limits.
[[nodiscard]] Result<Target> parse_target(std::string_view target);

// In a query '+' is a space: clients write queries as forms (WHATWG URL, "urlencoded parsing").
enum class Plus : bool { literal, space };
[[nodiscard]] Result<std::string> percent_decode(std::string_view text, Plus plus);

}  // namespace gims::http
