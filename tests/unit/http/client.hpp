// A raw HTTP client for the tests: bytes out, bytes in.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.hpp"

namespace gims::http::test {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One end of a connection. Every wait ends after `patience` with nothing, so that a test fails and
// does not hang.
class Client {
 public:
  explicit Client(sys::Fd fd) : fd_(std::move(fd)) {}

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void shut_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // The next reply; `head_only` for HEAD, whose reply has no body.
  std::optional<Answer> receive(bool head_only = false) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return std::nullopt;
    }
    Answer answer;
    std::string_view head = std::string_view(buffer_).substr(0, end);
    std::from_chars(head.data() + 9, head.data() + 12, answer.status);
    while (!head.empty()) {
      const std::size_t line_end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, line_end);
      if (const std::size_t colon = line.find(": "); colon != std::string_view::npos) {
        std::string name(line.substr(0, colon));
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        answer.headers[name] = line.substr(colon + 2);
      }
      head.remove_prefix(std::min(line_end + 2, head.size()));
    }
    buffer_.erase(0, end + 4);
    if (answer.status < 200 || answer.status == 204 || head_only) return answer;
    std::size_t length = 0;
    const std::string& text = answer.headers["content-length"];
    std::from_chars(text.data(), text.data() + text.size(), length);
    while (buffer_.size() < length) {
      if (!more()) return std::nullopt;
    }
    answer.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return answer;
  }
  std::optional<Answer> ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }
  // True once the server has closed and nothing unread is left.
  bool closed_by_server() {
    while (more()) {
    }
    return ended_ && buffer_.empty();
  }
  // Reads at most `most` bytes once, for a slow reader.
  std::size_t read_some(std::size_t most) {
    std::string piece(most, '\0');
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, patience) <= 0) return 0;
    const ssize_t got = ::recv(fd_.get(), piece.data(), piece.size(), 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

 private:
  static constexpr int patience = 20'000;

  bool more() {
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, patience) <= 0) return false;
    char piece[65536];
    const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  sys::Fd fd_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace gims::http::test
