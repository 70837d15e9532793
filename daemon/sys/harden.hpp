// What every daemon does to itself at start, before it reads a byte from anyone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::sys {

// No core dumps (RLIMIT_CORE 0), not dumpable (so that no process of the same user can attach or
// read its memory), no new privileges by exec, umask 077. In a sanitizer build the process stays
// dumpable, as LeakSanitizer attaches to it.
[[nodiscard]] Result<> harden_process();

// Raises the soft limit on open files to `wanted` or the hard limit, whichever is less; gives the
// limit that holds then.
[[nodiscard]] Result<std::uint64_t> raise_open_files(std::uint64_t wanted);
// How many connections of two descriptors each fit into the limit, beside `own` files; 16 at least.
[[nodiscard]] std::size_t connections_within(std::uint64_t files, std::uint64_t own) noexcept;

// Bytes that mlock(2) may still lock for this process, or UINT64_MAX. Each SecretBytes counts with
// its guard pages, 12 KiB for a key, and cannot be had without: a service wants LimitMEMLOCK=64M or
// more.
[[nodiscard]] std::uint64_t lockable_memory() noexcept;

// Becomes `user` with that user's own groups and no way back, which is verified; afterwards the
// process holds no capability. Started as that user already: nothing to do. Started as someone else
// who is not root: a failure. Call before threads start, before harden_process().
[[nodiscard]] Result<> drop_privileges(const std::string& user);
// The same where a user is configured (not empty). Warns in the journal when the program, by its
// name, stays root.
[[nodiscard]] Result<> become_user(const std::string& user, std::string_view program);

}  // namespace gims::sys
