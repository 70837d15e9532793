// A file layer for SQLite that fails when it is told to, and that can lose power: writes not
// followed by an fsync are then lost, in part or whole, as a disk with a write cache loses them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace gims::test {

enum class Fault {
  write_error,  // a write gives SQLITE_IOERR_WRITE
  short_write,  // half of a write reaches the file, then SQLITE_IOERR_WRITE
  disk_full,    // a write gives SQLITE_FULL
  sync_error,   // an fsync gives SQLITE_IOERR_FSYNC
  read_error    // a read gives SQLITE_IOERR_READ
};

// Registered with SQLite under name() while it lives; close every connection before it goes. Faults
// and power concern the files of this layer only. Thread: all functions from any thread.
class FaultVfs {
 public:
  FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs();
  [[nodiscard]] const std::string& name() const noexcept;

  // The operation number `nth` (1: the next) of the fault's kind fails, and all after it, on files
  // whose name ends in `suffix` ("-wal", ".db", or "" for every file).
  void fail(Fault fault, int nth = 1, const std::string& suffix = "");
  void heal();
  // Writes and fsyncs since the start, to know how many there are to fail.
  [[nodiscard]] int writes() const noexcept;
  [[nodiscard]] int syncs() const noexcept;

  // From now on nothing reaches the files: every write, fsync, truncation and deletion fails.
  void cut_power();
  // After the connections are closed: takes from the files what no fsync followed. Of each file's
  // lost writes a subset chosen by `seed` stays (0: none), torn where it may be. Then power is
  // there again.
  void restore_power(std::uint64_t seed);

  struct State;  // of the implementation

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gims::test
