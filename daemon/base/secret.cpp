#include "base/secret.hpp"

#include <sodium.h>

#include <algorithm>

namespace gims {

Result<SecretBytes> SecretBytes::zeroed(std::size_t size) {
  if (sodium_init() < 0) {
    return fail(ErrorKind::internal, "GIMS_CRYPTO", "The cryptographic library did not start.");
  }
  SecretBytes secret;
  // sodium_malloc aligns the end, not the start, to the guard page; one byte at least.
  secret.memory_.reset(static_cast<std::uint8_t*>(sodium_malloc(std::max<std::size_t>(size, 1))));
  if (!secret.memory_) {
    return fail(ErrorKind::internal, "GIMS_MEMORY", "There is no locked memory left.",
                "sodium_malloc failed; see RLIMIT_MEMLOCK");
  }
  secret.size_ = size;
  sodium_memzero(secret.memory_.get(), size);
  return secret;
}

Result<SecretBytes> SecretBytes::copy_of(std::span<const std::uint8_t> bytes) {
  GIMS_TRY_ASSIGN(SecretBytes secret, zeroed(bytes.size()));
  std::ranges::copy(bytes, secret.memory_.get());
  return secret;
}

Result<SecretBytes> SecretBytes::random(std::size_t size) {
  GIMS_TRY_ASSIGN(SecretBytes secret, zeroed(size));
  randombytes_buf(secret.memory_.get(), size);
  return secret;
}

bool equal_in_constant_time(std::span<const std::uint8_t> a,
                            std::span<const std::uint8_t> b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Redacted& Redacted::operator=(Redacted&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
  }
  return *this;
}

Redacted::~Redacted() { wipe(); }

void Redacted::wipe() noexcept {
  // Up to the capacity: a moved-from short string keeps its bytes.
  text_.resize(text_.capacity());
  sodium_memzero(text_.data(), text_.size());
  text_.clear();
}

}  // namespace gims
