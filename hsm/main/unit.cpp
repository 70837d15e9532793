#include "hsm/main/unit.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "hsm/main/commands.hpp"

namespace gims::hsm {
namespace {

Result<> write_key(int descriptor, BytesView key) {
  while (!key.empty()) {
    const ssize_t written = ::write(descriptor, key.data(), key.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return fail(ErrorKind::unavailable, "GIMS_KEYD_REQUEST", "Nobody takes the key.");
    }
    key = key.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<> run_volume_key(const Settings& settings) {
  struct stat kind{};
  if (::fstat(STDOUT_FILENO, &kind) != 0 || (!S_ISSOCK(kind.st_mode) && !S_ISFIFO(kind.st_mode))) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "The key goes to a socket or a pipe, and to nothing else.");
  }
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const VolumeKey volume, client->volume_key());
  return write_key(STDOUT_FILENO, volume.key.bytes());
}

Result<> run_raise_release(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const ReleaseReply release, client->raise_release());
  if (release.told == 0) {
    std::printf("This unit's hardware remembers no release.\n");
  } else {
    std::printf("The keys open to release %llu and later ones.\n",
                static_cast<unsigned long long>(release.told));
  }
  return {};
}

}  // namespace gims::hsm
