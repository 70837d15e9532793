#include "hsm/approval/registration.hpp"

#include <algorithm>
#include <optional>

#include "hsm/approval/cbor.hpp"
#include "hsm/approval/signature.hpp"
#include "hsm/ca/sha256.hpp"

namespace gims::hsm::approval {
namespace {

// Authenticator data (WebAuthn Level 2, section 6.1) and in it attested credential data (6.5.1).
constexpr std::size_t flags_at = 32;
constexpr std::size_t counter_at = 33;
constexpr std::size_t credential_at = 37;
constexpr std::size_t length_at = credential_at + 16;  // after the AAGUID
constexpr std::size_t id_at = length_at + 2;
constexpr std::uint8_t user_present = 0x01;
constexpr std::uint8_t user_verified = 0x04;
constexpr std::uint8_t credential_follows = 0x40;
constexpr std::uint8_t extensions_follow = 0x80;

// COSE (RFC 9052 and 9053): algorithms, and members of a key.
constexpr std::int64_t es256 = -7;
constexpr std::int64_t eddsa = -8;
constexpr std::size_t coordinate = 32;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::forbidden, "GIMS_APPROVAL_ASSERTION", text);
}

struct AttestationObject {
  bool self_signed = false;  // "packed"; else "none"
  std::int64_t algorithm = 0;
  BytesView signature;
  BytesView authenticator_data;
};

// Canonical CTAP writes the members in this order: shorter names first (CTAP, section 8).
Result<AttestationObject> read_object(BytesView bytes) {
  AttestationObject object;
  CborReader reader(bytes);
  const bool three = reader.map() == 3 && reader.text() == "fmt";
  const std::string_view format = reader.text();
  if (!three || reader.text() != "attStmt") return refused("This is no attestation object.");
  const std::size_t members = reader.map();
  if (format == "packed" && members == 2) {
    object.self_signed = true;
    const bool algorithm = reader.text() == "alg";
    object.algorithm = reader.number();
    const bool signature = reader.text() == "sig";
    object.signature = reader.bytes();
    if (!algorithm || !signature) return refused("The statement of attestation is not packed.");
  } else if (format != "none" || members != 0) {
    return refused(
        "The authenticator's maker attests it, which was not asked for: register it again with "
        "attestation \"none\".");
  }
  const bool data = reader.text() == "authData";
  object.authenticator_data = reader.bytes();
  if (!data || !reader.finish()) return refused("This is no attestation object.");
  return object;
}

// COSE_Key in CTAP's canonical order: 1, 3, -1, -2, -3.
bool take(CborReader& reader, std::int64_t name, std::int64_t value) {
  return reader.number() == name && reader.number() == value;
}
bool take_coordinate(CborReader& reader, std::int64_t name, Bytes& key) {
  const bool named = reader.number() == name;
  const BytesView bytes = reader.bytes();
  key.insert(key.end(), bytes.begin(), bytes.end());
  return named && bytes.size() == coordinate;
}

bool read_key(BytesView cose, Administrator& one) {
  CborReader reader(cose);
  const std::size_t members = reader.map();
  if (members == 5) {  // EC2, P-256
    one.kind = KeyKind::webauthn_es256;
    one.public_key = {0x04};
    return take(reader, 1, 2) && take(reader, 3, es256) && take(reader, -1, 1) &&
           take_coordinate(reader, -2, one.public_key) &&
           take_coordinate(reader, -3, one.public_key) && reader.finish();
  }
  one.kind = KeyKind::webauthn_eddsa;  // OKP, Ed25519
  one.public_key.clear();
  return members == 4 && take(reader, 1, 1) && take(reader, 3, eddsa) && take(reader, -1, 6) &&
         take_coordinate(reader, -2, one.public_key) && reader.finish();
}

Result<Administrator> read_credential(BytesView data, std::string_view rp_id) {
  const BytesView site(reinterpret_cast<const std::uint8_t*>(rp_id.data()), rp_id.size());
  if (data.size() < id_at) return refused("The authenticator data is cut.");
  if (!std::ranges::equal(data.first(flags_at), sha256({site}))) {
    return refused("The credential was made for another site.");
  }
  const std::uint8_t flags = data[flags_at];
  if ((flags & user_present) == 0) return refused("Nobody touched the authenticator.");
  if ((flags & user_verified) == 0) {
    return refused(
        "The authenticator did not verify who touched it: give it a PIN, then register it again.");
  }
  if ((flags & credential_follows) == 0) return refused("There is no credential in the answer.");
  if ((flags & extensions_follow) != 0) {
    return refused("The authenticator data has extensions, which nobody asked for.");
  }
  Administrator one;
  one.rp_id = rp_id;
  one.sign_count = Reader(data.subspan(counter_at, 4)).u32();
  const std::size_t size = Reader(data.subspan(length_at, 2)).u16();
  if (size == 0 || size > max_credential_id || data.size() < id_at + size) {
    return refused("A credential id has 1 to 255 bytes.");
  }
  const BytesView id = data.subspan(id_at, size);
  one.credential_id.assign(id.begin(), id.end());
  if (!read_key(data.subspan(id_at + size), one)) {
    return refused("The credential's key is none of ES256 or EdDSA.");
  }
  return one;
}

}  // namespace

Result<Administrator> registered(std::string_view rp_id, const Challenge& challenge,
                                 const Registration& registration) {
  if (registration.client_data_json.size() > max_client_data ||
      registration.attestation_object.size() > max_attestation_object) {
    return refused("The answer of the authenticator is too long.");
  }
  const std::string_view client_data(
      reinterpret_cast<const char*>(registration.client_data_json.data()),
      registration.client_data_json.size());
  GIMS_TRY(check_client_data(client_data, challenge, rp_id, ClientAct::registration));
  GIMS_TRY_ASSIGN(const AttestationObject object, read_object(registration.attestation_object));
  GIMS_TRY_ASSIGN(Administrator one, read_credential(object.authenticator_data, rp_id));
  // Who it is is not said here; check() wants a name and a role beside what it looks at.
  Administrator whole = one;
  whole.name = "new";
  whole.roles = {Role::auditor};
  if (!check(whole)) return refused("The credential's key is no point of its curve.");
  if (!object.self_signed) return one;
  Bytes message(object.authenticator_data.begin(), object.authenticator_data.end());
  const Digest hash = sha256({registration.client_data_json});
  message.insert(message.end(), hash.begin(), hash.end());
  if (object.algorithm != (is_es256(one.kind) ? es256 : eddsa) ||
      !signed_by(one, message, object.signature)) {
    return refused("The credential's own signature does not hold.");
  }
  return one;
}

}  // namespace gims::hsm::approval
