#include "base/secret.hpp"

#include <sodium.h>

#include <algorithm>

#include "base/secret_pages.hpp"

namespace gims {

Result<SecretBytes> SecretBytes::zeroed(std::size_t size) {
  if (sodium_init() < 0) {
    return fail(ErrorKind::internal, "GIMS_CRYPTO", "The cryptographic library did not start.");
  }
  SecretBytes secret;
  if (size == 0) return secret;
  secret.memory_ = take_secret_pages(size);
  if (secret.memory_ == nullptr) {
    return fail(ErrorKind::internal, "GIMS_MEMORY", "There is no locked memory left.",
                "no pages, or none that may be locked; see RLIMIT_MEMLOCK");
  }
  secret.size_ = size;
  return secret;
}

Result<SecretBytes> SecretBytes::copy_of(std::span<const std::uint8_t> bytes) {
  GIMS_TRY_ASSIGN(SecretBytes secret, zeroed(bytes.size()));
  std::ranges::copy(bytes, secret.memory_);
  return secret;
}

Result<SecretBytes> SecretBytes::random(std::size_t size) {
  GIMS_TRY_ASSIGN(SecretBytes secret, zeroed(size));
  randombytes_buf(secret.memory_, size);
  return secret;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    give_back();
    memory_ = std::exchange(other.memory_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void SecretBytes::give_back() noexcept {
  if (memory_ != nullptr) give_back_secret_pages(memory_, size_);
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
