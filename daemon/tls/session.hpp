// One TLS connection over a non-blocking TCP socket.
//
// mbedTLS makes the handshake. Once that is done, the kernel can have the connection
// (ktls_keys.hpp). Where it has not, one of TLS 1.3 is carried on with the keys alone
// (record_keys.hpp), and mbedTLS's 49 kB for it are free; one of TLS 1.2 stays with mbedTLS.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sys/fd.hpp"
#include "sys/kernel_tls.hpp"
#include "tls/records.hpp"
#include "tls/server_context.hpp"

namespace gims::tls {

// Thread: one at a time. The socket is registered edge-triggered (EPOLLET) in some epoll;
// note_events() takes what it says, and every call here works until the socket would block.
class Session {
 public:
  // done: the handshake or close_notify is complete; some bytes were moved
  // blocked: the socket must become readable or writable first
  // closed: the peer ended its direction with close_notify
  // failed: the connection is of no more use: reset, cut off, bad record, refused handshake
  using Step = Records::Step;
  using Transfer = Records::Transfer;

  // Whose the records are to be once the handshake is done.
  enum class Carrier : std::uint8_t { session, kernel };
  // Takes over the socket, which must be non-blocking.
  [[nodiscard]] static Result<std::unique_ptr<Session>> create(
      std::shared_ptr<const ServerContext> context, sys::Fd socket,
      Carrier carrier = Carrier::session);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // EPOLLIN and so on, as epoll gave them.
  void note_events(std::uint32_t events) noexcept;
  [[nodiscard]] int fd() const noexcept;
  // The socket may take bytes.
  [[nodiscard]] bool writable() const noexcept;

  [[nodiscard]] Step handshake() noexcept;
  // After the handshake, as on the wire.
  [[nodiscard]] std::uint16_t version() const noexcept;
  [[nodiscard]] std::uint16_t cipher_suite() const noexcept;

  // Once, right after the handshake of a session for Carrier::kernel: gives the kernel the keys.
  // `refused`: the session goes on as one of the other kind.
  [[nodiscard]] sys::KernelTls move_to_kernel() noexcept;
  // The socket, which the kernel has the keys of; the session is of no more use.
  [[nodiscard]] sys::Fd release_socket() noexcept;

  // Decrypts into `out`. Between the first read() of a turn and park() no other session may use
  // `ahead`.
  [[nodiscard]] Transfer read(std::span<std::uint8_t> out, ReadAhead& ahead) noexcept;
  // Keeps for this session what is left in `ahead`, which is empty afterwards.
  void park(ReadAhead& ahead);
  // Encrypts and sends a part of `bytes` (not empty); gives its size. After `blocked` the same
  // bytes must be given again.
  [[nodiscard]] Transfer write(std::span<const std::uint8_t> bytes) noexcept;
  // Tells the peer that no more will come. To be called again after `blocked`.
  [[nodiscard]] Step close_notify() noexcept;
  // Ends the sending direction of TCP.
  void finish_sending() noexcept;
  // Throws away what the peer still sends and takes it off `left`: `closed` at its end, `failed`
  // when it was more.
  [[nodiscard]] Step discard(ReadAhead& ahead, std::size_t& left) noexcept;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gims::tls
