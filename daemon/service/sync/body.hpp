// The body of a reply while it is written: own text between bytes that are shared with others.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "http/response.hpp"
#include "json/writer.hpp"

namespace gims::service::sync {

// Thread: one. json() writes on; share() puts shared bytes at the place reached.
class Body {
 public:
  Body() = default;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body() = default;

  [[nodiscard]] json::Writer& json() noexcept { return writer_; }
  // Text as it is, without a comma before it.
  void append(std::string_view text) { text_.append(text); }
  void share(const http::SharedBytes& bytes) {
    // A copy is cheaper than one more piece for the kernel to gather.
    if (bytes->size() < smallest_shared) {
      text_.append(*bytes);
      return;
    }
    chain_.emplace_back(std::exchange(text_, std::string()));
    chain_.emplace_back(bytes);
  }
  [[nodiscard]] http::Chain take() {
    if (!text_.empty()) chain_.emplace_back(std::exchange(text_, std::string()));
    return std::move(chain_);
  }

 private:
  static constexpr std::size_t smallest_shared = 384;
  std::string text_;
  json::Writer writer_{text_};
  http::Chain chain_;
};

}  // namespace gims::service::sync
