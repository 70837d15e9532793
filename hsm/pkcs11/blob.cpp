#include "hsm/pkcs11/blob.hpp"

#include <algorithm>

#include "hsm/pkcs11/errors.hpp"
#include "hsm/proto/body.hpp"

namespace gims::hsm::pkcs11 {
namespace {

constexpr std::uint8_t blob_version = 1;
constexpr std::size_t room_size = 512;

void write(Writer& writer, const BlobHead& head) {
  writer.u8(blob_version);
  writer.u8(static_cast<std::uint8_t>(head.wrapping));
  writer.raw(head.serial);
  writer.raw(head.unit);
  writer.raw(head.seal);
  writer.raw(head.ca);
  writer.raw(head.ca_public);
  writer.raw(head.attestation_public);
  write_optional(writer, head.server_public);
}

Bytes written(const Writer& writer) { return {writer.body().begin(), writer.body().end()}; }

}  // namespace

Bytes encode(const BlobHead& head) {
  std::array<std::uint8_t, room_size> room{};
  Writer writer(room);
  write(writer, head);
  return written(writer);
}

Bytes encode(const Blob& blob) {
  std::array<std::uint8_t, room_size> room{};
  Writer writer(room);
  write(writer, blob.head);
  writer.bytes(blob.nonce);
  writer.bytes(blob.wrapped);
  return written(writer);
}

Result<Blob> decode_blob(BytesView bytes) {
  Reader reader(bytes);
  Blob blob;
  if (reader.u8() != blob_version) reader.refuse();
  const std::uint8_t wrapping = reader.u8();
  if (wrapping < 1 || wrapping > 2) reader.refuse();
  blob.head.wrapping = static_cast<Wrapping>(wrapping);
  read_fixed(reader, blob.head.serial);
  read_fixed(reader, blob.head.unit);
  read_fixed(reader, blob.head.seal);
  read_fixed(reader, blob.head.ca);
  read_fixed(reader, blob.head.ca_public);
  read_fixed(reader, blob.head.attestation_public);
  read_optional(reader, blob.head.server_public);
  const BytesView nonce = reader.bytes(nonce_size);
  blob.nonce.assign(nonce.begin(), nonce.end());
  if (nonce.size() != (blob.head.wrapping == Wrapping::gcm ? nonce_size : 0)) reader.refuse();
  const BytesView wrapped = reader.bytes(max_wrapped_key);
  blob.wrapped.assign(wrapped.begin(), wrapped.end());
  if (!reader.finish()) {
    return refused(ErrorKind::internal, "The HSM's part of the custody file is damaged.");
  }
  return blob;
}

}  // namespace gims::hsm::pkcs11
