#include "sys/sandbox.hpp"

#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "base/handle.hpp"
#include "base/log.hpp"
#include "sys/errno.hpp"
#include "sys/landlock.hpp"
#include "sys/sanitizer.hpp"

namespace gims::sys {
namespace {

// scmp_filter_ctx is void*, which Handle cannot name.
struct FilterRelease {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterRelease>;

// Opening and naming files, for daemons with at least one path rule; Landlock says which.
constexpr AllowedCall file_table[] = {
    {"open", "files of the rules"},       {"openat", "files of the rules"},
    {"stat", "files of the rules"},       {"lstat", "files of the rules"},
    {"newfstatat", "files of the rules"}, {"statx", "files of the rules"},
    {"access", "files of the rules"},     {"faccessat", "files of the rules"},
    {"faccessat2", "files of the rules"}, {"getdents64", "folders of the rules"},
    {"readlink", "files of the rules"},   {"readlinkat", "files of the rules"},
    {"getcwd", "relative paths"},         {"pread64", "files of the rules"},
    {"preadv", "files of the rules"},
};

// Changing files, for daemons with a right to write.
constexpr AllowedCall write_table[] = {
    {"pwrite64", "files"},
    {"pwritev", "files"},
    {"fallocate", "files"},
    {"fsync", "durability"},
    {"fdatasync", "durability"},
    {"sync_file_range", "files"},
    {"msync", "mapped files"},
    {"mkdir", "folders"},
    {"mkdirat", "folders"},
    {"rename", "files"},
    {"renameat", "files"},
    {"renameat2", "files"},
    {"unlink", "files"},
    {"unlinkat", "files"},
    {"rmdir", "folders"},
    {"chmod", "own files"},
    {"fchmod", "own files"},
    {"fchmodat", "own files"},
    {"flock", "locks"},
    {"utimensat", "times of own files"},
    {"umask", "modes of new files"},
    {"fadvise64", "reading ahead"},
    {"statfs", "free space"},
    {"fstatfs", "free space"},
};

// Sanitizer runtimes only (see the header).
constexpr AllowedCall wide_table[] = {
    {"mmap", "a symbolizer is code"},
    {"mprotect", "a symbolizer is code"},
    {"clone", "LeakSanitizer's tracer"},
    {"clone3", "symbolizer"},
    {"vfork", "symbolizer"},
    {"fork", "symbolizer"},
    {"execve", "symbolizer"},
    {"wait4", "symbolizer, tracer"},
    {"ptrace", "LeakSanitizer"},
    {"kill", "symbolizer"},
    {"personality", "ThreadSanitizer"},
    {"process_vm_readv", "checks of pointers"},
    {"getppid", "tracer"},
    {"arch_prctl", "start of a program"},
    {"pipe", "symbolizer"},
    {"dup2", "symbolizer"},
    {"setrlimit", "tracer"},
    {"getrlimit", "stack bounds"},
    {"mincore", "checks of pointers"},
    {"sched_setaffinity", "tracer"},
};

// What libraries try and can do without. An error instead of death.
struct RefusedCall {
  const char* name;
  int error;
  const char* reason;
};
constexpr RefusedCall refused_table[] = {
    {"clone3", ENOSYS, "its flags cannot be inspected: libc then uses clone"},
    {"memfd_create", EPERM, "journal lines too long for a datagram: dropped"},
    {"set_mempolicy", EPERM, "allocators"},
    {"sched_setscheduler", EPERM, "libraries that want priority"},
    {"sched_getscheduler", EPERM, "libraries that want priority"},
    {"io_uring_setup", ENOSYS, "libraries fall back to epoll"},
};
// When there is no path rule: libc looks for locale, time zone and processors, and does without.
constexpr RefusedCall no_files_table[] = {
    {"open", EACCES, "libc"},       {"openat", EACCES, "libc"},     {"stat", EACCES, "libc"},
    {"newfstatat", EACCES, "libc"}, {"statx", EACCES, "libc"},      {"access", EACCES, "libc"},
    {"faccessat", EACCES, "libc"},  {"faccessat2", EACCES, "libc"}, {"readlink", EACCES, "libc"},
    {"readlinkat", EACCES, "libc"}, {"getcwd", EACCES, "libc"},
};

Result<> add_rule(const Filter& filter, std::uint32_t action, const char* name,
                  std::span<const scmp_arg_cmp> when = {}) {
  const int number = ::seccomp_syscall_resolve_name(name);
  // Not a name of any architecture: a spelling mistake in a table.
  if (number == __NR_SCMP_ERROR) {
    return fail(ErrorKind::internal, "NO_SUCH_CALL", "The sandbox names an unknown system call.",
                name);
  }
  const int error = ::seccomp_rule_add_array(filter.get(), action, number,
                                             static_cast<unsigned>(when.size()), when.data());
  // A call that this architecture never had (open on arm64) cannot be made.
  if (error == 0 || error == -EDOM || number < 0) return {};
  return fail_with_errno(std::string("seccomp_rule_add ") + name, -error);
}

Result<> allow(const Filter& filter, std::span<const AllowedCall> table) {
  for (const AllowedCall& call : table) GIMS_TRY(add_rule(filter, SCMP_ACT_ALLOW, call.name));
  return {};
}

Result<> refuse(const Filter& filter, std::span<const RefusedCall> table) {
  for (const RefusedCall& call : table) {
    const auto error = static_cast<std::uint16_t>(call.error);
    GIMS_TRY(add_rule(filter, SCMP_ACT_ERRNO(error), call.name));
  }
  return {};
}

scmp_arg_cmp argument(unsigned index, scmp_compare compare, std::uint64_t a, std::uint64_t b = 0) {
  return {.arg = index, .op = compare, .datum_a = a, .datum_b = b};
}

Result<> allow_threads(const Filter& filter) {
  // With CLONE_THREAD it is a thread of this process, without it another process.
  const scmp_arg_cmp thread[] = {argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)};
  return add_rule(filter, SCMP_ACT_ALLOW, "clone", thread);
}

// Memory, but none that can be run: new code cannot get into the process. Modules are loaded
// before.
Result<> allow_memory(const Filter& filter) {
  const scmp_arg_cmp data[] = {argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)};
  GIMS_TRY(add_rule(filter, SCMP_ACT_ALLOW, "mmap", data));
  return add_rule(filter, SCMP_ACT_ALLOW, "mprotect", data);
}

Result<> allow_sockets(const Filter& filter, NewSockets sockets) {
  const auto family = [&](int value) {
    const scmp_arg_cmp is[] = {argument(0, SCMP_CMP_EQ, static_cast<std::uint64_t>(value))};
    return add_rule(filter, SCMP_ACT_ALLOW, "socket", is);
  };
  GIMS_TRY(family(AF_UNIX));
  if (sockets == NewSockets::unix_and_ip) {
    GIMS_TRY(family(AF_INET));
    GIMS_TRY(family(AF_INET6));
    return {};
  }
  // Families above and below AF_UNIX, because a filter has no "all others but".
  static_assert(AF_UNIX == 1);
  const scmp_arg_cmp above[] = {argument(0, SCMP_CMP_GT, AF_UNIX)};
  return add_rule(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", above);
}

// Of its own sockets and of TCP. A process that makes sockets of the network is a library's or a
// vendor's host, which sets what it likes.
Result<> allow_socket_options(const Filter& filter, const Sandbox& sandbox) {
  const auto rule = [&](std::initializer_list<scmp_arg_cmp> when) {
    return add_rule(filter, SCMP_ACT_ALLOW, "setsockopt", {when.begin(), when.size()});
  };
  if (sandbox.sockets == NewSockets::unix_and_ip) return rule({});
  GIMS_TRY(rule({argument(1, SCMP_CMP_EQ, SOL_SOCKET)}));
  const scmp_arg_cmp of_tcp = argument(1, SCMP_CMP_EQ, IPPROTO_TCP);
  // A layer above TCP comes with keys for it, and is another parser in the kernel.
  if (!sandbox.kernel_tls) return rule({of_tcp, argument(2, SCMP_CMP_NE, TCP_ULP)});
  GIMS_TRY(rule({of_tcp}));
  const scmp_arg_cmp of_tls = argument(1, SCMP_CMP_EQ, SOL_TLS);
  GIMS_TRY(rule({of_tls, argument(2, SCMP_CMP_EQ, TLS_TX)}));
  return rule({of_tls, argument(2, SCMP_CMP_EQ, TLS_RX)});
}

bool writes(PathRight right) {
  return right == PathRight::write_file || right == PathRight::write_tree ||
         right == PathRight::device;
}

Result<> load_filter(const Sandbox& sandbox) {
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return fail_with_errno("seccomp_init", ENOMEM);
  const auto attribute = [&](scmp_filter_attr name, std::uint32_t value) -> Result<> {
    if (const int error = ::seccomp_attr_set(filter.get(), name, value); error != 0) {
      return fail_with_errno("seccomp_attr_set", -error);
    }
    return {};
  };
  // A call of another architecture (i386, x32) has other numbers: a way around the list.
  GIMS_TRY(attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
  GIMS_TRY(attribute(SCMP_FLTATR_CTL_NNP, 1));
  GIMS_TRY(attribute(SCMP_FLTATR_CTL_TSYNC, 1));
  // A binary tree in place of a chain of comparisons: a handful of steps a call.
  GIMS_TRY(attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2));

  bool any_write = false;
  for (const PathRule& rule : sandbox.paths) any_write = any_write || writes(rule.right);
  const bool any_file = !sandbox.paths.empty() || sandbox_is_wide;

  GIMS_TRY(allow(filter, base_calls()));
  GIMS_TRY(allow(filter, sandbox.calls));
  if (any_file) GIMS_TRY(allow(filter, file_table));
  if (any_write) GIMS_TRY(allow(filter, write_table));
  GIMS_TRY(allow_sockets(filter, sandbox.sockets));
  GIMS_TRY(allow_socket_options(filter, sandbox));
  if constexpr (sandbox_is_wide) {
    GIMS_TRY(allow(filter, wide_table));
  } else {
    GIMS_TRY(allow_threads(filter));
    GIMS_TRY(allow_memory(filter));
    GIMS_TRY(refuse(filter, refused_table));
    if (!any_file) GIMS_TRY(refuse(filter, no_files_table));
  }
  if (const int error = ::seccomp_load(filter.get()); error != 0) {
    return fail_with_errno("seccomp_load", -error);
  }
  return {};
}

// /proc/self/status has "Threads:\t1".
Result<> check_single_thread() {
  if constexpr (sandbox_is_wide) return {};  // ThreadSanitizer has a thread of its own
  const Handle<std::FILE, std::fclose> status(std::fopen("/proc/self/status", "re"));
  if (!status) return fail_errno("open /proc/self/status");
  char line[256];
  while (std::fgets(line, sizeof line, status.get()) != nullptr) {
    if (std::strncmp(line, "Threads:", 8) != 0) continue;
    if (std::strcmp(line + 8, "\t1\n") == 0) return {};
    return fail(ErrorKind::internal, "THREADS_RUN", "Enter the sandbox before threads start.");
  }
  return fail_with_errno("no thread count in /proc/self/status", ENODATA);
}

}  // namespace

Result<> enter_sandbox(const Sandbox& sandbox) {
  GIMS_TRY(check_single_thread());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl NO_NEW_PRIVS");
  if (landlock_abi() == 0) {
    log::warning(
        log::id::landlock_missing,
        "This kernel has no Landlock: the sandbox is system calls and file permissions alone.");
  } else {
    GIMS_TRY(restrict_with_landlock(sandbox, landlock_abi()));
  }
  return load_filter(sandbox);
}

}  // namespace gims::sys
