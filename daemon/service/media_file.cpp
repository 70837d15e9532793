#include "service/media_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "crypto/random.hpp"
#include "sys/errno.hpp"

namespace gims::service {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_suffix = ".part";
constexpr std::size_t random_part = 12;
// How often an upload looks at the free space: every 4 MiB.
constexpr std::uint64_t chunks_a_look = 64;

std::unexpected<Error> disk_full() {
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "The server has no room for more files. Tell its administrator.",
              "the media folder's disk is full up to the reserve");
}

std::unexpected<Error> fail_on_disk(std::string_view what) {
  if (errno == ENOSPC || errno == EDQUOT) return disk_full();
  const Error cause = sys::fail_errno(what).error();
  log::failure(log::id::media_file_unwritten, "A media file could not be written.", cause);
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "The server cannot write its disk. Nothing was stored; tell its administrator.",
              cause.detail);
}

Result<> write_all(int fd, crypto::ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_on_disk("write of a media file");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// Exactly as many bytes as `into` has.
Result<> read_all(int fd, std::uint64_t offset, std::span<std::uint8_t> into) {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys::fail_errno("pread of a media file");
    if (got == 0) {
      return fail(ErrorKind::internal, "GIMS_BLOB", "A stored file is damaged.",
                  "the file ends too early");
    }
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

bool are_letters(std::string_view text, std::size_t count) {
  return text.size() == count && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

Result<> sync_folder(const fs::path& folder) {
  const sys::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return sys::fail_errno("fsync " + folder.string());
  return {};
}

}  // namespace

Result<> prepare_media_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    GIMS_TRY(sync_folder(folder.parent_path()));
  } else if (errno != EEXIST) {
    return sys::fail_errno("mkdir " + folder.string());
  }
  return {};
}

std::optional<MediaFileName> media_file_name(std::string_view name) {
  MediaFileName read;
  read.is_whole = !name.ends_with(temporary_suffix);
  if (!read.is_whole) {
    name.remove_suffix(temporary_suffix.size());
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || !are_letters(name.substr(dot + 1), random_part)) {
      return std::nullopt;
    }
    name = name.substr(0, dot);
  }
  if (!are_letters(name, crypto::media_id_letters)) return std::nullopt;
  read.id = name;
  return read;
}

Result<std::uint64_t> free_bytes(const fs::path& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) return sys::fail_errno("statvfs " + folder.string());
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

MediaFileWriter::MediaFileWriter(fs::path folder, std::string id, crypto::BlobSealer sealer,
                                 std::uint64_t reserve)
    : folder_(std::move(folder)),
      id_(std::move(id)),
      path_(folder_ / (id_ + "." + crypto::random_letters(random_part)).append(temporary_suffix)),
      sealer_(std::move(sealer)),
      reserve_(reserve) {}

