#include "hsm/ca/certificate.hpp"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <optional>

#include "hsm/ca/der.hpp"
#include "hsm/ca/site.hpp"
#include "hsm/ca/x509.hpp"
#include "hsm/proto/device_messages.hpp"

namespace gims::hsm {
namespace {

using x509::authority_key_identifier;
using x509::Critical;
using x509::extension;
using x509::key_identifier;

// Bits of KeyUsage (RFC 5280, section 4.2.1.3), bit 0 first.
constexpr std::uint8_t usage_digital_signature = 0x80;
constexpr std::uint8_t usage_sign_certificates_and_crls = 0x06;
// Choices of GeneralName (section 4.2.1.6).
constexpr std::uint8_t general_name_dns = 2;
constexpr std::uint8_t general_name_ip = 7;

constexpr std::size_t max_common_name = 64;  // ub-common-name
static_assert(max_device_id <= max_common_name);

Bytes subject_key_identifier(const P256Point& key) {
  return extension(0x0e, Critical::no, der::element(der::tag_octet_string, {key_identifier(key)}));
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

Bytes subject_alternative_names(const std::vector<std::string>& dns_names,
                                const std::vector<Bytes>& addresses) {
  Bytes names;
  for (const std::string& name : dns_names) {
    der::append(names, der::element(der::context(general_name_dns), name));
  }
  for (const Bytes& address : addresses) {
    der::append(names, der::element(der::context(general_name_ip), {address}));
  }
  return extension(0x11, Critical::no, der::sequence({names}));
}

// id-kp, 1.3.6.1.5.5.7.3: serverAuth 1, clientAuth 2.
enum class TlsPurpose : std::uint8_t { server = 1, client = 2 };

Bytes for_tls(TlsPurpose purpose) {
  return extension(0x25, Critical::no,
                   der::sequence({der::oid({0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,
                                            static_cast<std::uint8_t>(purpose)})}));
}

Bytes attribute(BytesView type, std::string_view text) {
  return der::element(der::tag_set,
                      {der::sequence({type, der::element(der::tag_utf8_string, text)})});
}

// id-at, 2.5.4: organizationName 10, commonName 3.
Bytes organisation_of(const SiteParameters& site) {
  return attribute(der::oid({0x55, 0x04, 10}), site.organisation);
}
Bytes common_name(std::string_view text) { return attribute(der::oid({0x55, 0x04, 3}), text); }

Bytes name_of(const SiteParameters& site, const std::string& name) {
  return der::sequence({organisation_of(site), common_name(name)});
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
       x509::ecdsa_with_sha256(), issuer.name,
       der::sequence({der::time(not_before), der::time(not_after)}), subject.name,
       spki_of(subject.key), der::element(der::context_of_many(3), {der::sequence({extensions})})});

