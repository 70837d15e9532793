// A file layer for SQLite that fails when it is told to, and that can lose power: what no fsync
// followed is then lost, kept, torn between two sectors of 512 bytes or kept in another order, as a
// disk with a write cache has it.
#pragma once

#include <cstdint>
#include <functional>
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
  // Called once, before the next read of any file and on its thread: what comes between the steps
  // of a reader.
  void before_next_read(std::function<void()> call);
  // Writes and fsyncs since the start, to know how many there are to fail.
  [[nodiscard]] int writes() const noexcept;
  [[nodiscard]] int syncs() const noexcept;

  // Writes, fsyncs, truncations and deletions since the start.
  [[nodiscard]] int steps() const noexcept;

  // From now on nothing reaches the files: every step fails.
  void cut_power();
  // The step number `nth` from now (1: the next) is the last that is made: an fsync does nothing,
  // the others are among what no fsync followed. It fails, and so does every later one.
  void cut_power_at(int nth);
  [[nodiscard]] bool has_power() const noexcept;
  // After the connections are closed: takes from the files what no fsync followed, or a part of it
  // that `seed` chooses (0: all of it). Then power is there again.
  void restore_power(std::uint64_t seed);

  struct State;  // of the implementation

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gims::test
