// Whoever listens between gims-keyd and its TPM.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sys/event_fd.hpp"
#include "sys/socket.hpp"

namespace gims::test {

// Passes one connection after the other on to `target`, both Unix stream sockets, and keeps a copy
// of every byte of either direction. It may also do more than listen.
class RecordingProxy {
 public:
  // What it does with a command on its way to the TPM and with an answer from it: changes it, or
  // cuts the connection (false). Called on the proxy's thread.
  using Meddle = std::function<bool(std::vector<std::uint8_t>& bytes)>;
  struct Meddling {
    Meddle command = [](auto&) { return true; };
    Meddle answer = [](auto&) { return true; };
  };

  RecordingProxy(const std::string& path, std::string target)
      : RecordingProxy(path, std::move(target), Meddling()) {}
  RecordingProxy(const std::string& path, std::string target, Meddling meddling)
      : target_(std::move(target)),
        meddling_(std::move(meddling)),
        stop_(std::move(*sys::EventFd::create())) {
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
      if (fds[1].revents != 0 && !copy(client, server, meddling_.command)) return true;
      if (fds[2].revents != 0 && !copy(server, client, meddling_.answer)) return true;
    }
  }
  bool copy(const sys::Fd& from, const sys::Fd& to, const Meddle& meddle) {
    std::vector<std::uint8_t> bytes(8192);
    const ssize_t got = ::read(from.get(), bytes.data(), bytes.size());
    if (got <= 0) return false;
    bytes.resize(static_cast<std::size_t>(got));
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    return meddle(bytes) &&
           ::write(to.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }

  const std::string target_;
  const Meddling meddling_;
  const sys::EventFd stop_;
  sys::Fd listener_;
  std::vector<std::uint8_t> heard_;
  std::thread thread_;
};

}  // namespace gims::test
