// What a browser sends to the console's door: factors, registrations, proposals, cookies. What is
// taken has the bounds that the decoders promise, and is never more than was sent.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/console/cookie.hpp"
#include "api/console/decode.hpp"
#include "base/check.hpp"
#include "hsm/approval/registration.hpp"
#include "json/value.hpp"
#include "service/console/proposal_request.hpp"
#include "service/console/totp.hpp"

namespace {

using namespace gims;                // NOLINT(google-build-using-namespace)
using namespace gims::api::console;  // NOLINT(google-build-using-namespace)

void refused_well(const Error& error) {
  GIMS_CHECK(error.kind != ErrorKind::internal && !error.code.empty() && !error.text.empty());
}

void registration(const hsm::approval::Registration& read) {
  GIMS_CHECK(read.client_data_json.size() <= hsm::approval::max_client_data);
  GIMS_CHECK(read.attestation_object.size() <= hsm::approval::max_attestation_object);
  const auto made = hsm::approval::registered("gims.internal", {}, read);
  if (!made) return refused_well(made.error());
  GIMS_CHECK(made->rp_id == "gims.internal" && !made->credential_id.empty());
}

void factors(json::Value body) {
  if (const auto factor = decode_factor(body); !factor) {
    refused_well(factor.error());
  } else if (const auto* const yes = std::get_if<service::console::KeyYes>(&*factor)) {
    GIMS_CHECK(!yes->credential_id.empty() && yes->credential_id.size() <= 255);
    GIMS_CHECK(yes->assertion.signature.size() <= 72);
  } else {
    GIMS_CHECK(std::get<service::console::Code>(*factor).digits.reveal().size() == 6);
  }
  const auto added = decode_new_factor(body);
  if (!added) return refused_well(added.error());
  if (const auto* const key = std::get_if<service::console::NewKey>(&*added)) {
    registration(key->registration);
  }
}

// What is proposed is told again in the same words.
void proposal(json::Value body) {
  const auto request = service::console::decode_proposal(body, "gims.internal");
  if (!request) return refused_well(request.error());
  const std::string told = service::console::proposal_json(request->action, request->body);
  const auto document = json::Document::parse(told);
  GIMS_CHECK(document.has_value());
  GIMS_CHECK(document->root().get("action").string_or("") == body.get("action").string_or("other"));
  const auto again = service::console::decode_proposal(document->root(), "gims.internal");
  // A security key's is told by its public key alone.
  if (again && !body.get("key").get("webauthn")) GIMS_CHECK(again->body == request->body);
}

void cookie(std::string_view text) {
  http::Request request;
  request.headers.emplace_back("Cookie", std::string(text));
  const auto found = cookie_of(request);
  GIMS_CHECK(!found || text.contains(std::string(cookie_name) + "=" + std::string(*found)));
}

void code(std::string_view text) {
  static const SecretBytes secret = *SecretBytes::zeroed(service::console::totp_secret_size);
  const auto step = service::console::totp_accepts(secret, text, 1'700'000'000'000, 0);
  GIMS_CHECK(!step || text.size() == service::console::totp_digits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses.
  if (size == 0) return 0;
  const hsm::BytesView bytes(data + 1, size - 1);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] == 'c') {
    cookie(text);
  } else if (data[0] == 't') {
    code(text);
  } else if (data[0] == 'a') {
    // Client data that are right, so that the attestation object is read.
    static constexpr std::string_view client_data =
        R"({"type":"webauthn.create","challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","origin":"https://gims.internal","crossOrigin":false})";
    if (bytes.size() <= hsm::approval::max_attestation_object) {
      registration({.client_data_json = {client_data.begin(), client_data.end()},
                    .attestation_object = {bytes.begin(), bytes.end()}});
    }
  } else if (const auto document = json::Document::parse(text)) {
    if (data[0] == 'p') {
      proposal(document->root());
    } else {
      factors(document->root());
    }
  }
  return 0;
}
