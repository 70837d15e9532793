#include "http/exchange.hpp"

#include <utility>

#include "base/log.hpp"
#include "http/route.hpp"
#include "http/server.hpp"

namespace gims::http {

void Exchange::reply(Response response) {
  std::move_only_function<void()> unused;  // may own much: dropped outside of the lock
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::open) return;
    state_ = State::replied;
    response_ = std::move(response);
    unused = std::move(gone_);
  }
  if (handler_thread_.load() != std::this_thread::get_id()) {
    mailbox_->post(ReplyReady{shared_from_this()});
  }
}

void Exchange::reply_error(const Error& error) { reply(renderer_->error(request, error)); }

void Exchange::on_gone(std::move_only_function<void()> gone) {
  std::move_only_function<void()> unused;
  bool call_now = false;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::open) {
      unused = std::exchange(gone_, std::move(gone));
    } else {
      call_now = state_ == State::gone;
      unused = std::move(gone);
    }
  }
  if (call_now) {
    // The client went before the handler said what to do then: tell it on the loop, as promised.
    mailbox_->post(Poke{[callback = std::make_shared<std::move_only_function<void()>>(
                             std::move(unused))] { (*callback)(); }});
  } else if (handler_thread_.load() != std::this_thread::get_id()) {
    mailbox_->post(WatchPeer{shared_from_this()});
  }
}

void Exchange::dropped() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::open) return;
  }
  log::error(log::id::request_unanswered, "A handler gave a request no answer.",
             {{"PATH", request.path}});
  reply_error(fail(ErrorKind::internal, "DROPPED", "The server failed to answer.").error());
}

std::optional<Response> Exchange::take_response() {
  const std::lock_guard lock(mutex_);
  return std::exchange(response_, std::nullopt);
}

void Exchange::lose_client() {
  std::move_only_function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::open) return;
    state_ = State::gone;
    gone = std::move(gone_);
  }
  if (gone) gone();
}

bool Exchange::wants_watch() {
  const std::lock_guard lock(mutex_);
  return state_ == State::open && gone_ != nullptr;
}

Responder::Responder(std::shared_ptr<Exchange> exchange) noexcept
    : exchange_(std::move(exchange)) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder dropped(std::exchange(exchange_, std::move(other.exchange_)));
  return *this;
}

Responder::~Responder() {
  if (exchange_) exchange_->dropped();
}

const Request& Responder::request() const noexcept { return exchange_->request; }

void Responder::reply(Response response) && {
  std::exchange(exchange_, nullptr)->reply(std::move(response));
}

void Responder::on_gone(std::move_only_function<void()> gone) {
  exchange_->on_gone(std::move(gone));
}

}  // namespace gims::http
