#include "support/fault_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"

namespace gims::test {
namespace {

constexpr std::size_t sector = 512;

// One that no fsync followed: a write, or where there are no bytes a truncation at the offset.
struct Change {
  std::size_t offset;
  std::optional<std::string> bytes;
};

// A file as the disk has it for certain, and what was done since.
struct Unsynced {
  std::string synced;  // the whole content at the last fsync
  std::vector<Change> changes;
  // The content of the file that was deleted under this name, until an fsync of its folder.
  std::optional<std::string> deleted;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The bytes from `begin` up to `end` of the file, as far as they are the change's.
void put(std::string& content, const Change& change, std::size_t begin, std::size_t end) {
  begin = std::max(begin, change.offset);
  end = std::min(end, change.offset + change.bytes->size());
  if (begin >= end) return;
  if (content.size() < end) content.resize(end);
  content.replace(begin, end - begin, *change.bytes, begin - change.offset, end - begin);
}

void make(std::string& content, const Change& change) {
  if (change.bytes) {
    put(content, change, 0, change.offset + change.bytes->size());
  } else if (content.size() > change.offset) {
    content.resize(change.offset);
  }
}

// Each sector of a write reaches the disk for itself, or does not.
void make_some_sectors(std::string& content, const Change& change, std::mt19937_64& random) {
  const std::size_t end = change.offset + change.bytes->size();
  for (std::size_t at = change.offset / sector * sector; at < end; at += sector) {
    if (random() % 2 == 0) put(content, change, at, at + sector);
  }
}

// What is left of a file when the power is back.
std::string content_after_cut(Unsynced&& file, std::mt19937_64& random) {
  // A deletion whose folder was not synced: the old file may be there again.
  if (file.deleted && random() % 2 == 0) return std::move(*file.deleted);
  enum { none, all, up_to_one, some, sectors_of_some };
  const std::uint64_t fate = random() % 5;
  if (fate == none) return std::move(file.synced);
  const std::size_t last =
      fate == up_to_one && !file.changes.empty() ? random() % file.changes.size() : SIZE_MAX;
  for (std::size_t i = 0; i < file.changes.size(); ++i) {
    const Change& change = file.changes[i];
    if (i > last) break;
    if (change.bytes && (i == last || (fate == sectors_of_some && random() % 2 == 0))) {
      make_some_sectors(file.synced, change, random);
    } else if (fate == all || fate == up_to_one || random() % 2 == 0) {
      make(file.synced, change);
    }
  }
  return std::move(file.synced);
}

}  // namespace

struct FaultVfs::State {
  std::string name;
  sqlite3_vfs vfs{};
  sqlite3_vfs* below = nullptr;

  std::mutex mutex;
  std::optional<Fault> fault;
  int left = 0;  // operations until it strikes
  std::string suffix;
  std::function<void()> before_read;
  bool power = true;
  int until_cut = 0;  // steps that are left of it; 0: no cut is near
  int writes = 0;
  int syncs = 0;
  int steps = 0;
  std::map<std::string, Unsynced> files;

