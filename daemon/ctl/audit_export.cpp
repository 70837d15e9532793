#include "ctl/audit_export.hpp"

#include <utility>

#include "crypto/audit_chain.hpp"
#include "ctl/files.hpp"
#include "ctl/table.hpp"
#include "hsm/attest/verify.hpp"
#include "json/canonical.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

namespace attest = hsm::attest;

std::unexpected<Error> wrong(const std::string& text) {
  return fail(ErrorKind::forbidden, "AUDIT", text);
}

// The hashes of the entries, whose chain holds: of entry n at n-1.
Result<std::vector<crypto::Digest>> walk(json::Value entries) {
  std::vector<crypto::Digest> hashes;
  crypto::Digest before{};
  for (const json::Value entry : entries.array()) {
    const auto sequence = static_cast<std::int64_t>(hashes.size()) + 1;
    const std::string number = std::to_string(sequence);
    if (entry.get("sequence").int_or(0) != sequence) {
      return wrong("entry " + number + " of the audit log was removed");
    }
    const auto detail = json::canonical(entry.get("detail"));
    before = crypto::audit_hash(
        before, {.sequence = sequence,
                 .ts = entry.get("ts").int_or(0),
                 .actor = entry.get("actor").string_or(""),
                 .origin = entry.get("origin").string_or(""),
                 .act = entry.get("act").string_or(""),
                 .target = entry.get("target").string_or(""),
                 .detail = detail ? std::string_view(*detail) : std::string_view()});
    if (!detail || entry.get("hash").string_or("") != crypto::hex(before)) {
      return wrong("entry " + number + " of the audit log, or the one before it, was changed");
    }
    hashes.push_back(before);
  }
  return hashes;
}

std::string fault_of(const hsm::AuditHead& head, const std::vector<crypto::Digest>& hashes) {
  if (head.sequence == 0) return {};
  if (head.sequence > hashes.size()) return fault_of_entry(head, std::nullopt);
  return fault_of_entry(head, crypto::hex(hashes[static_cast<std::size_t>(head.sequence - 1)]));
}

// What the certificate and the evidence say of the log; a line each.
Result<std::string> compare(json::Value certificate, const std::string& evidence_file,
                            const std::vector<crypto::Digest>& hashes) {
  std::string text;
  std::optional<std::uint64_t> counter;
  std::optional<hsm::Bytes> key;
  if (certificate.valid() && !certificate.is_null()) {
    GIMS_TRY_ASSIGN(const auto certified, attest::decode_certificate(certificate.to_text()));
    GIMS_TRY_ASSIGN(counter, attest::verify_certificate(certified));
    if (auto fault = fault_of(certified.head, hashes); !fault.empty()) return wrong(fault);
    key = attest::name_of(certified.attestation_key);
    text += "entry " + std::to_string(certified.head.sequence) +
            " was certified with the unit's counter at " + std::to_string(*counter) +
            ", by the attestation key " + crypto::hex(*key) + "\n";
  }
  if (evidence_file.empty()) return text;
  GIMS_TRY_ASSIGN(const std::string json, read_text(evidence_file, attest::max_evidence));
  GIMS_TRY_ASSIGN(const auto evidence, about(evidence_file, attest::decode_evidence(json)));
  const attest::Verified verified = attest::verify(evidence, {});
  if (!verified.unit) {
    return wrong(evidence_file + ": " + verified.report.findings().back().text);
  }
  const attest::Unit& unit = *verified.unit;
  if (key && *key != unit.attestation_key_name) {
    return wrong("the audit log was certified by another unit than the evidence is of");
  }
  if (counter && *counter > unit.counter) {
    return wrong("the evidence is older than the certificate of the audit log");
  }
  if (auto fault = fault_of(unit.audit_head, hashes); !fault.empty()) return wrong(fault);
  return text + "entry " + std::to_string(unit.audit_head.sequence) +
         " was the newest when the unit stated what it is, and it is in the log\n";
}

}  // namespace

std::string fault_of_entry(const hsm::AuditHead& certified, std::optional<std::string_view> hash) {
  const std::string entry = "entry " + std::to_string(certified.sequence);
  if (!hash) {
    return "the audit log was cut off: " + entry + ", which the TPM certified, is missing";
  }
  if (*hash != crypto::hex(certified.hash)) {
    return "the audit log was written anew: " + entry + " is not the one that the TPM certified";
  }
  return {};
}

std::string exported_audit(const std::vector<json::Document>& pages, json::Value certificate) {
  json::Writer out;
  out.begin_object().member("version", 1).key("entries").begin_array();
  for (const json::Document& page : pages) {
    for (const json::Value entry : page.root().get("entries").array()) out.value(entry);
  }
  out.end_array().key("certificate").value(certificate).end_object();
  return out.take() + "\n";
}

Result<Outcome> verify_audit_file(const std::string& file, const std::string& evidence_file) {
  GIMS_TRY_ASSIGN(const std::string text, read_text(file, max_audit_export));
  const auto document = json::Document::parse(
      text, {.max_bytes = max_audit_export, .max_values = std::size_t{1} << 25U});
  if (!document || document->root().get("version").int_or(0) != 1 ||
      !document->root().get("entries").is_array()) {
    return fail(ErrorKind::bad_input, "AUDIT", file + " is no export of an audit log.");
  }
  Outcome outcome;
  auto told = [&]() -> Result<std::string> {
    GIMS_TRY_ASSIGN(const auto hashes, walk(document->root().get("entries")));
    GIMS_TRY_ASSIGN(const std::string more,
                    compare(document->root().get("certificate"), evidence_file, hashes));
    return "the audit log is whole: " + std::to_string(hashes.size()) + " entries\n" + more;
  }();
  // Wrong use, such as a file that is not there, is told as that.
  if (!told && told.error().code != "AUDIT") return pass(std::move(told));
  outcome.exit = told ? Exit::ok : Exit::refused;
  outcome.out = told ? *told : printable(told.error().text) + "\n";
  return outcome;
}

}  // namespace gims::ctl
