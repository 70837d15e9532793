#include "hsm/ca/certificate.hpp"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <optional>

#include "hsm/ca/der.hpp"
#include "hsm/ca/site.hpp"

namespace gims::hsm {
namespace {

// Bits of KeyUsage (RFC 5280, section 4.2.1.3), bit 0 first.
constexpr std::uint8_t usage_digital_signature = 0x80;
constexpr std::uint8_t usage_sign_certificates_and_crls = 0x06;
// Choices of GeneralName (section 4.2.1.6).
constexpr std::uint8_t general_name_dns = 2;
constexpr std::uint8_t general_name_ip = 7;

constexpr std::size_t max_common_name = 64;  // ub-common-name

enum class Critical : bool { no, yes };

Bytes ecdsa_with_sha256() {
  return der::sequence({der::oid({0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02})});
}

// id-ce, 2.5.29.
Bytes extension(std::uint8_t number, Critical critical, BytesView value) {
  constexpr std::array<std::uint8_t, 3> is_true{der::tag_boolean, 1, 0xff};
  const BytesView flag = critical == Critical::yes ? BytesView(is_true) : BytesView();
  return der::sequence(
      {der::oid({0x55, 0x1d, number}), flag, der::element(der::tag_octet_string, {value})});
}

// Method 1 of RFC 7093: the left 160 bits of the SHA-256 of the key.
std::array<std::uint8_t, 20> key_identifier(const P256Point& key) {
  Digest digest{};
  crypto_hash_sha256(digest.data(), key.data(), key.size());
  std::array<std::uint8_t, 20> identifier{};
  std::copy_n(digest.begin(), identifier.size(), identifier.begin());
  return identifier;
}

Bytes subject_key_identifier(const P256Point& key) {
  return extension(0x0e, Critical::no, der::element(der::tag_octet_string, {key_identifier(key)}));
}

Bytes authority_key_identifier(const P256Point& issuer_key) {
  return extension(0x23, Critical::no,
                   der::sequence({der::element(der::context(0), {key_identifier(issuer_key)})}));
}

Bytes basic_constraints(std::optional<std::uint8_t> path_length) {
  if (!path_length) return extension(0x13, Critical::yes, der::sequence({}));
  constexpr std::array<std::uint8_t, 3> is_ca{der::tag_boolean, 1, 0xff};
  return extension(0x13, Critical::yes, der::sequence({is_ca, der::small_integer(*path_length)}));
}

Bytes key_usage(std::uint8_t bits) { return extension(0x0f, Critical::yes, der::named_bits(bits)); }

Bytes name_constraints(const SiteParameters& site) {
  Bytes permitted;
  for (const std::string& domain : domains_of(site)) {
    der::append(permitted, der::sequence({der::element(der::context(general_name_dns), domain)}));
  }
  // An address and its mask (section 4.2.1.10).
  const auto subtree = [](BytesView address, std::uint8_t mask_byte) {
    const Bytes mask(address.size(), mask_byte);
    return der::sequence({der::element(der::context(general_name_ip), {address, mask})});
  };
  for (const Bytes& address : site.addresses) der::append(permitted, subtree(address, 0xff));
  // Verifiers differ on whether a permitted address of one family limits the other, and a CA
  // without any is not limited at all: a family without an address here is excluded as a whole.
  Bytes excluded;
  for (const std::size_t size : {std::size_t{4}, std::size_t{16}}) {
    const bool used = std::ranges::any_of(
        site.addresses, [size](const Bytes& address) { return address.size() == size; });
    if (!used) der::append(excluded, subtree(Bytes(size, 0), 0x00));
  }
  Bytes content = der::element(der::context_of_many(0), {permitted});
  if (!excluded.empty()) der::append(content, der::element(der::context_of_many(1), {excluded}));
  return extension(0x1e, Critical::yes, der::sequence({content}));
}

Bytes subject_alternative_names(const SiteParameters& site) {
  Bytes names;
  for (const std::string& name : site.dns_names) {
    der::append(names, der::element(der::context(general_name_dns), name));
  }
  for (const Bytes& address : site.addresses) {
    der::append(names, der::element(der::context(general_name_ip), {address}));
  }
  return extension(0x11, Critical::no, der::sequence({names}));
}

Bytes for_tls_servers() {
  // id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
  return extension(0x25, Critical::no,
                   der::sequence({der::oid({0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01})}));
}

Bytes name_of(const SiteParameters& site, const std::string& common_name) {
  // id-at, 2.5.4: organizationName 10, commonName 3.
  const auto attribute = [](std::uint8_t type, std::string_view text) {
    return der::element(
        der::tag_set,
        {der::sequence({der::oid({0x55, 0x04, type}), der::element(der::tag_utf8_string, text)})});
  };
  return der::sequence({attribute(10, site.organisation), attribute(3, common_name)});
}

// "gims.internal issuing CA 1f2e3d4c". The part of the key's identifier keeps the names of a CA and
// of the one that comes after it apart, since some verifiers find an issuer by its name alone.
Bytes name_of_ca(const SiteParameters& site, std::string_view role, const P256Point& key) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string suffix = " " + std::string(role) + " ";
  const auto identifier = key_identifier(key);
  for (const std::uint8_t byte : std::span(identifier).first<4>()) {
    suffix += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return name_of(site, site.server_name.substr(0, max_common_name - suffix.size()) + suffix);
}

struct Subject {
  Bytes name;
  P256Point key;
};

Result<Bytes> issue(const Subject& issuer, const Subject& subject, std::int64_t not_before,
                    std::int64_t not_after, BytesView extensions, const Signer& sign) {
  std::array<std::uint8_t, 16> serial{};
  randombytes_buf(serial.data(), serial.size());
  const std::array<std::uint8_t, 3> version_3{der::tag_integer, 1, 2};
  const Bytes to_be_signed = der::sequence(
      {der::element(der::context_of_many(0), {version_3}), der::unsigned_integer(serial),
       ecdsa_with_sha256(), issuer.name,
       der::sequence({der::time(not_before), der::time(not_after)}), subject.name,
       spki_of(subject.key), der::element(der::context_of_many(3), {der::sequence({extensions})})});

  Digest digest{};
  crypto_hash_sha256(digest.data(), to_be_signed.data(), to_be_signed.size());
  GIMS_TRY_ASSIGN(const P256Signature signature, sign(digest));
  if (!p256_verify(issuer.key, digest, signature)) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The signature on a new certificate is wrong.");
  }
  const Bytes value =
      der::sequence({der::unsigned_integer(signature.r), der::unsigned_integer(signature.s)});
  return der::sequence({to_be_signed, ecdsa_with_sha256(), der::bit_string(value)});
}

Bytes ca_extensions(const SiteParameters& site, std::uint8_t path_length, const P256Point& key,
                    const P256Point& issuer_key) {
  Bytes extensions = basic_constraints(path_length);
  der::append(extensions, key_usage(usage_sign_certificates_and_crls));
  der::append(extensions, name_constraints(site));
  der::append(extensions, subject_key_identifier(key));
  der::append(extensions, authority_key_identifier(issuer_key));
  return extensions;
}

Subject root_subject(const SiteParameters& site, const P256Point& key) {
  return {.name = name_of_ca(site, "root CA", key), .key = key};
}

Subject issuing_subject(const SiteParameters& site, const P256Point& key) {
  return {.name = name_of_ca(site, "issuing CA", key), .key = key};
}

}  // namespace

