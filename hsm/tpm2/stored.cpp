#include "hsm/tpm2/stored.hpp"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <array>

namespace gims::hsm::tpm2 {
namespace {

constexpr std::uint8_t blob_version = 2;
constexpr std::size_t max_area = 1024;  // of a public or private area of P-256 and 32 sealed bytes

std::unexpected<Error> custody(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

template <class T, auto Marshal>
Result<> write_area(Writer& writer, const T& area) {
  std::array<std::uint8_t, max_area> bytes{};
  std::size_t size = 0;
  if (Marshal(&area, bytes.data(), bytes.size(), &size) != TSS2_RC_SUCCESS) {
    return fail(ErrorKind::internal, "GIMS_KEYD_INTERNAL", "An object of the TPM is too long.");
  }
  writer.bytes(BytesView(bytes).first(size));
  return {};
}

// There is one form: tpm2-tss alone would take a size that does not fit.
template <class T, auto Unmarshal, auto Marshal>
void read_area(Reader& reader, T& area) {
  const BytesView bytes = reader.bytes(max_area);
  std::size_t size = 0;
  std::array<std::uint8_t, max_area> again{};
  std::size_t again_size = 0;
  if (!reader.good() || Unmarshal(bytes.data(), bytes.size(), &size, &area) != TSS2_RC_SUCCESS ||
      Marshal(&area, again.data(), again.size(), &again_size) != TSS2_RC_SUCCESS ||
      !std::ranges::equal(bytes, BytesView(again).first(again_size))) {
    reader.refuse();
  }
}

void read_raw(Reader& reader, std::span<std::uint8_t> out) {
  const BytesView bytes = reader.raw(out.size());
  if (reader.good()) std::ranges::copy(bytes, out.begin());
}

}  // namespace

Result<Bytes> encode_blob(const Blob& blob) {
  Bytes room(header_size + 8 * max_area);
  Writer writer(room);
  writer.u8(blob_version);
  writer.bytes(blob.storage_name);
  writer.u8(static_cast<std::uint8_t>(blob.slot));
  writer.raw(blob.release_key);
  for (const Digest& pcr : blob.own) writer.raw(pcr);
  for (const StoredObject* object : {&blob.sealed, &blob.ca_key, &blob.attestation_key}) {
    GIMS_TRY((write_area<TPM2B_PUBLIC, Tss2_MU_TPM2B_PUBLIC_Marshal>(writer, object->public_area)));
    GIMS_TRY(
        (write_area<TPM2B_PRIVATE, Tss2_MU_TPM2B_PRIVATE_Marshal>(writer, object->private_area)));
  }
  return Bytes(writer.body().begin(), writer.body().end());
}

Result<Blob> decode_blob(BytesView bytes) {
  Reader reader(bytes);
  Blob blob;
  if (reader.u8() != blob_version) reader.refuse();
  const BytesView name = reader.bytes(sizeof(TPMU_NAME));
  blob.storage_name.assign(name.begin(), name.end());
  const std::uint8_t slot = reader.u8();
  if (slot > static_cast<std::uint8_t>(Slot::b)) reader.refuse();
  blob.slot = static_cast<Slot>(slot);
  read_raw(reader, blob.release_key);
  for (Digest& pcr : blob.own) read_raw(reader, pcr);
  for (StoredObject* object : {&blob.sealed, &blob.ca_key, &blob.attestation_key}) {
    read_area<TPM2B_PUBLIC, Tss2_MU_TPM2B_PUBLIC_Unmarshal, Tss2_MU_TPM2B_PUBLIC_Marshal>(
        reader, object->public_area);
    read_area<TPM2B_PRIVATE, Tss2_MU_TPM2B_PRIVATE_Unmarshal, Tss2_MU_TPM2B_PRIVATE_Marshal>(
        reader, object->private_area);
  }
  if (!reader.finish()) return custody("The TPM's part of the custody file is damaged.");
  return blob;
}

}  // namespace gims::hsm::tpm2
