// Canonical JSON (spec: appendices, "Canonical JSON"): what is hashed and signed.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"

namespace gims::json {

// Members sorted by the bytes of their keys, no white space, shortest escapes. Refused with
// M_BAD_JSON: fractions, exponents, -0, integers out of range, a key twice, an invalid Value. Not
// recursive: the depth is that of the Document's limit. (The spec's last example turns -0 and 1e10
// into integers; events with them are refused from room version 6 on, and so are they here.)
[[nodiscard]] Result<std::string> canonical(Value value);
[[nodiscard]] Result<void> append_canonical(std::string& out, Value value);

// The same of an object without the named members of its top level: what signatures and hashes of
// the spec are made of (`signatures`, `unsigned`, `hashes`).
[[nodiscard]] Result<std::string> canonical_without(Value object,
                                                    std::span<const std::string_view> left_out);

}  // namespace gims::json
