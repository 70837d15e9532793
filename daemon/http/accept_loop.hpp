// Accepts on one socket and waits for what its connections bring. Internal to http/.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/seldom.hpp"
#include "http/mailbox.hpp"
#include "http/request.hpp"
#include "sys/epoll.hpp"
#include "sys/fd.hpp"

namespace gims::http {

struct Guest {
  sys::Fd fd;
  Peer peer;
  std::chrono::steady_clock::time_point since{};
};

enum class Next : std::uint8_t { stay, leave, move_on };

struct AcceptRules {
  // Takes one waiting connection, or nothing when none waits (sys::accept). A guest without a
  // descriptor was refused.
  std::function<Result<std::optional<Guest>>(int listener)> accept;
  // The guest's socket is readable.
  std::function<Next(Guest&)> readable;
  // Takes the guests of Next::move_on, which the loop does not watch any more.
  std::function<void(sys::Fd, Peer)> adopt;
  std::size_t most_guests;
  std::chrono::seconds patience;  // with a guest; 0: without end
};

class AcceptLoop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AcceptLoop>> create(sys::Fd listening,
                                                                  AcceptRules rules);
  // Thread: the loop's own.
  void run();
  // Thread: any. Takes Poke and Stop.
  [[nodiscard]] Mailbox& mailbox() noexcept { return *mailbox_; }

 private:
  using Steady = std::chrono::steady_clock;

  AcceptLoop(sys::Fd listening, AcceptRules rules, std::unique_ptr<Mailbox> mailbox,
             sys::Epoll epoll)
      : listening_(std::move(listening)),
        rules_(std::move(rules)),
        mailbox_(std::move(mailbox)),
        epoll_(std::move(epoll)) {}

  [[nodiscard]] std::optional<std::chrono::milliseconds> wait_time(Steady::time_point now) const;
  // False: to stop.
  [[nodiscard]] bool read_mail();
  void accept_all(Steady::time_point now);
  void greet(std::uint64_t number);
  void send_away_late(Steady::time_point now);

  sys::Fd listening_;
  AcceptRules rules_;
  std::unique_ptr<Mailbox> mailbox_;
  sys::Epoll epoll_;
  std::map<std::uint64_t, Guest> guests_;  // by number: the oldest first
  std::uint64_t next_number_ = 2;
  // Set while the machine has no descriptor left: the connection stays in the kernel's queue and
  // would wake the loop without end.
  std::optional<Steady::time_point> paused_until_;
  Seldom told_;
};

}  // namespace gims::http
