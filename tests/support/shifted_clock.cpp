// Loaded before libc (LD_PRELOAD) into a daemon under test: the wall clock is ahead by as many
// milliseconds as the test wants, now and at any moment after; the monotonic clock is the
// machine's.
//
// The file that GIMS_SHIFTED_CLOCK names holds them as a 64-bit integer, in the machine's order. It
// is mapped before main(), so that the daemon's sandbox has no say in it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::atomic<std::int64_t>* shift_ms = nullptr;

[[gnu::constructor]] void map_control_file() {
  const char* path = std::getenv("GIMS_SHIFTED_CLOCK");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  void* mapped =
      fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(*shift_ms), PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  ::close(fd);
  shift_ms = static_cast<const std::atomic<std::int64_t>*>(mapped);
}

timespec shifted(timespec now) {
  constexpr std::int64_t billion = 1'000'000'000;
  // Other constructors may ask before the file is mapped.
  const std::int64_t ms = shift_ms == nullptr ? 0 : shift_ms->load(std::memory_order_relaxed);
  std::int64_t nanoseconds = now.tv_nsec + ms % 1000 * 1'000'000;
  std::int64_t seconds = now.tv_sec + ms / 1000;
  if (nanoseconds < 0) {
    nanoseconds += billion;
    --seconds;
  } else if (nanoseconds >= billion) {
    nanoseconds -= billion;
    ++seconds;
  }
  return {.tv_sec = seconds, .tv_nsec = nanoseconds};
}

}  // namespace

extern "C" {
int clock_gettime(clockid_t clock, timespec* into) noexcept {
  const auto code = static_cast<int>(::syscall(SYS_clock_gettime, clock, into));
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *into = shifted(*into);
  }
  return code;
}

time_t time(time_t* into) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != nullptr) *into = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* into, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *into = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}
}
