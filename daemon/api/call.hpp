// One request to the API after the gate: authenticated, rate-limited, its body parsed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/route.hpp"
#include "json/value.hpp"
#include "service/console/role.hpp"
#include "service/console/sessions.hpp"

namespace gims::api {

// The user and device behind an access token. At the console's door: the administrator behind a
// session, who is no user.
struct Caller {
  std::string user_id;
  std::string device_id;
  std::optional<service::console::Session> session = std::nullopt;
  service::console::Roles roles{};
};

// Movable; answered once, from any thread, by one of the &&-functions; one that is dropped answers
// 500. Views into it are good while it lives.
class Call {
 public:
  struct State;  // of the gate
  explicit Call(std::unique_ptr<State> state) noexcept;
  Call(Call&&) noexcept;
  Call& operator=(Call&&) noexcept;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  [[nodiscard]] const http::Request& request() const noexcept;
  // Routes without authentication have an empty caller.
  [[nodiscard]] const Caller& caller() const noexcept;
  // The JSON object of the body; routes with BodyKind::none have an empty object.
  [[nodiscard]] json::Value body() const noexcept;
  [[nodiscard]] std::string_view param(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;

  void reply(std::string json) &&;  // 200
  void reply_empty() &&;            // 200 and {}
  void error(const Error& error) &&;
  void result(Result<std::string> json) &&;  // either of the two
  void send(http::Response response) &&;     // anything else; the gate adds its headers
  // `gone` is called once, on a loop's thread, if the client goes before the reply; a long poll has
  // to set it, as only such a request's connection is watched.
  void on_gone(std::move_only_function<void()> gone);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gims::api
