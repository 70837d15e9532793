// Stored files, encrypted in chunks that open one by one, for range requests.
//
// A file is a header (magic "GIMSBLB1" and a random 32-byte salt) and then chunks of chunk_bytes
// plain bytes, each followed by its tag; the last one may be shorter, and is there even when empty.
// The file's key is derived from the media key, the file's id and the salt, so a nonce is the
// chunk's number; the additional data are the id, the number and whether the chunk is the last:
// chunks cannot be moved within a file or between files, and a file cut short at a chunk's end does
// not open there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "crypto/bytes.hpp"

namespace gims::crypto {

inline constexpr std::size_t chunk_bytes = 65536;
inline constexpr std::size_t chunk_tag_bytes = 16;
inline constexpr std::size_t blob_header_bytes = 8 + 32;
inline constexpr std::size_t stored_chunk_bytes = chunk_bytes + chunk_tag_bytes;

// The size of the file that holds `plain` bytes.
[[nodiscard]] std::uint64_t stored_blob_bytes(std::uint64_t plain) noexcept;
// The number of chunks of `plain` bytes: at least 1.
[[nodiscard]] std::uint64_t blob_chunks(std::uint64_t plain) noexcept;
// Where a chunk lies in the file.
[[nodiscard]] constexpr std::uint64_t stored_chunk_offset(std::uint64_t index) noexcept {
  return blob_header_bytes + index * stored_chunk_bytes;
}

// Encrypts a file front to back. Thread: one.
class BlobSealer {
 public:
  // `key` is the media key (32 bytes), `id` the file's name.
  [[nodiscard]] static Result<BlobSealer> start(const SecretBytes& key, std::string_view id);
  // The bytes to write first.
  [[nodiscard]] ByteView header() const noexcept { return header_; }
  // One chunk: exactly chunk_bytes unless it is the last. Appends what is to be written to `out`.
  void chunk(ByteView plain, bool last, Bytes& out);

 private:
  BlobSealer() = default;
  std::string id_;
  Bytes header_;
  SecretBytes key_;
  std::uint64_t next_ = 0;
  bool ended_ = false;
};

// Decrypts chunks in any order. Thread: many.
class BlobOpener {
 public:
  // `plain_bytes` is the size of the file's content, as the store knows it.
  [[nodiscard]] static Result<BlobOpener> start(const SecretBytes& key, std::string_view id,
                                                ByteView header, std::uint64_t plain_bytes);
  // `stored` is the chunk with its tag, as it lies at stored_chunk_offset(index). Appends the plain
  // bytes to `out`. Fails (internal, GIMS_BLOB) for anything that is not that chunk.
  [[nodiscard]] Result<void> chunk(std::uint64_t index, ByteView stored, Bytes& out) const;
  [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; }
  // The size of a chunk in the file.
  [[nodiscard]] std::size_t stored_size(std::uint64_t index) const noexcept;

 private:
  BlobOpener() = default;
  std::string id_;
  SecretBytes key_;
  std::uint64_t plain_bytes_ = 0;
  std::uint64_t chunks_ = 0;
};

}  // namespace gims::crypto
