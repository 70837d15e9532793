#include "http/local_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/wipe.hpp"
#include "sys/errno.hpp"
#include "sys/socket.hpp"

namespace gims::http {

bool LocalClient::connected() noexcept {
  if (!connection_) return false;
  // Nothing is due here: what can be read is the end, or what no request asked for.
  pollfd look{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&look, 1, 0) != 0) connection_.reset();
  return static_cast<bool>(connection_);
}

Result<Answer> LocalClient::post(std::string_view host, std::string_view target,
                                 const SecretBytes& token, std::string_view body) {
  const std::string length = std::to_string(body.size());
  const auto secret = token.bytes();
  std::string request;
  // In one piece of memory from the first byte on, so that wiping it leaves no copy of the token.
  request.reserve(256 + target.size() + host.size() + secret.size() + body.size());
  request.append("POST ").append(target).append(" HTTP/1.1\r\nHost: ").append(host);
  if (!secret.empty()) {
    request.append("\r\nAuthorization: Bearer ");
    request.append(secret.begin(), secret.end());
  }
  request.append("\r\nContent-Type: application/json\r\nContent-Length: ").append(length);
  request.append("\r\n\r\n").append(body);
  auto answer = exchange(request);
  wipe({reinterpret_cast<std::uint8_t*>(request.data()), request.size()});
  if (!answer || !answer->reusable) connection_.reset();
  return answer;
}

Result<Answer> LocalClient::exchange(std::string_view request) {
  if (!connected()) {
    GIMS_TRY_ASSIGN(connection_, sys::stream_connect(socket_, sys::Blocking::no));
  }
  const Deadline deadline = std::chrono::steady_clock::now() + patience_;
  GIMS_TRY(send(request, deadline));
  return receive(deadline);
}

Result<> LocalClient::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      GIMS_TRY(wait(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return sys::fail_errno("send " + socket_);
    }
  }
  return {};
}

Result<Answer> LocalClient::receive(Deadline deadline) {
  AnswerReader reader;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t size = ::recv(connection_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      GIMS_TRY_ASSIGN(const bool whole,
                      reader.take({buffer.data(), static_cast<std::size_t>(size)}));
      if (whole) return std::move(reader).answer();
    } else if (size == 0) {
      return sys::fail_with_errno("recv " + socket_, ECONNRESET);
    } else if (errno == EAGAIN) {
      GIMS_TRY(wait(POLLIN, deadline));
    } else if (errno != EINTR) {
      return sys::fail_errno("recv " + socket_);
    }
  }
}

Result<> LocalClient::wait(short events, Deadline deadline) const {
  std::array<pollfd, 2> waits{pollfd{.fd = connection_.get(), .events = events, .revents = 0},
                              pollfd{.fd = cancel_, .events = POLLIN, .revents = 0}};
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  const int ready =
      ::poll(waits.data(), waits.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  if (ready < 0 && errno != EINTR) return sys::fail_errno("poll " + socket_);
  if (waits[1].revents != 0) return sys::fail_with_errno(socket_, ECANCELED);
  if (ready == 0) return sys::fail_with_errno(socket_, ETIMEDOUT);
  return {};
}

}  // namespace gims::http
