#include "hsm/approval/administrator.hpp"

#include <sodium.h>

#include <algorithm>

#include "base/utf8.hpp"
#include "hsm/ca/p256.hpp"

namespace gims::hsm::approval {
namespace {

constexpr std::uint8_t all_roles = 7;
constexpr std::uint8_t last_kind = 4;
constexpr std::size_t max_public_key = sizeof(P256Point);

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_APPROVAL_ADMINISTRATOR", text);
}

bool is_domain(std::string_view domain) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !domain.empty() && domain.size() <= max_rp_id && std::ranges::all_of(domain, plain) &&
         domain.front() != '.' && domain.back() != '.' && !domain.contains("..");
}

bool is_key(KeyKind kind, BytesView key) {
  if (!is_es256(kind)) {
    return key.size() == crypto_sign_PUBLICKEYBYTES &&
           crypto_core_ed25519_is_valid_point(key.data()) == 1;
  }
  P256Point point{};
  if (key.size() != point.size()) return false;
  std::ranges::copy(key, point.begin());
  return point_of_spki(spki_of(point)).has_value();
}

}  // namespace

bool is_name(std::string_view name) {
  // C0 and DEL; C1 is written as C2 80 to C2 9F.
  std::uint8_t before = 0;
  for (const char c : name) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0)) return false;
    before = byte;
  }
  return !name.empty() && name.size() <= max_name && is_utf8(name);
}

Result<> check(const Administrator& one) {
  if (!is_name(one.name)) {
    return refused("A name has 1 to 64 bytes of UTF-8, without control characters.");
  }
  if (one.roles.bits == 0 || one.roles.bits > all_roles) {
    return refused("An administrator has one of the roles at least.");
  }
  if (one.kind < KeyKind::webauthn_es256 || one.kind > KeyKind::key_ed25519) {
    return refused("A key is one of WebAuthn or of a file, of P-256 or Ed25519.");
  }
  if (!is_key(one.kind, one.public_key)) {
    return refused("The public key is none of its kind: P-256 has 65 bytes, Ed25519 has 32.");
  }
  if (!is_webauthn(one.kind)) {
    if (!one.credential_id.empty() || !one.rp_id.empty() || one.sign_count != 0) {
      return refused("The key of a file has no credential id, domain or counter.");
    }
    return {};
  }
  if (one.credential_id.empty() || one.credential_id.size() > max_credential_id) {
    return refused("A credential id has 1 to 255 bytes.");
  }
  if (!is_domain(one.rp_id)) {
    return refused("The domain of a credential is written in small letters, without a port.");
  }
  return {};
}

void encode(Writer& writer, const Administrator& value) {
  writer.text(value.name);
  writer.u8(value.roles.bits);
  writer.u8(static_cast<std::uint8_t>(value.kind));
  writer.bytes(value.public_key);
  writer.bytes(value.credential_id);
  writer.text(value.rp_id);
  writer.u32(value.sign_count);
}

Administrator read_administrator(Reader& reader) {
  Administrator one;
  one.name = reader.text(max_name);
  one.roles.bits = reader.u8();
  const std::uint8_t kind = reader.u8();
  if (kind < 1 || kind > last_kind) reader.refuse();
  const BytesView key = reader.bytes(max_public_key);
  const BytesView credential = reader.bytes(max_credential_id);
  one.public_key.assign(key.begin(), key.end());
  one.credential_id.assign(credential.begin(), credential.end());
  one.rp_id = reader.text(max_rp_id);
  one.sign_count = reader.u32();
  if (!reader.good()) return {};
  one.kind = static_cast<KeyKind>(kind);
  if (!check(one)) reader.refuse();
  return one;
}

Result<Administrator> decode_administrator(BytesView body) {
  Reader reader(body);
  Administrator one = read_administrator(reader);
  if (!reader.finish()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This is no administrator's entry.");
  }
  return one;
}

}  // namespace gims::hsm::approval
