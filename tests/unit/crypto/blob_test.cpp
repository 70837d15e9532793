#include "crypto/blob.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gims::crypto {
namespace {

SecretBytes key_of(std::uint8_t byte) { return SecretBytes::copy_of(Bytes(32, byte)).value(); }

Bytes content(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  return bytes;
}

Bytes stored(const SecretBytes& key, std::string_view id, const Bytes& plain) {
  auto sealer = BlobSealer::start(key, id).value();
  Bytes file(sealer.header().begin(), sealer.header().end());
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(chunk_bytes, plain.size() - at);
    const bool last = at + size == plain.size();
    sealer.chunk(ByteView(plain).subspan(at, size), last, file);
    at += size;
  } while (at < plain.size());
  return file;
}

Result<Bytes> read_chunk(const SecretBytes& key, std::string_view id, const Bytes& file,
                         std::uint64_t plain_bytes, std::uint64_t index) {
  GIMS_TRY_ASSIGN(const BlobOpener opener,
                  BlobOpener::start(key, id, ByteView(file).first(blob_header_bytes), plain_bytes));
  const std::size_t offset = stored_chunk_offset(index);
  const std::size_t size = std::min(opener.stored_size(index), file.size() - offset);
  Bytes out;
  GIMS_TRY(opener.chunk(index, ByteView(file).subspan(offset, size), out));
  return out;
}

TEST(Blob, OpensChunksInAnyOrder) {
  const SecretBytes key = key_of(1);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, chunk_bytes - 1, chunk_bytes,
                                 chunk_bytes + 1, 3 * chunk_bytes, 3 * chunk_bytes + 5}) {
    const Bytes plain = content(size);
    const Bytes file = stored(key, "media", plain);
    EXPECT_EQ(file.size(), stored_blob_bytes(size));
    Bytes back(size);
    for (std::uint64_t index = blob_chunks(size); index-- > 0;) {
      const auto chunk = read_chunk(key, "media", file, size, index);
      ASSERT_TRUE(chunk) << size << " " << index;
      std::ranges::copy(*chunk, back.begin() + static_cast<std::ptrdiff_t>(index * chunk_bytes));
    }
    EXPECT_EQ(back, plain);
  }
}

TEST(Blob, HoldsNothingOfThePlainText) {
  const Bytes plain(chunk_bytes, 'A');
  const Bytes file = stored(key_of(1), "media", plain);
  EXPECT_EQ(std::ranges::search(file, Bytes(4, 'A')).size(), 0U);
  EXPECT_NE(file, stored(key_of(1), "media", plain));
}

TEST(Blob, OpensWithItsKeyAndIdAlone) {
  const Bytes file = stored(key_of(1), "media", content(10));
  EXPECT_TRUE(read_chunk(key_of(1), "media", file, 10, 0));
  EXPECT_FALSE(read_chunk(key_of(2), "media", file, 10, 0));
  EXPECT_FALSE(read_chunk(key_of(1), "medib", file, 10, 0));
}

TEST(Blob, NoticesAFileCutShort) {
  const std::size_t size = 2 * chunk_bytes + 100;
  Bytes file = stored(key_of(1), "media", content(size));
  file.resize(stored_chunk_offset(2));
  EXPECT_TRUE(read_chunk(key_of(1), "media", file, size, 1));
  EXPECT_FALSE(read_chunk(key_of(1), "media", file, size, 2));
  // Even where the recorded size is changed to fit: the last chunk says that it is the last.
  EXPECT_FALSE(read_chunk(key_of(1), "media", file, 2 * chunk_bytes, 1));
}

TEST(Blob, NoticesMovedChunksAndChangedBytes) {
  const std::size_t size = 3 * chunk_bytes;
  const Bytes file = stored(key_of(1), "media", content(size));
  Bytes swapped = file;
  const auto at = [](Bytes& bytes, std::uint64_t index) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(stored_chunk_offset(index));
  };
  std::swap_ranges(at(swapped, 0), at(swapped, 1), at(swapped, 1));
  EXPECT_FALSE(read_chunk(key_of(1), "media", swapped, size, 0));
  EXPECT_FALSE(read_chunk(key_of(1), "media", swapped, size, 1));
  for (const std::size_t i :
       {std::size_t{0}, std::size_t{8}, blob_header_bytes, std::size_t{5000}}) {
    Bytes changed = file;
    changed[i] ^= 0x80U;
    EXPECT_FALSE(read_chunk(key_of(1), "media", changed, size, 0)) << i;
  }
}

}  // namespace
}  // namespace gims::crypto
