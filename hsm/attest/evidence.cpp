#include "hsm/attest/evidence.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/bytes.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

namespace gims::hsm::attest {
namespace {

constexpr std::int64_t version = 1;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_ATTEST", text);
}

void write(json::Writer& out, std::string_view name, const TpmStatement& statement) {
  out.key(name).begin_object().member("attest", crypto::base64(statement.attest));
  out.member("signature", crypto::base64(statement.signature)).end_object();
}

void write(json::Writer& out, const AuditHead& head) {
  out.key("audit").begin_object().member("hash", crypto::hex(head.hash));
  out.member("sequence", head.sequence).end_object();
}

// Reads member by member; whatever does not fit is remembered, and asked for once.
class Fields {
 public:
  explicit Fields(json::Value object) noexcept : object_(object) {
    if (!object.is_object()) good_ = false;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

  Bytes bytes(std::string_view name, std::size_t most) {
    const auto text = object_.get(name).as_string();
    // Before it is decoded: four letters for three bytes.
    if (!text || text->size() > most / 3 * 4 + 4) return wrong();
    auto decoded = crypto::from_base64(*text);
    if (!decoded || decoded->size() > most) return wrong();
    return std::move(*decoded);
  }
  template <std::size_t N>
  void fixed_hex(json::Value value, std::array<std::uint8_t, N>& out) {
    const auto decoded = crypto::array_from_hex<N>(value.string_or(""));
    if (!decoded) good_ = false;
    if (decoded) out = *decoded;
  }
  template <std::size_t N>
  void fixed_hex(std::string_view name, std::array<std::uint8_t, N>& out) {
    fixed_hex(object_.get(name), out);
  }
  std::uint64_t number(std::string_view name) {
    const std::int64_t value = object_.get(name).int_or(-1);
    if (value < 0) good_ = false;
    return static_cast<std::uint64_t>(value);
  }
  TpmStatement statement(std::string_view name) {
    Fields inner(object_.get(name));
    TpmStatement statement;
    statement.attest = inner.bytes("attest", max_tpm_attest);
    const Bytes signature = inner.bytes("signature", signature_size);
    if (signature.size() == signature_size) {
      std::ranges::copy(signature, statement.signature.begin());
    } else {
      good_ = false;
    }
    good_ = good_ && inner.good();
    return statement;
  }
  AuditHead audit_head() {
    Fields inner(object_.get("audit"));
    AuditHead head;
    head.sequence = inner.number("sequence");
    inner.fixed_hex("hash", head.hash);
    good_ = good_ && inner.good();
    return head;
  }
  void pcrs(std::array<PcrValue, quoted_pcr_count>& out) {
    const json::Value list = object_.get("pcrs");
    if (!list.is_array() || list.size() != out.size()) {
      good_ = false;
      return;
    }
    std::size_t i = 0;
    for (const json::Value value : list.array()) fixed_hex(value, out.at(i++));
  }

 private:
  Bytes wrong() {
    good_ = false;
    return {};
  }
  json::Value object_;
  bool good_ = true;
};

Result<json::Document> parse(std::string_view text, std::size_t most) {
  auto document = json::Document::parse(
      text, {.max_bytes = most, .max_values = 256, .max_depth = 4, .unique_keys = true});
  if (!document || !document->root().is_object()) {
    return refused("This is no JSON object of the right size.");
  }
  const std::int64_t found = document->root().get("version").int_or(0);
  if (found > version) return refused("This is of a later version than this program reads.");
  if (found != version) return refused("This has no version that this program reads.");
  return document;
}

}  // namespace

std::string encode_evidence(const Evidence& evidence) {
  const AttestReply& stated = evidence.stated;
  json::Writer out;
  out.begin_object().member("attestation_key", crypto::base64(stated.attestation_key));
  write(out, stated.audit_head);
  write(out, "counter", stated.counter);
  out.member("endorsement_certificate", crypto::base64(stated.endorsement_certificate));
  out.member("endorsement_key", crypto::base64(stated.endorsement_key));
  out.member("firmware_log", crypto::base64(evidence.firmware_log));
  out.member("nonce", crypto::hex(evidence.nonce));
  out.key("pcrs").begin_array();
  for (const PcrValue& value : stated.pcrs) out.value(crypto::hex(value));
  out.end_array();
  write(out, "quote", stated.quote);
  write(out, "release", stated.release);
  out.member("running_release", stated.running_release);
  out.member("userspace_log", crypto::base64(evidence.userspace_log));
  out.member("version", version).end_object();
  return out.take();
}

Result<Evidence> decode_evidence(std::string_view json) {
  GIMS_TRY_ASSIGN(const json::Document document, parse(json, max_evidence));
  Fields fields(document.root());
  Evidence evidence;
  AttestReply& stated = evidence.stated;
  fields.fixed_hex("nonce", evidence.nonce);
  stated.attestation_key = fields.bytes("attestation_key", max_tpm_public);
  stated.endorsement_key = fields.bytes("endorsement_key", max_tpm_public);
  stated.endorsement_certificate =
      fields.bytes("endorsement_certificate", max_endorsement_certificate);
  stated.quote = fields.statement("quote");
  fields.pcrs(stated.pcrs);
  stated.audit_head = fields.audit_head();
  stated.counter = fields.statement("counter");
  stated.release = fields.statement("release");
  stated.running_release = fields.number("running_release");
  evidence.firmware_log = fields.bytes("firmware_log", max_event_log);
  evidence.userspace_log = fields.bytes("userspace_log", max_event_log);
  if (!fields.good()) return refused("The evidence is malformed.");
  return evidence;
}

std::string encode_certificate(const AuditCertificate& certificate) {
  json::Writer out;
  out.begin_object().member("attestation_key", crypto::base64(certificate.attestation_key));
  write(out, certificate.head);
  write(out, "counter", certificate.counter);
  out.member("version", version).end_object();
  return out.take();
}

Result<AuditCertificate> decode_certificate(std::string_view json) {
  GIMS_TRY_ASSIGN(const json::Document document, parse(json, max_audit_certificate));
  Fields fields(document.root());
  AuditCertificate certificate;
  certificate.head = fields.audit_head();
  certificate.attestation_key = fields.bytes("attestation_key", max_tpm_public);
  certificate.counter = fields.statement("counter");
  if (!fields.good()) return refused("The certificate of the audit log is malformed.");
  return certificate;
}

Result<AttestNonce> nonce_from_hex(std::string_view text) {
  const auto nonce = crypto::array_from_hex<nonce_size>(text);
  if (!nonce) return fail(ErrorKind::bad_input, "NONCE", "A nonce is 64 hex digits.");
  return *nonce;
}

}  // namespace gims::hsm::attest
