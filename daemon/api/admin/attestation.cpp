// What the unit states about itself, for an administrator.
#include <memory>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "crypto/bytes.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

using service::console::every_role;

void attest(service::Attestation& attestation, Call call) {
  const auto text = json::required_string(call.body(), "nonce");
  if (!text) return std::move(call).error(text.error());
  const auto nonce = crypto::array_from_hex<sizeof(service::AttestationNonce)>(*text);
  if (!nonce) {
    const auto refused = service::invalid_param("A nonce is 64 hex digits.");
    return std::move(call).error(refused.error());
  }
  attestation.ask_as_administrator(
      *nonce,
      [call = std::move(call)](Result<std::shared_ptr<const std::string>> evidence) mutable {
        if (!evidence) return std::move(call).error(evidence.error());
        std::move(call).reply(**evidence);
      });
}

}  // namespace

Routes attestation_routes(service::Attestation& attestation) {
  Routes routes;
  routes.push_back(admin_route(
      http::Method::post, "/_gims/admin/v1/attestation", BodyKind::json_object,
      for_roles(every_role), [&attestation](Call call) { attest(attestation, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
