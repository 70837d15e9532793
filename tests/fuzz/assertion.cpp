// What administrators sign and how it is told: entries, assertions, signatures, client data. What
// is taken has one form; what is a yes has everything that a yes must have, also when all is signed
// well.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "hsm/approval/change.hpp"
#include "hsm/approval/client_data.hpp"
#include "hsm/approval/key_file.hpp"
#include "hsm/approval/registry.hpp"
#include "hsm/approval/signature.hpp"
#include "hsm/approval/webauthn_file.hpp"
#include "hsm/ca/der.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/proto/bytes.hpp"
#include "one_form.hpp"

namespace {

using namespace gims::hsm;            // NOLINT(google-build-using-namespace)
using namespace gims::hsm::approval;  // NOLINT(google-build-using-namespace)

constexpr Challenge challenge{};
constexpr std::string_view rp_id = "gims.internal";
constexpr std::string_view start =
    R"({"type":"webauthn.get","challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","origin":"https://gims.internal)";

const P256Key& key() {
  static const P256Key made = *p256_from_scalar(*gims::SecretBytes::copy_of(Bytes(32, 7)));
  return made;
}

// Two of whom each can approve.
const Registry& two() {
  static const Registry made = [] {
    Registry registry;
    for (const std::uint8_t number : {std::uint8_t{8}, std::uint8_t{9}}) {
      const P256Key one = *p256_from_scalar(*gims::SecretBytes::copy_of(Bytes(32, number)));
      GIMS_CHECK(registry
                     .add({.name = number == 8 ? "Asha" : "Bimal",
                           .roles = {Role::administrator},
                           .kind = KeyKind::key_es256,
                           .public_key = {one.public_key.begin(), one.public_key.end()},
                           .credential_id = {},
                           .rp_id = {}})
                     .has_value());
    }
    return registry;
  }();
  return made;
}

void client_data(BytesView bytes) {
  const std::string_view text = text_of(bytes);
  if (!check_client_data(text, challenge, rp_id)) return;
  GIMS_CHECK(text.starts_with(start) && text.ends_with('}'));
  GIMS_CHECK(text.contains(R"(","crossOrigin":false)"));
}

// The first byte is the length of the authenticator data; the rest are the client data.
void signed_well(BytesView bytes) {
  if (bytes.empty()) return;
  const std::size_t size = std::min<std::size_t>(bytes[0], bytes.size() - 1);
  const BytesView data = bytes.subspan(1, size);
  const BytesView json = bytes.subspan(1 + size);
  Bytes message(data.begin(), data.end());
  der::append(message, sha256({json}));
  const auto numbers = p256_sign(key(), sha256({message}));
  GIMS_CHECK(numbers);
  const Bytes signature = der_of(*numbers);
  const Administrator administrator{
      .name = "Asha",
      .roles = {Role::administrator},
      .kind = KeyKind::webauthn_es256,
      .public_key = {key().public_key.begin(), key().public_key.end()},
      .credential_id = {1},
      .rp_id = std::string(rp_id)};
  const auto verified = verify(administrator, challenge,
                               {.who = "Asha",
                                .signature = signature,
                                .authenticator_data = {data.begin(), data.end()},
                                .client_data_json = {json.begin(), json.end()}});
  if (!verified) return;
  GIMS_CHECK(data.size() == authenticator_data_size && (data[32] & 5U) == 5U);
  const std::string_view name = rp_id;
  const auto hash = sha256({{reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}});
  GIMS_CHECK(std::ranges::equal(data.first(hash.size()), hash));
  GIMS_CHECK(text_of(json).starts_with(start));
}

// Whatever is said of it, the administrators of after are a list as any, in which two can approve.
void change(BytesView bytes) {
  const auto decoded = decode_change(bytes);
  same_again(bytes, decoded);
  if (!decoded) return;
  const auto after = changed(two(), *decoded);
  GIMS_CHECK(!describe(*decoded).empty());
  if (after) GIMS_CHECK(check_enough(*after).has_value() && after->all().size() <= 3);
}

void webauthn_file(std::string_view text) {
  if (const auto read = assertion_of_json(text, "Asha"); read) {
    GIMS_CHECK(read->signature.size() <= max_signature &&
               read->authenticator_data.size() <= authenticator_data_size &&
               read->client_data_json.size() <= max_client_data);
  }
  if (const auto read = credential_of_json(text); read) {
    GIMS_CHECK(is_webauthn(read->key.kind) && read->id.size() <= max_credential_id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses.
  if (size == 0) return 0;
  const BytesView rest(data + 1, size - 1);
  switch (data[0]) {
    case 'r':
      same_again(rest, decode_registry(rest));
      break;
    case 'e':
      same_again(rest, decode_administrator(rest));
      break;
    case 'a':
      same_again(rest, decode_assertion(rest));
      break;
    case 's':
      if (const auto signature = p256_signature_of(rest); signature) {
        GIMS_CHECK(rest.size() >= 8 && rest.size() <= max_signature);
      }
      break;
    case 'w':
      signed_well(rest);
      break;
    case 'c':
      change(rest);
      break;
    case 'j':
      webauthn_file(text_of(rest));
      break;
    case 'k':
      // What a person's own file holds: it is read or refused, and what is read signs.
      if (const auto read = PrivateKey::from_pem(rest, {}); read) {
        GIMS_CHECK(read->approve("Asha", challenge).has_value());
      }
      break;
    default:
      client_data(rest);
      break;
  }
  return 0;
}
