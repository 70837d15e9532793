#include "unit/tls/test_front.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/check.hpp"

namespace gims::tls::test {

using namespace std::chrono_literals;

Result<> QueueSink::deliver(Delivery&& delivery, const sys::Handover& handover) {
  const std::scoped_lock lock(mutex_);
  if (refused_) return fail(ErrorKind::unavailable, "GIMS_TLS_NO_GIMSD", "");
  queue_.push_back({.connection = std::move(delivery.connection),
                    .tether = std::move(delivery.tether),
                    .handover = handover});
  arrived_.notify_all();
  return {};
}

std::optional<QueueSink::Delivered> QueueSink::next() {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, 20s, [this] { return !queue_.empty(); })) return std::nullopt;
  Delivered delivered = std::move(queue_.front());
  queue_.pop_front();
  const int fd = delivered.connection.get();
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return delivered;
}

std::size_t QueueSink::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

void QueueSink::refuse(bool refused) {
  const std::scoped_lock lock(mutex_);
  refused_ = refused;
}

FrontOptions loopback_options() {
  FrontOptions options;
  options.listeners = {{.door = sys::Door::client, .address = "127.0.0.1", .port = 0}};
  options.stop_limit = 2000ms;
  return options;
}

TestFront::TestFront(FrontOptions options) {
  auto started = Front::start(std::move(options), source, sink, clock);
  if (!started) std::fprintf(stderr, "%s\n", started.error().detail.c_str());
  GIMS_CHECK(started.has_value());
  front = *std::move(started);
}

bool TestFront::wait_for_status(const std::function<bool()>& fits) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!fits()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

bool send_all(int fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

std::vector<std::uint8_t> pattern(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

}  // namespace gims::tls::test
