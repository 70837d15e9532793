// The route tables of api/: one table a module of the specification. No field has a default, so
// that leaving one out does not compile into a hole (docs/threat-model.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "http/route.hpp"

namespace gims::api {

enum class Auth : std::uint8_t {
  none,                // anybody
  token,               // an access token of an account that may act; one that is suspended may GET
  token_optional,      // a token is looked at where there is one
  token_suspended_ok,  // also of a suspended account, whatever the method: what nobody else sees,
                       // and what takes something back
  token_choosing_ok,   // also of that one, and of an account whose owner has yet to choose a
                       // password: what a client needs to start, to set its encryption up, and to
                       // change the password
  token_locked_ok,     // also of that one, and of a locked account (logout)
  admin_socket,        // the admin socket's peer, by its uid
};

// How often: docs/limits.md has the figures of each class, per user and per address.
enum class RateClass : std::uint8_t {
  unlimited,
  read,
  sync,
  send,
  write,
  room,
  login,
  upload,
  attest,
};

enum class BodyKind : std::uint8_t {
  none,
  json_object,           // anything else is M_NOT_JSON or M_BAD_JSON
  json_object_or_empty,  // an empty body is {}
  bytes,                 // whole and as it came: Call::request().body
  stream,                // handed to the upload
};

// Takes the body of an upload piece by piece, on the loop's thread: must not block for long. One
// that goes without finish() was broken off: undo.
class Upload {
 public:
  Upload() = default;
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  virtual ~Upload() = default;
  [[nodiscard]] virtual Result<> write(std::span<const char> piece) = 0;
  // All bytes are there: answer, now or later.
  virtual void finish(Call call) = 0;
};
// Called after the gate, when the head is there: the upload, or an error that is answered before
// the body is read.
using UploadMaker =
    std::function<Result<std::unique_ptr<Upload>>(const http::Request&, const Caller&)>;

struct Route {
  http::Method method;
  http::Door door;
  std::string_view path;  // as in http::Route; a literal
  Auth auth;
  RateClass rate;
  BodyKind body;
  std::size_t body_limit;
  http::Run run;
  std::function<void(Call)> handler;
  UploadMaker upload = nullptr;  // of BodyKind::stream, which has no handler
};

using Routes = std::vector<Route>;

// The same route with Auth::token_suspended_ok.
[[nodiscard]] inline Route while_suspended(Route route) {
  route.auth = Auth::token_suspended_ok;
  return route;
}

// The same route with Auth::token_choosing_ok.
[[nodiscard]] inline Route while_choosing(Route route) {
  route.auth = Auth::token_choosing_ok;
  return route;
}

}  // namespace gims::api
