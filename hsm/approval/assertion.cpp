#include "hsm/approval/assertion.hpp"

#include <algorithm>

#include "hsm/approval/client_data.hpp"
#include "hsm/approval/signature.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/proto/bytes.hpp"

namespace gims::hsm::approval {
namespace {

constexpr std::string_view challenge_label = "gims approval challenge 1\n";

// Authenticator data (WebAuthn Level 2, section 6.1): the rp id's hash, flags, counter.
constexpr std::size_t flags_at = 32;
constexpr std::size_t counter_at = 33;
constexpr std::uint8_t user_present = 0x01;
constexpr std::uint8_t user_verified = 0x04;
constexpr std::uint8_t more_follows = 0xc0;  // attested credential data, extensions

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::forbidden, "GIMS_APPROVAL_ASSERTION", text);
}

template <std::size_t size>
std::array<std::uint8_t, size> big_endian(std::size_t number) {
  std::array<std::uint8_t, size> bytes{};
  for (std::size_t i = size; i-- > 0; number >>= 8U) bytes[i] = static_cast<std::uint8_t>(number);
  return bytes;
}

Bytes joined(BytesView first, BytesView second) {
  Bytes bytes(first.begin(), first.end());
  bytes.insert(bytes.end(), second.begin(), second.end());
  return bytes;
}

// The counter in the authenticator data, when all else in it is as it should be.
Result<std::uint32_t> check_authenticator_data(BytesView data, const Administrator& administrator) {
  if (data.size() < authenticator_data_size) return refused("The authenticator data is cut.");
  if (!std::ranges::equal(data.first(flags_at), sha256({bytes_of(administrator.rp_id)}))) {
    return refused("The assertion was made for another site.");
  }
  const std::uint8_t flags = data[flags_at];
  if ((flags & user_present) == 0) return refused("Nobody touched the authenticator.");
  if ((flags & user_verified) == 0) {
    return refused("The authenticator did not verify who touched it, by PIN or fingerprint.");
  }
  if ((flags & more_follows) != 0 || data.size() != authenticator_data_size) {
    return refused(
        "The authenticator data has extensions or credential data, which nobody asked for.");
  }
  return Reader(data.subspan(counter_at)).u32();
}

Result<std::uint32_t> verify_webauthn(const Administrator& administrator,
                                      const Challenge& challenge, const Assertion& assertion) {
  GIMS_TRY_ASSIGN(const std::uint32_t counter,
                  check_authenticator_data(assertion.authenticator_data, administrator));
  GIMS_TRY(check_client_data(text_of(assertion.client_data_json), challenge, administrator.rp_id));
  const Bytes message = joined(assertion.authenticator_data, sha256({assertion.client_data_json}));
  if (!signed_by(administrator, message, assertion.signature)) {
    return refused("The signature is not that of the administrator's authenticator.");
  }
  // Zeros from one that does not count (section 7.2, step 21).
  if ((counter != 0 || administrator.sign_count != 0) && counter <= administrator.sign_count) {
    return fail(
        ErrorKind::forbidden, "GIMS_APPROVAL_COUNTER",
        "The authenticator's counter did not grow: this assertion was used before, or there "
        "is a copy of the authenticator.");
  }
  return counter;
}

}  // namespace

void encode(Writer& writer, const Assertion& value) {
  writer.text(value.who);
  writer.bytes(value.signature);
  writer.bytes(value.authenticator_data);
  writer.bytes(value.client_data_json);
}

Result<Assertion> decode_assertion(BytesView body) {
  Reader reader(body);
  Assertion assertion;
  assertion.who = reader.text(max_name);
  const auto read = [&](Bytes& field, std::size_t most) {
    const BytesView bytes = reader.bytes(most);
    field.assign(bytes.begin(), bytes.end());
  };
  read(assertion.signature, max_signature);
  read(assertion.authenticator_data, authenticator_data_size);
  read(assertion.client_data_json, max_client_data);
  if (!reader.finish()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This is no assertion.");
  }
  return assertion;
}

Challenge challenge_of(std::uint16_t operation, BytesView body, BytesView nonce, BytesView site) {
  return sha256({bytes_of(challenge_label), big_endian<2>(operation), big_endian<4>(body.size()),
                 body, big_endian<4>(nonce.size()), nonce, big_endian<4>(site.size()), site});
}

Result<std::uint32_t> verify(const Administrator& administrator, const Challenge& challenge,
                             const Assertion& assertion) {
  if (is_webauthn(administrator.kind)) return verify_webauthn(administrator, challenge, assertion);
  if (!assertion.authenticator_data.empty() || !assertion.client_data_json.empty()) {
    return refused("The administrator's key is one of a file, and this is of an authenticator.");
  }
  if (!signed_by(administrator, joined(bytes_of(signed_by_key), challenge), assertion.signature)) {
    return refused("The signature is not that of the administrator's key.");
  }
  return 0;
}

}  // namespace gims::hsm::approval
