// Loaded before libc (LD_PRELOAD) into a daemon under test: fsync fails while the test wants it to.
//
// The first byte of the file that GIMS_FAILING_DISK names is the errno with which it fails, or 0.
// The file is mapped before main(), so that the daemon's sandbox has no say in it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

const volatile unsigned char* wanted = nullptr;

[[gnu::constructor]] void map_control_file() {
  const char* path = std::getenv("GIMS_FAILING_DISK");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  void* mapped = fd < 0 ? MAP_FAILED : ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  ::close(fd);
  wanted = static_cast<const volatile unsigned char*>(mapped);
}

int sync(long call, int fd) {
  if (*wanted == 0) return static_cast<int>(::syscall(call, fd));
  errno = *wanted;
  return -1;
}

}  // namespace

extern "C" {
int fsync(int fd) { return sync(SYS_fsync, fd); }
int fdatasync(int fd) { return sync(SYS_fdatasync, fd); }
}
