#include "json/canonical.hpp"

#include <yyjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "json/text.hpp"

namespace gims::json {
namespace {

std::unexpected<Error> not_canonical(std::string_view why) {
  return fail(ErrorKind::bad_input, "M_BAD_JSON", why);
}

// One container on the way to the value being written. An object's members lie sorted in the shared
// list from `next` to `end`; an array's elements follow each other in the document.
struct Level {
  bool is_object;
  bool empty_yet = true;
  std::size_t begin = 0;
  std::size_t next = 0;
  std::size_t end = 0;
  yyjson_val* element = nullptr;
};

class Canonicaliser {
 public:
  explicit Canonicaliser(std::string& out) : out_(out) {
    levels_.reserve(8);
    members_.reserve(32);
  }

  Result<void> write(Value value, std::span<const std::string_view> left_out) {
    GIMS_TRY(start(value.raw(), left_out));
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.end) {
        out_.push_back(level.is_object ? '}' : ']');
        if (level.is_object) members_.resize(level.begin);
        levels_.pop_back();
        continue;
      }
      if (!level.empty_yet) out_.push_back(',');
      level.empty_yet = false;
      yyjson_val* value_of_next = nullptr;
      if (level.is_object) {
        const Member& member = members_[level.next];
        append_quoted(out_, member.key);
        out_.push_back(':');
        value_of_next = member.value.raw();
      } else {
        value_of_next = level.element;
        level.element = unsafe_yyjson_get_next(level.element);
      }
      ++level.next;
      GIMS_TRY(start(value_of_next, {}));
    }
    return {};
  }

 private:
  Result<void> start(yyjson_val* value, std::span<const std::string_view> left_out) {
    switch (yyjson_get_type(value)) {
      case YYJSON_TYPE_NULL:
        out_ += "null";
        return {};
      case YYJSON_TYPE_BOOL:
        out_ += unsafe_yyjson_get_bool(value) ? "true" : "false";
        return {};
      case YYJSON_TYPE_STR:
        append_quoted(out_, {unsafe_yyjson_get_str(value), unsafe_yyjson_get_len(value)});
        return {};
      case YYJSON_TYPE_NUM:
        return number(value);
      case YYJSON_TYPE_ARR:
        out_.push_back('[');
        levels_.push_back({.is_object = false,
                           .end = unsafe_yyjson_get_len(value),
                           .element = unsafe_yyjson_get_first(value)});
        return {};
      case YYJSON_TYPE_OBJ:
        return object(value, left_out);
      default:
        return not_canonical("There is no value to make canonical JSON of.");
    }
  }

  Result<void> number(yyjson_val* value) {
    const auto integer = Value(value).as_int();
    // The reader keeps the sign of "-0" in the type alone.
    if (!integer || (*integer == 0 && yyjson_is_sint(value))) {
      return not_canonical(
          "Numbers in events must be integers between -(2^53)+1 and (2^53)-1, without fraction, "
          "exponent or negative zero.");
    }
    std::array<char, 24> room;
    const auto written = std::to_chars(room.data(), room.data() + room.size(), *integer);
    out_.append(room.data(), written.ptr);
    return {};
  }

  Result<void> object(yyjson_val* value, std::span<const std::string_view> left_out) {
    const std::size_t begin = members_.size();
    bool sorted = true;
    for (const Member member : Value(value).object()) {
      if (std::ranges::find(left_out, member.key) != left_out.end()) continue;
      if (members_.size() > begin && !(members_.back().key < member.key)) sorted = false;
      members_.push_back(member);
    }
    if (!sorted) {
      // By bytes, which for UTF-8 is by code point.
      const auto first = members_.begin() + static_cast<std::ptrdiff_t>(begin);
      std::sort(first, members_.end(),
                [](const Member& a, const Member& b) { return a.key < b.key; });
      const auto twice = std::adjacent_find(
          first, members_.end(), [](const Member& a, const Member& b) { return a.key == b.key; });
      if (twice != members_.end()) return not_canonical("The JSON holds a key twice.");
    }
    out_.push_back('{');
    levels_.push_back({.is_object = true, .begin = begin, .next = begin, .end = members_.size()});
    return {};
  }

  std::string& out_;
  std::vector<Level> levels_;
  std::vector<Member> members_;
};

}  // namespace

Result<void> append_canonical(std::string& out, Value value) {
  const std::size_t before = out.size();
  auto written = Canonicaliser(out).write(value, {});
  if (!written) out.resize(before);
  return written;
}

Result<std::string> canonical(Value value) { return canonical_without(value, {}); }

Result<std::string> canonical_without(Value object, std::span<const std::string_view> left_out) {
  std::string out;
  out.reserve(1024);
  GIMS_TRY(Canonicaliser(out).write(object, left_out));
  return out;
}

}  // namespace gims::json
