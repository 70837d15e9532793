// What every request to the API goes through before its handler: authentication, limits, the body.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "api/rate_limiter.hpp"
#include "api/route.hpp"
#include "base/clock.hpp"
#include "http/route.hpp"
#include "http/server.hpp"

namespace gims::api {

// Who stands behind an access token. Thread: any, several at once. On loops: must be quick.
class Authenticator {
 public:
  Authenticator() = default;
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  virtual ~Authenticator() = default;
  // `auth` is one of the kinds of token. Fails with M_UNKNOWN_TOKEN (extra_json
  // "\"soft_logout\":true" for one that a refresh token renews) or M_USER_LOCKED, both 401, or with
  // M_FORBIDDEN for an owner who has yet to choose a password. The request is for what is noted of
  // the device: address and user agent.
  [[nodiscard]] virtual Result<Caller> authenticate(std::string_view token, Auth auth,
                                                    const http::Request& request) = 0;
};

// Who stands behind the cookie of a request at the console's door. Thread: any, several at once. On
// loops: must be quick.
class ConsoleAuthenticator {
 public:
  ConsoleAuthenticator() = default;
  ConsoleAuthenticator(const ConsoleAuthenticator&) = delete;
  ConsoleAuthenticator& operator=(const ConsoleAuthenticator&) = delete;
  virtual ~ConsoleAuthenticator() = default;
  // M_UNKNOWN_TOKEN; for a request that `changes` something also GIMS_ORIGIN, where it lacks the
  // session's token.
  [[nodiscard]] virtual Result<Caller> authenticate(const http::Request& request, bool changes) = 0;
};

struct GateOptions {
  bool rate_limits = true;
  // The uids that Auth::admin_socket takes; root always.
  std::vector<std::uint32_t> admin_uids;
  RateFactors rates{};
  // Of the console's door; nothing: nobody signs in there.
  ConsoleAuthenticator* console = nullptr;
  std::string site{};  // the name that browsers know it by
  // What a browser is given for a page of the console; nothing: there is none.
  std::function<std::optional<http::Response>(const http::Request&)> pages = nullptr;
};

// Thread: any. Lives longer than the server that has its routes.
class Gate {
 public:
  Gate(GateOptions options, Authenticator& authenticator, const Clock& clock);

  // The table as routes of http/. A route without the handler, or the upload, that its BodyKind
  // asks for is a bug (check).
  [[nodiscard]] std::vector<http::Route> routes(Routes table);
  // Errors of http/ and OPTIONS.
  [[nodiscard]] http::Renderer renderer() const;

  // Authentication, then the limits; what routes() does before the body is looked at.
  [[nodiscard]] Result<Caller> admit(const Route& route, const http::Request& request);

 private:
  [[nodiscard]] Result<Caller> identify(const Route& route, const http::Request& request);
  [[nodiscard]] Result<Caller> identify_at_console(const Route& route,
                                                   const http::Request& request);
  void enter(const Route& route, http::Responder responder);

  GateOptions options_;
  Authenticator& authenticator_;
  RateLimiter limiter_;
};

// The header fields that every answer at a client's door has (spec: client-server API, "Web browser
// clients") and those of a JSON body. Fields that are there already stay.
void add_common_headers(const http::Request& request, http::Response& response);

// The tables as JSON: [{"method","path","door","auth","rate","body","body_limit"}], for the
// contract tests. Of the console's door also "access", "roles" and "fresh".
[[nodiscard]] std::string describe(const Routes& table);

}  // namespace gims::api
