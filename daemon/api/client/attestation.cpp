#include "api/client/attestation.hpp"

#include <memory>
#include <string>
#include <utility>

#include "crypto/bytes.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

// What ails gims-keyd is for administrators: a stranger hears that it is not now.
Error for_strangers(const Error& error) {
  if (error.code.starts_with("M_")) return error;
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "This unit cannot state what it is for now. Try again later.", error.code)
      .error();
}

void attest(service::Attestation& attestation, Call call) {
  const auto nonce =
      crypto::array_from_hex<sizeof(service::AttestationNonce)>(call.query("nonce").value_or(""));
  // A site without hardware says so whatever it was asked with.
  if (!nonce && attestation.available()) {
    const auto refused = service::invalid_param("A nonce is needed: 64 hex digits, made anew.");
    return std::move(call).error(refused.error());
  }
  attestation.ask(
      nonce.value_or(service::AttestationNonce{}),
      [call = std::move(call)](Result<std::shared_ptr<const std::string>> evidence) mutable {
        if (!evidence) return std::move(call).error(for_strangers(evidence.error()));
        http::Response response;
        response.body = http::Chain{std::move(*evidence)};
        std::move(call).send(std::move(response));
      });
}

}  // namespace

Routes attestation_routes(service::Attestation& attestation) {
  Routes routes;
  routes.push_back(
      {.method = http::Method::get,
       .door = http::Door::client,
       .path = "/_gims/attestation",
       .auth = Auth::none,
       .rate = RateClass::attest,
       .body = BodyKind::none,
       .body_limit = 0,
       .run = http::Run::on_loop,
       .handler = [&attestation](Call call) { attest(attestation, std::move(call)); }});
  return routes;
}

}  // namespace gims::api::client
