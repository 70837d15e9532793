#include "hsm/main/service_certificate.hpp"

#include <algorithm>
#include <string>

#include "hsm/ca/certificate.hpp"
#include "hsm/ca/key_text.hpp"

namespace gims::hsm {
namespace {

constexpr std::size_t most = std::size_t{16} << 10U;  // of a file

bool has_time_left(std::int64_t end, std::int64_t ca_end, std::int64_t now) {
  const std::int64_t left = end - now;
  // Of the future, where the clock was put back, and so good for nobody yet.
  if (left > service_lifetime + clock_slack) return false;
  // A new one would end with the CA, too.
  return left > service_lifetime / 2 || (left > 0 && end == ca_end);
}

}  // namespace

bool stays(BytesView chain, BytesView key, BytesView issuing_ca, std::int64_t now) {
  const auto certificate = pem_block(chain, "CERTIFICATE", most);
  const auto key_der = pem_private_key(key, most);
  if (!certificate || !key_der) return false;
  const std::string whole =
      certificate_to_pem(certificate->bytes()) + certificate_to_pem(issuing_ca);
  const auto own = p256_from_der(key_der->bytes());
  const auto certified = key_of(certificate->bytes());
  const auto end = end_of(certificate->bytes());
  const auto ca_end = end_of(issuing_ca);
  return std::ranges::equal(whole, chain, {},
                            [](char c) { return static_cast<std::uint8_t>(c); }) &&
         own && certified && own->public_key == *certified && end && ca_end &&
         has_time_left(*end, *ca_end, now);
}

}  // namespace gims::hsm
