// When the write-ahead log is copied into the database.
#pragma once

#include <chrono>
#include <cstdint>

namespace gims::store {

struct CheckpointerOptions {
  std::int64_t step_frames = 1'000;   // pages of 4 KiB not yet copied, from which it copies
  std::int64_t most_frames = 16'000;  // in the log, 64 MiB: from here the writer waits for it
  std::chrono::milliseconds idle{
      2'000};  // no commit for so long: the log's disk space is given back
};

}  // namespace gims::store
