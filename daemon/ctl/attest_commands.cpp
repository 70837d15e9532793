#include "ctl/attest_commands.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "crypto/bytes.hpp"
#include "crypto/random.hpp"
#include "ctl/challenge_files.hpp"
#include "ctl/files.hpp"
#include "ctl/pins.hpp"
#include "ctl/table.hpp"
#include "hsm/attest/credential.hpp"
#include "hsm/attest/verify.hpp"
#include "hsm/release/key_file.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

namespace attest = hsm::attest;
namespace release = hsm::release;

constexpr std::size_t most_roots = 256;
constexpr std::size_t most_root = std::size_t{64} * 1024;

std::string fresh_nonce() {
  hsm::AttestNonce nonce{};
  crypto::fill_random(nonce);
  return crypto::hex(nonce);
}

Result<attest::Evidence> read_evidence(const std::string& file) {
  GIMS_TRY_ASSIGN(const std::string text, read_text(file, attest::max_evidence));
  return about(file, attest::decode_evidence(text));
}

// What the arguments name, in memory for as long as a verification looks at it.
struct KnownFiles {
  std::optional<release::Manifest> manifest;
  std::optional<hsm::P256Point> release_key;
  std::optional<std::vector<hsm::Bytes>> roots;
  std::optional<attest::Activation> activation;

  // Whether each question about a unit has what answers it.
  [[nodiscard]] bool complete() const { return manifest && release_key && roots && activation; }
  [[nodiscard]] attest::Known known(std::optional<hsm::AttestNonce> nonce) const {
    return {.nonce = nonce,
            .manifest = manifest ? &*manifest : nullptr,
            .release_key = release_key,
            .maker_roots = roots ? &*roots : nullptr,
            .activation = activation ? &*activation : nullptr};
  }
};

Result<std::vector<hsm::Bytes>> read_roots(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    files.push_back(at->path().string());
  }
  if (error || files.empty() || files.size() > most_roots) {
    return fail(ErrorKind::bad_input, "ROOTS",
                folder + " must be a folder of 1 to 256 certificates of TPM makers.");
  }
  std::ranges::sort(files);
  std::vector<hsm::Bytes> roots;
  for (const std::string& file : files) {
    GIMS_TRY_ASSIGN(const std::string text, read_text(file, most_root));
    const auto bytes = crypto::as_bytes(text);
    roots.emplace_back(bytes.begin(), bytes.end());
  }
  return roots;
}

Result<KnownFiles> read_known(const AttestArguments& with) {
  KnownFiles files;
  if (!with.manifest.empty()) {
    GIMS_TRY_ASSIGN(const std::string text, read_text(with.manifest, release::max_manifest));
    GIMS_TRY_ASSIGN(files.manifest, about(with.manifest, release::decode_manifest(text)));
  }
  if (!with.release_key.empty()) {
    GIMS_TRY_ASSIGN(const std::string pem, read_text(with.release_key, release::max_key_file));
    GIMS_TRY_ASSIGN(files.release_key, about(with.release_key, release::public_key_from_pem(pem)));
  }
  if (!with.ek_roots.empty()) {
    GIMS_TRY_ASSIGN(files.roots, read_roots(with.ek_roots));
  }
  if (!with.kept.empty()) {
    GIMS_TRY_ASSIGN(files.activation, read_activation(with.kept, with.answer));
  }
  return files;
}

std::string_view word_of(attest::Verdict verdict) {
  switch (verdict) {
    case attest::Verdict::good:
      return "ok";
    case attest::Verdict::note:
      return "note";
    case attest::Verdict::bad:
      return "FAULT";
  }
  return "FAULT";
}

Outcome told(const attest::Report& report, std::string_view when_it_holds, bool as_json) {
  Outcome outcome;
  outcome.exit = report.holds() ? Exit::ok : Exit::refused;
  if (as_json) {
    json::Writer out;
    out.begin_object().member("holds", report.holds()).key("findings").begin_array();
    for (const attest::Finding& finding : report.findings()) {
      out.begin_object().member("verdict", word_of(finding.verdict));
      out.member("text", finding.text).end_object();
    }
    out.end_array().end_object();
    outcome.out = out.take() + "\n";
    return outcome;
  }
  for (const attest::Finding& finding : report.findings()) {
    std::string word(word_of(finding.verdict));
    word.resize(6, ' ');
    outcome.out += word + " " + printable(finding.text) + "\n";
  }
  outcome.out += report.holds() ? when_it_holds : "THIS UNIT IS NOT WHAT IT SHOULD BE.";
  outcome.out += "\n";
  return outcome;
}

}  // namespace

Result<Outcome> AttestCommands::given_out(std::string text, std::string_view words) const {
  Outcome outcome;
  if (with_.out.empty()) {
    outcome.out = std::move(text) + "\n";
    return outcome;
  }
  GIMS_TRY(write_text(with_.out, text + "\n", for_everyone));
  outcome.out = std::string(words) + " " + with_.out + "\n";
  return outcome;
}

