#include "hsm/attest/verify.hpp"

#include <algorithm>
#include <utility>

#include "base/secret.hpp"
#include "hsm/attest/boot_check.hpp"
#include "hsm/attest/endorsement.hpp"
#include "hsm/attest/event_log.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/ca/statement.hpp"

namespace gims::hsm::attest {
namespace {

// As gims-keyd makes it (hsm/tpm2/tpm2_vault.cpp): a counter, read and advanced by a password, once
// written.
constexpr std::uint32_t counter_index = 0x0181'4D02;
constexpr std::uint32_t counter_attributes = 0x2204'0014;
constexpr std::uint16_t counter_size = 8;
constexpr std::uint32_t all_pcrs = 0xFFFF;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_ATTEST", text);
}

bool is_signed(const TpmStatement& statement, const PublicKey& key) {
  P256Signature signature;
  const BytesView both = statement.signature;
  std::ranges::copy(both.first(signature.r.size()), signature.r.begin());
  std::ranges::copy(both.last(signature.s.size()), signature.s.begin());
  return p256_verify(key.point, sha256({statement.attest}), signature);
}

// One statement of one kind, signed by the key. `what` begins a sentence.
Result<Attested> statement_of(const TpmStatement& statement, const PublicKey& key,
                              Attested::Kind kind, const std::string& what) {
  if (!is_signed(statement, key)) {
    return refused(what + " is not signed by the attestation key: it was changed, or made up.");
  }
  auto attested = parse_attest(statement.attest);
  if (!attested) return refused(what + " cannot be read: " + attested.error().text);
  if (attested->kind != kind) return refused(what + " is a statement about something else.");
  return attested;
}

Result<PublicKey> attestation_key_of(BytesView area) {
  auto key = parse_public(area);
  if (!key || !is_attestation_key(*key)) {
    return refused(
        "The key that signs is no attestation key: a key that signs anything proves nothing.");
  }
  return key;
}

Result<> check_quote(const Evidence& evidence, const PublicKey& key,
                     const std::optional<AttestNonce>& nonce) {
  GIMS_TRY_ASSIGN(const Attested quote,
                  statement_of(evidence.stated.quote, key, Attested::Kind::quote, "The quote"));
  const AttestNonce& wanted = nonce ? *nonce : evidence.nonce;
  if (!std::ranges::equal(quote.qualifying, wanted)) {
    return refused(
        "The quote is about another nonce than was asked with: it is an answer from another time.");
  }
  Bytes values;
  for (const PcrValue& value : evidence.stated.pcrs) {
    values.insert(values.end(), value.begin(), value.end());
  }
  if (quote.pcrs != all_pcrs || !std::ranges::equal(quote.pcr_digest, sha256({values}))) {
    return refused("The PCRs' values are not those that the TPM signed.");
  }
  return {};
}

// The number in a certified index of eight bytes.
Result<std::uint64_t> number_in(const Attested& attested, const std::string& what) {
  if (attested.contents.size() != counter_size) {
    return refused(what + " does not state a number.");
  }
  return release::number_of(attested.contents);
}

Result<std::uint64_t> counter_of(const TpmStatement& statement, const PublicKey& key,
                                 const AuditHead& head, const AttestNonce& nonce) {
  const std::string what = "The statement of the unit's counter";
  GIMS_TRY_ASSIGN(const Attested attested, statement_of(statement, key, Attested::Kind::nv, what));
  if (attested.index_name != counter_index_name()) {
    return refused(what + " is about another index of the TPM than the unit's counter.");
  }
  if (!std::ranges::equal(attested.qualifying, audit_statement(head, nonce))) {
    return refused(what +
                   " is about another head of the audit log, or another nonce, than is given.");
  }
  return number_in(attested, what);
}

// All that the attestation key signed.
Result<Unit> statements_of(const Evidence& evidence, const std::optional<AttestNonce>& nonce) {
  const AttestReply& stated = evidence.stated;
  GIMS_TRY_ASSIGN(const PublicKey key, attestation_key_of(stated.attestation_key));
  GIMS_TRY(check_quote(evidence, key, nonce));
  const AttestNonce& asked = nonce ? *nonce : evidence.nonce;
  Unit unit;
  unit.attestation_key_name = name_of(stated.attestation_key);
  unit.endorsement_key_name = name_of(stated.endorsement_key);
  unit.audit_head = stated.audit_head;
  GIMS_TRY_ASSIGN(unit.counter, counter_of(stated.counter, key, stated.audit_head, asked));

  const std::string what = "The statement of the newest release";
  GIMS_TRY_ASSIGN(Attested release, statement_of(stated.release, key, Attested::Kind::nv, what));
  if (!std::ranges::equal(release.qualifying, release_statement(asked))) {
    return refused(what + " is about another nonce than was asked with.");
  }
  GIMS_TRY_ASSIGN(unit.told_release, number_in(release, what));
  unit.release_index_name = std::move(release.index_name);
  return unit;
}

void check_release(const Unit& unit, const Known& known, Report& report) {
  const release::Manifest& manifest = *known.manifest;
  const std::string fingerprint = hex(sha256({spki_of(manifest.key)}));
  if (!known.release_key) {
    report.note("The manifest is signed by the release key " + fingerprint +
                " (SHA-256): compare that with the one you know, or give it by --release-key.");
  } else if (*known.release_key != manifest.key) {
    report.bad("The manifest is signed by another release key than the one that was given.");
  }
  if (unit.release_index_name != release::index_name(manifest.key, true)) {
    report.bad("The unit's TPM takes releases of another release key than the manifest's.");
  } else if (unit.told_release > manifest.number) {
    report.bad("The unit has run release " + std::to_string(unit.told_release) +
               ", and the manifest is of release " + std::to_string(manifest.number) +
               ": get the manifest of the newer one.");
  } else {
    report.good("The newest release that the unit's TPM was told of is " +
                std::to_string(unit.told_release) + ", none newer than the manifest's.");
  }
}

MeasuredEvents events_of(const Evidence& evidence, Report& report) {
  MeasuredEvents log;
  if (evidence.firmware_log.empty()) {
    report.note("The evidence has no event log of the firmware.");
  } else if (auto parsed = parse_firmware_log(evidence.firmware_log)) {
    log = std::move(*parsed);
  } else {
    report.bad(parsed.error().text);
  }
  if (evidence.userspace_log.empty()) return log;
  auto later = parse_userspace_log(evidence.userspace_log);
  if (!later) {
    report.bad(later.error().text);
    return log;
  }
  log.events.insert(log.events.end(), later->begin(), later->end());
  return log;
}

void check_binding(const Unit& unit, const Known& known, Report& report) {
  if (known.activation == nullptr) {
    report.note(
        "That the attestation key is in the TPM of the endorsement key was not shown: see "
        "'gimsctl attest challenge'.");
    return;
  }
  const Activation& activation = *known.activation;
  if (activation.attestation_key_name != unit.attestation_key_name ||
      activation.endorsement_key_name != unit.endorsement_key_name) {
    report.bad("The challenge was made for another unit's keys.");
  } else if (activation.answer.empty() ||
             !equal_in_constant_time(activation.secret.bytes(), activation.answer.bytes())) {
    report.bad(
        "The answer to the challenge is wrong: the attestation key is not in the TPM of the "
        "endorsement key.");
  } else {
    report.good("The attestation key is in the TPM that has the endorsement key.");
  }
}

void check_maker(const AttestReply& stated, const Known& known, Report& report) {
  const auto key = parse_public(stated.endorsement_key);
  if (!key || !is_endorsement_key(*key)) {
    report.bad("The endorsement key is none that a TPM's maker makes.");
  } else if (known.maker_roots == nullptr) {
    report.note("Who made the TPM was not judged: give the makers' certificates by --ek-roots.");
  } else if (stated.endorsement_certificate.empty()) {
    report.bad("The TPM has no certificate of its maker.");
  } else if (const auto fault =
                 check_endorsement(stated.endorsement_certificate, *key, *known.maker_roots);
             !fault) {
    report.bad(fault.error().text);
  } else if (!fault->empty()) {
    report.bad("The certificate of the TPM's maker does not hold: " + *fault + ".");
  } else {
    report.good("The endorsement key is one of a TPM of the makers that were given.");
  }
}

}  // namespace

