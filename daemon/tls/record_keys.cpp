#include "tls/record_keys.hpp"

#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

namespace gims::tls {
namespace {

using Nonce = std::array<std::uint8_t, 12>;
constexpr std::size_t most_key = 32;
static_assert(crypto_aead_aes256gcm_KEYBYTES == most_key);
static_assert(crypto_aead_chacha20poly1305_IETF_KEYBYTES == most_key);

}  // namespace

struct RecordKeys::Suite {
  std::uint16_t number;
  std::size_t key_size;
  std::size_t hash_size;
};

// RFC 8446, appendix B.4.
const RecordKeys::Suite* RecordKeys::find_suite(std::uint16_t number) noexcept {
  static constexpr std::array<Suite, 3> suites = {
      Suite{.number = 0x1301, .key_size = 16, .hash_size = 32},   // AES-128-GCM, SHA-256
      Suite{.number = 0x1302, .key_size = 32, .hash_size = 48},   // AES-256-GCM, SHA-384
      Suite{.number = 0x1303, .key_size = 32, .hash_size = 32}};  // ChaCha20-Poly1305, SHA-256
  const auto* found = std::ranges::find(suites, number, &Suite::number);
  return found == suites.end() ? nullptr : found;
}

// One key. Text is changed in its place; the header is what is authenticated with it.
class RecordKeys::Aead : public InSecretMemory {
 public:
  Aead() = default;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  virtual ~Aead() = default;
  [[nodiscard]] virtual bool set_key(std::span<const std::uint8_t> key) noexcept = 0;
  [[nodiscard]] virtual bool encrypt(std::span<std::uint8_t> text, const std::uint8_t* header,
                                     const Nonce& nonce, std::uint8_t* tag) noexcept = 0;
  [[nodiscard]] virtual bool decrypt(std::span<std::uint8_t> text, const std::uint8_t* header,
                                     const Nonce& nonce, const std::uint8_t* tag) noexcept = 0;
};

class RecordKeys::Chacha final : public Aead {
 public:
  Chacha() = default;
  Chacha(const Chacha&) = delete;
  Chacha& operator=(const Chacha&) = delete;
  ~Chacha() override { ::sodium_memzero(key_.data(), key_.size()); }
  bool set_key(std::span<const std::uint8_t> key) noexcept override {
    std::ranges::copy(key, key_.begin());
    return true;
  }
  bool encrypt(std::span<std::uint8_t> text, const std::uint8_t* header, const Nonce& nonce,
               std::uint8_t* tag) noexcept override {
    return ::crypto_aead_chacha20poly1305_ietf_encrypt_detached(
               text.data(), tag, nullptr, text.data(), text.size(), header, record_header, nullptr,
               nonce.data(), key_.data()) == 0;
  }
  bool decrypt(std::span<std::uint8_t> text, const std::uint8_t* header, const Nonce& nonce,
               const std::uint8_t* tag) noexcept override {
    return ::crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               text.data(), nullptr, text.data(), text.size(), tag, header, record_header,
               nonce.data(), key_.data()) == 0;
  }

 private:
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_IETF_KEYBYTES> key_{};
};

class RecordKeys::FastAes final : public Aead {
 public:
  FastAes() = default;
  FastAes(const FastAes&) = delete;
  FastAes& operator=(const FastAes&) = delete;
  ~FastAes() override { ::sodium_memzero(&state_, sizeof state_); }
  bool set_key(std::span<const std::uint8_t> key) noexcept override {
    return ::crypto_aead_aes256gcm_beforenm(&state_, key.data()) == 0;
  }
  bool encrypt(std::span<std::uint8_t> text, const std::uint8_t* header, const Nonce& nonce,
               std::uint8_t* tag) noexcept override {
    return ::crypto_aead_aes256gcm_encrypt_detached_afternm(text.data(), tag, nullptr, text.data(),
                                                            text.size(), header, record_header,
                                                            nullptr, nonce.data(), &state_) == 0;
  }
  bool decrypt(std::span<std::uint8_t> text, const std::uint8_t* header, const Nonce& nonce,
               const std::uint8_t* tag) noexcept override {
    return ::crypto_aead_aes256gcm_decrypt_detached_afternm(text.data(), nullptr, text.data(),
                                                            text.size(), tag, header, record_header,
                                                            nonce.data(), &state_) == 0;
  }

