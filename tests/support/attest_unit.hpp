// A unit in software: a TPM's keys, PCRs and statements as a real one makes them, so that a test
// can have each of them wrong.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "hsm/attest/evidence.hpp"
#include "hsm/attest/structures.hpp"
#include "hsm/attest/verify.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/ca/statement.hpp"
#include "support/release_policy.hpp"

namespace gims::test {

// What is written into structures: big-endian, as everything of a TPM.
class TpmBytes {
 public:
  TpmBytes& number(std::uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
    }
    return *this;
  }
  TpmBytes& u16(std::uint64_t value) { return number(value, 2); }
  TpmBytes& u32(std::uint64_t value) { return number(value, 4); }
  TpmBytes& u64(std::uint64_t value) { return number(value, 8); }
  TpmBytes& raw(hsm::BytesView more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  TpmBytes& sized(hsm::BytesView more) { return u16(more.size()).raw(more); }
  [[nodiscard]] const hsm::Bytes& bytes() const { return bytes_; }

 private:
  hsm::Bytes bytes_;
};

inline constexpr std::uint32_t attestation_attributes = 0x0005'0472;  // restricted, signs, …
inline constexpr std::uint32_t endorsement_attributes = 0x0003'00b2;  // restricted, decrypts, …

// TPMT_PUBLIC of a key of P-256 that signs, or decrypts.
inline hsm::Bytes public_area(const hsm::P256Point& point, std::uint32_t attributes, bool signs) {
  TpmBytes out;
  out.u16(0x0023).u16(0x000B).u32(attributes).u16(0);
  if (signs) {
    out.u16(0x0010).u16(0x0018).u16(0x000B);
  } else {
    out.u16(0x0006).u16(128).u16(0x0043).u16(0x0010);
  }
  const hsm::BytesView both = point;
  return out.u16(3).u16(0x0010).sized(both.subspan(1, 32)).sized(both.subspan(33, 32)).bytes();
}

// The beginning of a TPMS_ATTEST of a type.
inline TpmBytes attest_head(std::uint16_t type, hsm::BytesView qualifying) {
  TpmBytes out;
  out.u32(0xFF544347).u16(type).sized(hsm::Bytes(34, 7)).sized(qualifying);
  return out.u64(123456).u32(3).u32(0).number(1, 1).u64(0x2024'0125'0012'0000);
}

// The firmware's log, with SHA-1 and SHA-256 digests.
class FirmwareLog {
 public:
  FirmwareLog() {
    hsm::Bytes description = text("Spec ID Event03");
    for (const int byte : {0, 0, 0, 0, 0, 2, 0, 2, 2, 0, 0, 0, 4, 0, 20, 0, 11, 0, 32, 0, 0}) {
      description.push_back(static_cast<std::uint8_t>(byte));
    }
    little(0).little(3).raw(hsm::Bytes(20)).sized(description);
  }
  FirmwareLog& event(std::uint32_t pcr, std::uint32_t type, const hsm::Digest& digest,
                     hsm::BytesView data) {
    little(pcr).little(type).little(2);
    little(4, 2).raw(hsm::Bytes(20, 0x51));
    return little(11, 2).raw(digest).sized(data);
  }
  [[nodiscard]] const hsm::Bytes& bytes() const { return bytes_; }

  // With the zero at its end.
  static hsm::Bytes text(std::string_view words) {
    hsm::Bytes bytes(words.begin(), words.end());
    bytes.push_back(0);
    return bytes;
  }
  static hsm::Bytes wide_text(std::string_view words) {
    hsm::Bytes bytes;
    for (const std::uint8_t c : text(words)) {
      bytes.push_back(c);
      bytes.push_back(0);
    }
    return bytes;
  }

 private:
  FirmwareLog& little(std::uint64_t value, int size = 4) {
    for (int i = 0; i < size; ++i) {
      bytes_.push_back(static_cast<std::uint8_t>(value >> static_cast<unsigned>(8 * i)));
    }
    return *this;
  }
  FirmwareLog& raw(hsm::BytesView more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  FirmwareLog& sized(hsm::BytesView more) { return little(more.size()).raw(more); }
  hsm::Bytes bytes_;
};

class AttestUnit {
 public:
  AttestUnit() {
    attestation_area = public_area(attestation.public_key, attestation_attributes, true);
    endorsement_area = public_area(endorsement.public_key, endorsement_attributes, false);
  }

  // Measures: into the PCR, and into the firmware's log as an event of the kernel image.
  void measure(std::uint8_t pcr, const hsm::Digest& digest, std::string_view words) {
    extend(pcr, digest);
    firmware_log.event(pcr, 0x0D, digest, FirmwareLog::wide_text(words));
  }
  // The same, as systemd does.
  void measure_later(std::uint8_t pcr, const hsm::Digest& digest, std::string_view words) {
    extend(pcr, digest);
    const std::string record = "\x1e{\"pcr\":" + std::to_string(pcr) +
                               R"(,"digests":[{"hashAlg":"sha256","digest":")" + hsm::hex(digest) +
                               R"("}],"content_type":"systemd","content":{"eventType":"phase",)" +
                               R"("string":")" + std::string(words) + "\"}}\n";
    userspace_log.insert(userspace_log.end(), record.begin(), record.end());
  }
  void extend(std::uint8_t pcr, const hsm::Digest& digest) {
    pcrs.at(pcr) = hsm::sha256({pcrs.at(pcr), digest});
  }

  [[nodiscard]] hsm::TpmStatement signed_by_it(hsm::Bytes attest) const {
    hsm::TpmStatement statement{.attest = std::move(attest), .signature = {}};
    const auto signature = hsm::p256_sign(attestation, hsm::sha256({statement.attest}));
    GIMS_CHECK(signature.has_value());
    std::ranges::copy(signature->s,
                      std::ranges::copy(signature->r, statement.signature.begin()).out);
    return statement;
  }
  [[nodiscard]] hsm::TpmStatement quote(hsm::BytesView nonce) const {
    hsm::Bytes all;
    for (const auto& value : pcrs) all.insert(all.end(), value.begin(), value.end());
    TpmBytes out = attest_head(0x8018, nonce);
    out.u32(1).u16(0x000B).number(3, 1).raw(hsm::Bytes{0xff, 0xff, 0});
    return signed_by_it(out.sized(hsm::sha256({all})).bytes());
  }
  [[nodiscard]] hsm::TpmStatement number(hsm::BytesView qualifying, hsm::BytesView index_name,
                                         std::uint64_t value) const {
    TpmBytes out = attest_head(0x8014, qualifying);
    return signed_by_it(out.sized(index_name).u16(0).sized(TpmBytes().u64(value).bytes()).bytes());
  }

  [[nodiscard]] hsm::attest::Evidence evidence(const hsm::AttestNonce& nonce) const {
    hsm::attest::Evidence out;
    out.nonce = nonce;
    out.stated.attestation_key = attestation_area;
    out.stated.endorsement_key = endorsement_area;
    out.stated.endorsement_certificate = endorsement_certificate;
    out.stated.quote = quote(nonce);
    out.stated.pcrs = pcrs;
    out.stated.audit_head = head;
    out.stated.counter =
        number(hsm::audit_statement(head, nonce), hsm::attest::counter_index_name(), counter);
    out.stated.release = number(hsm::release_statement(nonce),
                                hsm::release::index_name(release.public_key, true), told_release);
    out.stated.running_release = told_release;
    out.firmware_log = firmware_log.bytes();
    out.userspace_log = userspace_log;
    return out;
  }
  [[nodiscard]] hsm::AuditCertificate certificate() const {
    return {.head = head,
            .attestation_key = attestation_area,
            .counter =
                number(hsm::audit_statement(head, {}), hsm::attest::counter_index_name(), counter)};
  }

  const hsm::P256Key attestation = *hsm::generate_p256();
  const hsm::P256Key endorsement = *hsm::generate_p256();
  const hsm::P256Key& release = release_key();
  hsm::Bytes attestation_area;
  hsm::Bytes endorsement_area;
  hsm::Bytes endorsement_certificate;
  std::array<hsm::PcrValue, hsm::quoted_pcr_count> pcrs{};
  hsm::AuditHead head{.sequence = 12, .hash = {1, 2, 3}};
  std::uint64_t counter = 40;
  std::uint64_t told_release = 7;
  FirmwareLog firmware_log;
  hsm::Bytes userspace_log;
};

// What a test measures, by its name.
inline hsm::Digest digest_of(std::string_view text) {
  return hsm::sha256(
      {hsm::BytesView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())});
}

}  // namespace gims::test
