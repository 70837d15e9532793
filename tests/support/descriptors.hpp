// What this process has open.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace gims::test {

inline std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

}  // namespace gims::test
