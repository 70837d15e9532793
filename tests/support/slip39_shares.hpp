// Shares for tests: made, read and put together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hsm/slip39/slip39.hpp"

namespace gims::test {

inline SecretBytes secret_text(std::string_view text) {
  return *SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// The bytes first, first + 1, ...
inline SecretBytes secret_from(std::uint8_t first, std::size_t size) {
  SecretBytes secret = *SecretBytes::zeroed(size);
  for (auto& byte : secret.writable()) byte = first++;
  return secret;
}

// Groups of texts, copied to where a test may do as it likes with them.
using Texts = std::vector<std::vector<std::string>>;
inline Texts texts_of(const SecretBytes& secret, const SecretBytes& passphrase,
                      const hsm::slip39::Scheme& scheme) {
  Texts texts;
  const auto groups = hsm::slip39::split(secret, passphrase, scheme);
  if (!groups) return texts;
  for (const auto& group : *groups) {
    texts.emplace_back();
    for (const auto& mnemonic : group) texts.back().emplace_back(mnemonic.reveal());
  }
  return texts;
}

inline Result<SecretBytes> combine_texts(const std::vector<std::string>& texts,
                                         const SecretBytes& passphrase) {
  std::vector<hsm::slip39::Share> shares;
  for (const std::string& text : texts) {
    GIMS_TRY_ASSIGN(hsm::slip39::Share share, hsm::slip39::decode(text));
    shares.push_back(std::move(share));
  }
  return hsm::slip39::combine(shares, passphrase);
}

inline bool same_secret(const Result<SecretBytes>& a, const SecretBytes& b) {
  return a && equal_in_constant_time(a->bytes(), b.bytes());
}

// All ways to choose `count` of `items`.
template <class T>
std::vector<std::vector<T>> choices(const std::vector<T>& items, std::size_t count) {
  std::vector<std::vector<T>> result;
  for (unsigned chosen = 0; chosen < (1U << items.size()); ++chosen) {
    if (static_cast<std::size_t>(__builtin_popcount(chosen)) != count) continue;
    result.emplace_back();
    for (std::size_t i = 0; i < items.size(); ++i) {
      if ((chosen >> i & 1U) != 0) result.back().push_back(items[i]);
    }
  }
  return result;
}

}  // namespace gims::test