  return x509::with_signature(to_be_signed, issuer.key, sign);
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

Bytes server_extensions(BytesView alternative_names, const P256Point& key,
                        const P256Point& ca_key) {
  Bytes extensions = basic_constraints(std::nullopt);
  der::append(extensions, key_usage(usage_digital_signature));
  der::append(extensions, for_tls(TlsPurpose::server));
  der::append(extensions, alternative_names);
  der::append(extensions, subject_key_identifier(key));
  der::append(extensions, authority_key_identifier(ca_key));
  return extensions;
}

Subject root_subject(const SiteParameters& site, const P256Point& key) {
  return {.name = name_of_ca(site, "root CA", key), .key = key};
}

Subject issuing_subject(const SiteParameters& site, const P256Point& key) {
  return {.name = name_of_ca(site, "issuing CA", key), .key = key};
}

BytesView into(BytesView bytes) {
  const auto element = der::take(bytes);
  return element && element->tag == der::tag_sequence ? element->content : BytesView();
}

// The fields of the first part of a certificate (section 4.1) from the one with that number on:
// 0 version, 1 serial number, 2 algorithm, 3 issuer, 4 times, 5 subject, 6 key.
BytesView fields_from(BytesView certificate, int number) {
  BytesView fields = into(into(certificate));
  for (int field = 0; field < number; ++field) static_cast<void>(der::take(fields));
  return fields;
}

std::unexpected<Error> malformed() {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", "A certificate in it is malformed.");
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
  const Bytes extensions = server_extensions(
      subject_alternative_names(site.dns_names, site.addresses), leaf_key, ca_key);
  // Clients match the alternative names; the common name is for people.
  const Subject leaf{.name = name_of(site, "TLS server"), .key = leaf_key};
  return issue(issuing_subject(site, ca_key), leaf, not_before, not_after, extensions, sign);
}

Result<Bytes> make_service(const SiteParameters& site, const P256Point& ca_key,
                           const P256Point& service_key, const std::string& name,
                           std::int64_t not_before, std::int64_t not_after, const Signer& sign) {
  const Bytes extensions =
      server_extensions(subject_alternative_names({name}, {}), service_key, ca_key);
  // Some devices show no more of a Wi-Fi's certificate than its common name.
  const Subject service{.name = name_of(site, name.substr(0, max_common_name)), .key = service_key};
  return issue(issuing_subject(site, ca_key), service, not_before, not_after, extensions, sign);
}

Result<> check_device(const SiteParameters& site, const DeviceName& name) {
  const auto printable = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  };
  const std::size_t colon = name.user.find(':');
  if (name.user.size() > max_user_id || !printable(name.user) || !name.user.starts_with('@') ||
      colon == std::string::npos || colon < 2 ||
      std::string_view(name.user).substr(colon + 1) != site.server_name) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "The user must be one of this site, as \"@asha:" + site.server_name + "\".");
  }
  if (name.device.empty() || name.device.size() > max_device_id || !printable(name.device)) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "The device must be its id: 1 to 64 printable characters without spaces.");
  }
  return {};
}

Result<Bytes> make_device(const SiteParameters& site, const P256Point& ca_key,
                          const P256Point& device_key, const DeviceName& name,
                          std::int64_t not_before, std::int64_t not_after, const Signer& sign) {
  Bytes extensions = basic_constraints(std::nullopt);
  der::append(extensions, key_usage(usage_digital_signature));
  der::append(extensions, for_tls(TlsPurpose::client));
  der::append(extensions, subject_key_identifier(device_key));
  der::append(extensions, authority_key_identifier(ca_key));
  // 0.9.2342.19200300.100.1.1, userId.
  const Bytes user_id = der::oid({0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01});
  const Subject device{.name = der::sequence({organisation_of(site), attribute(user_id, name.user),
                                              common_name(name.device)}),
                       .key = device_key};
  return issue(issuing_subject(site, ca_key), device, not_before, not_after, extensions, sign);
}

Result<std::int64_t> end_of(BytesView certificate) {
  BytesView times = into(fields_from(certificate, 4));
  static_cast<void>(der::take(times));
  const auto last = der::take(times);
  const auto end = last && times.empty() ? der::seconds_of(*last) : std::nullopt;
  if (!end) return malformed();
  return *end;
}

Result<Bytes> serial_of(BytesView certificate) {
  BytesView fields = fields_from(certificate, 1);
  const auto serial = der::take(fields);
  if (!serial || serial->tag != der::tag_integer || serial->content.empty() ||
      serial->content.size() > max_serial) {
    return malformed();
  }
  return Bytes(serial->content.begin(), serial->content.end());
}

Result<Bytes> subject_of(BytesView certificate) {
  BytesView fields = fields_from(certificate, 5);
  const auto subject = der::take(fields);
  if (!subject || subject->tag != der::tag_sequence) return malformed();
  return der::sequence({subject->content});
}

Result<P256Point> key_of(BytesView certificate) {
  BytesView fields = fields_from(certificate, 6);
  const auto key = der::take(fields);
  if (!key || key->tag != der::tag_sequence) return malformed();
  auto point = point_of_spki(der::sequence({key->content}));
  if (!point) return malformed();
  return point;
}

std::string date_of(std::int64_t seconds) {
  const std::chrono::sys_seconds point{std::chrono::seconds(seconds)};
  return std::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::days>(point));
}

std::string certificate_to_pem(BytesView der) { return x509::to_pem("CERTIFICATE", der); }

}  // namespace gims::hsm
