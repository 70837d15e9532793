// The system calls that every daemon needs, each with its reason.
#include "sys/sandbox.hpp"

namespace gims::sys {
namespace {

constexpr AllowedCall base_table[] = {
    // Descriptors that are open already. What may be opened is decided elsewhere.
    {"read", "every loop"},
    {"readv", "every loop"},
    {"write", "every loop; the log on stderr"},
    {"writev", "every loop"},
    {"close", "every owner of a descriptor"},
    {"fstat", "libc on a descriptor"},
    {"lseek", "libc on a descriptor"},
    {"fcntl", "non-blocking mode, duplicates"},
    {"dup", "a second owner of a descriptor"},
    {"dup3", "a second owner of a descriptor"},
    {"pipe2", "libraries that wake their own threads"},
    // Memory. mmap and mprotect are allowed without PROT_EXEC, see sandbox.cpp.
    {"brk", "malloc"},
    {"munmap", "malloc, stacks of threads"},
    {"mremap", "realloc of large blocks"},
    {"madvise", "malloc gives memory back; keys are kept out of dumps"},
    {"memfd_secret", "keys, in memory that the kernel itself has not mapped"},
    {"ftruncate", "the size of that memory; files"},
    {"mlock", "keys, where there is no such memory; keys of TLS"},
    // Threads. clone is bound to new threads of this process, see sandbox.cpp.
    {"set_robust_list", "start of a thread"},
    {"rseq", "start of a thread"},
    {"set_tid_address", "start of a thread"},
    {"futex", "locks"},
    {"futex_waitv", "locks"},
    {"sched_yield", "spinning before a lock sleeps"},
    {"sched_getaffinity", "malloc and std::thread count the processors"},
    {"getcpu", "malloc arenas"},
    {"membarrier", "locks of libraries"},
    {"gettid", "thread ids in libc and the log"},
    {"getpid", "the log, sd_notify"},
    {"exit", "end of a thread"},
    {"exit_group", "end of the process"},
    {"restart_syscall", "the kernel, after a stopped wait"},
    // Signals of the process to itself.
    {"rt_sigaction", "start of threads, abort"},
    {"rt_sigprocmask", "start of threads, abort"},
    {"rt_sigreturn", "return from a handler"},
    {"rt_sigtimedwait", "waiting for a signal"},
    {"sigaltstack", "threads with handlers"},
    {"tgkill", "abort of a failed CHECK"},
    // Time.
    {"clock_gettime", "where the vDSO cannot answer"},
    {"clock_getres", "libc"},
    {"clock_nanosleep", "timed waits"},
    {"nanosleep", "timed waits"},
    {"gettimeofday", "where the vDSO cannot answer"},
    {"time", "where the vDSO cannot answer"},
    // Loops.
    {"epoll_create1", "loops"},
    {"epoll_ctl", "loops"},
    {"epoll_wait", "loops"},
    {"epoll_pwait", "loops"},
    {"epoll_pwait2", "loops"},
    {"poll", "single waits"},
    {"ppoll", "single waits"},
    {"eventfd2", "waking loops"},
    {"timerfd_create", "timers of loops"},
    {"timerfd_settime", "timers of loops"},
    {"signalfd4", "signals in loops"},
    // Sockets that are there; new ones are decided by Sandbox::sockets.
    {"sendto", "journal, sd_notify, sockets"},
    {"sendmsg", "journal, messages between the daemons"},
    {"sendmmsg", "sockets"},
    {"recvfrom", "sockets"},
    {"recvmsg", "messages between the daemons"},
    {"connect", "journal, sd_notify, the other daemons"},
    {"accept4", "listening sockets"},
    {"socketpair", "pumps and threads' channels"},
    {"shutdown", "half-close"},
    {"getsockopt", "credentials of a peer, errors"},
    {"getsockname", "libraries ask what a socket is"},
    {"getpeername", "libraries ask what a socket is"},
    {"bind", "autobind of the journal's sockets; TCP is bound by Landlock"},
    {"listen", "listening once another daemon is there"},
    {"ioctl", "FIONREAD, FIONBIO; devices can only be opened by a rule"},
    // The process asks about itself.
    {"getrandom", "keys"},
    {"getuid", "libraries"},
    {"geteuid", "libraries"},
    {"getgid", "libraries"},
    {"getegid", "libraries"},
    {"getrusage", "status"},
    {"sysinfo", "libc"},
    {"uname", "libc, TLS library"},
    {"prctl", "names of threads and of memory"},
    {"prlimit64", "libc asks for the limits of stacks and descriptors"},
};

}  // namespace

std::span<const AllowedCall> base_calls() noexcept { return base_table; }

}  // namespace gims::sys
