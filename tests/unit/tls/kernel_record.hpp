// The records of one direction as the kernel makes and reads them, from the struct that it is given
// (<linux/tls.h>): what is derived is tried without a kernel that has TLS.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gims::tls::test {

using Bytes = std::vector<std::uint8_t>;

class KernelRecord {
 public:
  // Nothing for what the kernel would refuse (EINVAL).
  static std::optional<KernelRecord> from_info(std::span<const std::uint8_t> info);

  // A whole record.
  Bytes seal(std::uint8_t type, std::span<const std::uint8_t> content);
  struct Opened {
    std::uint8_t type = 0;
    Bytes content;
  };
  // Of a whole record; nothing when it is not the next of these keys.
  std::optional<Opened> open(std::span<const std::uint8_t> record);

 private:
  KernelRecord() = default;
  bool tls13() const { return version_ == 0x0304; }
  bool own_part() const { return !tls13() && !chacha_; }
  std::array<std::uint8_t, 12> nonce(std::span<const std::uint8_t> own_part) const;
  Bytes authenticated(std::uint8_t type, std::size_t record_size, std::size_t text_size) const;
  bool crypt(bool seals, std::span<const std::uint8_t> nonce, std::span<const std::uint8_t> with,
             std::span<std::uint8_t> text, std::span<std::uint8_t> tag) const;
  void advance();

  std::uint16_t version_ = 0;
  bool chacha_ = false;
  Bytes key_;
  Bytes salt_;
  Bytes iv_;
  Bytes sequence_;
};

}  // namespace gims::tls::test