Result<Bytes> make_root(const SiteParameters& site, const P256Point& root_key, std::int64_t now,
                        const Signer& sign) {
  const Subject root = root_subject(site, root_key);
  return issue(root, root, now - clock_slack, now + root_lifetime,
               ca_extensions(site, 1, root_key, root_key), sign);
}

Result<Bytes> make_issuing_ca(const SiteParameters& site, const P256Point& root_key,
                              const P256Point& ca_key, std::int64_t now, const Signer& sign) {
  return issue(root_subject(site, root_key), issuing_subject(site, ca_key), now - clock_slack,
               now + issuing_lifetime, ca_extensions(site, 0, ca_key, root_key), sign);
}

Result<Bytes> make_leaf(const SiteParameters& site, const P256Point& ca_key,
                        const P256Point& leaf_key, std::int64_t not_before, std::int64_t not_after,
                        const Signer& sign) {
  Bytes extensions = basic_constraints(std::nullopt);
  der::append(extensions, key_usage(usage_digital_signature));
  der::append(extensions, for_tls_servers());
  der::append(extensions, subject_alternative_names(site));
  der::append(extensions, subject_key_identifier(leaf_key));
  der::append(extensions, authority_key_identifier(ca_key));
  // Clients match the alternative names; the common name is for people.
  const Subject leaf{.name = name_of(site, "TLS server"), .key = leaf_key};
  return issue(issuing_subject(site, ca_key), leaf, not_before, not_after, extensions, sign);
}

Result<std::int64_t> end_of(BytesView certificate) {
  // RFC 5280, section 4.1: in the first part, the end is the second time of the fifth field.
  const auto into = [](BytesView bytes) {
    const auto element = der::take(bytes);
    return element && element->tag == der::tag_sequence ? element->content : BytesView();
  };
  BytesView fields = into(into(certificate));
  for (int field = 0; field < 4; ++field) static_cast<void>(der::take(fields));
  BytesView times = into(fields);
  static_cast<void>(der::take(times));
  const auto last = der::take(times);
  const auto end = last && times.empty() ? der::seconds_of(*last) : std::nullopt;
  if (!end) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", "A certificate in it is malformed.");
  }
  return *end;
}

std::string date_of(std::int64_t seconds) {
  const std::chrono::sys_seconds point{std::chrono::seconds(seconds)};
  return std::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::days>(point));
}

std::string certificate_to_pem(BytesView der) {
  constexpr std::size_t line = 64;
  std::string base64(sodium_base64_ENCODED_LEN(der.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(base64.data(), base64.size(), der.data(), der.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  base64.pop_back();  // its final zero
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < base64.size(); at += line) pem += base64.substr(at, line) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

}  // namespace gims::hsm
