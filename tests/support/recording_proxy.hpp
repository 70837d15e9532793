// Whoever listens between gims-keyd and its TPM.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "sys/event_fd.hpp"
#include "sys/socket.hpp"

namespace gims::test {

// Passes one connection after the other on to `target`, both Unix stream sockets, and keeps a copy
// of every byte of either direction.
class RecordingProxy {
 public:
  RecordingProxy(const std::string& path, std::string target)
      : target_(std::move(target)), stop_(std::move(*sys::EventFd::create())) {
    auto listener = sys::stream_listen(path, 0600);
    if (!listener) ADD_FAILURE() << listener.error().detail;
    listener_ = std::move(*listener);
    thread_ = std::thread([this] { run(); });
  }
  RecordingProxy(const RecordingProxy&) = delete;
  RecordingProxy& operator=(const RecordingProxy&) = delete;
  ~RecordingProxy() { finish(); }

  // Ends it; what was heard.
  const std::vector<std::uint8_t>& finish() {
    if (thread_.joinable()) {
      stop_.signal();
      thread_.join();
    }
    return heard_;
  }

 private:
  // False: asked to stop.
  bool wait(std::array<pollfd, 3>& fds) const {
    while (::poll(fds.data(), fds.size(), -1) < 0) {
    }
    return fds[0].revents == 0;
  }
  void run() {
    while (true) {
      std::array<pollfd, 3> fds{
          {{stop_.fd(), POLLIN, 0}, {listener_.get(), POLLIN, 0}, {-1, 0, 0}}};
      if (!wait(fds)) return;
      auto client = sys::accept(listener_.get(), sys::Blocking::yes);
      auto server = sys::stream_connect(target_, sys::Blocking::yes);
      if (client && *client && server && !pass_on(**client, *server)) return;
    }
  }
  // False: asked to stop.
  bool pass_on(const sys::Fd& client, const sys::Fd& server) {
    while (true) {
      std::array<pollfd, 3> fds{
          {{stop_.fd(), POLLIN, 0}, {client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}}};
      if (!wait(fds)) return false;
      if (fds[1].revents != 0 && !copy(client, server)) return true;
      if (fds[2].revents != 0 && !copy(server, client)) return true;
    }
  }
  bool copy(const sys::Fd& from, const sys::Fd& to) {
    std::array<std::uint8_t, 8192> buffer;
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    heard_.insert(heard_.end(), buffer.begin(), buffer.begin() + got);
    return ::write(to.get(), buffer.data(), static_cast<std::size_t>(got)) == got;
  }

  const std::string target_;
  const sys::EventFd stop_;
  sys::Fd listener_;
  std::vector<std::uint8_t> heard_;
  std::thread thread_;
};

}  // namespace gims::test