Result<std::unique_ptr<MediaFileWriter>> MediaFileWriter::create(fs::path folder,
                                                                 const SecretBytes& key,
                                                                 std::string id,
                                                                 std::uint64_t reserve) {
  GIMS_TRY_ASSIGN(auto sealer, crypto::BlobSealer::start(key, id));
  std::unique_ptr<MediaFileWriter> writer(
      new MediaFileWriter(std::move(folder), std::move(id), std::move(sealer), reserve));
  writer->fd_ =
      sys::Fd(::open(writer->path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!writer->fd_) {
    writer->kept_ = true;  // there is nothing to remove
    return fail_on_disk("open " + writer->path_.string());
  }
  GIMS_TRY(write_all(writer->fd_.get(), writer->sealer_.header()));
  return writer;
}

MediaFileWriter::~MediaFileWriter() {
  if (!kept_ && ::unlink(path_.c_str()) != 0) {
    log::failure(log::id::media_file_left, "What an upload left could not be removed.",
                 sys::fail_errno("unlink " + path_.string()).error());
  }
}

Result<> MediaFileWriter::write(std::span<const char> piece) {
  std::span<const std::uint8_t> rest = crypto::as_bytes({piece.data(), piece.size()});
  size_ += rest.size();
  while (!rest.empty()) {
    // A full chunk waits for a byte after it: the last one of a file is sealed as the last.
    if (plain_.size() == crypto::chunk_bytes) GIMS_TRY(put_chunk(false));
    const std::size_t taken = std::min(rest.size(), crypto::chunk_bytes - plain_.size());
    plain_.insert(plain_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
    rest = rest.subspan(taken);
  }
  return {};
}

Result<> MediaFileWriter::put_chunk(bool last) {
  if (++chunks_ % chunks_a_look == 0) {
    GIMS_TRY_ASSIGN(const std::uint64_t left, free_bytes(folder_));
    if (left < reserve_) return disk_full();
  }
  sealed_.clear();
  sealer_.chunk(plain_, last, sealed_);
  plain_.clear();
  return write_all(fd_.get(), sealed_);
}

Result<> MediaFileWriter::publish() {
  GIMS_TRY(put_chunk(true));
  if (::fsync(fd_.get()) != 0) return fail_on_disk("fsync of a media file");
  // An older file of this id can only be what a crash left before its row was written.
  fs::path whole = folder_ / id_;
  if (::rename(path_.c_str(), whole.c_str()) != 0) return fail_on_disk("rename of a media file");
  path_ = std::move(whole);
  return sync_folder(folder_);
}

Result<std::unique_ptr<MediaFileReader>> MediaFileReader::open(
    const fs::path& folder, const SecretBytes& key, std::string_view id, std::uint64_t size,
    std::uint64_t first, std::uint64_t length) {
  const fs::path path = folder / id;
  sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return sys::fail_errno("open " + path.string());
  std::array<std::uint8_t, crypto::blob_header_bytes> header{};
  GIMS_TRY(read_all(fd.get(), 0, header));
  GIMS_TRY_ASSIGN(auto opener, crypto::BlobOpener::start(key, id, header, size));
  std::unique_ptr<MediaFileReader> reader(
      new MediaFileReader(std::move(fd), std::move(opener), first, length));
  GIMS_TRY(reader->load(first / crypto::chunk_bytes));
  return reader;
}

Result<> MediaFileReader::load(std::uint64_t index) {
  if (index == loaded_) return {};
  loaded_ = UINT64_MAX;
  plain_.clear();
  crypto::Bytes stored(opener_.stored_size(index));
  GIMS_TRY(read_all(fd_.get(), crypto::stored_chunk_offset(index), stored));
  GIMS_TRY(opener_.chunk(index, stored, plain_));
  loaded_ = index;
  return {};
}

Result<std::size_t> MediaFileReader::read(std::uint64_t offset, std::span<char> into) {
  if (offset >= length_) return std::size_t{0};
  into =
      into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), length_ - offset)));
  std::size_t done = 0;
  while (done < into.size()) {
    const std::uint64_t at = first_ + offset + done;
    GIMS_TRY(load(at / crypto::chunk_bytes));
    const auto within = static_cast<std::size_t>(at % crypto::chunk_bytes);
    const std::string_view piece = crypto::as_text(plain_).substr(within, into.size() - done);
    std::ranges::copy(piece, into.begin() + static_cast<std::ptrdiff_t>(done));
    done += piece.size();
  }
  return done;
}

Result<> check_media_file(const fs::path& folder, const SecretBytes& key, std::string_view id,
                          std::uint64_t size, bool full) {
  struct stat found{};
  if (::lstat((folder / id).c_str(), &found) != 0) return sys::fail_errno("lstat");
  const std::uint64_t wanted = crypto::stored_blob_bytes(size);
  if (!S_ISREG(found.st_mode) || static_cast<std::uint64_t>(found.st_size) != wanted) {
    return fail(ErrorKind::internal, "GIMS_BLOB", "A stored file is damaged.",
                std::to_string(found.st_size) + " bytes and not " + std::to_string(wanted));
  }
  if (!full) return {};
  GIMS_TRY_ASSIGN(const auto reader, MediaFileReader::open(folder, key, id, size, 0, size));
  std::vector<char> room(crypto::chunk_bytes);
  for (std::uint64_t at = 0; at < size;) {
    GIMS_TRY_ASSIGN(const std::size_t got, reader->read(at, room));
    at += got;
  }
  return {};
}

}  // namespace gims::service
