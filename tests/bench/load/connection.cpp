#include "bench/load/connection.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gims::bench {

Connection::Connection(Loop& loop, const Target& target, std::size_t number)
    : loop_(loop), target_(target), number_(number) {}

Connection::~Connection() { close(); }

void Connection::close() {
  if (socket_) loop_.remove(socket_.get(), *this);
  tls_.reset();
  socket_.reset();
  state_ = State::closed;
  on_answer_ = nullptr;
  opened_ = nullptr;
}

void Connection::bind_source(int fd) const {
  if (target_.spread == 0) return;
  sockaddr_in source{};
  source.sin_family = AF_INET;
  const auto last = static_cast<std::uint32_t>(number_ % target_.spread);
  source.sin_addr.s_addr = htonl(0x7f000101U + last);
  // Without this the kernel keeps a port for the source alone, and there are 28,000 of them.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as bind(2) wants it
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
    give_up("bind: " + std::string(std::strerror(errno)));
  }
}

void Connection::connect() {
  socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) give_up("socket: " + std::string(std::strerror(errno)));
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bind_source(socket_.get());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as connect(2) wants it
  const auto* address = reinterpret_cast<const sockaddr*>(&target_.address);
  if (::connect(socket_.get(), address, sizeof target_.address) != 0 && errno != EINPROGRESS) {
    give_up("connect: " + std::string(std::strerror(errno)));
  }
  if (target_.tls) tls_ = target_.tls->stream(socket_.get());
  state_ = State::connecting;
  wanted_ = EPOLLOUT;
  loop_.add(socket_.get(), wanted_, *this);
}

void Connection::want(std::uint32_t events) {
  if (events == wanted_) return;
  wanted_ = events;
  loop_.modify(socket_.get(), events, *this);
}

void Connection::open(std::function<void()> opened) {
  opened_ = std::move(opened);
  if (state_ == State::open) return on_open();
  connect();
}

void Connection::ask(std::string_view method, std::string_view path, std::string_view body,
                     std::string_view token, OnAnswer on_answer) {
  out_.clear();
  written_ = 0;
  out_.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ");
  out_.append(target_.url.host).append("\r\n");
  if (!token.empty()) out_.append("Authorization: Bearer ").append(token).append("\r\n");
  if (!body.empty()) {
    out_.append("Content-Type: application/json\r\nContent-Length: ");
    out_.append(std::to_string(body.size())).append("\r\n");
  }
  out_.append("\r\n").append(body);
  reader_.reset();
  on_answer_ = std::move(on_answer);
  reused_ = state_ == State::open;
  if (state_ == State::open) return write_out();
  if (state_ == State::closed) connect();
}

void Connection::on_events(std::uint32_t events) {
  if (state_ == State::open) {
    if ((events & EPOLLOUT) != 0 && written_ < out_.size()) write_out();
    if (state_ == State::open && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_in();
    return;
  }
  advance();
}

void Connection::advance() {
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) give_up("connect: " + std::string(std::strerror(error)));
    state_ = State::handshake;
  }
  if (tls_) {
    const auto wants = tls_->handshake();
    if (!wants) give_up("TLS: " + wants.error().detail);
    if (*wants != TlsStream::Wants::nothing) {
      return want(*wants == TlsStream::Wants::read ? EPOLLIN : EPOLLOUT);
    }
  }
  state_ = State::open;
  want(EPOLLIN);
  on_open();
}

void Connection::on_open() {
  if (opened_) std::exchange(opened_, nullptr)();
  if (state_ == State::open && on_answer_ && written_ == 0) write_out();
}

void Connection::write_out() {
  while (written_ < out_.size()) {
    const std::string_view rest = std::string_view(out_).substr(written_);
    std::size_t sent = 0;
    if (tls_) {
      const auto outcome = tls_->write(rest);
      if (!outcome) return lost(outcome.error().detail);
      sent = *outcome;
    } else {
      const ssize_t outcome = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (outcome < 0 && errno != EAGAIN) return lost(std::strerror(errno));
      sent = outcome < 0 ? 0 : static_cast<std::size_t>(outcome);
    }
    if (sent == 0) return want(EPOLLIN | EPOLLOUT);
    written_ += sent;
  }
  want(EPOLLIN);
}

Result<std::size_t> Connection::read_some(std::span<char> room) {
  if (tls_) return tls_->read(room);
  const ssize_t got = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got < 0 && errno == EAGAIN) return 0;
  return fail(ErrorKind::unavailable, "ENDED", "The server ended the connection.",
              got < 0 ? std::strerror(errno) : "");
}

void Connection::read_in() {
  static thread_local std::array<char, std::size_t{64} << 10U> room;
  while (state_ == State::open) {
    const auto got = read_some(room);
    if (!got) return lost(got.error().text + " " + got.error().detail);
    if (*got == 0) return;
    if (!take({room.data(), *got})) return;
  }
}

bool Connection::take(std::string_view bytes) {
  if (!on_answer_) give_up("bytes that no one asked for: " + std::string(bytes.substr(0, 200)));
  const auto used = reader_.feed(bytes);
  if (!used) give_up("not HTTP: " + used.error().text + ": " + used.error().detail);
  if (!reader_.done()) return true;
  if (*used != bytes.size()) give_up("bytes after a response");
  const OnAnswer told = std::exchange(on_answer_, nullptr);
  if (reader_.closes()) close();
  // Of the reader's own, as the callback may ask again.
  const ResponseReader answered = std::exchange(reader_, {});
  told({.status = answered.status(), .body = answered.body()});
  return false;
}

// A server may close an idle connection at any time; the request is then sent again on a new one.
void Connection::lost(const std::string& why) {
  const bool again = on_answer_ && reused_ && !reader_.started();
  if (on_answer_ && !again) give_up("connection lost: " + why);
  OnAnswer waiting = std::exchange(on_answer_, nullptr);
  close();
  if (!again) return;
  on_answer_ = std::move(waiting);
  written_ = 0;
  reused_ = false;
  connect();
}

}  // namespace gims::bench
