// What other threads tell a loop. Internal to http/.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "http/request.hpp"
#include "sys/event_fd.hpp"

namespace gims::http {

class Exchange;

struct ReplyReady {
  std::shared_ptr<Exchange> exchange;
};
struct WatchPeer {
  std::shared_ptr<Exchange> exchange;
};
struct Adopt {
  Incoming connection;
  Peer peer;
};
struct Poke {
  std::function<void()> answer;
};
struct Stop {};
using Post = std::variant<ReplyReady, WatchPeer, Adopt, Poke, Stop>;

// Outlives its loop, since replies may come after the server's end: they are dropped then. Bounded
// by what posts: an exchange posts twice at most, a connection once. Thread: post() from any; the
// rest by the loop.
class Mailbox {
 public:
  explicit Mailbox(sys::EventFd bell) noexcept : bell_(std::move(bell)) {}

  // False: closed, the post is dropped.
  bool post(Post post);
  // Takes all that came, into an empty vector.
  void take(std::vector<Post>& into);
  void close();
  [[nodiscard]] int fd() const noexcept { return bell_.fd(); }

 private:
  sys::EventFd bell_;
  std::mutex mutex_;
  std::vector<Post> posts_;
  bool closed_ = false;
};

}  // namespace gims::http
