// What a unit states about itself, as it travels: one JSON object (canonical form), since phones,
// browsers and scripts read it beside gimsctl; what the TPM made is in it byte by byte, in base64,
// so that any tool for TPMs can judge it, too.
//
//   version              1
//   nonce                hex; what was asked with
//   attestation_key      TPMT_PUBLIC, as are
//   endorsement_key
//   endorsement_certificate   DER of its maker; empty: none
//   quote, counter, release   {"attest": TPMS_ATTEST, "signature": r and s}
//   pcrs                 hex, PCR 0 to 15 of the SHA-256 bank
//   audit                {"sequence", "hash" (hex)}: the audit log's head, in counter's statement
//   running_release      of the policy beside the image; no statement of the TPM's
//   firmware_log, userspace_log   as the kernel and systemd have them; empty: none
#pragma once

#include <string>
#include <string_view>

#include "hsm/proto/attest_messages.hpp"

namespace gims::hsm::attest {

// Both logs in base64, and the rest.
inline constexpr std::size_t max_evidence = std::size_t{704} * 1024;

struct Evidence {
  AttestNonce nonce{};
  AttestReply stated;
  Bytes firmware_log;
  Bytes userspace_log;
  bool operator==(const Evidence&) const = default;
};

[[nodiscard]] std::string encode_evidence(const Evidence& evidence);
// Fails (bad_input, GIMS_ATTEST) for what is malformed, too long, or of a later version. Nothing of
// it is believed yet.
[[nodiscard]] Result<Evidence> decode_evidence(std::string_view json);

// The certificate of the audit log's head, for keeping:
//   {"version":1,"audit":…,"attestation_key":…,"counter":…}
inline constexpr std::size_t max_audit_certificate = std::size_t{8} * 1024;
[[nodiscard]] std::string encode_certificate(const AuditCertificate& certificate);
[[nodiscard]] Result<AuditCertificate> decode_certificate(std::string_view json);

// 64 hex digits; else bad_input, NONCE.
[[nodiscard]] Result<AttestNonce> nonce_from_hex(std::string_view text);

}  // namespace gims::hsm::attest
