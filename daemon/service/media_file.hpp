// Files of the media folder. Nothing of a file's content is on the disk but encrypted, not even for
// a moment: bytes wait in memory until a chunk (64 KiB) is full, and only sealed chunks are
// written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/blob.hpp"
#include "http/response.hpp"
#include "sys/fd.hpp"

namespace gims::service {

// Makes the folder if it is missing, for this user alone. Before the first file is made.
[[nodiscard]] Result<> prepare_media_folder(const std::filesystem::path& folder);

// What the disk of `folder` has left for us, bytes.
[[nodiscard]] Result<std::uint64_t> free_bytes(const std::filesystem::path& folder);

// Whether a whole file of this plain size is there; `full`: whether every byte of it can be opened.
// An error says what is wrong with it.
[[nodiscard]] Result<> check_media_file(const std::filesystem::path& folder, const SecretBytes& key,
                                        std::string_view id, std::uint64_t size, bool full);

// What the name of a file in the folder says; nothing for one that is not ours.
struct MediaFileName {
  std::string id;
  bool is_whole = false;  // or it is in the making
};
[[nodiscard]] std::optional<MediaFileName> media_file_name(std::string_view name);

// A file in the making: "<id>.<random>.part", renamed to "<id>" when it is whole. Removed when the
// writer goes, unless it was kept. Each call may block for as long as the disk takes for 64 KiB
// (write) or for the whole file (publish). Thread: one at a time.
class MediaFileWriter {
 public:
  // `reserve`: bytes that must stay free on the disk. `key` lives longer.
  [[nodiscard]] static Result<std::unique_ptr<MediaFileWriter>> create(std::filesystem::path folder,
                                                                       const SecretBytes& key,
                                                                       std::string id,
                                                                       std::uint64_t reserve);
  MediaFileWriter(const MediaFileWriter&) = delete;
  MediaFileWriter& operator=(const MediaFileWriter&) = delete;
  ~MediaFileWriter();

  // Fails with `unavailable` when the disk is full. After a failure there is nothing but to drop
  // it.
  [[nodiscard]] Result<> write(std::span<const char> piece);
  // The last chunk, fsync, rename, fsync of the folder: then the file is on the disk. Once.
  [[nodiscard]] Result<> publish();
  // It stays from now on.
  void keep() noexcept { kept_ = true; }
  // Bytes of plain content so far.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  MediaFileWriter(std::filesystem::path folder, std::string id, crypto::BlobSealer sealer,
                  std::uint64_t reserve);
  [[nodiscard]] Result<> put_chunk(bool last);

  std::filesystem::path folder_;
  std::string id_;
  std::filesystem::path path_;  // where the file is now
  crypto::BlobSealer sealer_;
  std::uint64_t reserve_;
  sys::Fd fd_;
  crypto::Bytes plain_;  // of the chunk that is not full yet
  crypto::Bytes sealed_;
  std::uint64_t size_ = 0;
  std::uint64_t chunks_ = 0;
  bool kept_ = false;
};

// A part of a stored file as the body of a response. Opens one chunk at a time and gives out no
// byte of a chunk that does not open. Blocks for as long as the disk takes for one chunk.
class MediaFileReader final : public http::BodySource {
 public:
  // `size` is that of the whole plain file; the part lies within it. The part's first chunk is
  // opened here, so that a damaged small file is an error before anything is sent.
  [[nodiscard]] static Result<std::unique_ptr<MediaFileReader>> open(
      const std::filesystem::path& folder, const SecretBytes& key, std::string_view id,
      std::uint64_t size, std::uint64_t first, std::uint64_t length);

  [[nodiscard]] std::uint64_t size() const noexcept override { return length_; }
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override;

 private:
  MediaFileReader(sys::Fd fd, crypto::BlobOpener opener, std::uint64_t first, std::uint64_t length)
      : fd_(std::move(fd)), opener_(std::move(opener)), first_(first), length_(length) {}
  [[nodiscard]] Result<> load(std::uint64_t index);

  sys::Fd fd_;
  crypto::BlobOpener opener_;
  std::uint64_t first_;
  std::uint64_t length_;
  crypto::Bytes plain_;  // of chunk loaded_
  std::uint64_t loaded_ = UINT64_MAX;
};

}  // namespace gims::service