Result<Outcome> AttestCommands::attest() const {
  const std::string nonce = with_.nonce.empty() ? fresh_nonce() : with_.nonce;
  GIMS_TRY(attest::nonce_from_hex(nonce));
  json::Writer body;
  body.begin_object().member("nonce", nonce).end_object();
  // gims-keyd may need its TPM for minutes.
  GIMS_TRY_ASSIGN(const Reply reply,
                  surroundings_.ask(socket_, {.verb = Verb::post,
                                              .path = "/attestation",
                                              .body = Redacted(body.take()),
                                              .patience = std::chrono::seconds(300)}));
  const json::Value answer = reply.json.root();
  if (reply.status != 200) {
    return fail(ErrorKind::forbidden, answer.get("errcode").string_or("M_UNKNOWN"),
                answer.get("error").string_or("gimsd refused without a reason."));
  }
  return given_out(answer.to_text(), "wrote the evidence to");
}

Result<Outcome> AttestCommands::challenge() const {
  GIMS_TRY_ASSIGN(const attest::Evidence evidence, read_evidence(with_.evidence));
  GIMS_TRY_ASSIGN(const attest::PublicKey key,
                  attest::parse_public(evidence.stated.endorsement_key));
  attest::Activation kept;
  kept.attestation_key_name = attest::name_of(evidence.stated.attestation_key);
  kept.endorsement_key_name = attest::name_of(evidence.stated.endorsement_key);
  GIMS_TRY_ASSIGN(kept.secret, SecretBytes::random(attest::challenge_secret_size));
  GIMS_TRY_ASSIGN(const hsm::ActivateRequest request,
                  attest::make_credential(key, kept.attestation_key_name, kept.secret));
  GIMS_TRY(write_kept(with_.kept, kept));
  return given_out(challenge_text(request), "wrote the challenge for the unit to");
}

Result<Outcome> AttestCommands::activate() const {
  GIMS_TRY_ASSIGN(const hsm::ActivateRequest request, read_challenge(with_.challenge));
  GIMS_TRY_ASSIGN(const SecretBytes secret, surroundings_.activate(with_.keyd_socket, request));
  return given_out(answer_text(secret), "wrote the unit's answer to");
}

Result<Outcome> AttestCommands::verify() const {
  std::optional<hsm::AttestNonce> nonce;
  if (!with_.nonce.empty()) {
    GIMS_TRY_ASSIGN(nonce, attest::nonce_from_hex(with_.nonce));
  }
  GIMS_TRY_ASSIGN(const KnownFiles files, read_known(with_));
  GIMS_TRY_ASSIGN(const attest::Evidence evidence, read_evidence(with_.evidence));
  const attest::Verified verified = attest::verify(evidence, files.known(nonce));
  // A key that nobody showed to be in a TPM may be anybody's: that is no unit that runs what was
  // released.
  return told(verified.report,
              nonce && files.complete()
                  ? "This unit runs what was released."
                  : "What was judged holds. What the notes name was not shown.",
              json_);
}

Result<std::string> AttestCommands::fetch(const std::string& nonce) const {
  GIMS_TRY_ASSIGN(const Transferred answer,
                  surroundings_.fetch({.url = with_.url + "/_gims/attestation?nonce=" + nonce,
                                       .ca_file = with_.ca,
                                       .patience = std::chrono::seconds(300),
                                       .most = attest::max_evidence}));
  if (answer.status == 200) return answer.body;
  const auto json = json::Document::parse(answer.body);
  const bool later = answer.status == 429 || answer.status >= 500;
  return fail(later ? ErrorKind::unavailable : ErrorKind::not_found, "UNIT",
              json ? json->root().get("error").string_or("The unit refused without a reason.")
                   : std::string_view("What answers there is no unit of GIMS."));
}

Result<Outcome> AttestCommands::pin() const {
  GIMS_TRY_ASSIGN(const KnownFiles files, read_known(with_));
  auto text = read_text(with_.pins, max_pins_file);
  if (!text && text.error().code == "ENOENT") text = std::string();
  GIMS_TRY_ASSIGN(const std::string file, std::move(text));
  GIMS_TRY_ASSIGN(Pins pins, about(with_.pins, Pins::parse(file)));

  const std::string nonce = fresh_nonce();
  GIMS_TRY_ASSIGN(const hsm::AttestNonce asked, attest::nonce_from_hex(nonce));
  const attest::Unit* const pinned = pins.find(with_.url);
  const auto evidence = [&]() -> Result<attest::Evidence> {
    GIMS_TRY_ASSIGN(const std::string json, fetch(nonce));
    return attest::decode_evidence(json);
  }();
  // One that is busy or away may answer later; one that proved what it is, and now does not, is
  // another one.
  if (!evidence && pinned != nullptr && evidence.error().kind != ErrorKind::unavailable) {
    attest::Report report;
    report.bad("The unit that was pinned states nothing about itself any more: " +
               evidence.error().text);
    return told(report, "", json_);
  }
  if (!evidence) return std::unexpected(evidence.error());
  attest::Verified verified = attest::verify(*evidence, files.known(asked));
  if (verified.unit && pinned != nullptr) {
    attest::compare_with_pinned(*pinned, *verified.unit, verified.report);
  } else if (verified.unit) {
    verified.report.note("This unit was not met before: it is pinned from now on.");
  }
  const bool is_new = pinned == nullptr;
  // What does not hold is not remembered, so that it is told again the next time.
  if (verified.unit && verified.report.holds()) {
    GIMS_TRY(about(with_.pins, pins.set(with_.url, *verified.unit)));
    GIMS_TRY(write_text(with_.pins, pins.to_text(), for_its_owner));
  }
  return told(verified.report,
              is_new ? "The unit is pinned." : "This is the unit, and it went nowhere back.",
              json_);
}

}  // namespace gims::ctl
