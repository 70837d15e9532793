#include "json/value.hpp"

#include <yyjson.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/check.hpp"

namespace gims::json {

Type Value::type() const noexcept {
  switch (yyjson_get_type(raw_)) {
    case YYJSON_TYPE_NULL:
      return Type::null;
    case YYJSON_TYPE_BOOL:
      return Type::boolean;
    case YYJSON_TYPE_NUM:
      return yyjson_is_real(raw_) ? Type::real : Type::integer;
    case YYJSON_TYPE_STR:
      return Type::string;
    case YYJSON_TYPE_ARR:
      return Type::array;
    case YYJSON_TYPE_OBJ:
      return Type::object;
    default:
      return Type::none;
  }
}

Value Value::get(std::string_view key) const noexcept {
  return Value(yyjson_obj_getn(raw_, key.data(), key.size()));
}

Value Value::at(std::size_t index) const noexcept { return Value(yyjson_arr_get(raw_, index)); }

std::size_t Value::size() const noexcept {
  return yyjson_is_ctn(raw_) ? unsafe_yyjson_get_len(raw_) : 0;
}

std::optional<std::string_view> Value::as_string() const noexcept {
  if (!yyjson_is_str(raw_)) return std::nullopt;
  return std::string_view(unsafe_yyjson_get_str(raw_), unsafe_yyjson_get_len(raw_));
}

std::optional<std::int64_t> Value::as_int() const noexcept {
  if (yyjson_is_sint(raw_)) {
    const std::int64_t number = unsafe_yyjson_get_sint(raw_);
    if (number >= min_integer && number <= max_integer) return number;
  } else if (yyjson_is_uint(raw_)) {
    const std::uint64_t number = unsafe_yyjson_get_uint(raw_);
    if (number <= std::uint64_t{max_integer}) return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

std::optional<double> Value::as_number() const noexcept {
  if (!yyjson_is_num(raw_)) return std::nullopt;
  return yyjson_get_num(raw_);
}

std::optional<bool> Value::as_bool() const noexcept {
  if (!yyjson_is_bool(raw_)) return std::nullopt;
  return unsafe_yyjson_get_bool(raw_);
}

std::string_view Value::string_or(std::string_view otherwise) const noexcept {
  return as_string().value_or(otherwise);
}
std::int64_t Value::int_or(std::int64_t otherwise) const noexcept {
  return as_int().value_or(otherwise);
}
bool Value::bool_or(bool otherwise) const noexcept { return as_bool().value_or(otherwise); }

Value::Array Value::array() const noexcept {
  if (!yyjson_is_arr(raw_)) return {nullptr, 0};
  return {detail::first_within(raw_), unsafe_yyjson_get_len(raw_)};
}

Value::Object Value::object() const noexcept {
  if (!yyjson_is_obj(raw_)) return {nullptr, 0};
  return {detail::first_within(raw_), unsafe_yyjson_get_len(raw_)};
}

std::string Value::to_text() const {
  std::string out;
  append_to(out);
  return out;
}

void Value::append_to(std::string& out) const {
  if (raw_ == nullptr) {
    out += "null";
    return;
  }
  std::size_t size = 0;
  char* text = yyjson_val_write(raw_, YYJSON_WRITE_NOFLAG, &size);
  // What was parsed can be written; only memory can be short, and then no answer can be made.
  GIMS_CHECK(text != nullptr);
  out.append(text, size);
  std::free(text);
}

bool Value::equals(Value other) const noexcept {
  if (raw_ == nullptr || other.raw_ == nullptr) return raw_ == other.raw_;
  return yyjson_equals(raw_, other.raw_);
}

namespace detail {

yyjson_val* following(yyjson_val* raw) noexcept { return unsafe_yyjson_get_next(raw); }
yyjson_val* first_within(yyjson_val* raw) noexcept { return unsafe_yyjson_get_first(raw); }
yyjson_val* next_key(yyjson_val* key) noexcept { return unsafe_yyjson_get_next(key + 1); }

Member member_at(yyjson_val* key) noexcept {
  return {{unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key)}, Value(key + 1)};
}

void free_document(yyjson_doc* document) noexcept { yyjson_doc_free(document); }

}  // namespace detail

namespace {

constexpr std::size_t greatest_depth = 256;

// The key that is twice in the object, if one is.
std::optional<std::string_view> repeated_key(Value object) {
  constexpr std::size_t few = 12;
  const std::size_t size = object.size();
  if (size < 2) return std::nullopt;
  const auto members = object.object();
  if (size <= few) {
    std::array<std::string_view, few> seen;
    std::size_t count = 0;
    for (const auto [key, value] : members) {
      for (std::size_t i = 0; i < count; ++i) {
        if (seen[i] == key) return key;
      }
      seen[count++] = key;
    }
    return std::nullopt;
  }
  std::vector<std::string_view> keys;
  keys.reserve(size);
  for (const auto [key, value] : members) keys.push_back(key);
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice == keys.end()) return std::nullopt;
  return *twice;
}

// The values of a document lie one after the other, each container before what it holds, so that
// one pass sees the depth of all.
Result<void> check_shape(yyjson_doc* document, const Limits& limits) {
  std::array<const yyjson_val*, greatest_depth> ends{};
  std::size_t depth = 0;
  yyjson_val* value = yyjson_doc_get_root(document);
  const yyjson_val* const end = value + yyjson_doc_get_val_count(document);
  for (; value != end; ++value) {
    while (depth > 0 && ends[depth - 1] == value) --depth;
    if (!unsafe_yyjson_is_ctn(value)) continue;
    if (depth == limits.max_depth) {
      return fail(
          ErrorKind::bad_input, "M_BAD_JSON",
          "The JSON is nested deeper than " + std::to_string(limits.max_depth) + " levels.");
    }
    ends[depth++] = unsafe_yyjson_get_next(value);
    if (limits.unique_keys && yyjson_is_obj(value)) {
      if (const auto key = repeated_key(Value(value))) {
        return fail(ErrorKind::bad_input, "M_BAD_JSON",
                    "The JSON holds an object with the key \"" + std::string(key->substr(0, 64)) +
                        "\" twice.");
      }
    }
  }
  return {};
}

}  // namespace

Result<Document> Document::parse(std::string_view bytes, const Limits& limits) {
  GIMS_CHECK(limits.max_depth <= greatest_depth);
  if (bytes.size() > limits.max_bytes) {
    return fail(ErrorKind::too_large, "M_TOO_LARGE",
                "The JSON is larger than " + std::to_string(limits.max_bytes) + " bytes.");
  }
  if (bytes.empty()) {
    return fail(ErrorKind::bad_input, "M_NOT_JSON", "The body is empty where JSON is expected.");
  }
  yyjson_read_err error{};
  // Without YYJSON_READ_INSITU the reader copies the text and writes nothing through the pointer.
  Document document(yyjson_read_opts(const_cast<char*>(bytes.data()), bytes.size(),
                                     YYJSON_READ_NOFLAG, nullptr, &error));
  if (!document.raw_) {
    if (error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
      return fail(ErrorKind::internal, "M_UNKNOWN", "The server is out of memory.");
    }
    return fail(ErrorKind::bad_input, "M_NOT_JSON",
                "The body is not valid JSON: " + std::string(error.msg) + " at byte " +
                    std::to_string(error.pos) + ".");
  }
  if (yyjson_doc_get_val_count(document.raw_.get()) > limits.max_values) {
    return fail(ErrorKind::bad_input, "M_BAD_JSON",
                "The JSON holds more than " + std::to_string(limits.max_values) + " values.");
  }
  GIMS_TRY(check_shape(document.raw_.get(), limits));
  return document;
}

Value Document::root() const noexcept { return Value(yyjson_doc_get_root(raw_.get())); }

}  // namespace gims::json
