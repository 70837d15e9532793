// Reading the fields of a request's body, with the errors the spec names: M_MISSING_PARAM for a
// field that must be there and is not, M_BAD_JSON for one of a wrong type. The text names the
// field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"

namespace gims::json {

// Fails with M_BAD_JSON unless the body is an object.
[[nodiscard]] Result<Value> require_object(Value body);

[[nodiscard]] Result<std::string_view> required_string(Value object, std::string_view name);
[[nodiscard]] Result<std::int64_t> required_int(Value object, std::string_view name);
[[nodiscard]] Result<bool> required_bool(Value object, std::string_view name);
[[nodiscard]] Result<Value> required_object(Value object, std::string_view name);
[[nodiscard]] Result<Value> required_array(Value object, std::string_view name);

// Nothing, or an invalid Value, where the field is absent or null: many clients write null for it.
[[nodiscard]] Result<std::optional<std::string_view>> optional_string(Value object,
                                                                      std::string_view name);
[[nodiscard]] Result<std::optional<std::int64_t>> optional_int(Value object, std::string_view name);
[[nodiscard]] Result<std::optional<bool>> optional_bool(Value object, std::string_view name);
[[nodiscard]] Result<Value> optional_object(Value object, std::string_view name);
[[nodiscard]] Result<Value> optional_array(Value object, std::string_view name);

// An array of strings, whose elements must all be strings. The optional form gives an empty list.
[[nodiscard]] Result<std::vector<std::string_view>> required_strings(Value object,
                                                                     std::string_view name);
[[nodiscard]] Result<std::vector<std::string_view>> optional_strings(Value object,
                                                                     std::string_view name);

// Goes through an object of objects, {"<user>": {"<device>": value}}, as many bodies have it for
// users and devices. `name` is what the errors call it. M_BAD_JSON where a member is no object;
// M_TOO_LARGE for more than `most` values; the first failure of `each` ends it.
using NestedMember =
    std::function<Result<>(std::string_view outer, std::string_view inner, Value value)>;
[[nodiscard]] Result<> each_nested(Value object, std::string_view name, std::size_t most,
                                   const NestedMember& each);

// M_BAD_JSON 'The field "<name>" must be <what>.'
[[nodiscard]] Error wrong_type(std::string_view name, std::string_view what);
[[nodiscard]] Error missing(std::string_view name);

}  // namespace gims::json
