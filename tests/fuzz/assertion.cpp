// What administrators sign and how it is told: entries, assertions, signatures, client data. What
// is taken has one form; what is a yes has everything that a yes must have, also when all is signed
// well.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "hsm/approval/client_data.hpp"
#include "hsm/approval/registry.hpp"
#include "hsm/approval/signature.hpp"
#include "hsm/ca/der.hpp"
#include "hsm/ca/sha256.hpp"
#include "one_form.hpp"

namespace {

using namespace gims::hsm;            // NOLINT(google-build-using-namespace)
using namespace gims::hsm::approval;  // NOLINT(google-build-using-namespace)

constexpr Challenge challenge{};
constexpr std::string_view rp_id = "gims.internal";
constexpr std::string_view start =
    R"({"type":"webauthn.get","challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","origin":"https://gims.internal)";

std::string_view text_of(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const P256Key& key() {
  static const P256Key made = *p256_from_scalar(*gims::SecretBytes::copy_of(Bytes(32, 7)));
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
  const Bytes signature =
      der::sequence({der::unsigned_integer(numbers->r), der::unsigned_integer(numbers->s)});
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
    default:
      client_data(rest);
      break;
  }
  return 0;
}
