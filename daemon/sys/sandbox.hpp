// What a process may still do once it has started: a list of system calls (seccomp) and of paths
// and ports (Landlock). Both are inherited, and neither can be taken back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace gims::sys {

// One system call by its name in the kernel's table, and why this daemon needs it. Every call needs
// a reason.
struct AllowedCall {
  const char* name;
  const char* reason;
};

enum class PathRight : std::uint8_t {
  read_file,   // one file
  read_tree,   // everything below a folder
  write_file,  // one existing file: read, write, truncate
  write_tree,  // everything below a folder: also create, rename and remove files, folders and
               // sockets
  device,      // one device node: read, write, ioctl
};
struct PathRule {
  std::string path;
  PathRight right;
  const char* reason;
};

// Which sockets the process may still make. Those it has already are not touched. socket(2) of
// another kind gives EAFNOSUPPORT, as on a kernel without that family.
enum class NewSockets : std::uint8_t { unix_only, unix_and_ip };

struct Sandbox {
  // Beside base_calls().
  std::span<const AllowedCall> calls = {};
  // Nothing else of the file system can be opened. Empty: open fails (EACCES) already in seccomp.
  std::vector<PathRule> paths = {};
  NewSockets sockets = NewSockets::unix_only;
  // The process may give its TCP sockets the keys of TLS connections (kernel_tls.hpp).
  bool kernel_tls = false;
  // Ports that a TCP socket may be bound or connected to from here on (kernels with Landlock ABI
  // 4).
  std::vector<std::uint16_t> bind_ports = {};
  std::vector<std::uint16_t> connect_ports = {};
};

// What threads, malloc, libc, epoll loops, the journal and sd_notify need in every daemon.
[[nodiscard]] std::span<const AllowedCall> base_calls() noexcept;

// Enters the sandbox for good. Call while the process has one thread: Landlock binds the calling
// thread and those it starts later (a second thread is a failure). Implies no_new_privs. From then
// on:
// - a call that is not listed kills the process (SIGSYS, in the audit log with its number);
// - memory cannot be made executable, so libraries must be loaded before;
// - a few that libraries try and can do without get an error instead (see sandbox.cpp);
// - abstract Unix sockets and processes outside of the sandbox cannot be reached (Landlock ABI 6).
// A path that does not exist is a failure. A kernel without Landlock gives a warning in the journal
// and the rest holds: file permissions of the service's own user still bind it, and to refuse would
// make the daemons need a boot parameter on old kernels.
//
// Built with a sanitizer (or GIMS_SANDBOX_WIDE defined): its runtime reads /proc, starts a
// symbolizer and attaches to its own threads, so the list is wider by those calls and every file
// may be read. Never released so.
[[nodiscard]] Result<> enter_sandbox(const Sandbox& sandbox);

// The Landlock ABI of the running kernel, 0 without.
[[nodiscard]] int landlock_abi() noexcept;

}  // namespace gims::sys
