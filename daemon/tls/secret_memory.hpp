// Memory for the keys of connections.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace gims::tls {

// Small blocks in locked pages, which are in no swap and no dump; zeros when they are given out,
// and wiped when they come back. SecretBytes takes three pages for each secret, too many for each
// of 16,384 connections. Where a page cannot be locked (LimitMEMLOCK) it is used all the same, and
// the journal says so once. Pages are kept for the next connections. Thread: any.
class SecretMemory {
 public:
  using Lock = int (*)(const void* start, std::size_t size);
  static constexpr std::size_t most = 1024;  // bytes of a block
  static constexpr std::size_t chunk = std::size_t{64} * 1024;

  explicit SecretMemory(Lock lock) noexcept : lock_(lock) {}
  SecretMemory(const SecretMemory&) = delete;
  SecretMemory& operator=(const SecretMemory&) = delete;
  ~SecretMemory();
  // The process's own.
  [[nodiscard]] static SecretMemory& shared() noexcept;

  // `size` bytes, at most `most`, aligned to 64. Ends the process where there is no memory, as new
  // does here.
  [[nodiscard]] void* take(std::size_t size);
  // The size that was asked for.
  void give_back(void* block, std::size_t size) noexcept;

  struct Usage {
    std::size_t blocks = 0;    // given out
    std::size_t locked = 0;    // bytes of pages
    std::size_t unlocked = 0;  // bytes of pages that could not be locked
  };
  [[nodiscard]] Usage usage() const noexcept;

 private:
  static constexpr std::size_t step = 64;
  [[nodiscard]] static std::size_t kind_of(std::size_t size) noexcept;
  void grow(std::size_t kind);

  const Lock lock_;
  mutable std::mutex mutex_;
  std::array<std::vector<void*>, most / step> free_;  // by their size
  std::vector<void*> chunks_;
  Usage usage_;
  bool told_ = false;
};

// A base of what holds a key: `new` makes it in SecretMemory::shared().
class InSecretMemory {
 public:
  [[nodiscard]] static void* operator new(std::size_t size) {
    return SecretMemory::shared().take(size);
  }
  static void operator delete(void* block, std::size_t size) noexcept {
    SecretMemory::shared().give_back(block, size);
  }

 protected:
  InSecretMemory() = default;
  ~InSecretMemory() = default;
  InSecretMemory(const InSecretMemory&) = default;
  InSecretMemory& operator=(const InSecretMemory&) = default;
  InSecretMemory(InSecretMemory&&) = default;
  InSecretMemory& operator=(InSecretMemory&&) = default;
};

}  // namespace gims::tls
