#include "hsm/pkcs11/blob.hpp"

#include <algorithm>

#include "hsm/pkcs11/errors.hpp"

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
  writer.u8(head.server_public ? 1 : 0);
  if (head.server_public) writer.raw(*head.server_public);
}

Bytes written(const Writer& writer) { return {writer.body().begin(), writer.body().end()}; }

template <std::size_t N>
void read(Reader& reader, std::array<std::uint8_t, N>& out) {
  std::ranges::copy(reader.raw(N), out.begin());
}

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
  read(reader, blob.head.serial);
  read(reader, blob.head.unit);
  read(reader, blob.head.seal);
  read(reader, blob.head.ca);
  read(reader, blob.head.ca_public);
  read(reader, blob.head.attestation_public);
  const std::uint8_t signs_events = reader.u8();
  if (signs_events > 1) reader.refuse();
  if (signs_events == 1) read(reader, blob.head.server_public.emplace());
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
