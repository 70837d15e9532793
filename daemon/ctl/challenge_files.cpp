#include "ctl/challenge_files.hpp"

#include <string_view>
#include <utility>

#include "crypto/bytes.hpp"
#include "ctl/files.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

constexpr std::size_t most_file = std::size_t{8} * 1024;

std::unexpected<Error> malformed(const std::string& file) {
  return fail(ErrorKind::bad_input, "CHALLENGE",
              file + " is not what 'gimsctl attest' wrote, or of a later form.");
}

Result<json::Document> read_object(const std::string& file) {
  GIMS_TRY_ASSIGN(const std::string text, read_text(file, most_file));
  auto document = json::Document::parse(text, {.max_bytes = most_file});
  if (!document || document->root().get("version").int_or(0) != 1) return malformed(file);
  return document;
}

// Bounded by the file.
Result<SecretBytes> secret_of(const std::string& file, const json::Document& document) {
  const auto bytes = crypto::from_hex(document.root().get("secret").string_or(""));
  if (!bytes || bytes->empty()) return malformed(file);
  return SecretBytes::copy_of(*bytes);
}

}  // namespace

std::string challenge_text(const hsm::ActivateRequest& request) {
  json::Writer out;
  out.begin_object().member("version", 1).member("credential", crypto::base64(request.credential));
  out.member("encrypted_secret", crypto::base64(request.encrypted_secret)).end_object();
  return out.take();
}

Result<hsm::ActivateRequest> read_challenge(const std::string& file) {
  GIMS_TRY_ASSIGN(const json::Document document, read_object(file));
  auto credential = crypto::from_base64(document.root().get("credential").string_or(""));
  auto secret = crypto::from_base64(document.root().get("encrypted_secret").string_or(""));
  if (!credential || !secret || credential->size() > hsm::max_credential ||
      secret->size() > hsm::max_credential) {
    return malformed(file);
  }
  return hsm::ActivateRequest{.credential = std::move(*credential),
                              .encrypted_secret = std::move(*secret)};
}

Result<> write_kept(const std::string& file, const hsm::attest::Activation& kept) {
  json::Writer out;
  out.begin_object().member("version", 1);
  out.member("attestation_key", crypto::hex(kept.attestation_key_name));
  out.member("endorsement_key", crypto::hex(kept.endorsement_key_name));
  out.member("secret", crypto::hex(kept.secret.bytes())).end_object();
  const Redacted text(out.take());
  return write_text(file, text.reveal(), for_its_owner);
}

std::string answer_text(const SecretBytes& secret) {
  json::Writer out;
  out.begin_object().member("version", 1).member("secret", crypto::hex(secret.bytes()));
  out.end_object();
  return out.take();
}

Result<hsm::attest::Activation> read_activation(const std::string& kept_file,
                                                const std::string& answer_file) {
  hsm::attest::Activation activation;
  GIMS_TRY_ASSIGN(const json::Document kept, read_object(kept_file));
  auto attestation = crypto::from_hex(kept.root().get("attestation_key").string_or("?"));
  auto endorsement = crypto::from_hex(kept.root().get("endorsement_key").string_or("?"));
  if (!attestation || !endorsement) return malformed(kept_file);
  activation.attestation_key_name = std::move(*attestation);
  activation.endorsement_key_name = std::move(*endorsement);
  GIMS_TRY_ASSIGN(activation.secret, secret_of(kept_file, kept));
  GIMS_TRY_ASSIGN(const json::Document answer, read_object(answer_file));
  GIMS_TRY_ASSIGN(activation.answer, secret_of(answer_file, answer));
  return activation;
}

}  // namespace gims::ctl
