// A route: what is asked for, how its body comes, on which thread its handler runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

namespace gims::http {

class Exchange;  // one request and its reply; internal to http/

// The right and the duty to answer one request, once, from any thread. While one lives, its request
// does. One that goes unused answers 500 and says so in the journal. Movable.
// Destroying the server first is fine: the reply is dropped.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange) noexcept;
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  [[nodiscard]] const Request& request() const noexcept;
  void reply(Response response) &&;
  // `gone` is called once, on the loop's thread, if the client goes before the reply (a long poll
  // then frees what it holds). Not called after reply().
  void on_gone(std::move_only_function<void()> gone);

 private:
  std::shared_ptr<Exchange> exchange_;
};

// Takes the body of an upload piece by piece, on the loop's thread: must not block for long.
class BodySink {
 public:
  BodySink() = default;
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  virtual ~BodySink() = default;  // without finish(): the upload was broken off; undo
  [[nodiscard]] virtual Result<> write(std::span<const char> piece) = 0;
  // All bytes are there: answer.
  virtual void finish(Responder responder) = 0;
};

// Where a handler runs. on_loop: at once, for what takes well under a millisecond. on_pool: on one
// of a bounded number of workers, for what reads much from the store.
enum class Run : std::uint8_t { on_loop, on_pool };

using Handler = std::function<void(Responder)>;
// Called when the head is there: the sink, or an error that is answered before the body is read.
using SinkMaker = std::function<Result<std::unique_ptr<BodySink>>(const Request&)>;

struct Route {
  Method method;
  Door door;
  // "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}". A parameter is one segment;
  // an empty last segment matches too only where the path ends in "{stateKey?}".
  std::string_view path;
  std::size_t body_limit;  // bytes; more is 413. 0: a body is read over and dropped up to 64 KiB
  Run run;
  Handler handler;  // for whole bodies
  SinkMaker sink;   // for streamed bodies; then handler is empty
};

}  // namespace gims::http
