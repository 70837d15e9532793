// One request and its reply, between the loop that owns the connection and whoever answers.
// Internal to http/.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "http/mailbox.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

struct MHD_Connection;

namespace gims::http {

struct Renderer;

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Mailbox> mailbox, std::shared_ptr<const Renderer> renderer) noexcept
      : mailbox_(std::move(mailbox)), renderer_(std::move(renderer)) {}

  // Written by the loop before the handler has it, read by the handler.
  Request request;

  // --- any thread ---
  // The first reply counts; later ones, and one to a client that is gone, are dropped.
  void reply(Response response);
  void reply_error(const Error& error);
  void on_gone(std::move_only_function<void()> gone);
  // Its Responder went unused.
  void dropped();

  // --- the loop's thread ---
  // While these are true, a reply by the loop's own thread needs no post: the loop looks
  // afterwards.
  void begin_handler() noexcept { handler_thread_.store(std::this_thread::get_id()); }
  void end_handler() noexcept { handler_thread_.store(std::thread::id{}); }
  [[nodiscard]] std::optional<Response> take_response();
  // No reply can be sent any more; tells the waiter. Idempotent.
  void lose_client();
  [[nodiscard]] bool wants_watch();

  MHD_Connection* connection = nullptr;  // null once MHD is done with the request
  bool suspended = false;
  bool abort = false;       // the access handler ends the connection
  std::uint64_t watch = 0;  // the number of its socket's registration, 0: none

 private:
  enum class State : std::uint8_t { open, replied, gone };

  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<const Renderer> renderer_;
  std::atomic<std::thread::id> handler_thread_{};
  std::mutex mutex_;
  State state_ = State::open;
  std::optional<Response> response_;
  std::move_only_function<void()> gone_;
};

}  // namespace gims::http