  // Whether this operation fails, under the mutex.
  bool strikes(std::initializer_list<Fault> kinds, std::string_view path) {
    if (!fault || std::ranges::find(kinds, *fault) == kinds.end() || !path.ends_with(suffix)) {
      return false;
    }
    if (left > 1) {
      --left;
      return false;
    }
    return true;
  }
  enum class Step { made, last, dark };
  // Counts a step, under the mutex.
  Step step() {
    ++steps;
    if (!power) return Step::dark;
    if (until_cut == 0) return Step::made;
    --until_cut;
    if (until_cut > 0) return Step::made;
    power = false;
    return Step::last;
  }
};

namespace {

using State = FaultVfs::State;

struct File {
  sqlite3_file base;
  State* state;
  const char* path;    // SQLite keeps it as long as the file is open
  bool syncs_folder;   // at its next fsync
  sqlite3_file* real;  // behind this struct, in the same memory
};

File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file).real; }
State& state_of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

int close_file(sqlite3_file* file) {
  return real(file)->pMethods == nullptr ? SQLITE_OK : real(file)->pMethods->xClose(real(file));
}

int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  State& state = *of(file).state;
  std::function<void()> before;
  {
    const std::scoped_lock lock(state.mutex);
    if (state.strikes({Fault::read_error}, of(file).path)) return SQLITE_IOERR_READ;
    before = std::exchange(state.before_read, nullptr);
  }
  if (before) before();
  return real(file)->pMethods->xRead(real(file), into, size, offset);
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  State& state = *of(file).state;
  const std::scoped_lock lock(state.mutex);
  ++state.writes;
  const State::Step step = state.step();
  if (step == State::Step::dark) return SQLITE_IOERR_WRITE;
  const bool strikes =
      state.strikes({Fault::write_error, Fault::short_write, Fault::disk_full}, of(file).path);
  if (strikes && state.fault != Fault::short_write) {
    return state.fault == Fault::disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  const int written = strikes ? size / 2 : size;
  state.files[of(file).path].changes.push_back(
      {static_cast<std::size_t>(offset),
       std::string(static_cast<const char*>(from), static_cast<std::size_t>(written))});
  const int code = real(file)->pMethods->xWrite(real(file), from, written, offset);
  return strikes || step == State::Step::last ? SQLITE_IOERR_WRITE : code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  State& state = *of(file).state;
  const std::scoped_lock lock(state.mutex);
  const State::Step step = state.step();
  if (step == State::Step::dark) return SQLITE_IOERR_TRUNCATE;
  state.files[of(file).path].changes.push_back({static_cast<std::size_t>(size), std::nullopt});
  const int code = real(file)->pMethods->xTruncate(real(file), size);
  return step == State::Step::last ? SQLITE_IOERR_TRUNCATE : code;
}

int sync_file(sqlite3_file* file, int flags) {
  State& state = *of(file).state;
  const std::scoped_lock lock(state.mutex);
  ++state.syncs;
  if (state.step() != State::Step::made) return SQLITE_IOERR_FSYNC;
  if (state.strikes({Fault::sync_error}, of(file).path)) return SQLITE_IOERR_FSYNC;
  const int code = real(file)->pMethods->xSync(real(file), flags);
  Unsynced& unsynced = state.files[of(file).path];
  for (const Change& change : unsynced.changes) make(unsynced.synced, change);
  unsynced.changes.clear();
  if (std::exchange(of(file).syncs_folder, false)) {
    const auto folder = std::filesystem::path(of(file).path).parent_path();
    for (auto& [path, other] : state.files) {
      if (std::filesystem::path(path).parent_path() == folder) other.deleted.reset();
    }
  }
  return code;
}

// The rest goes to the layer below as it is.
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int file_control(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Version 2: with shared memory, without memory maps of the data.
constexpr sqlite3_io_methods methods{.iVersion = 2,
                                     .xClose = close_file,
                                     .xRead = read_file,
                                     .xWrite = write_file,
                                     .xTruncate = truncate_file,
                                     .xSync = sync_file,
                                     .xFileSize = file_size,
                                     .xLock = lock_file,
                                     .xUnlock = unlock_file,
                                     .xCheckReservedLock = check_reserved,
                                     .xFileControl = file_control,
                                     .xSectorSize = sector_size,
                                     .xDeviceCharacteristics = characteristics,
                                     .xShmMap = shm_map,
                                     .xShmLock = shm_lock,
                                     .xShmBarrier = shm_barrier,
                                     .xShmUnmap = shm_unmap,
                                     .xFetch = nullptr,
                                     .xUnfetch = nullptr};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  State& state = state_of(vfs);
  auto* self = new (file) File{};
  self->state = &state;
  self->path = path == nullptr ? "" : path;
  self->real = reinterpret_cast<sqlite3_file*>(self + 1);
  // As the layer below does with a log or journal, whose name has to be on the disk (os_unix.c).
  self->syncs_folder = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  const int code = state.below->xOpen(state.below, path, self->real, flags, out);
  if (code != SQLITE_OK) return code;
  self->base.pMethods = &methods;
  const std::scoped_lock lock(state.mutex);
  if (!state.files.contains(self->path)) state.files[self->path].synced = content_of(self->path);
  return code;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  State& state = state_of(vfs);
  const std::scoped_lock lock(state.mutex);
  const State::Step step = state.step();
  if (step == State::Step::dark) return SQLITE_IOERR_DELETE;
  std::string content = content_of(path);
  const int code = state.below->xDelete(state.below, path, sync_folder);
  if (code == SQLITE_OK) {
    state.files.erase(path);
    if (sync_folder == 0 || step == State::Step::last) {
      state.files[path].deleted = std::move(content);
    }
  }
  return step == State::Step::last ? SQLITE_IOERR_DELETE : code;
}

}  // namespace

