// What gims-keyd is asked about what its hardware states of itself. As messages.hpp: decode_…
// refuse (bad_input, GIMS_KEYD_FRAME) whatever encode_… would not write.
#pragma once

#include <array>
#include <cstdint>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

inline constexpr std::size_t nonce_size = 32;
inline constexpr std::size_t quoted_pcr_count = 16;  // PCR 0 to 15 of the SHA-256 bank
inline constexpr std::size_t max_tpm_public = 512;   // TPMT_PUBLIC
inline constexpr std::size_t max_tpm_attest = 1024;  // TPMS_ATTEST
inline constexpr std::size_t max_endorsement_certificate = 2048;
inline constexpr std::size_t max_credential = 512;  // each of its two parts
inline constexpr std::size_t max_activated = 64;    // what a credential holds
inline constexpr std::size_t max_event_log_part = std::size_t{64} * 1024;
inline constexpr std::size_t max_event_log = std::size_t{256} * 1024;

using AttestNonce = std::array<std::uint8_t, nonce_size>;
using PcrValue = std::array<std::uint8_t, 32>;

// TPMS_ATTEST, and the attestation key's signature of it: r and s of ECDSA over P-256.
struct TpmStatement {
  Bytes attest;
  Signature signature{};
  bool operator==(const TpmStatement&) const = default;
};

struct AttestRequest {
  AttestNonce nonce{};
  bool operator==(const AttestRequest&) const = default;
};

// Keys are TPMT_PUBLIC. Every statement is signed by the attestation key and is about this nonce:
// the quote as it is, the others as hsm/ca/statement.hpp says.
struct AttestReply {
  Bytes attestation_key;
  Bytes endorsement_key;
  Bytes endorsement_certificate;  // DER; empty: the hardware has none
  TpmStatement quote;
  std::array<PcrValue, quoted_pcr_count> pcrs{};
  AuditHead audit_head;
  TpmStatement counter;               // the unit's counter, with the audit head
  TpmStatement release;               // the newest release that the hardware was told of
  std::uint64_t running_release = 0;  // of the policy beside the image: gims-keyd's word alone
  bool operator==(const AttestReply&) const = default;
};

// What was encrypted for the endorsement key and the attestation key together (TPM 2.0 library part
// 1, section 24): the contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.
struct ActivateRequest {
  Bytes credential;
  Bytes encrypted_secret;
  bool operator==(const ActivateRequest&) const = default;
};

// The audit log's newest entry, certified with the unit's counter for keeping.
struct AuditCertificate {
  AuditHead head;
  Bytes attestation_key;  // TPMT_PUBLIC
  TpmStatement counter;
  bool operator==(const AuditCertificate&) const = default;
};

// What tells the events behind the PCRs' values.
enum class EventLog : std::uint8_t {
  firmware = 1,   // of the firmware and the boot loader (TCG, crypto-agile)
  userspace = 2,  // of systemd
};
struct EventLogRequest {
  EventLog log = EventLog::firmware;
  std::uint32_t offset = 0;  // below max_event_log
  bool operator==(const EventLogRequest&) const = default;
};
// From the offset on. A part that is not full is the last.
struct EventLogReply {
  Bytes part;
  bool operator==(const EventLogReply&) const = default;
};

void encode(Writer& writer, const AttestRequest& value);
void encode(Writer& writer, const AttestReply& value);
void encode(Writer& writer, const ActivateRequest& value);
void encode_activated(Writer& writer, const SecretBytes& secret);
void encode(Writer& writer, const AuditCertificate& value);
void encode(Writer& writer, const EventLogRequest& value);
void encode(Writer& writer, const EventLogReply& value);

[[nodiscard]] Result<AttestRequest> decode_attest_request(BytesView body);
[[nodiscard]] Result<AttestReply> decode_attest(BytesView body);
[[nodiscard]] Result<ActivateRequest> decode_activate_request(BytesView body);
[[nodiscard]] Result<SecretBytes> decode_activated(BytesView body);
[[nodiscard]] Result<AuditCertificate> decode_audit_certificate(BytesView body);
[[nodiscard]] Result<EventLogRequest> decode_event_log_request(BytesView body);
[[nodiscard]] Result<EventLogReply> decode_event_log(BytesView body);

}  // namespace gims::hsm
