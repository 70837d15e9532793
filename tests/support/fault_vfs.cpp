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
#include <vector>

#include "base/check.hpp"

namespace gims::test {
namespace {

// What an unsynced write put where something else stood.
struct Write {
  std::int64_t offset;
  std::string bytes;
};

// A file as the disk has it for certain, and what was written since.
struct Unsynced {
  std::string synced;  // the whole content at the last fsync
  std::vector<Write> writes;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(std::string& content, const Write& write, std::size_t size) {
  const auto end = static_cast<std::size_t>(write.offset) + size;
  if (content.size() < end) content.resize(end);
  content.replace(static_cast<std::size_t>(write.offset), size, write.bytes, 0, size);
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
  bool power = true;
  int writes = 0;
  int syncs = 0;
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
};

namespace {

using State = FaultVfs::State;

struct File {
  sqlite3_file base;
  State* state;
  const char* path;    // SQLite keeps it as long as the file is open
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
  {
    const std::scoped_lock lock(state.mutex);
    if (state.strikes({Fault::read_error}, of(file).path)) return SQLITE_IOERR_READ;
  }
  return real(file)->pMethods->xRead(real(file), into, size, offset);
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  State& state = *of(file).state;
  const std::scoped_lock lock(state.mutex);
  ++state.writes;
  if (!state.power) return SQLITE_IOERR_WRITE;
  const bool strikes =
      state.strikes({Fault::write_error, Fault::short_write, Fault::disk_full}, of(file).path);
  if (strikes && state.fault != Fault::short_write) {
    return state.fault == Fault::disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  const int written = strikes ? size / 2 : size;
  Unsynced& unsynced = state.files[of(file).path];
  unsynced.writes.push_back(
      {offset, std::string(static_cast<const char*>(from), static_cast<std::size_t>(written))});
  const int code = real(file)->pMethods->xWrite(real(file), from, written, offset);
  return strikes ? SQLITE_IOERR_WRITE : code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  State& state = *of(file).state;
  const std::scoped_lock lock(state.mutex);
  if (!state.power) return SQLITE_IOERR_TRUNCATE;
  const int code = real(file)->pMethods->xTruncate(real(file), size);
  // A truncation is taken as durable at once: SQLite shortens a log only when all of it is copied.
  Unsynced& unsynced = state.files[of(file).path];
  unsynced.synced.resize(std::min(unsynced.synced.size(), static_cast<std::size_t>(size)));
  std::erase_if(unsynced.writes, [&](const Write& write) { return write.offset >= size; });
  return code;
}

int sync_file(sqlite3_file* file, int flags) {
  State& state = *of(file).state;
  const std::scoped_lock lock(state.mutex);
  ++state.syncs;
  if (!state.power || state.strikes({Fault::sync_error}, of(file).path)) return SQLITE_IOERR_FSYNC;
  const int code = real(file)->pMethods->xSync(real(file), flags);
  Unsynced& unsynced = state.files[of(file).path];
  for (const Write& write : unsynced.writes) put(unsynced.synced, write, write.bytes.size());
  unsynced.writes.clear();
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
  if (!state.power) return SQLITE_IOERR_DELETE;
  state.files.erase(path);
  return state.below->xDelete(state.below, path, sync_folder);
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

int FaultVfs::writes() const noexcept {
  const std::scoped_lock lock(state_->mutex);
  return state_->writes;
}

int FaultVfs::syncs() const noexcept {
  const std::scoped_lock lock(state_->mutex);
  return state_->syncs;
}

void FaultVfs::cut_power() {
  const std::scoped_lock lock(state_->mutex);
  state_->power = false;
}

void FaultVfs::restore_power(std::uint64_t seed) {
  const std::scoped_lock lock(state_->mutex);
  std::mt19937_64 random(seed);
  for (auto& [path, unsynced] : state_->files) {
    if (path.empty() || !std::filesystem::exists(path)) continue;
    for (const Write& write : unsynced.writes) {
      const std::uint64_t fate = seed == 0 ? 0 : random() % 3;
      const std::size_t size = write.bytes.size();
      if (fate == 1) put(unsynced.synced, write, size);      // it reached the disk
      if (fate == 2) put(unsynced.synced, write, size / 2);  // a part of it did
    }
    unsynced.writes.clear();
    std::ofstream(path, std::ios::binary | std::ios::trunc) << unsynced.synced;
  }
  state_->power = true;
}

}  // namespace gims::test
