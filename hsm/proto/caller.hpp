// One connection to a program that answers frames.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hsm/proto/messages.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

// Each call blocks until the answer or the time limit; a call that fails for the connection's sake
// drops it, and the next call connects again. A call is sent once: whether to try again is the
// caller's to say.
//
// Errors: a refusal has the code of RefusalCode (messages.hpp) and its text; no connection or no
// answer in time is `unavailable` with the code GIMS_KEYD_GONE.
// Thread: any; calls of several threads wait for one another.
class Caller {
 public:
  // Does not connect yet. `operations` are those that may be asked at the socket; `stop` as of
  // Client::connect().
  [[nodiscard]] static Result<std::unique_ptr<Caller>> make(std::string path,
                                                            std::chrono::milliseconds limit,
                                                            OperationRange operations,
                                                            std::vector<int> stop = {});
  [[nodiscard]] Result<> connect();

  // Sends the frame that `write` fills and gives what `read` makes of the answer's body.
  template <class Write, class Read>
  auto call(Operation operation, const Write& write, const Read& read)
      -> decltype(read(BytesView{})) {
    const std::scoped_lock lock(mutex_);
    Writer writer(room_.writable());
    write(writer);
    auto body = exchange(operation, writer);
    auto value = [&]() -> decltype(read(BytesView{})) {
      if (!body) return std::unexpected(body.error());
      return read(*body);
    }();
    wipe_room(body);
    return value;
  }

 private:
  Caller(std::string path, std::chrono::milliseconds limit, OperationRange operations,
         std::vector<int> stop, SecretBytes room)
      : path_(std::move(path)),
        limit_(limit),
        operations_(operations),
        stop_(std::move(stop)),
        room_(std::move(room)) {}
  Result<> connect_if_needed();
  // Both give the answer's body, in the room.
  Result<BytesView> exchange(Operation operation, Writer& request);
  Result<BytesView> send_and_wait(const Header& header, BytesView request);
  Result<BytesView> await_answer(const Header& header);
  void wipe_room(const Result<BytesView>& body) noexcept;

  const std::string path_;
  const std::chrono::milliseconds limit_;
  const OperationRange operations_;
  const std::vector<int> stop_;
  std::mutex mutex_;
  SecretBytes room_;  // Both directions use it in turn.
  std::size_t request_size_ = 0;
  sys::Fd socket_;
  std::uint32_t number_ = 0;
};

}  // namespace gims::hsm
