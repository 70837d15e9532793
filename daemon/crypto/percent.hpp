// Text in a URI.
#pragma once

#include <string>
#include <string_view>

namespace gims::crypto {

// All but the unreserved letters as %XX (RFC 3986, sections 2.1 and 2.3): a segment of a path, or a
// value of a query.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace gims::crypto
