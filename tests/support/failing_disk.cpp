// Loaded before libc (LD_PRELOAD) into a daemon under test: calls on the files of one disk, that of
// the folder GIMS_FAILING_DISK_FOLDER, fail while the test wants it to, and are noted.
//
// The file that GIMS_FAILING_DISK names is a Control, which the test reads and writes. It is mapped
// before main(), so that the daemon's sandbox has no say in it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

enum class Call : std::uint64_t { write = 1, fsync, fdatasync, rename };
enum Shortness : unsigned char {
  whole,
  halved,      // a write of more than one byte takes half of them
  broken_off,  // the next one takes half, and all after it fail with EIO
};

constexpr std::size_t most_notes = 1 << 16;

struct Note {
  Call call;
  std::uint64_t inode;
};

// tests/integration/disk_test.py has the same layout.
struct Control {
  // The errno with which each fails; 0: it works. SQLite calls fdatasync for its files; media and
  // folders are given fsync.
  unsigned char fdatasync, fsync, read, write;
  unsigned char shortness;
  unsigned char unused[3];
  std::atomic<std::uint64_t> noted;  // of them, the first most_notes are there
  Note notes[most_notes];
};
static_assert(sizeof(Control) == 16 + 16 * most_notes);

volatile Control* control = nullptr;
dev_t disk = 0;

[[gnu::constructor]] void map_control_file() {
  const char* path = std::getenv("GIMS_FAILING_DISK");
  const char* folder = std::getenv("GIMS_FAILING_DISK_FOLDER");
  struct stat about{};
  if (path == nullptr || folder == nullptr || ::stat(folder, &about) != 0) std::abort();
  disk = about.st_dev;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  void* mapped = fd < 0
                     ? MAP_FAILED
                     : ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  ::close(fd);
  control = static_cast<volatile Control*>(mapped);
}

// The inode on the disk; 0: it is elsewhere, or a socket.
ino_t inode_of(int fd) {
  struct stat about{};
  const int before = errno;
  const bool found = ::fstat(fd, &about) == 0 && about.st_dev == disk &&
                     (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
  errno = before;
  return found ? about.st_ino : 0;
}

void note(Call call, ino_t inode) {
  auto& count = const_cast<std::atomic<std::uint64_t>&>(control->noted);
  const std::uint64_t number = count.fetch_add(1);
  if (number >= most_notes) return;
  control->notes[number].call = call;
  control->notes[number].inode = inode;
}

int sync(long number, Call call, int fd) {
  const ino_t inode = control == nullptr ? 0 : inode_of(fd);
  if (inode != 0) {
    const unsigned char error = call == Call::fsync ? control->fsync : control->fdatasync;
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  const auto done = static_cast<int>(::syscall(number, fd));
  if (inode != 0 && done == 0) note(call, inode);
  return done;
}

template <class... More>
ssize_t read_from(long number, int fd, void* into, std::size_t size, More... more) {
  if (control != nullptr && control->read != 0 && inode_of(fd) != 0) {
    errno = control->read;
    return -1;
  }
  return ::syscall(number, fd, into, size, more...);
}

template <class... More>
ssize_t write_to(long number, int fd, const void* from, std::size_t size, More... more) {
  const ino_t inode = control == nullptr ? 0 : inode_of(fd);
  if (inode == 0) return ::syscall(number, fd, from, size, more...);
  if (control->write != 0) {
    errno = control->write;
    return -1;
  }
  if (control->shortness != whole && size > 1) size /= 2;
  const ssize_t done = ::syscall(number, fd, from, size, more...);
  if (control->shortness == broken_off) {
    control->write = EIO;
    control->shortness = whole;
  }
  note(Call::write, inode);
  return done;
}

}  // namespace

extern "C" {
int fsync(int fd) { return sync(SYS_fsync, Call::fsync, fd); }
int fdatasync(int fd) { return sync(SYS_fdatasync, Call::fdatasync, fd); }
ssize_t read(int fd, void* into, std::size_t size) { return read_from(SYS_read, fd, into, size); }
ssize_t pread(int fd, void* into, std::size_t size, off_t offset) {
  return read_from(SYS_pread64, fd, into, size, offset);
}
ssize_t pread64(int fd, void* into, std::size_t size, off64_t offset) {
  return read_from(SYS_pread64, fd, into, size, offset);
}
ssize_t write(int fd, const void* from, std::size_t size) {
  return write_to(SYS_write, fd, from, size);
}
ssize_t pwrite(int fd, const void* from, std::size_t size, off_t offset) {
  return write_to(SYS_pwrite64, fd, from, size, offset);
}
ssize_t pwrite64(int fd, const void* from, std::size_t size, off64_t offset) {
  return write_to(SYS_pwrite64, fd, from, size, offset);
}
int rename(const char* from, const char* to) noexcept {
  struct stat about{};
  const bool here = control != nullptr && ::stat(from, &about) == 0 && about.st_dev == disk;
  const auto done = static_cast<int>(::syscall(SYS_rename, from, to));
  if (here && done == 0) note(Call::rename, about.st_ino);
  return done;
}
}
