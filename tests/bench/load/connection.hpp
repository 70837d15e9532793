// One client's connection: connects when it is first needed, holds one request at a time, and gives
// the answer to whoever asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/loop.hpp"
#include "bench/load/response_reader.hpp"
#include "bench/load/target.hpp"
#include "bench/load/tls_client.hpp"

namespace gims::bench {

struct Answer {
  int status = 0;
  std::string_view body;  // until the callback ends
};

// Thread: one, the loop's. A failure of the connection ends the program (give_up): a row with lost
// requests would be a wrong one. The exception is a connection that the server closed between two
// requests, which is made anew.
class Connection final : public Loop::Watcher {
 public:
  using OnAnswer = std::function<void(const Answer&)>;

  // `loop` and `target` outlive it. `number` chooses the source address where the target has
  // several.
  Connection(Loop& loop, const Target& target, std::size_t number);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  // Connects, and calls back when the handshake is done. Not with a request under way.
  void open(std::function<void()> opened);
  // `token` may be empty, as may `body` (then none is sent). The callback may ask the next. Not
  // with a request under way.
  void ask(std::string_view method, std::string_view path, std::string_view body,
           std::string_view token, OnAnswer on_answer);
  [[nodiscard]] bool busy() const noexcept { return on_answer_ || opened_; }
  // Ends it, also with an answer outstanding, which then never comes. Not from a callback of its
  // own.
  void close();

  void on_events(std::uint32_t events) override;

 private:
  enum class State : std::uint8_t { closed, connecting, handshake, open };

  void connect();
  void bind_source(int fd) const;
  void advance();
  void on_open();
  void write_out();
  void read_in();
  [[nodiscard]] Result<std::size_t> read_some(std::span<char> room);
  // Takes bytes of an answer. False: they ended a response, and whoever asked was told.
  [[nodiscard]] bool take(std::string_view bytes);
  void lost(const std::string& why);
  void want(std::uint32_t events);

  Loop& loop_;
  const Target& target_;
  std::size_t number_;
  State state_ = State::closed;
  sys::Fd socket_;
  std::unique_ptr<TlsStream> tls_;
  std::uint32_t wanted_ = 0;
  std::string out_;
  std::size_t written_ = 0;
  ResponseReader reader_;
  OnAnswer on_answer_;
  std::function<void()> opened_;
  bool reused_ = false;  // the request went out on a connection that had served one
};

}  // namespace gims::bench
