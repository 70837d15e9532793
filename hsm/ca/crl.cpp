#include "hsm/ca/crl.hpp"

#include <sodium.h>

#include <array>

#include "hsm/ca/der.hpp"
#include "hsm/ca/x509.hpp"

namespace gims::hsm {
namespace {

Bytes crl_number(std::uint64_t number) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[bytes.size() - 1 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return x509::extension(0x14, x509::Critical::no, der::unsigned_integer(bytes));
}

}  // namespace

Result<Bytes> make_crl(BytesView ca, std::uint64_t number, const std::vector<Revoked>& revoked,
                       std::int64_t now, std::int64_t lifetime, const Signer& sign) {
  GIMS_TRY_ASSIGN(const Bytes issuer, subject_of(ca));
  GIMS_TRY_ASSIGN(const P256Point key, key_of(ca));
  Bytes entries;
  for (const Revoked& one : revoked) {
    der::append(entries,
                der::sequence({der::element(der::tag_integer, {one.serial}), der::time(one.at)}));
  }
  // A list of none is left out (section 5.1.2.6).
  if (!entries.empty()) entries = der::sequence({entries});
  const Bytes extensions = der::sequence({x509::authority_key_identifier(key), crl_number(number)});
  const Bytes to_be_signed = der::sequence(
      {der::small_integer(1), x509::ecdsa_with_sha256(), issuer, der::time(now - clock_slack),
       der::time(now + lifetime), entries, der::element(der::context_of_many(0), {extensions})});
  return x509::with_signature(to_be_signed, key, sign);
}

Result<Bytes> serial_from(std::string_view typed) {
  std::array<std::uint8_t, max_serial> room{};
  std::size_t size = 0;
  const char* end = nullptr;
  if (!typed.empty() &&
      sodium_hex2bin(room.data(), room.size(), typed.data(), typed.size(), ":", &size, &end) == 0 &&
      end == typed.data() + typed.size() && size > 0) {
    const Bytes whole = der::unsigned_integer(BytesView(room).first(size));
    BytesView rest = whole;
    const auto number = der::take(rest);
    if (number && number->content.size() <= max_serial) {
      return Bytes(number->content.begin(), number->content.end());
    }
  }
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
              "A serial number is 1 to 20 bytes in hexadecimal digits.");
}

std::string crl_to_pem(BytesView der) { return x509::to_pem("X509 CRL", der); }

}  // namespace gims::hsm
