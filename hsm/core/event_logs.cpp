#include "hsm/core/event_logs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "sys/errno.hpp"

namespace gims::hsm {
namespace {

Result<sys::Fd> open_file(const std::string& path) {
  // O_NONBLOCK: a pipe in the file's place must not hold us.
  sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd) return sys::fail_errno("open " + path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return sys::fail_errno("fstat " + path);
  if (!S_ISREG(info.st_mode)) {
    return sys::fail_with_errno("not a regular file: " + path, EINVAL);
  }
  return fd;
}

sys::Fd open_or_tell(const std::string& path) {
  if (path.empty()) return {};
  auto opened = open_file(path);
  if (opened) return std::move(*opened);
  log::failure(log::id::event_log_unreadable,
               "a log of what was measured cannot be read: attestation goes without it",
               opened.error());
  return {};
}

}  // namespace

EventLogs EventLogs::open(const std::string& firmware, const std::string& userspace) {
  EventLogs logs;
  logs.firmware_ = open_or_tell(firmware);
  logs.userspace_ = open_or_tell(userspace);
  return logs;
}

Result<EventLogReply> EventLogs::read(const EventLogRequest& request) const {
  const sys::Fd& file = request.log == EventLog::firmware ? firmware_ : userspace_;
  EventLogReply reply;
  if (!file) return reply;
  reply.part.resize(max_event_log_part);
  std::size_t size = 0;
  // The kernel gives its log a page at a time.
  while (size < reply.part.size()) {
    const ssize_t got = ::pread(file.get(), &reply.part.at(size), reply.part.size() - size,
                                static_cast<off_t>(request.offset + size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const auto failed = sys::fail_errno("pread");
      return fail(ErrorKind::unavailable, "GIMS_KEYD_STORAGE",
                  "A log of what was measured cannot be read.", failed.error().detail);
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  reply.part.resize(size);
  return reply;
}

}  // namespace gims::hsm
