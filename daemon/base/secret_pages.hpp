// Pages of memory for one secret.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gims {

// A descriptor of memfd_secret(2); -1 where there is none: Linux before 5.14, one that was started
// with secretmem.enable=0, or no descriptor left. What is mapped of it is in the page tables of
// this process alone. The kernel's own map of all memory has it no more, so that root does not read
// it through /proc/PID/mem or ptrace, nor does whoever makes the kernel read a wrong place. It is
// in no swap and no dump.
[[nodiscard]] int make_secret_memory() noexcept;

// `size` zero bytes, 1 at least, which end where a guard page begins; another guard page lies
// before their first page. They are of `secret_memory`, a descriptor that this closes. Where that
// is -1 or gives no memory they are in ordinary pages, locked and left out of dumps. A child of
// fork(2) has neither. Null: there is no memory, or none that this process may lock
// (RLIMIT_MEMLOCK). Thread: any.
[[nodiscard]] std::uint8_t* take_secret_pages(std::size_t size,
                                              int secret_memory = make_secret_memory()) noexcept;
// What take_secret_pages() gave for this size. Wiped before it goes.
void give_back_secret_pages(std::uint8_t* start, std::size_t size) noexcept;

}  // namespace gims
