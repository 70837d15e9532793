#include "json/fields.hpp"

namespace gims::json {
namespace {

constexpr auto string_of = [](Value value) { return value.as_string(); };
constexpr auto int_of = [](Value value) { return value.as_int(); };
constexpr auto bool_of = [](Value value) { return value.as_bool(); };
constexpr auto object_of = [](Value value) {
  return value.is_object() ? std::optional(value) : std::nullopt;
};
constexpr auto array_of = [](Value value) {
  return value.is_array() ? std::optional(value) : std::nullopt;
};

constexpr std::string_view a_string = "a string";
constexpr std::string_view an_integer = "an integer";
constexpr std::string_view a_bool = "true or false";
constexpr std::string_view an_object = "an object";
constexpr std::string_view an_array = "an array";
constexpr std::string_view strings = "an array of strings";

template <class Read>
auto required(Value object, std::string_view name, Read read, std::string_view what)
    -> Result<typename decltype(read(Value()))::value_type> {
  const Value value = object.get(name);
  if (!value) return std::unexpected(missing(name));
  if (auto content = read(value)) return *std::move(content);
  return std::unexpected(wrong_type(name, what));
}

template <class Read>
auto optional(Value object, std::string_view name, Read read, std::string_view what)
    -> Result<decltype(read(Value()))> {
  const Value value = object.get(name);
  if (!value || value.is_null()) return std::nullopt;
  if (auto content = read(value)) return content;
  return std::unexpected(wrong_type(name, what));
}

Result<Value> or_invalid(Result<std::optional<Value>>&& found) {
  if (!found) return pass(std::move(found));
  return found->value_or(Value());
}

std::optional<std::vector<std::string_view>> strings_of(Value value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string_view> list;
  list.reserve(value.size());
  for (const Value element : value.array()) {
    const auto text = element.as_string();
    if (!text) return std::nullopt;
    list.push_back(*text);
  }
  return list;
}

}  // namespace

Error wrong_type(std::string_view name, std::string_view what) {
  return fail(ErrorKind::bad_input, "M_BAD_JSON",
              "The field \"" + std::string(name) + "\" must be " + std::string(what) + ".")
      .error();
}

Error missing(std::string_view name) {
  return fail(ErrorKind::bad_input, "M_MISSING_PARAM",
              "The field \"" + std::string(name) + "\" is missing.")
      .error();
}

Result<Value> require_object(Value body) {
  if (body.is_object()) return body;
  return fail(ErrorKind::bad_input, "M_BAD_JSON", "The body must be a JSON object.");
}

Result<std::string_view> required_string(Value object, std::string_view name) {
  return required(object, name, string_of, a_string);
}
Result<std::int64_t> required_int(Value object, std::string_view name) {
  return required(object, name, int_of, an_integer);
}
Result<bool> required_bool(Value object, std::string_view name) {
  return required(object, name, bool_of, a_bool);
}
Result<Value> required_object(Value object, std::string_view name) {
  return required(object, name, object_of, an_object);
}
Result<Value> required_array(Value object, std::string_view name) {
  return required(object, name, array_of, an_array);
}

Result<std::optional<std::string_view>> optional_string(Value object, std::string_view name) {
  return optional(object, name, string_of, a_string);
}
Result<std::optional<std::int64_t>> optional_int(Value object, std::string_view name) {
  return optional(object, name, int_of, an_integer);
}
Result<std::optional<bool>> optional_bool(Value object, std::string_view name) {
  return optional(object, name, bool_of, a_bool);
}
Result<Value> optional_object(Value object, std::string_view name) {
  return or_invalid(optional(object, name, object_of, an_object));
}
Result<Value> optional_array(Value object, std::string_view name) {
  return or_invalid(optional(object, name, array_of, an_array));
}

Result<std::vector<std::string_view>> required_strings(Value object, std::string_view name) {
  return required(object, name, strings_of, strings);
}
Result<std::vector<std::string_view>> optional_strings(Value object, std::string_view name) {
  auto found = optional(object, name, strings_of, strings);
  if (!found) return pass(std::move(found));
  return std::move(*found).value_or(std::vector<std::string_view>{});
}

Result<> each_nested(Value object, std::string_view name, std::size_t most,
                     const NestedMember& each) {
  std::size_t count = 0;
  for (const auto [outer, members] : object.object()) {
    if (!members.is_object()) return std::unexpected(wrong_type(name, "an object of objects"));
    for (const auto [inner, value] : members.object()) {
      if (++count > most) {
        return fail(ErrorKind::too_large, "M_TOO_LARGE",
                    "At most " + std::to_string(most) + " entries are taken in \"" +
                        std::string(name) + "\" at a time.");
      }
      GIMS_TRY(each(outer, inner, value));
    }
  }
  return {};
}

}  // namespace gims::json
