// What the requests and replies of gims-keyd hold. decode_… refuse (bad_input, GIMS_KEYD_FRAME)
// whatever encode_… would not write.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

// The state of the site's keys.
enum class State : std::uint8_t {
  unprovisioned = 1,  // there are none yet
  locked = 2,         // there are, and they cannot be had; StatusReply::reason says why
  operational = 3,
  zeroized = 4,  // there were, and an administrator destroyed them
};
inline constexpr std::uint8_t last_state = 4;
[[nodiscard]] std::string_view name_of(State state) noexcept;

// Why a request was refused. The client gives the name of the code as Error::code.
enum class RefusalCode : std::uint16_t {
  bad_frame = 1,          // GIMS_KEYD_FRAME; the connection is closed after it
  other_version = 2,      // GIMS_KEYD_VERSION; the connection is closed after it
  not_for_this_peer = 3,  // GIMS_KEYD_PEER
  not_in_this_state = 4,  // GIMS_KEYD_STATE
  bad_request = 5,        // GIMS_KEYD_REQUEST
  went_back = 6,          // GIMS_KEYD_AUDIT: the audit log's head does not follow the one kept
  custody = 7,            // GIMS_KEYD_CUSTODY: the TPM refused, or a file does not belong to it
  storage = 8,            // GIMS_KEYD_STORAGE: the state could not be written
  busy = 9,               // GIMS_KEYD_BUSY: too many connections
  internal = 10,          // GIMS_KEYD_INTERNAL
  vault_away = 11,        // GIMS_KEYD_AWAY: the TPM cannot be reached, or did not answer in time
  other_boot = 12,        // GIMS_KEYD_BOOT: something else was started than the keys are sealed to
  older = 13,             // GIMS_KEYD_OLDER: an older release, or an older copy of what is kept
  share = 14,             // GIMS_KEYD_SHARE: what was typed is no recovery share that is wanted
  ceremony = 15,          // GIMS_KEYD_CEREMONY: there is none, there is one already, or not yet
  approval = 16,          // GIMS_KEYD_APPROVAL: two administrators did not approve this, or cannot
};
struct Refusal {
  RefusalCode code = RefusalCode::internal;
  std::string text;  // For a person; at most max_text bytes.
};
// The two directions between a refusal and an Error.
[[nodiscard]] Refusal refusal_of(const Error& error);
[[nodiscard]] Error error_of(const Refusal& refusal);

inline constexpr std::size_t max_text = 512;
inline constexpr std::size_t max_user_id = 255;  // Matrix: appendices, "User Identifiers"
inline constexpr std::size_t max_name = 253;     // of a DNS name (RFC 1035, section 2.3.4)
inline constexpr std::size_t max_dns_names = 32;
inline constexpr std::size_t max_addresses = 32;
inline constexpr std::size_t max_certificate = 4096;
inline constexpr std::size_t max_public_key = 256;
inline constexpr std::size_t max_events = 256;   // in one sign_events request
inline constexpr std::size_t max_event = 65536;  // Matrix: client-server API, "Size limits"
inline constexpr std::size_t key_size = 32;
inline constexpr std::size_t head_size = 32;  // of the audit log: a hash of 256 bits
inline constexpr std::size_t signature_size = 64;

// What a site is called; fixed when it is provisioned. Certificates name these and nothing else.
struct SiteParameters {
  std::string server_name;             // of Matrix, without a port: "gims.internal"
  std::string organisation;            // at most 64 bytes (RFC 5280, ub-organization-name)
  std::vector<std::string> dns_names;  // of the TLS certificate; the server name need not be there
  std::vector<Bytes> addresses;        // of the TLS certificate: 4 or 16 bytes each

  bool operator==(const SiteParameters&) const = default;
};

struct StatusReply {
  State state = State::locked;
  std::string custody;       // "TPM 2.0 (IBM, software)"; empty when it was never reached
  std::string reason;        // of State::locked, or of a zeroization that is in doubt; else empty
  std::string organisation;  // these two are empty unless the state is operational
  std::string server_name;
  std::uint64_t uptime_seconds = 0;
  std::string version;              // of the program
  std::int64_t issuing_ca_end = 0;  // seconds since 1970 UTC; 0 unless the state is operational
};

