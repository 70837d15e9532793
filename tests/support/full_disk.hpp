// A disk on which nothing more can be written, for this process alone.
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include "base/check.hpp"

namespace gims::test {

// From fill() on and as long as this lives no file of this process can grow: writes give EFBIG.
class FullDisk {
 public:
  FullDisk() {
    ::signal(SIGXFSZ, SIG_IGN);
    GIMS_CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { set(before_.rlim_cur); }
  void fill() { set(0); }

 private:
  void set(rlim_t most) const {
    const rlimit limit{.rlim_cur = most, .rlim_max = before_.rlim_max};
    GIMS_CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  rlimit before_{};
};

}  // namespace gims::test
