#include "hsm/core/attended_blob.hpp"

#include <cstring>
#include <utility>

namespace gims::hsm {
namespace {

constexpr std::uint8_t blob_version = 1;
constexpr std::uint8_t for_signing_version = 2;
constexpr std::size_t room_size =
    max_inner_blob + max_persons * (max_person_name + max_factor_parameters + key_size + 64) + 256;

std::unexpected<Error> damaged() {
  return fail(ErrorKind::internal, "GIMS_KEYD_CUSTODY",
              "The part of the custody file that says who opens it is damaged.");
}

}  // namespace

Result<Bytes> encode_attended(const AttendedBlob& blob, const SecretBytes& root_key) {
  if (blob.inner.size() > max_inner_blob || blob.slots.size() > max_persons) return damaged();
  // Locked memory: where there is no slot the factor is in it.
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(room_size));
  Writer writer(room.writable());
  writer.u8(blob_version);
  writer.bytes(blob.inner);
  writer.u8(static_cast<std::uint8_t>(blob.slots.size()));
  if (blob.slots.empty()) writer.raw(blob.factor.bytes());
  for (const Slot& slot : blob.slots) {
    write_person(writer, slot.person);
    writer.u64(slot.number);
    writer.raw(slot.masked.bytes());
  }
  Bytes bytes(writer.body().begin(), writer.body().end());
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, Purpose::attended_blob));
  append_mac(key, bytes);
  return bytes;
}

Result<AttendedBlob> decode_attended(BytesView bytes) {
  if (bytes.size() < mac_size) return damaged();
  Reader reader(bytes.first(bytes.size() - mac_size));
  if (reader.u8() != blob_version) reader.refuse();
  AttendedBlob blob;
  blob.inner = reader.bytes(max_inner_blob);
  const std::uint8_t count = reader.u8();
  if (count > max_persons) reader.refuse();
  if (count == 0) {
    const BytesView factor = reader.raw(key_size);
    if (!reader.good()) return damaged();
    GIMS_TRY_ASSIGN(blob.factor, SecretBytes::copy_of(factor));
  }
  for (std::uint8_t i = 0; i < count && reader.good(); ++i) {
    Slot slot;
    slot.person = read_person(reader);
    slot.number = reader.u64();
    const BytesView masked = reader.raw(key_size);
    if (!reader.good()) return damaged();
    GIMS_TRY_ASSIGN(slot.masked, SecretBytes::copy_of(masked));
    blob.slots.push_back(std::move(slot));
  }
  if (!reader.finish()) return damaged();
  return blob;
}

Result<Bytes> encode_for_signing(BytesView inner) {
  if (inner.size() > max_inner_blob) return damaged();
  Bytes room(header_size + max_inner_blob + 16);
  Writer writer(room);
  writer.u8(for_signing_version);
  writer.bytes(inner);
  return Bytes(writer.body().begin(), writer.body().end());
}

Result<BytesView> inner_of(BytesView bytes) {
  if (bytes.empty() || bytes.front() != for_signing_version) {
    GIMS_TRY_ASSIGN(const AttendedBlob blob, decode_attended(bytes));
    return blob.inner;
  }
  Reader reader(bytes.subspan(1));
  const BytesView inner = reader.bytes(max_inner_blob);
  if (!reader.finish()) return damaged();
  return inner;
}

Result<> check_attended(BytesView bytes, const SecretBytes& root_key) {
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, Purpose::attended_blob));
  if (!checked_by_mac(key, bytes)) return damaged();
  return {};
}

Result<Slot> make_slot(Person person, const SecretBytes& key, const SecretBytes& factor) {
  Slot slot;
  slot.person = std::move(person);
  GIMS_TRY_ASSIGN(const SecretBytes random, SecretBytes::random(sizeof slot.number));
  std::memcpy(&slot.number, random.bytes().data(), sizeof slot.number);
  GIMS_TRY_ASSIGN(const SecretBytes mask, derive_mask(key, slot.number));
  GIMS_TRY_ASSIGN(slot.masked, exclusive_or(factor, mask));
  return slot;
}

Result<SecretBytes> factor_in(const Slot& slot, const SecretBytes& key) {
  GIMS_TRY_ASSIGN(const SecretBytes mask, derive_mask(key, slot.number));
  return exclusive_or(slot.masked, mask);
}

}  // namespace gims::hsm
