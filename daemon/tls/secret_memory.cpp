#include "tls/secret_memory.hpp"

#include <sodium.h>
#include <sys/mman.h>

#include "base/check.hpp"
#include "base/log.hpp"

namespace gims::tls {

SecretMemory::~SecretMemory() {
  for (void* start : chunks_) ::munmap(start, chunk);
}

SecretMemory& SecretMemory::shared() noexcept {
  // Never destroyed: what is in it may go after the end of main().
  // Without memory the process ends, here as anywhere.
  static auto& memory = *new SecretMemory(&::mlock);  // NOLINT(bugprone-unhandled-exception-at-new)
  return memory;
}

std::size_t SecretMemory::kind_of(std::size_t size) noexcept {
  GIMS_CHECK(size > 0 && size <= most);
  return (size - 1) / step;
}

void* SecretMemory::take(std::size_t size) {
  const std::size_t kind = kind_of(size);
  const std::scoped_lock lock(mutex_);
  if (free_.at(kind).empty()) grow(kind);
  void* block = free_.at(kind).back();
  free_.at(kind).pop_back();
  ++usage_.blocks;
  return block;
}

void SecretMemory::give_back(void* block, std::size_t size) noexcept {
  if (block == nullptr) return;
  const std::size_t kind = kind_of(size);
  ::sodium_memzero(block, size);
  const std::scoped_lock lock(mutex_);
  --usage_.blocks;
  free_.at(kind).push_back(block);  // there is room: grow() made it
}

SecretMemory::Usage SecretMemory::usage() const noexcept {
  const std::scoped_lock lock(mutex_);
  return usage_;
}

void SecretMemory::grow(std::size_t kind) {
  void* start = ::mmap(nullptr, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  GIMS_CHECK(start != MAP_FAILED);
  ::madvise(start, chunk, MADV_DONTDUMP);
  chunks_.push_back(start);
  if (lock_(start, chunk) == 0) {
    usage_.locked += chunk;
  } else {
    usage_.unlocked += chunk;
    if (!told_) {
      log::warning(log::id::memory_not_locked,
                   "Keys of connections are in memory that cannot be locked.");
    }
    told_ = true;
  }
  const std::size_t size = (kind + 1) * step;
  const std::size_t blocks = chunk / size;
  free_.at(kind).reserve(free_.at(kind).capacity() + blocks);
  for (std::size_t i = blocks; i-- > 0;) {
    free_.at(kind).push_back(static_cast<std::uint8_t*>(start) + i * size);
  }
}

}  // namespace gims::tls
