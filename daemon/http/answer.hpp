// A response as a client reads it: HTTP/1.1 within limits, from a server of this machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::http {

struct Answer {
  int status = 0;
  std::string body;
  bool reusable = true;  // the server takes another request on the connection
};

// Reads one answer, in whatever pieces it comes (RFC 9112). What has two readings is refused, and
// so is what no server of ours sends: an interim answer, a body of chunks, one without a length.
// Whatever it is, no more is kept than the limits. Thread: one.
class AnswerReader {
 public:
  static constexpr std::size_t longest_head = 8192;
  static constexpr std::size_t longest_body = std::size_t{64} * 1024;

  // True: the answer is whole. Fails (unavailable, HTTP_ANSWER) for good where it is none, or where
  // more comes than the answer.
  [[nodiscard]] Result<bool> take(std::string_view bytes);
  // Once it is whole.
  [[nodiscard]] Answer answer() && noexcept { return std::move(answer_); }

 private:
  [[nodiscard]] Result<> read_head(std::string_view head);
  [[nodiscard]] Result<> read_field(std::string_view line);
  [[nodiscard]] Result<> read_length(std::string_view text);

  std::string head_;
  bool in_body_ = false;
  bool has_length_ = false;
  std::size_t length_ = 0;
  Answer answer_;
};

}  // namespace gims::http
