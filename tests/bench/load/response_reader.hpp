// Reads one HTTP/1.1 response after the other from a stream of bytes, and takes nothing that is
// doubtful: a load generator that misreads an answer measures something else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::bench {

// RFC 9112. Refused: other versions, interim responses (none is asked for), bare CR or LF, folded
// headers, a length twice or beside Transfer-Encoding, codings other than "chunked", and a body
// that ends with the connection. Limits: 64 KiB of head (and of trailers), 256 MiB of body. Thread:
// one.
class ResponseReader {
 public:
  static constexpr std::size_t most_head = std::size_t{64} << 10U;
  static constexpr std::size_t most_body = std::size_t{256} << 20U;

  // Takes bytes up to the end of the response at most; gives how many. After a failure the stream
  // is of no more use.
  [[nodiscard]] Result<std::size_t> feed(std::string_view bytes);
  [[nodiscard]] bool done() const noexcept { return part_ == Part::done; }
  // Something of a response has come.
  [[nodiscard]] bool started() const noexcept { return part_ != Part::head || head_size_ > 0; }
  // Forgets the response, for the next one.
  void reset();

  // Once done():
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  // The server ends the connection after this response.
  [[nodiscard]] bool closes() const noexcept { return closes_; }

 private:
  enum class Part : std::uint8_t { head, body, chunk_size, chunk, chunk_end, trailers, done };

  [[nodiscard]] Result<bool> take_line(std::string_view& bytes);
  [[nodiscard]] Result<> on_line();
  [[nodiscard]] Result<> on_status(std::string_view line);
  [[nodiscard]] Result<> on_header(std::string_view line);
  [[nodiscard]] Result<> on_head_end();
  [[nodiscard]] Result<> on_chunk_size(std::string_view line);
  void take_body(std::string_view& bytes);

  Part part_ = Part::head;
  std::string line_;
  std::size_t head_size_ = 0;
  int status_ = 0;
  std::optional<std::size_t> length_;
  bool chunked_ = false;
  bool closes_ = false;
  std::size_t left_ = 0;  // of the body or the chunk
  std::string body_;
};

}  // namespace gims::bench
