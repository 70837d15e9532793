// Bytes that must not be seen: keys, passwords, tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace gims {

// A fixed number of secret bytes in pages of their own (secret_pages.hpp): in no swap and no dump,
// between guard pages, wiped when they go. Movable, not copyable (clone() says so aloud); has no
// formatter and no stream operator. Thread: as a vector, one writer or many readers.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  // `size` zero bytes. Fails (internal) when the memory cannot be had or locked.
  [[nodiscard]] static Result<SecretBytes> zeroed(std::size_t size);
  [[nodiscard]] static Result<SecretBytes> copy_of(std::span<const std::uint8_t> bytes);
  // From the system's generator.
  [[nodiscard]] static Result<SecretBytes> random(std::size_t size);

  SecretBytes(SecretBytes&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { give_back(); }

  [[nodiscard]] Result<SecretBytes> clone() const { return copy_of(bytes()); }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {memory_, size_}; }
  [[nodiscard]] std::span<std::uint8_t> writable() noexcept { return {memory_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  void give_back() noexcept;
  std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
};

// True when both hold the same bytes; takes the same time wherever they differ. Lengths are public.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::uint8_t> a,
                                          std::span<const std::uint8_t> b) noexcept;

// A short secret that travels as text: an access token, a password in a request. Ordinary memory,
// wiped when it goes; reveal() is the only way to the text, so that a search finds every use.
class Redacted {
 public:
  Redacted() = default;
  explicit Redacted(std::string text) noexcept : text_(std::move(text)) {}
  Redacted(Redacted&& other) noexcept = default;
  Redacted& operator=(Redacted&& other) noexcept;
  Redacted(const Redacted&) = delete;
  Redacted& operator=(const Redacted&) = delete;
  ~Redacted();

  [[nodiscard]] std::string_view reveal() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  void wipe() noexcept;
  std::string text_;
};

}  // namespace gims
