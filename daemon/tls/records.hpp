// What a TLS 1.3 connection is after its handshake: keys of both directions, and the bytes of
// records on their way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tls/record_keys.hpp"

namespace gims::tls {

// Room into which a loop reads ciphertext ahead, one for all of its sessions: a record is then one
// recv(2), not two, and an idle session holds none of it.
struct ReadAhead {
  // A whole record (RFC 8446, section 5.2; RFC 5246, section 6.2.3 allows 2,048 bytes more than
  // 2^14).
  std::array<std::uint8_t, 16384 + 2048 + 5> bytes;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The socket below.
class RecordSocket {
 public:
  enum class Outcome : std::uint8_t { moved, blocked, ended, failed };
  struct Moved {
    Outcome outcome;
    std::size_t size = 0;  // with `moved`: more than 0
  };
  RecordSocket() = default;
  RecordSocket(const RecordSocket&) = delete;
  RecordSocket& operator=(const RecordSocket&) = delete;
  virtual ~RecordSocket() = default;
  virtual Moved receive(std::span<std::uint8_t> room) noexcept = 0;
  virtual Moved send(std::span<const std::uint8_t> bytes) noexcept = 0;
};

// The server's side of RFC 8446, sections 4.6.3 (KeyUpdate), 5 and 6. A record that is not one of
// this connection's, or not allowed here, ends it with the alert that the RFC names. Thread: one at
// a time.
class Records {
 public:
  enum class Step : std::uint8_t {
    done,     // some bytes were moved, or close_notify is out
    blocked,  // the socket must become readable or writable first
    closed,   // the client ended its direction with close_notify
    failed,   // the connection is of no more use
  };
  struct Transfer {
    Step step = Step::failed;
    std::size_t size = 0;
  };

  Records(std::unique_ptr<RecordKeys> read, std::unique_ptr<RecordKeys> write) noexcept
      : read_keys_(std::move(read)), write_keys_(std::move(write)) {}

  // The next content of the client; `out` has room for most_plaintext bytes. `ahead` is empty at
  // the first read of a turn, and is given to park() at its end.
  [[nodiscard]] Transfer read(RecordSocket& socket, std::span<std::uint8_t> out, ReadAhead& ahead);
  // Keeps the part of a record that has come.
  void park(ReadAhead& ahead);
  // Sends one record of `bytes` (not empty) at most. After `blocked` the same bytes must be given
  // again: the record with them is on its way.
  [[nodiscard]] Transfer write(RecordSocket& socket, std::span<const std::uint8_t> bytes);
  // To be called again after `blocked`.
  [[nodiscard]] Step close_notify(RecordSocket& socket);
  // Throws away what has come.
  void drop() noexcept { parked_ = {}; }

 private:
  enum class Alert : std::uint8_t {
    close_notify = 0,
    unexpected_message = 10,
    bad_record_mac = 20,
    record_overflow = 22,
    decode_error = 50,
    internal_error = 80,
    user_canceled = 90
  };

  // Some of a whole record at the beginning of `ahead`; its size.
  [[nodiscard]] Transfer whole_record(RecordSocket& socket, ReadAhead& ahead);
  [[nodiscard]] Step take(RecordSocket& socket, const RecordKeys::Opened& opened);
  [[nodiscard]] Step take_alert(RecordSocket& socket, std::span<const std::uint8_t> alert);
  [[nodiscard]] Step take_handshake(RecordSocket& socket, std::span<const std::uint8_t> message);
  [[nodiscard]] Step flush(RecordSocket& socket);
  // Sends it or keeps the rest; false: the connection is over.
  [[nodiscard]] bool send(RecordSocket& socket, std::span<const std::uint8_t> records);
  [[nodiscard]] bool send_alert(RecordSocket& socket, Alert alert);
  // The end of the connection: says why, as far as the socket takes it now.
  Step refuse(RecordSocket& socket, Alert alert);

  std::unique_ptr<RecordKeys> read_keys_;
  std::unique_ptr<RecordKeys> write_keys_;
  std::vector<std::uint8_t> parked_;  // the beginning of a record
  std::vector<std::uint8_t> unsent_;  // the rest of a record
  std::size_t unsent_begin_ = 0;
  std::size_t in_unsent_ = 0;     // bytes of the caller's that it stands for
  bool owes_update_ = false;      // the client asked for new keys of ours
  bool notified_ = false;         // close_notify is sealed
  unsigned without_content_ = 0;  // records in a row
};

}  // namespace gims::tls
