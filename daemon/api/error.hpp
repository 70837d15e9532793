// Errors as Matrix clients read them (spec: client-server API, "Standard error response").
#pragma once

#include <string>

#include "base/result.hpp"
#include "http/response.hpp"

namespace gims::api {

// {"errcode":..., "error":..., and what error.extra_json has}; for rate_limited also retry_after_ms
// and the header Retry-After; extra_json alone where a stage of authentication is asked for and
// none was tried. An internal failure's detail goes to the journal.
[[nodiscard]] http::Response render_error(const Error& error);

// M_UNKNOWN where `code` is empty, what the spec says for errors of http/, else `code`.
[[nodiscard]] std::string_view errcode_of(const Error& error) noexcept;

}  // namespace gims::api
