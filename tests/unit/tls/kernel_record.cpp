#include "unit/tls/kernel_record.hpp"

#include <linux/tls.h>
#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>

#include <algorithm>
#include <cstring>

namespace gims::tls::test {
namespace {

constexpr std::size_t header = 5;
constexpr std::size_t tag = 16;

template <class Info>
bool take(std::span<const std::uint8_t> bytes, Info& info) {
  if (bytes.size() != sizeof info) return false;
  std::memcpy(&info, bytes.data(), sizeof info);
  return true;
}

template <std::size_t size>
Bytes bytes_of(const unsigned char (&field)[size]) {
  return {field, field + size};
}

void count_up(Bytes& number) {
  for (std::size_t i = number.size(); i > 0 && ++number[i - 1] == 0; --i) {
  }
}

}  // namespace

std::optional<KernelRecord> KernelRecord::from_info(std::span<const std::uint8_t> info) {
  tls_crypto_info head{};
  if (info.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, info.data(), sizeof head);
  if (head.version != TLS_1_2_VERSION && head.version != TLS_1_3_VERSION) return std::nullopt;
  KernelRecord record;
  record.version_ = head.version;
  const auto fill = [&](auto layout) {
    if (!take(info, layout)) return false;
    record.key_ = bytes_of(layout.key);
    record.iv_ = bytes_of(layout.iv);
    record.sequence_ = bytes_of(layout.rec_seq);
    // Of ChaCha20-Poly1305 it has no bytes.
    const auto* salt = reinterpret_cast<const std::uint8_t*>(&layout.salt);
    record.salt_.assign(salt, salt + sizeof layout.salt);
    return true;
  };
  bool known = false;
  if (head.cipher_type == TLS_CIPHER_AES_GCM_128) known = fill(tls12_crypto_info_aes_gcm_128{});
  if (head.cipher_type == TLS_CIPHER_AES_GCM_256) known = fill(tls12_crypto_info_aes_gcm_256{});
  if (head.cipher_type == TLS_CIPHER_CHACHA20_POLY1305) {
    known = fill(tls12_crypto_info_chacha20_poly1305{});
    record.chacha_ = true;
  }
  return known ? std::optional(record) : std::nullopt;
}

// RFC 8446, section 5.3; RFC 7905, section 2; RFC 5288, section 3.
std::array<std::uint8_t, 12> KernelRecord::nonce(std::span<const std::uint8_t> own_part) const {
  std::array<std::uint8_t, 12> nonce{};
  std::ranges::copy(salt_, nonce.begin());
  std::ranges::copy(own_part.empty() ? std::span<const std::uint8_t>(iv_) : own_part,
                    nonce.begin() + static_cast<std::ptrdiff_t>(salt_.size()));
  if (!own_part.empty()) return nonce;
  for (std::size_t i = 0; i < sequence_.size(); ++i) nonce.at(4 + i) ^= sequence_[i];
  return nonce;
}

Bytes KernelRecord::authenticated(std::uint8_t type, std::size_t record_size,
                                  std::size_t text_size) const {
  Bytes with;
  if (!tls13()) with = sequence_;
  const std::size_t length = tls13() ? record_size - header : text_size;
  for (const std::size_t byte :
       {std::size_t{type}, std::size_t{3}, std::size_t{3}, length >> 8, length & 0xff}) {
    with.push_back(static_cast<std::uint8_t>(byte));
  }
  return with;
}

bool KernelRecord::crypt(bool seals, std::span<const std::uint8_t> nonce,
                         std::span<const std::uint8_t> with, std::span<std::uint8_t> text,
                         std::span<std::uint8_t> of_tag) const {
  int code = -1;
  if (chacha_) {
    mbedtls_chachapoly_context context;
    mbedtls_chachapoly_init(&context);
    mbedtls_chachapoly_setkey(&context, key_.data());
    code = seals ? mbedtls_chachapoly_encrypt_and_tag(&context, text.size(), nonce.data(),
                                                      with.data(), with.size(), text.data(),
                                                      text.data(), of_tag.data())
                 : mbedtls_chachapoly_auth_decrypt(&context, text.size(), nonce.data(), with.data(),
                                                   with.size(), of_tag.data(), text.data(),
                                                   text.data());
    mbedtls_chachapoly_free(&context);
    return code == 0;
  }
  mbedtls_gcm_context context;
  mbedtls_gcm_init(&context);
  mbedtls_gcm_setkey(&context, MBEDTLS_CIPHER_ID_AES, key_.data(),
                     static_cast<unsigned>(key_.size()) * 8);
  code = seals ? mbedtls_gcm_crypt_and_tag(&context, MBEDTLS_GCM_ENCRYPT, text.size(), nonce.data(),
                                           nonce.size(), with.data(), with.size(), text.data(),
                                           text.data(), of_tag.size(), of_tag.data())
               : mbedtls_gcm_auth_decrypt(&context, text.size(), nonce.data(), nonce.size(),
                                          with.data(), with.size(), of_tag.data(), of_tag.size(),
                                          text.data(), text.data());
  mbedtls_gcm_free(&context);
  return code == 0;
}

void KernelRecord::advance() {
  count_up(sequence_);
  if (own_part()) count_up(iv_);
}

Bytes KernelRecord::seal(std::uint8_t type, std::span<const std::uint8_t> content) {
  Bytes text(content.begin(), content.end());
  if (tls13()) text.push_back(type);
  const Bytes own = own_part() ? iv_ : Bytes();
  const std::uint8_t outer = tls13() ? 23 : type;
  const std::size_t size = header + own.size() + text.size() + tag;
  Bytes record = {outer, 3, 3, static_cast<std::uint8_t>((size - header) >> 8),
                  static_cast<std::uint8_t>(size - header)};
  Bytes of_tag(tag);
  crypt(true, nonce(own), authenticated(outer, size, text.size()), text, of_tag);
  for (const Bytes& part : {own, text, of_tag}) {
    record.insert(record.end(), part.begin(), part.end());
  }
  advance();
  return record;
}

std::optional<KernelRecord::Opened> KernelRecord::open(std::span<const std::uint8_t> record) {
  const std::size_t own = own_part() ? iv_.size() : 0;
  if (record.size() < header + own + tag || (tls13() && record[0] != 23)) return std::nullopt;
  const auto text = record.subspan(header + own, record.size() - header - own - tag);
  Opened opened{.type = record[0], .content = Bytes(text.begin(), text.end())};
  Bytes of_tag(record.end() - tag, record.end());
  if (!crypt(false, nonce(record.subspan(header, own)),
             authenticated(record[0], record.size(), text.size()), opened.content, of_tag)) {
    return std::nullopt;
  }
  advance();
  if (!tls13()) return opened;
  while (!opened.content.empty() && opened.content.back() == 0) opened.content.pop_back();
  if (opened.content.empty()) return std::nullopt;
  opened.type = opened.content.back();
  opened.content.pop_back();
  return opened;
}

}  // namespace gims::tls::test
