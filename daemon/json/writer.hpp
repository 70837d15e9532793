// Writing JSON, front to back, without a tree.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "json/text.hpp"
#include "json/value.hpp"

namespace gims::json {

// Appends to a string. Puts the commas; that keys and ends fit is up to the caller. Strings must be
// valid UTF-8 (those of a Document are). Thread: one.
//   json::Writer out;
//   out.begin_object().member("user_id", id).key("devices").begin_array();
//   for (...) out.value(device);
//   return std::move(out.end_array().end_object()).take();
class Writer {
 public:
  Writer() noexcept : out_(&own_) {}
  // Appends to `out`, which must outlive the writer.
  explicit Writer(std::string& out) noexcept : out_(&out) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() = default;

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name) {
    separate();
    append_quoted(*out_, name);
    out_->push_back(':');
    comma_ = false;
    return *this;
  }

  Writer& value(std::string_view text) {
    separate();
    append_quoted(*out_, text);
    return *this;
  }
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(const std::string& text) { return value(std::string_view(text)); }
  Writer& value(std::same_as<bool> auto truth) { return raw(truth ? "true" : "false"); }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Writer& value(T number) {
    if constexpr (std::is_signed_v<T>) {
      return integer(static_cast<std::int64_t>(number));
    } else {
      return natural(static_cast<std::uint64_t>(number));
    }
  }
  // The shortest form that reads back as the same number; null for what JSON cannot say.
  Writer& value(std::same_as<double> auto number) { return real(number); }
  Writer& value(const Value& parsed) {
    separate();
    parsed.append_to(*out_);
    return *this;
  }
  Writer& null() { return raw("null"); }
  // A value that is JSON already, copied as it is.
  Writer& raw(std::string_view json) {
    separate();
    out_->append(json);
    return *this;
  }

  Writer& member(std::string_view name, const auto& content) { return key(name).value(content); }
  Writer& raw_member(std::string_view name, std::string_view json) { return key(name).raw(json); }

  [[nodiscard]] const std::string& text() const noexcept { return *out_; }
  [[nodiscard]] std::string take() noexcept {
    comma_ = false;
    return std::exchange(*out_, std::string());
  }

 private:
  void separate() {
    if (comma_) out_->push_back(',');
    comma_ = true;
  }
  Writer& open(char bracket) {
    separate();
    out_->push_back(bracket);
    comma_ = false;
    return *this;
  }
  Writer& close(char bracket) {
    out_->push_back(bracket);
    comma_ = true;
    return *this;
  }
  Writer& integer(std::int64_t number);
  Writer& natural(std::uint64_t number);
  Writer& real(double number);

  std::string own_;
  std::string* out_;
  bool comma_ = false;
};

}  // namespace gims::json
