#include "api/call.hpp"

#include <utility>

#include "api/call_state.hpp"
#include "api/error.hpp"
#include "api/gate.hpp"
#include "base/check.hpp"

namespace gims::api {

Call::Call(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Call::Call(Call&&) noexcept = default;
Call& Call::operator=(Call&&) noexcept = default;
Call::~Call() = default;  // the Responder answers 500 if it is still there

const http::Request& Call::request() const noexcept { return state_->responder.request(); }
const Caller& Call::caller() const noexcept { return state_->caller; }
json::Value Call::body() const noexcept { return state_->body.root(); }
std::string_view Call::param(std::string_view name) const { return request().param(name); }
std::optional<std::string_view> Call::query(std::string_view name) const {
  return request().query(name);
}

void Call::reply(std::string json) && {
  http::Response response;
  response.body = std::move(json);
  std::move(*this).send(std::move(response));
}

void Call::reply_empty() && { std::move(*this).reply("{}"); }

void Call::error(const Error& error) && { std::move(*this).send(render_error(error)); }

void Call::result(Result<std::string> json) && {
  if (json) {
    std::move(*this).reply(std::move(*json));
  } else {
    std::move(*this).error(json.error());
  }
}

void Call::send(http::Response response) && {
  GIMS_CHECK(state_ != nullptr);  // answered once
  const std::unique_ptr<State> state = std::move(state_);
  add_common_headers(state->responder.request(), response);
  std::move(state->responder).reply(std::move(response));
}

void Call::on_gone(std::move_only_function<void()> gone) {
  state_->responder.on_gone(std::move(gone));
}

}  // namespace gims::api
