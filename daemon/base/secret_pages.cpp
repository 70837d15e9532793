#include "base/secret_pages.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.hpp"

namespace gims {
namespace {

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// Of the pages between the two guards.
std::size_t rounded(std::size_t size) noexcept {
  return (size + page_size() - 1) / page_size() * page_size();
}

// Guards and pages in one mapping, to which nothing has access yet; null where there is none. Of
// secret memory the guards count as locked, too, and no page of the machine lies behind them.
std::uint8_t* map(std::size_t whole, int secret_memory) noexcept {
  const int flags = secret_memory < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* start = ::mmap(nullptr, whole, PROT_NONE, flags, secret_memory, 0);
  return start == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(start);
}

std::uint8_t* map_secret(std::size_t whole, int secret_memory) noexcept {
  if (secret_memory < 0) return nullptr;
  std::uint8_t* start = nullptr;
  if (::ftruncate(secret_memory, static_cast<off_t>(whole)) == 0) start = map(whole, secret_memory);
  ::close(secret_memory);
  return start;
}

bool lock(std::uint8_t* pages, std::size_t size) noexcept {
  return ::mlock(pages, size) == 0 && ::madvise(pages, size, MADV_DONTDUMP) == 0;
}

}  // namespace

int make_secret_memory() noexcept {
  return static_cast<int>(::syscall(SYS_memfd_secret, O_CLOEXEC));
}

std::uint8_t* take_secret_pages(std::size_t size, int secret_memory) noexcept {
  GIMS_CHECK(size > 0);
  const std::size_t pages = rounded(size);
  const std::size_t whole = pages + 2 * page_size();
  std::uint8_t* start = map_secret(whole, secret_memory);
  const bool secret = start != nullptr;
  if (!secret) start = map(whole, -1);
  if (start == nullptr) return nullptr;
  std::uint8_t* const first = start + page_size();
  if (::mprotect(first, pages, PROT_READ | PROT_WRITE) != 0 || (!secret && !lock(first, pages)) ||
      ::madvise(start, whole, MADV_DONTFORK) != 0) {
    ::munmap(start, whole);
    return nullptr;
  }
  return first + pages - size;
}

void give_back_secret_pages(std::uint8_t* start, std::size_t size) noexcept {
  const std::size_t pages = rounded(size);
  std::uint8_t* const first = start + size - pages;
  // What lies before the secret was never anybody's: a write there was a bug.
  GIMS_CHECK(::sodium_is_zero(first, pages - size) == 1);
  ::sodium_memzero(start, size);
  GIMS_CHECK(::munmap(first - page_size(), pages + 2 * page_size()) == 0);
}

}  // namespace gims
