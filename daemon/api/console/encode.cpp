#include "api/console/encode.hpp"

#include "crypto/bytes.hpp"
#include "crypto/percent.hpp"

namespace gims::api::console {
namespace {

constexpr int timeout_ms = 120'000;  // as long as a challenge is good
constexpr std::int64_t es256 = -7;   // COSE (RFC 9053)
constexpr std::int64_t eddsa = -8;

std::string url_safe(crypto::ByteView bytes) {
  return crypto::base64(bytes, crypto::Alphabet::url_safe);
}

void write_keys(json::Writer& out, std::span<const std::string> keys) {
  out.begin_array();
  for (const std::string& key : keys) {
    out.begin_object().member("type", "public-key").member("id", key).end_object();
  }
  out.end_array();
}

void write_creation(json::Writer& out, const service::console::FactorOptions& options,
                    std::string_view site) {
  out.key("webauthn").begin_object().member("challenge", url_safe(*options.challenge));
  out.key("rp").begin_object().member("id", site).member("name", "GIMS").end_object();
  out.key("user").begin_object();
  out.member("id", url_safe(crypto::as_bytes(options.name)).substr(0, 88));
  out.member("name", options.name).member("displayName", options.name).end_object();
  out.key("pubKeyCredParams").begin_array();
  for (const std::int64_t algorithm : {es256, eddsa}) {
    out.begin_object().member("type", "public-key").member("alg", algorithm).end_object();
  }
  out.end_array().member("timeout", timeout_ms).member("attestation", "none");
  out.key("authenticatorSelection").begin_object().member("userVerification", "required");
  out.member("residentKey", "discouraged").end_object();
  out.key("excludeCredentials");
  write_keys(out, options.keys);
  out.end_object();
}

}  // namespace

void write_roles(json::Writer& out, service::console::Roles roles) {
  out.begin_array();
  for (const auto& [role, name] : service::console::role_names) {
    if (roles.any_of({role})) out.value(name);
  }
  out.end_array();
}

void write_factors(json::Writer& out, std::span<const service::console::FactorKind> factors) {
  out.begin_array();
  for (const auto factor : factors) out.value(service::console::name_of(factor));
  out.end_array();
}

void write_request_options(json::Writer& out, const hsm::approval::Challenge& challenge,
                           std::string_view site, std::span<const std::string> keys) {
  out.begin_object().member("challenge", url_safe(challenge)).member("rpId", site);
  out.member("timeout", timeout_ms).member("userVerification", "required");
  out.key("allowCredentials");
  write_keys(out, keys);
  out.end_object();
}

std::string options_json(const service::console::FactorOptions& options, std::string_view site) {
  json::Writer out;
  out.begin_object();
  if (options.challenge) {
    write_creation(out, options, site);
  } else {
    const std::string_view secret = options.secret->reveal();
    // As the applications read it (github.com/google/google-authenticator, "Key Uri Format").
    const std::string uri =
        "otpauth://totp/" + crypto::percent_encoded(site) + ":" +
        crypto::percent_encoded(options.name) + "?secret=" + std::string(secret) +
        "&issuer=" + crypto::percent_encoded(site) + "&algorithm=SHA1&digits=6&period=30";
    out.key("totp").begin_object().member("secret", secret).member("uri", uri).end_object();
  }
  out.end_object();
  return out.take();
}

std::string step_json(const service::console::SecondStep& step, std::string_view name,
                      std::string_view site) {
  json::Writer out;
  out.begin_object().member(name, step.token.reveal()).member("expires_ts", step.expires_ts);
  out.key("factors");
  write_factors(out, step.factors);
  if (!step.keys.empty()) {
    out.key("webauthn");
    write_request_options(out, step.challenge, site, step.keys);
  }
  out.end_object();
  return out.take();
}

std::string session_json(const service::console::SessionStanding& is, std::string_view csrf) {
  const service::console::Session& session = is.session;
  json::Writer out;
  out.begin_object().member("session_id", session.id).member("name", session.name).key("roles");
  write_roles(out, is.roles);
  out.member("csrf", csrf).member("signed_in_ts", session.signed_in_ts);
  out.member("idle_expires_ts", session.idle_expires_ts());
  out.member("expires_ts", session.expires_ts()).member("fresh_ts", session.fresh_ts);
  out.member("language", is.standing.account.language).key("factors");
  write_factors(out, is.standing.account.factors());
  out.member("setup", false).end_object();
  return out.take();
}

service::console::Where where_of(const http::Request& request) {
  return service::console::where(request.peer.address, request.header("User-Agent").value_or(""));
}

}  // namespace gims::api::console
