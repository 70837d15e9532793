#include "hsm/attest/structures.hpp"

#include <algorithm>
#include <span>

namespace gims::hsm::attest {
namespace {

// Part 2: TPM_ALG_ID, TPM_ECC_CURVE, TPM_CONSTANTS32, TPM_ST, TPMA_OBJECT.
constexpr std::uint16_t algorithm_rsa = 0x0001;
constexpr std::uint16_t algorithm_aes = 0x0006;
constexpr std::uint16_t algorithm_sha256 = 0x000B;
constexpr std::uint16_t algorithm_null = 0x0010;
constexpr std::uint16_t algorithm_ecdsa = 0x0018;
constexpr std::uint16_t algorithm_ecc = 0x0023;
constexpr std::uint16_t algorithm_cfb = 0x0043;
constexpr std::uint16_t curve_p256 = 0x0003;
constexpr std::uint32_t generated_value = 0xFF54'4347;
constexpr std::uint16_t attest_nv = 0x8014;
constexpr std::uint16_t attest_quote = 0x8018;
constexpr std::uint32_t fixed_tpm = 1U << 1U;
constexpr std::uint32_t fixed_parent = 1U << 4U;
constexpr std::uint32_t sensitive_data_origin = 1U << 5U;
constexpr std::uint32_t restricted = 1U << 16U;
constexpr std::uint32_t decrypt = 1U << 17U;
constexpr std::uint32_t sign_encrypt = 1U << 18U;
// Made in the TPM, and bound to it.
constexpr std::uint32_t of_this_tpm = fixed_tpm | fixed_parent | sensitive_data_origin | restricted;

constexpr std::size_t most_digest = 64;
constexpr std::size_t most_name = 68;
constexpr std::size_t most_contents = 64;
constexpr std::uint16_t rsa_bits = 2048;
constexpr std::uint32_t usual_exponent = 65537;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_ATTEST", text);
}

// TPM2B: a size of 16 bits, then the bytes.
BytesView sized(Reader& reader, std::size_t most) {
  const std::uint16_t size = reader.u16();
  if (size > most) reader.refuse();
  return reader.raw(size);
}
Bytes copied(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

// A number without leading zeros, or with them.
bool copy_padded(BytesView number, std::span<std::uint8_t> out) {
  if (number.size() > out.size()) return false;
  std::ranges::fill(out, std::uint8_t{0});
  std::ranges::copy(number, out.last(number.size()).begin());
  return true;
}

void read_symmetric(Reader& reader, PublicKey& key) {
  const std::uint16_t algorithm = reader.u16();
  if (algorithm == algorithm_null) return;
  key.aes = algorithm == algorithm_aes && reader.u16() == 128 && reader.u16() == algorithm_cfb;
  if (!key.aes) reader.refuse();
}

void read_scheme(Reader& reader, PublicKey& key) {
  const std::uint16_t scheme = reader.u16();
  if (scheme == algorithm_null) return;
  key.ecdsa = scheme == algorithm_ecdsa && reader.u16() == algorithm_sha256;
  if (!key.ecdsa) reader.refuse();
}

void read_ecc(Reader& reader, PublicKey& key) {
  read_symmetric(reader, key);
  read_scheme(reader, key);
  if (reader.u16() != curve_p256) reader.refuse();
  if (reader.u16() != algorithm_null) reader.refuse();  // the scheme of key derivation
  key.point[0] = 4;
  const auto numbers = std::span(key.point).subspan(1);
  if (!copy_padded(sized(reader, 32), numbers.first(32)) ||
      !copy_padded(sized(reader, 32), numbers.last(32))) {
    reader.refuse();
  }
}

void read_rsa(Reader& reader, PublicKey& key) {
  key.kind = PublicKey::Kind::rsa2048;
  read_symmetric(reader, key);
  read_scheme(reader, key);
  if (key.ecdsa || reader.u16() != rsa_bits) reader.refuse();
  key.exponent = reader.u32();
  if (key.exponent == 0) key.exponent = usual_exponent;
  key.modulus = copied(sized(reader, rsa_bits / 8));
  if (key.modulus.size() != rsa_bits / 8 || key.exponent != usual_exponent) reader.refuse();
}

// TPML_PCR_SELECTION of the SHA-256 bank alone.
std::uint32_t read_selection(Reader& reader) {
  if (reader.u32() != 1 || reader.u16() != algorithm_sha256) reader.refuse();
  const std::uint8_t size = reader.u8();
  if (size == 0 || size > sizeof(std::uint32_t)) reader.refuse();
  std::uint32_t pcrs = 0;
  for (std::uint32_t i = 0; i < size && reader.good(); ++i) {
    pcrs |= std::uint32_t{reader.u8()} << (8 * i);
  }
  return pcrs;
}

}  // namespace

Result<PublicKey> parse_public(BytesView area) {
  Reader reader(area);
  PublicKey key;
  const std::uint16_t type = reader.u16();
  if (reader.u16() != algorithm_sha256) reader.refuse();
  key.attributes = reader.u32();
  sized(reader, most_digest);  // its policy
  if (type == algorithm_ecc) {
    read_ecc(reader, key);
  } else if (type == algorithm_rsa) {
    read_rsa(reader, key);
  } else {
    reader.refuse();
  }
  if (!reader.finish() ||
      (key.kind == PublicKey::Kind::p256 && !point_of_spki(spki_of(key.point)))) {
    return refused("A key of the TPM is malformed, or of a kind that is not used.");
  }
  return key;
}

Bytes name_of(BytesView area) {
  Bytes name{algorithm_sha256 >> 8U, algorithm_sha256 & 0xFFU};
  const Digest hash = sha256({area});
  name.insert(name.end(), hash.begin(), hash.end());
  return name;
}

bool is_attestation_key(const PublicKey& key) noexcept {
  return key.kind == PublicKey::Kind::p256 && key.ecdsa && !key.aes &&
         (key.attributes & (of_this_tpm | sign_encrypt | decrypt)) == (of_this_tpm | sign_encrypt);
}

bool is_endorsement_key(const PublicKey& key) noexcept {
  return key.aes && !key.ecdsa &&
         (key.attributes & (of_this_tpm | sign_encrypt | decrypt)) == (of_this_tpm | decrypt);
}

Result<Attested> parse_attest(BytesView bytes) {
  Reader reader(bytes);
  Attested attested;
  if (reader.u32() != generated_value) {
    return refused("A statement is not one that a TPM makes.");
  }
  const std::uint16_t type = reader.u16();
  attested.signer = copied(sized(reader, most_name));
  attested.qualifying = copied(sized(reader, most_digest));
  attested.clock = reader.u64();
  attested.resets = reader.u32();
  reader.u32();                          // restarts
  if (reader.u8() > 1) reader.refuse();  // whether the clock was saved
  attested.firmware = reader.u64();
  if (type == attest_quote) {
    attested.pcrs = read_selection(reader);
    attested.pcr_digest = copied(sized(reader, most_digest));
  } else if (type == attest_nv) {
    attested.kind = Attested::Kind::nv;
    attested.index_name = copied(sized(reader, most_name));
    if (reader.u16() != 0) reader.refuse();  // where in the index
    attested.contents = copied(sized(reader, most_contents));
  } else {
    reader.refuse();
  }
  if (!reader.finish()) return refused("A statement of the TPM is malformed, or of another kind.");
  return attested;
}

}  // namespace gims::hsm::attest
