// A TLS client on blocking sockets, for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace gims::tls::test {

// A blocking TCP connection to 127.0.0.1, from 127.0.0.`from`; reads and writes give up after 20 s.
sys::Fd tcp_connect(std::uint16_t port, std::uint8_t from = 1);
// What is read until the end or a reset.
std::string read_to_end(int fd);

class TestClient {
 public:
  enum class Version : std::uint16_t { tls12 = 0x0303, tls13 = 0x0304 };
  // Nothing when the handshake fails. `small_window`: as little receive room as the kernel gives.
  static std::unique_ptr<TestClient> connect(std::uint16_t port, Version version = Version::tls13,
                                             bool small_window = false, std::uint8_t from = 1);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool write(std::span<const std::uint8_t> bytes);
  bool write(const std::string& text);
  // Exactly that many bytes, fewer only at the end.
  std::vector<std::uint8_t> read(std::size_t size);
  std::string read_text(std::size_t size);
  // How the stream ended once read() came short.
  bool ended_with_close_notify() const;
  void close_notify();
  int fd() const;
  // Closes TCP without close_notify; with `reset` by RST.
  void cut(bool reset);

 private:
  struct Impl;
  explicit TestClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gims::tls::test
