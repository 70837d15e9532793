#include "service/calls.hpp"

#include <chrono>

#include "base/check.hpp"
#include "crypto/bytes.hpp"
#include "crypto/hmac_sha1.hpp"
#include "json/writer.hpp"

namespace gims::service {

std::string Calls::turn_server(std::string_view user_id) const {
  GIMS_CHECK(available() && !relay_.secret.empty());
  const auto life =
      std::chrono::duration_cast<std::chrono::seconds>(relay_.credential_life).count();
  // coturn's form (use-auth-secret): the end, in seconds since 1970, and whoever it is for; the
  // password is the base64, with its padding, of the name's MAC.
  const std::string username =
      std::to_string(clock_.now_ms() / 1000 + life) + ":" + std::string(user_id);
  const crypto::Sha1Mac mac = crypto::hmac_sha1(relay_.secret.bytes(), crypto::as_bytes(username));
  const std::string relay = "turn:" + relay_.host + ":3478?transport=";
  json::Writer out;
  out.begin_object();
  out.member("username", username).member("password", crypto::base64(mac) + "=");
  out.key("uris").begin_array().value(relay + "udp").value(relay + "tcp").end_array();
  out.member("ttl", life);
  out.end_object();
  return out.take();
}

}  // namespace gims::service