 private:
  crypto_aead_aes256gcm_state state_{};
};

class RecordKeys::OtherAes final : public Aead {
 public:
  OtherAes() noexcept { mbedtls_gcm_init(&gcm_); }
  OtherAes(const OtherAes&) = delete;
  OtherAes& operator=(const OtherAes&) = delete;
  ~OtherAes() override { mbedtls_gcm_free(&gcm_); }
  bool set_key(std::span<const std::uint8_t> key) noexcept override {
    mbedtls_gcm_free(&gcm_);
    mbedtls_gcm_init(&gcm_);
    return mbedtls_gcm_setkey(&gcm_, MBEDTLS_CIPHER_ID_AES, key.data(),
                              static_cast<unsigned>(key.size()) * 8) == 0;
  }
  bool encrypt(std::span<std::uint8_t> text, const std::uint8_t* header, const Nonce& nonce,
               std::uint8_t* tag) noexcept override {
    return mbedtls_gcm_crypt_and_tag(&gcm_, MBEDTLS_GCM_ENCRYPT, text.size(), nonce.data(),
                                     nonce.size(), header, record_header, text.data(), text.data(),
                                     record_tag, tag) == 0;
  }
  bool decrypt(std::span<std::uint8_t> text, const std::uint8_t* header, const Nonce& nonce,
               const std::uint8_t* tag) noexcept override {
    return mbedtls_gcm_auth_decrypt(&gcm_, text.size(), nonce.data(), nonce.size(), header,
                                    record_header, tag, record_tag, text.data(), text.data()) == 0;
  }

 private:
  mbedtls_gcm_context gcm_;
};

TrafficSecret::TrafficSecret(std::span<const std::uint8_t> from) noexcept
    : size(std::min(from.size(), bytes.size())) {
  std::copy_n(from.begin(), size, bytes.begin());
}
TrafficSecret::~TrafficSecret() { ::sodium_memzero(bytes.data(), bytes.size()); }

// HKDF-Expand (RFC 5869, section 2.3) for at most one block: no key or secret here is longer than
// the hash.
bool expand_label(std::span<const std::uint8_t> secret, const char* label,
                  std::span<std::uint8_t> out) noexcept {
  const mbedtls_md_type_t type = secret.size() == 48 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256;
  if ((secret.size() != 32 && secret.size() != 48) || out.size() > secret.size()) return false;
  // HkdfLabel: length, "tls13 " and the label, an empty context; then the block's number.
  std::array<std::uint8_t, 64> info{};
  const std::string_view name(label);
  const std::size_t label_size = 6 + name.size();
  if (label_size + 5 > info.size()) return false;
  info[0] = static_cast<std::uint8_t>(out.size() >> 8U);
  info[1] = static_cast<std::uint8_t>(out.size());
  info[2] = static_cast<std::uint8_t>(label_size);
  std::memcpy(info.data() + 3, "tls13 ", 6);
  std::memcpy(info.data() + 9, name.data(), name.size());
  info.at(3 + label_size) = 0;
  info.at(4 + label_size) = 1;
  std::array<std::uint8_t, 48> block{};
  const int failed = mbedtls_md_hmac(mbedtls_md_info_from_type(type), secret.data(), secret.size(),
                                     info.data(), 5 + label_size, block.data());
  std::copy_n(block.begin(), out.size(), out.begin());
  ::sodium_memzero(block.data(), block.size());
  return failed == 0;
}

