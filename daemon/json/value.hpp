// Reading JSON (RFC 8259) from hostile bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "base/handle.hpp"
#include "base/result.hpp"

struct yyjson_val;
struct yyjson_doc;

namespace gims::json {

// Integers of Matrix: within (-2^53, 2^53) (spec: appendices, "Canonical JSON").
inline constexpr std::int64_t max_integer = (std::int64_t{1} << 53) - 1;
inline constexpr std::int64_t min_integer = -max_integer;

enum class Type : std::uint8_t { none, null, boolean, integer, real, string, array, object };

struct Member;

// A view of one value of a Document, which must outlive it, as must every string_view from it.
// Cheap to copy. A Value that is not there (an absent member) is of Type::none and answers every
// question with "no", so that chains such as body.get("a").get("b").as_string() need no checks
// between. Thread: any number of readers.
class Value {
 public:
  Value() noexcept = default;
  explicit Value(yyjson_val* raw) noexcept : raw_(raw) {}

  [[nodiscard]] Type type() const noexcept;
  [[nodiscard]] bool valid() const noexcept { return raw_ != nullptr; }
  explicit operator bool() const noexcept { return valid(); }
  [[nodiscard]] bool is_null() const noexcept { return type() == Type::null; }
  [[nodiscard]] bool is_bool() const noexcept { return type() == Type::boolean; }
  [[nodiscard]] bool is_string() const noexcept { return type() == Type::string; }
  [[nodiscard]] bool is_array() const noexcept { return type() == Type::array; }
  [[nodiscard]] bool is_object() const noexcept { return type() == Type::object; }
  // True for what Matrix takes as an integer: no fraction, no exponent, within the range above.
  [[nodiscard]] bool is_int() const noexcept { return as_int().has_value(); }

  // The member of an object, or an invalid Value. Compares with each key: meant for the few members
  // of events and bodies.
  [[nodiscard]] Value get(std::string_view key) const noexcept;
  // The element of an array, or an invalid Value. Walks up to it: use array() for all.
  [[nodiscard]] Value at(std::size_t index) const noexcept;
  // Elements of an array or members of an object; 0 for all else.
  [[nodiscard]] std::size_t size() const noexcept;

  [[nodiscard]] std::optional<std::string_view> as_string() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> as_int() const noexcept;
  [[nodiscard]] std::optional<double> as_number() const noexcept;  // integer or real
  [[nodiscard]] std::optional<bool> as_bool() const noexcept;
  // The string, or `otherwise` where this is none. `otherwise` must outlive the result.
  [[nodiscard]] std::string_view string_or(std::string_view otherwise) const noexcept;
  [[nodiscard]] std::int64_t int_or(std::int64_t otherwise) const noexcept;
  [[nodiscard]] bool bool_or(bool otherwise) const noexcept;

  // for (json::Value element : value.array()); for (auto [key, member] : value.object()).
  // Empty for a value of another type.
  class Array;
  class Object;
  [[nodiscard]] Array array() const noexcept;
  [[nodiscard]] Object object() const noexcept;

  // The value as minified JSON, members in the order they were read. An invalid Value gives "null".
  [[nodiscard]] std::string to_text() const;
  void append_to(std::string& out) const;

  // Same type and same content; members in any order.
  [[nodiscard]] bool equals(Value other) const noexcept;

  [[nodiscard]] yyjson_val* raw() const noexcept { return raw_; }

 private:
  yyjson_val* raw_ = nullptr;
};

struct Member {
  std::string_view key;
  Value value;
};

namespace detail {
// The value after `raw` and all that is within it.
[[nodiscard]] yyjson_val* following(yyjson_val* raw) noexcept;
[[nodiscard]] Member member_at(yyjson_val* key) noexcept;
[[nodiscard]] yyjson_val* next_key(yyjson_val* key) noexcept;
[[nodiscard]] yyjson_val* first_within(yyjson_val* raw) noexcept;
[[nodiscard]] inline Value value_at(yyjson_val* raw) noexcept { return Value(raw); }

// `size` items that follow each other from `first` on.
template <class Item, Item (*read)(yyjson_val*) noexcept,
          yyjson_val* (*advance)(yyjson_val*) noexcept>
class Range {
 public:
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    Iterator() noexcept = default;
    Iterator(yyjson_val* at, std::size_t left) noexcept : at_(at), left_(left) {}
    Item operator*() const noexcept { return read(at_); }
    Iterator& operator++() noexcept {
      at_ = advance(at_);
      --left_;
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    bool operator==(const Iterator& other) const noexcept { return left_ == other.left_; }

   private:
    yyjson_val* at_ = nullptr;
    std::size_t left_ = 0;
  };

  Range(yyjson_val* first, std::size_t size) noexcept : first_(first), size_(size) {}
  [[nodiscard]] Iterator begin() const noexcept { return {first_, size_}; }
  [[nodiscard]] Iterator end() const noexcept { return {nullptr, 0}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  yyjson_val* first_;
  std::size_t size_;
};
}  // namespace detail

class Value::Array : public detail::Range<Value, detail::value_at, detail::following> {
  using Range::Range;
};

class Value::Object : public detail::Range<Member, detail::member_at, detail::next_key> {
  using Range::Range;
};

// What a parse refuses.
struct Limits {
  std::size_t max_bytes = std::size_t{1} << 20;
  std::size_t max_values = std::size_t{1} << 20;
  // Containers within containers; at most 256. "[]" has depth 1.
  std::size_t max_depth = 64;
  // Which of two members of one name counts differs from reader to reader, so that what one checks
  // the other need not see.
  bool unique_keys = true;
};

namespace detail {
void free_document(yyjson_doc* document) noexcept;
}

// Owns the values of one JSON text and a copy of the text. Movable; Values stay good when it moves.
class Document {
 public:
  Document() noexcept = default;
  // Fails with M_NOT_JSON (no JSON, or no UTF-8), M_TOO_LARGE (max_bytes) or M_BAD_JSON (too deep,
  // too many values, a key twice). The work is linear in the size, and in no case recursive.
  [[nodiscard]] static Result<Document> parse(std::string_view bytes, const Limits& limits = {});

  // Invalid for a default-constructed or moved-from Document.
  [[nodiscard]] Value root() const noexcept;

 private:
  explicit Document(yyjson_doc* raw) noexcept : raw_(raw) {}
  Handle<yyjson_doc, detail::free_document> raw_;
};

}  // namespace gims::json
