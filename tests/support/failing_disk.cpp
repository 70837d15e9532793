// Loaded before libc (LD_PRELOAD) into a daemon under test: fsync fails while the test wants it to.
//
// The file that GIMS_FAILING_DISK names has two bytes: the errno with which fdatasync fails, which
// SQLite calls for its files, and that of fsync, which media and folders are given; 0: it works.
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
  void* mapped = fd < 0 ? MAP_FAILED : ::mmap(nullptr, 2, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  ::close(fd);
  wanted = static_cast<const volatile unsigned char*>(mapped);
}

int sync(long call, int fd, unsigned char error) {
  if (error == 0) return static_cast<int>(::syscall(call, fd));
  errno = error;
  return -1;
}

}  // namespace

extern "C" {
int fsync(int fd) { return sync(SYS_fsync, fd, wanted[1]); }
int fdatasync(int fd) { return sync(SYS_fdatasync, fd, wanted[0]); }
}
