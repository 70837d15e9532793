// The keys of one direction of a TLS 1.3 connection, and the records they protect (RFC 8446,
// sections 5.2, 7.2 and 7.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "tls/secret_memory.hpp"

namespace gims::tls {

inline constexpr std::size_t record_header = 5;
inline constexpr std::size_t record_tag = 16;
inline constexpr std::size_t most_plaintext = 16384;
// What sealing adds: header, content type, tag.
inline constexpr std::size_t record_overhead = record_header + 1 + record_tag;
// Of a whole record as it is received (RFC 8446, section 5.2).
inline constexpr std::size_t most_record = record_header + most_plaintext + 256;

enum class ContentType : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23
};

// An application traffic secret, as long as the suite's hash. Wiped when it goes.
struct TrafficSecret : InSecretMemory {
  TrafficSecret() = default;
  explicit TrafficSecret(std::span<const std::uint8_t> from) noexcept;  // at most 48 bytes
  TrafficSecret(const TrafficSecret&) = default;
  TrafficSecret& operator=(const TrafficSecret&) = default;
  TrafficSecret(TrafficSecret&&) = default;
  TrafficSecret& operator=(TrafficSecret&&) = default;
  ~TrafficSecret();
  [[nodiscard]] std::span<const std::uint8_t> view() const noexcept {
    return std::span(bytes).first(size);
  }
  std::array<std::uint8_t, 48> bytes{};
  std::size_t size = 0;
};

// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1); false for another length of the
// secret than a hash has.
[[nodiscard]] bool expand_label(std::span<const std::uint8_t> secret, const char* label,
                                std::span<std::uint8_t> out) noexcept;

// AES-256-GCM and ChaCha20-Poly1305 are libsodium's, several times faster than mbedTLS's, and
// AES-128-GCM (with AES-256-GCM where the processor has no instructions for it) is mbedTLS's.
// In locked memory, but for what mbedTLS holds of an AES key on its own heap and wipes there.
// Thread: one at a time.
class RecordKeys : public InSecretMemory {
 public:
  // `suite` as on the wire; `sequence`: of the next record. Null for a suite that is not of TLS
  // 1.3 or not known here, or a secret of another length than its hash has.
  [[nodiscard]] static std::unique_ptr<RecordKeys> create(std::uint16_t suite,
                                                          const TrafficSecret& secret,
                                                          std::uint64_t sequence) noexcept;
  ~RecordKeys();
  RecordKeys(const RecordKeys&) = delete;
  RecordKeys& operator=(const RecordKeys&) = delete;

  // One record of `content`, at most most_plaintext bytes, into `out`, which has room for it and
  // record_overhead more. Gives its size; 0: out of sequence numbers, or the library failed.
  [[nodiscard]] std::size_t seal(ContentType type, std::span<const std::uint8_t> content,
                                 std::span<std::uint8_t> out) noexcept;

  struct Opened {
    ContentType type = ContentType::application_data;
    std::span<std::uint8_t> content;  // in `record`
  };
  // Decrypts a whole record, its header with it, in its place. Nothing: it is not one of these
  // keys, or longer than allowed, or has no content type.
  [[nodiscard]] std::optional<Opened> open(std::span<std::uint8_t> record) noexcept;

  // The next generation (section 7.2); the sequence begins again. False: the library failed.
  [[nodiscard]] bool update() noexcept;

 private:
  class Aead;
  class Chacha;
  class FastAes;
  class OtherAes;
  struct Suite;
  RecordKeys(const Suite& suite, const TrafficSecret& secret, std::uint64_t sequence) noexcept;
  [[nodiscard]] static const Suite* find_suite(std::uint16_t number) noexcept;
  [[nodiscard]] bool derive() noexcept;
  [[nodiscard]] std::array<std::uint8_t, 12> nonce() const noexcept;

  const Suite& suite_;
  TrafficSecret secret_;
  std::uint64_t sequence_;
  std::array<std::uint8_t, 12> iv_{};
  std::unique_ptr<Aead> aead_;
};

}  // namespace gims::tls
