#include "crypto/blob.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"

namespace gims::crypto {
namespace {

constexpr std::string_view magic = "GIMSBLB1";
constexpr std::size_t salt_bytes = blob_header_bytes - magic.size();
constexpr std::string_view purpose = "gims media blob 1";
static_assert(chunk_tag_bytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);

using Nonce = std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;

void put_number(std::uint64_t number, std::uint8_t* out) {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(number >> (8 * i));
}

// The salt makes the key new for each file, so that the number alone never repeats under a key.
Nonce nonce_of(std::uint64_t index) {
  Nonce nonce{};
  put_number(index, nonce.data());
  return nonce;
}

Bytes additional_data(std::string_view id, std::uint64_t index, bool last) {
  Bytes data(9 + id.size());
  put_number(index, data.data());
  data[8] = last ? 1 : 0;
  std::ranges::copy(as_bytes(id), data.begin() + 9);
  return data;
}

Result<SecretBytes> file_key(const SecretBytes& key, std::string_view id, ByteView salt) {
  Bytes salted(salt.begin(), salt.end());
  salted.insert(salted.end(), id.begin(), id.end());
  return derive_key(key, purpose, salted);
}

std::unexpected<Error> damaged(std::string_view detail) {
  return fail(ErrorKind::internal, "GIMS_BLOB", "A stored file is damaged.", detail);
}

}  // namespace

std::uint64_t blob_chunks(std::uint64_t plain) noexcept {
  return plain == 0 ? 1 : (plain - 1) / chunk_bytes + 1;
}

std::uint64_t stored_blob_bytes(std::uint64_t plain) noexcept {
  return blob_header_bytes + plain + blob_chunks(plain) * chunk_tag_bytes;
}

Result<BlobSealer> BlobSealer::start(const SecretBytes& key, std::string_view id) {
  BlobSealer sealer;
  sealer.id_ = id;
  sealer.header_.assign(magic.begin(), magic.end());
  sealer.header_.resize(blob_header_bytes);
  const std::span<std::uint8_t> salt = std::span(sealer.header_).subspan(magic.size());
  fill_random(salt);
  GIMS_TRY_ASSIGN(sealer.key_, file_key(key, id, salt));
  return sealer;
}

void BlobSealer::chunk(ByteView plain, bool last, Bytes& out) {
  GIMS_CHECK(!ended_ && (last ? plain.size() <= chunk_bytes : plain.size() == chunk_bytes));
  const Bytes data = additional_data(id_, next_, last);
  const Nonce nonce = nonce_of(next_);
  const std::size_t before = out.size();
  out.resize(before + plain.size() + chunk_tag_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + before, nullptr, plain.data(),
                                             plain.size(), data.data(), data.size(), nullptr,
                                             nonce.data(), key_.bytes().data());
  ++next_;
  ended_ = last;
}

Result<BlobOpener> BlobOpener::start(const SecretBytes& key, std::string_view id, ByteView header,
                                     std::uint64_t plain_bytes) {
  if (header.size() != blob_header_bytes || !as_text(header).starts_with(magic)) {
    return damaged("the header is not of a stored file");
  }
  BlobOpener opener;
  opener.id_ = id;
  opener.plain_bytes_ = plain_bytes;
  opener.chunks_ = blob_chunks(plain_bytes);
  GIMS_TRY_ASSIGN(opener.key_, file_key(key, id, header.last(salt_bytes)));
  return opener;
}

std::size_t BlobOpener::stored_size(std::uint64_t index) const noexcept {
  if (index >= chunks_) return 0;
  const std::uint64_t before = index * chunk_bytes;
  const std::uint64_t rest = plain_bytes_ - before;
  return static_cast<std::size_t>(std::min<std::uint64_t>(rest, chunk_bytes)) + chunk_tag_bytes;
}

Result<void> BlobOpener::chunk(std::uint64_t index, ByteView stored, Bytes& out) const {
  if (index >= chunks_ || stored.size() != stored_size(index)) {
    return damaged("a chunk is missing or cut short");
  }
  const Bytes data = additional_data(id_, index, index + 1 == chunks_);
  const Nonce nonce = nonce_of(index);
  const std::size_t before = out.size();
  out.resize(before + stored.size() - chunk_tag_bytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          out.data() + before, nullptr, nullptr, stored.data(), stored.size(), data.data(),
          data.size(), nonce.data(), key_.bytes().data()) != 0) {
    out.resize(before);
    return damaged("a chunk does not decrypt");
  }
  return {};
}

}  // namespace gims::crypto