RecordKeys::RecordKeys(const Suite& suite, const TrafficSecret& secret,
                       std::uint64_t sequence) noexcept
    : suite_(suite), secret_(secret), sequence_(sequence) {}
RecordKeys::~RecordKeys() = default;

std::unique_ptr<RecordKeys> RecordKeys::create(std::uint16_t suite, const TrafficSecret& secret,
                                               std::uint64_t sequence) noexcept {
  const Suite* known = find_suite(suite);
  if (known == nullptr || secret.size != known->hash_size || ::sodium_init() < 0) return nullptr;
  // SecretMemory ends the process where there is no memory: nothing is thrown.
  std::unique_ptr<RecordKeys> keys(
      new RecordKeys(*known, secret, sequence));  // NOLINT(bugprone-unhandled-exception-at-new)
  if (suite == 0x1303) {
    keys->aead_ = std::make_unique<Chacha>();
  } else if (suite == 0x1302 && ::crypto_aead_aes256gcm_is_available() == 1) {
    keys->aead_ = std::make_unique<FastAes>();
  } else {
    keys->aead_ = std::make_unique<OtherAes>();
  }
  return keys->derive() ? std::move(keys) : nullptr;
}

bool RecordKeys::derive() noexcept {
  std::array<std::uint8_t, most_key> key{};
  const auto own = std::span(key).first(suite_.key_size);
  const bool done = expand_label(secret_.view(), "key", own) &&
                    expand_label(secret_.view(), "iv", iv_) && aead_->set_key(own);
  ::sodium_memzero(key.data(), key.size());
  return done;
}

bool RecordKeys::update() noexcept {
  TrafficSecret next;
  next.size = secret_.size;
  if (!expand_label(secret_.view(), "traffic upd", std::span(next.bytes).first(next.size))) {
    return false;
  }
  secret_ = next;
  sequence_ = 0;
  return derive();
}

Nonce RecordKeys::nonce() const noexcept {
  Nonce nonce = iv_;
  for (std::size_t i = 0; i < 8; ++i) {
    nonce.at(nonce.size() - 1 - i) ^= static_cast<std::uint8_t>(sequence_ >> (8 * i));
  }
  return nonce;
}

std::size_t RecordKeys::seal(ContentType type, std::span<const std::uint8_t> content,
                             std::span<std::uint8_t> out) noexcept {
  const std::size_t inner = content.size() + 1;
  if (sequence_ == std::numeric_limits<std::uint64_t>::max() || content.size() > most_plaintext ||
      out.size() < content.size() + record_overhead) {
    return 0;
  }
  const std::size_t length = inner + record_tag;
  out[0] = static_cast<std::uint8_t>(ContentType::application_data);
  out[1] = 3;
  out[2] = 3;
  out[3] = static_cast<std::uint8_t>(length >> 8U);
  out[4] = static_cast<std::uint8_t>(length);
  const auto text = out.subspan(record_header, inner);
  std::ranges::copy(content, text.begin());
  text.back() = static_cast<std::uint8_t>(type);
  if (!aead_->encrypt(text, out.data(), nonce(), text.data() + inner)) return 0;
  ++sequence_;
  return record_header + length;
}

std::optional<RecordKeys::Opened> RecordKeys::open(std::span<std::uint8_t> record) noexcept {
  if (sequence_ == std::numeric_limits<std::uint64_t>::max() || record.size() > most_record ||
      record.size() < record_overhead) {
    return std::nullopt;
  }
  const std::size_t inner = record.size() - record_header - record_tag;
  auto text = record.subspan(record_header, inner);
  if (!aead_->decrypt(text, record.data(), nonce(), text.data() + inner)) return std::nullopt;
  ++sequence_;
  // Zeros after the type are padding (section 5.4).
  while (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
  if (text.empty() || text.size() > most_plaintext + 1) return std::nullopt;
  return Opened{.type = static_cast<ContentType>(text.back()),
                .content = text.first(text.size() - 1)};
}

}  // namespace gims::tls
