#include "api/client/signed_in.hpp"

#include "json/fields.hpp"
#include "json/writer.hpp"

namespace gims::api::client {
namespace {

void write_tokens(json::Writer& out, const service::SignedIn& signed_in) {
  out.member("access_token", signed_in.access_token.reveal());
  if (signed_in.refresh_token) out.member("refresh_token", signed_in.refresh_token->reveal());
  if (signed_in.expires_in) out.member("expires_in_ms", signed_in.expires_in->count());
}

}  // namespace

Result<> decode_new_device(json::Value body, service::LoginRequest& request) {
  GIMS_TRY_ASSIGN(const auto device_id, json::optional_string(body, "device_id"));
  if (device_id) request.device_id = std::string(*device_id);
  GIMS_TRY_ASSIGN(const auto name, json::optional_string(body, "initial_device_display_name"));
  if (name) request.device_name = std::string(*name);
  GIMS_TRY_ASSIGN(const auto refresh, json::optional_bool(body, "refresh_token"));
  request.wants_refresh_token = refresh.value_or(false);
  return {};
}

Result<service::LoginRequest> decode_login(json::Value body) {
  GIMS_TRY_ASSIGN(const std::string_view type, json::required_string(body, "type"));
  if (type != "m.login.password") {
    return fail(ErrorKind::bad_input, "M_UNKNOWN",
                "This kind of login is not offered here: m.login.password is.");
  }
  service::LoginRequest request;
  GIMS_TRY_ASSIGN(const json::Value identifier, json::optional_object(body, "identifier"));
  if (identifier) {
    GIMS_TRY_ASSIGN(const std::string_view kind, json::required_string(identifier, "type"));
    if (kind != "m.id.user") {
      return fail(ErrorKind::bad_input, "M_UNKNOWN", "Users are known here by m.id.user alone.");
    }
    GIMS_TRY_ASSIGN(const std::string_view user, json::required_string(identifier, "user"));
    request.user = user;
  } else {
    GIMS_TRY_ASSIGN(const std::string_view user, json::required_string(body, "user"));
    request.user = user;
  }
  GIMS_TRY_ASSIGN(const std::string_view password, json::required_string(body, "password"));
  request.password = Redacted(std::string(password));
  GIMS_TRY(decode_new_device(body, request));
  return request;
}

std::string signed_in_json(const service::SignedIn& signed_in) {
  json::Writer out;
  out.begin_object();
  write_tokens(out, signed_in);
  out.member("device_id", signed_in.device_id);
  // Deprecated in the specification; older clients still read it.
  out.member("home_server",
             std::string_view(signed_in.user_id).substr(signed_in.user_id.find(':') + 1));
  out.member("user_id", signed_in.user_id).end_object();
  return out.take();
}

std::string refreshed_json(const service::SignedIn& signed_in) {
  json::Writer out;
  out.begin_object();
  write_tokens(out, signed_in);
  out.end_object();
  return out.take();
}

}  // namespace gims::api::client