Bytes counter_index_name() {
  return release::nv_name(counter_index, counter_attributes, {}, counter_size);
}

Verified verify(const Evidence& evidence, const Known& known) {
  Verified result;
  Report& report = result.report;
  auto unit = statements_of(evidence, known.nonce);
  if (!unit) {
    report.bad(unit.error().text);
    return result;
  }
  report.good("The statements are signed by the attestation key " +
              hex(unit->attestation_key_name) + ".");
  if (known.nonce) {
    report.good("They answer the nonce that was given: they are of now.");
  } else {
    report.note("No nonce was given: they may be of any time.");
  }
  check_binding(*unit, known, report);
  check_maker(evidence.stated, known, report);
  report.note("The unit's counter is at " + std::to_string(unit->counter) +
              ", and its audit log at entry " + std::to_string(unit->audit_head.sequence) + ".");
  const MeasuredEvents log = events_of(evidence, report);
  if (known.manifest == nullptr) {
    report.note("What it started was not judged: give the release's manifest by --manifest.");
  } else {
    check_release(*unit, known, report);
    check_boot(*known.manifest, evidence.stated.pcrs, log, report);
  }
  result.unit = std::move(*unit);
  return result;
}

void compare_with_pinned(const Unit& pinned, const Unit& now, Report& report) {
  const std::size_t before = report.findings().size();
  if (now.attestation_key_name != pinned.attestation_key_name) {
    report.bad(
        "This is another unit than the one that was pinned, or its keys were made anew: its "
        "attestation key is " +
        hex(now.attestation_key_name) + ", and was " + hex(pinned.attestation_key_name) + ".");
    return;  // What it counts says nothing of the other's.
  }
  if (now.endorsement_key_name != pinned.endorsement_key_name) {
    report.bad("The unit names another endorsement key than the one that was pinned.");
  }
  if (now.release_index_name != pinned.release_index_name) {
    report.bad("The unit takes releases of another release key than when it was pinned.");
  }
  if (now.told_release < pinned.told_release) {
    report.bad("The unit went back to release " + std::to_string(now.told_release) +
               "; it had run release " + std::to_string(pinned.told_release) + ".");
  }
  if (now.counter < pinned.counter) {
    report.bad("The unit's counter went back from " + std::to_string(pinned.counter) + " to " +
               std::to_string(now.counter) + ".");
  }
  if (now.audit_head.sequence < pinned.audit_head.sequence) {
    report.bad("The unit's audit log went back from entry " +
               std::to_string(pinned.audit_head.sequence) + " to entry " +
               std::to_string(now.audit_head.sequence) + ": its tail was cut.");
  } else if (now.audit_head.sequence == pinned.audit_head.sequence &&
             now.audit_head.hash != pinned.audit_head.hash) {
    report.bad("The unit's audit log was written anew: its entry " +
               std::to_string(now.audit_head.sequence) + " is not the one that was pinned.");
  }
  if (report.findings().size() == before) {
    report.good("This is the unit that was pinned, and nothing of it went back.");
  }
}

Result<std::uint64_t> verify_certificate(const AuditCertificate& certificate) {
  GIMS_TRY_ASSIGN(const PublicKey key, attestation_key_of(certificate.attestation_key));
  return counter_of(certificate.counter, key, certificate.head, AttestNonce{});
}

}  // namespace gims::hsm::attest