struct ZeroizeRequest {
  // Go on although the TPM that made the custody file cannot be reached: its value stays there.
  bool files_only = false;
};

struct ZeroizeReply {
  // Empty: the keys are destroyed, and no copy of the files opens. Else why that is not certain,
  // for a person.
  std::string doubt;
};

struct LeafRequest {
  Bytes public_key;                            // SubjectPublicKeyInfo, DER, of a P-256 key
  std::uint32_t lifetime_seconds = 24 * 3600;  // one minute to 24 hours
};

struct LeafReply {
  // DER, the leaf first, then the issuing CA. The issuing CA has critical name constraints, which
  // mbedTLS does not know: parse it with mbedtls_x509_crt_parse_der_with_ext_cb().
  std::vector<Bytes> chain;
  std::int64_t not_before = 0;  // seconds since 1970 UTC, both
  std::int64_t not_after = 0;   // earlier than was asked where the issuing CA ends
};

struct SiteRootReply {
  Bytes certificate;  // DER
  std::string pem;
  std::array<std::uint8_t, 32> sha256{};  // of the DER
};

// 32 bytes each, derived from the root key, each with a context of its own.
struct DataKeys {
  SecretBytes data;        // columns of the database
  SecretBytes media;       // media at rest
  SecretBytes token_hash;  // keyed hash of access tokens
  SecretBytes audit;       // keyed hash chain of the audit log
  SecretBytes backup;      // of the unit
  SecretBytes pepper;      // into password hashes
};

struct ServerKeyReply {
  std::array<std::uint8_t, 32> public_key{};  // Ed25519
  std::string key_id;                         // "ed25519:a1b2c3"
};

// The newest entry of the audit log.
struct AuditHead {
  std::uint64_t sequence = 0;  // 0: none yet, and the hash is zeros
  std::array<std::uint8_t, head_size> hash{};

  bool operator==(const AuditHead&) const = default;
};

// How far the database is.
struct StoreMark {
  std::uint64_t position = 0;  // the newest of its stream
  // The number of its audit log's newest entry. Told at gimsd's start only: later the log goes on
  // beside this message.
  std::optional<std::uint64_t> audit_entry{};
};

using Signature = std::array<std::uint8_t, signature_size>;

void encode(Writer& writer, const Refusal& value);
void encode(Writer& writer, const SiteParameters& value);
void encode(Writer& writer, const StatusReply& value);
void encode(Writer& writer, const ZeroizeRequest& value);
void encode(Writer& writer, const ZeroizeReply& value);
void encode(Writer& writer, const LeafRequest& value);
void encode(Writer& writer, const LeafReply& value);
void encode(Writer& writer, const SiteRootReply& value);
void encode(Writer& writer, const DataKeys& value);
void encode(Writer& writer, const ServerKeyReply& value);
void encode(Writer& writer, const AuditHead& value);
void encode(Writer& writer, const StoreMark& value);
void encode(Writer& writer, std::span<const BytesView> events);
void encode(Writer& writer, std::span<const Signature> signatures);

[[nodiscard]] Result<Refusal> decode_refusal(BytesView body);
[[nodiscard]] Result<SiteParameters> decode_site(BytesView body);
[[nodiscard]] Result<StatusReply> decode_status(BytesView body);
[[nodiscard]] Result<ZeroizeRequest> decode_zeroize_request(BytesView body);
[[nodiscard]] Result<ZeroizeReply> decode_zeroize(BytesView body);
[[nodiscard]] Result<LeafRequest> decode_leaf_request(BytesView body);
[[nodiscard]] Result<LeafReply> decode_leaf(BytesView body);
[[nodiscard]] Result<SiteRootReply> decode_site_root(BytesView body);
[[nodiscard]] Result<DataKeys> decode_data_keys(BytesView body);
[[nodiscard]] Result<ServerKeyReply> decode_server_key(BytesView body);
[[nodiscard]] Result<AuditHead> decode_audit_head(BytesView body);
[[nodiscard]] Result<StoreMark> decode_store_mark(BytesView body);
// The events point into the body.
[[nodiscard]] Result<std::vector<BytesView>> decode_events(BytesView body);
[[nodiscard]] Result<std::vector<Signature>> decode_signatures(BytesView body);
// A body without fields.
[[nodiscard]] Result<> decode_nothing(BytesView body);

}  // namespace gims::hsm
