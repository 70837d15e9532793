#include "testsite/shared_secret.hpp"

#include <chrono>
#include <deque>
#include <mutex>
#include <utility>

#include "crypto/bytes.hpp"
#include "crypto/hmac_sha1.hpp"
#include "crypto/random.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

namespace gims::testsite {
namespace {

constexpr std::string_view path = "/_synapse/admin/v1/register";
constexpr std::size_t body_limit = std::size_t{16} << 10U;
constexpr std::size_t most_nonces = 1024;  // the oldest has to go
constexpr auto nonce_life = std::chrono::seconds(60);

// Thread: any.
class Nonces {
 public:
  explicit Nonces(const Clock& clock) noexcept : clock_(clock) {}
  [[nodiscard]] std::string make() {
    const std::lock_guard lock(mutex_);
    if (open_.size() == most_nonces) open_.pop_front();
    open_.emplace_back(crypto::random_alphanumeric(64), clock_.steady() + nonce_life);
    return open_.back().first;
  }
  [[nodiscard]] bool use(std::string_view nonce) {
    const std::lock_guard lock(mutex_);
    for (auto at = open_.begin(); at != open_.end(); ++at) {
      if (at->first != nonce) continue;
      const bool good = at->second > clock_.steady();
      open_.erase(at);
      return good;
    }
    return false;
  }

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::deque<std::pair<std::string, std::chrono::steady_clock::time_point>> open_;
};

struct Request {
  service::NewUser user;
  std::string nonce;
  std::string mac;
  bool admin = false;
};

Result<Request> decode(json::Value body) {
  Request request;
  GIMS_TRY_ASSIGN(request.nonce, json::required_string(body, "nonce"));
  GIMS_TRY_ASSIGN(request.user.localpart, json::required_string(body, "username"));
  GIMS_TRY_ASSIGN(const std::string_view password, json::required_string(body, "password"));
  GIMS_TRY_ASSIGN(request.mac, json::required_string(body, "mac"));
  GIMS_TRY_ASSIGN(const auto admin, json::optional_bool(body, "admin"));
  request.user.password = Redacted(std::string(password));
  request.admin = admin.value_or(false);
  return request;
}

void sign_in(app::Services& services, std::string user_id, api::Call call) {
  services.sessions().sign_in(
      std::move(user_id), {},
      [&services, call = std::move(call)](Result<service::SignedIn> outcome) mutable {
        if (!outcome) return std::move(call).error(outcome.error());
        json::Writer out;
        out.begin_object().member("user_id", outcome->user_id);
        out.member("home_server", services.policy().server_name);
        out.member("access_token", outcome->access_token.reveal());
        out.member("device_id", outcome->device_id).end_object();
        std::move(call).reply(out.take());
      });
}

void add_user(app::Services& services, Nonces& nonces, api::Call call) {
  auto request = decode(call.body());
  if (!request) return std::move(call).error(request.error());
  const auto& secret = services.policy().registration_secret;
  const std::string expected =
      registration_mac(secret->reveal(), request->nonce, request->user.localpart,
                       request->user.password.reveal(), request->admin);
  if (!nonces.use(request->nonce) ||
      !equal_in_constant_time(crypto::as_bytes(expected), crypto::as_bytes(request->mac))) {
    return std::move(call).error(
        fail(ErrorKind::forbidden, "M_FORBIDDEN", "The nonce or the MAC is not right.").error());
  }
  // The MAC is over the name as it came.
  request->user.localpart = service::registered_localpart(request->user.localpart);
  services.users().create(std::move(request->user), std::nullopt,
                          [&services, call = std::move(call)](Result<std::string> user_id) mutable {
                            if (!user_id) return std::move(call).error(user_id.error());
                            sign_in(services, std::move(*user_id), std::move(call));
                          });
}

api::Route route(http::Method method, api::BodyKind body, std::function<void(api::Call)> handler) {
  return {.method = method,
          .door = http::Door::client,
          .path = path,
          .auth = api::Auth::none,
          .rate = api::RateClass::login,
          .body = body,
          .body_limit = body_limit,
          .run = http::Run::on_loop,
          .handler = std::move(handler)};
}

}  // namespace

std::string registration_mac(std::string_view secret, std::string_view nonce, std::string_view user,
                             std::string_view password, bool admin) {
  std::string text;
  for (std::string_view part : {nonce, user, password}) text.append(part).push_back('\0');
  text += admin ? "admin" : "notadmin";
  return crypto::hex(crypto::hmac_sha1(crypto::as_bytes(secret), crypto::as_bytes(text)));
}

api::Routes shared_secret_routes(app::Services& services, const Clock& clock) {
  auto nonces = std::make_shared<Nonces>(clock);
  api::Routes routes;
  routes.push_back(route(http::Method::get, api::BodyKind::none, [nonces](api::Call call) {
    std::move(call).reply(R"({"nonce":")" + nonces->make() + R"("})");
  }));
  routes.push_back(
      route(http::Method::post, api::BodyKind::json_object,
            [nonces, &services](api::Call call) { add_user(services, *nonces, std::move(call)); }));
  return routes;
}

}  // namespace gims::testsite
