// The frames of gims-keyd's protocol, and of the one between it and gims-pkcs11d: one
// SOCK_SEQPACKET message each (docs/protocol-keyd.md).
//
//   0  2  "GK"
//   2  1  version, 1
//   3  1  kind: 1 request, 2 reply, 3 refusal
//   4  2  operation
//   6  2  zero
//   8  4  number of the request; the answer carries the same
//  12  4  length of the body
//  16  …  body
//
// Numbers are big-endian. A frame whose length is not exactly 16 plus the body's is refused, and so
// is a body with bytes left over after its last field.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "hsm/proto/bytes.hpp"

namespace gims::hsm {

inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::size_t header_size = 16;
// Below the default send buffer of a Unix socket (212,992 bytes with the kernel's own accounting),
// and room for the largest Matrix event (65,536 bytes).
inline constexpr std::size_t max_frame_size = std::size_t{128} * 1024;
inline constexpr std::size_t max_body_size = max_frame_size - header_size;

enum class Kind : std::uint8_t { request = 1, reply = 2, refusal = 3 };

enum class Operation : std::uint16_t {
  status = 1,
  ceremony_begin = 2,
  unlock = 3,
  zeroize = 4,
  site_root = 5,
  sign_leaf = 6,
  data_keys = 7,
  server_key = 8,
  sign_events = 9,
  extend_audit = 10,
  audit_head = 11,
  mark_store = 12,
  ceremony_give = 13,
  ceremony_share = 14,
  ceremony_confirm = 15,
  ceremony_finish = 16,
  ceremony_abort = 17,
  recovery_file = 18,
  crl = 19,
  attest = 20,
  activate = 21,
  certify_audit = 22,
  event_log = 23,
  propose = 25,
  approve = 26,
  proposals = 27,
  withdraw = 28,
  administrators = 29,
  certify_device = 30,
  revoke_device = 31,
  redeem = 32,
  acts = 33,
  persons = 40,
  unlock_with = 41,
  add_person = 42,
  volume_key = 43,
  raise_release = 44,
  relay_secret = 50,
  wifi_passphrase = 51,
  certify_service = 52,
  issuing_cas = 53,

  // Of gims-pkcs11d, which takes none of the above; gims-keyd takes none of these.
  vault_info = 0x101,
  vault_probe = 0x102,
  vault_provision = 0x103,
  vault_open = 0x104,
  vault_sign = 0x105,
  vault_renew_ca = 0x106,
  vault_destroy = 0x107,
  vault_counter = 0x108,
  vault_advance = 0x109,
  vault_settle = 0x10a,
  vault_reseal = 0x10b,
  vault_sign_events = 0x10c,
};
inline constexpr std::uint16_t first_vault_operation = 0x101;
inline constexpr std::uint16_t last_vault_operation = 0x10c;
// What one program answers.
struct OperationRange {
  std::uint16_t first;
  std::uint16_t last;
};
inline constexpr OperationRange keyd_operations{.first = 1, .last = 0xff};
inline constexpr OperationRange vault_operations{.first = first_vault_operation,
                                                 .last = last_vault_operation};
// "unknown" for a number that is none.
[[nodiscard]] std::string_view name_of(Operation operation) noexcept;
// Their numbers have gaps.
[[nodiscard]] bool is_operation(std::uint16_t number) noexcept;

struct Header {
  Kind kind = Kind::request;
  Operation operation = Operation::status;
  std::uint32_t number = 0;
};

struct Frame {
  Header header;
  BytesView body;  // Points into the message that was decoded.
};

// Fails (bad_input) with the code GIMS_KEYD_VERSION for another version and GIMS_KEYD_FRAME for
// everything else, an operation outside of the range too.
[[nodiscard]] Result<Frame> decode_frame(BytesView message,
                                         OperationRange operations = keyd_operations);
// Writes one frame into memory of the caller's, which may be locked, since a body may hold keys.
// A field that finds no room makes frame() fail; nothing is written past the end.
class Writer {
 public:
  // `room` outlives the writer, is not shared, and holds header_size bytes at least.
  explicit Writer(std::span<std::uint8_t> room) noexcept;

  void u8(std::uint8_t value) noexcept;
  void u16(std::uint16_t value) noexcept;
  void u32(std::uint32_t value) noexcept;
  void u64(std::uint64_t value) noexcept;
  // As they are, for fields of a fixed length.
  void raw(BytesView bytes) noexcept;
  // A length of 32 bits, then the bytes.
  void bytes(BytesView bytes) noexcept;
  void text(std::string_view text) noexcept;

  // False: a field found no room, and is not in body().
  [[nodiscard]] bool good() const noexcept { return good_; }
  // What was written so far, without the header.
  [[nodiscard]] BytesView body() const noexcept { return room_.subspan(header_size, size_); }
  // The whole frame, in the caller's memory. Fails (too_large) when a field found no room.
  [[nodiscard]] Result<BytesView> frame(const Header& header);

 private:
  std::span<std::uint8_t> room_;
  std::size_t size_ = 0;  // of the body
  bool good_ = true;
};

// Reads a body field by field. After a failure every further read fails as well, so that a decoder
// may read all its fields and ask finish() once.
class Reader {
 public:
  explicit Reader(BytesView bytes) noexcept : rest_(bytes) {}

  std::uint8_t u8() noexcept;
  std::uint16_t u16() noexcept;
  std::uint32_t u32() noexcept;
  std::uint64_t u64() noexcept;
  // Exactly `size` bytes.
  BytesView raw(std::size_t size) noexcept;
  // Written by Writer::bytes(); more than `most` is a failure.
  BytesView bytes(std::size_t most) noexcept;
  // Also a failure: a control character.
  std::string_view text(std::size_t most) noexcept;
  // For a decoder that finds a value that is not allowed.
  void refuse() noexcept { good_ = false; }

  [[nodiscard]] bool good() const noexcept { return good_; }
  // The body was read to its last byte and every field was good.
  [[nodiscard]] bool finish() const noexcept { return good_ && rest_.empty(); }

 private:
  BytesView rest_;
  bool good_ = true;
};

}  // namespace gims::hsm