FaultVfs::FaultVfs() : state_(std::make_unique<State>()) {
  static std::atomic<int> number = 0;
  state_->name = "fault" + std::to_string(++number);
  state_->below = ::sqlite3_vfs_find(nullptr);
  GIMS_CHECK(state_->below != nullptr);
  state_->vfs = *state_->below;  // what is not replaced below works on any vfs of the same kind
  state_->vfs.pNext = nullptr;
  state_->vfs.zName = state_->name.c_str();
  state_->vfs.pAppData = state_.get();
  state_->vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->below->szOsFile;
  state_->vfs.xOpen = open_file;
  state_->vfs.xDelete = delete_file;
  GIMS_CHECK(::sqlite3_vfs_register(&state_->vfs, 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() { ::sqlite3_vfs_unregister(&state_->vfs); }

const std::string& FaultVfs::name() const noexcept { return state_->name; }

void FaultVfs::fail(Fault fault, int nth, const std::string& suffix) {
  const std::scoped_lock lock(state_->mutex);
  state_->fault = fault;
  state_->left = nth;
  state_->suffix = suffix;
}

void FaultVfs::heal() {
  const std::scoped_lock lock(state_->mutex);
  state_->fault.reset();
}

void FaultVfs::before_next_read(std::function<void()> call) {
  const std::scoped_lock lock(state_->mutex);
  state_->before_read = std::move(call);
}

int FaultVfs::writes() const noexcept {
  const std::scoped_lock lock(state_->mutex);
  return state_->writes;
}

int FaultVfs::syncs() const noexcept {
  const std::scoped_lock lock(state_->mutex);
  return state_->syncs;
}

int FaultVfs::steps() const noexcept {
  const std::scoped_lock lock(state_->mutex);
  return state_->steps;
}

void FaultVfs::cut_power() {
  const std::scoped_lock lock(state_->mutex);
  state_->power = false;
}

void FaultVfs::cut_power_at(int nth) {
  const std::scoped_lock lock(state_->mutex);
  state_->until_cut = nth;
}

bool FaultVfs::has_power() const noexcept {
  const std::scoped_lock lock(state_->mutex);
  return state_->power;
}

void FaultVfs::restore_power(std::uint64_t seed) {
  const std::scoped_lock lock(state_->mutex);
  std::mt19937_64 random(seed);
  for (auto& [path, unsynced] : state_->files) {
    if (path.empty()) continue;
    const bool is_there = std::filesystem::exists(path);
    const bool was_there = unsynced.deleted.has_value();
    if (!is_there && !was_there) continue;
    std::string content =
        seed == 0 ? std::move(unsynced.synced) : content_after_cut(std::move(unsynced), random);
    unsynced = {};
    // Of a deleted file nothing but the name: as good as none.
    if (is_there || !content.empty()) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    }
    unsynced.synced = std::move(content);
    // The index of a log lives in memory and goes with it.
    std::filesystem::remove(path + "-shm");
  }
  state_->until_cut = 0;
  state_->power = true;
}

}  // namespace gims::test
