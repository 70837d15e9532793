#include "http/loop.hpp"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "http/connection.hpp"
#include "sys/kernel_tls.hpp"

namespace gims::http {
namespace {

// Numbers of registrations in the loop's epoll set; sockets have those from first_watch on.
constexpr std::uint64_t mailbox_ready = 0;
constexpr std::uint64_t daemon_ready = 1;
constexpr std::uint64_t first_watch = 2;

// Beside the head, the pool of a connection holds the reply's head and what MHD notes of each
// header. MHD clears the whole pool after each request, so all of it is in use from then on, and is
// most of what a waiting device costs.
constexpr std::size_t pool_beyond_head = std::size_t{8} << 10U;
constexpr auto sweep_every = std::chrono::seconds(5);
// What a client must bring of a body, on average; below it the connection is shut.
constexpr std::uint64_t least_body_rate = 512;  // bytes a second
// How long clients have to take their last replies when the server stops.
constexpr auto stop_grace = std::chrono::seconds(2);

std::uint16_t family_of(int fd) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the form of the socket API
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return AF_UNIX;
  return address.ss_family;
}

// Whether the client has ended its side and every byte of it was read. Where its TLS is the
// kernel's, a record that is not content is an end as well (EIO): an alert is one, and for new keys
// the kernel would have to be given them.
bool is_at_end(int fd) noexcept {
  char next = 0;
  const ssize_t got = ::recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::start(Shared& shared) {
  GIMS_TRY_ASSIGN(auto bell, sys::EventFd::create());
  GIMS_TRY_ASSIGN(auto epoll, sys::Epoll::create());
  auto mailbox = std::make_shared<Mailbox>(std::move(bell));
  std::unique_ptr<Loop> loop(new Loop(shared, std::move(mailbox), std::move(epoll)));

  const auto idle = static_cast<unsigned>(shared.options.idle_timeout.count());
  const auto connections = static_cast<unsigned>(shared.options.connections);
  const std::size_t pool = shared.options.head_limit + pool_beyond_head;
  // MHD takes options as variable arguments of exactly these types. The logger comes first, so that
  // it hears of the others. With MHD_USE_TURBO a connection is announced as closed before its
  // sending side is shut (1.0.1, MHD_connection_mark_closed_): let_go() has a last word to send.
  loop->daemon_.reset(
      MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                           MHD_USE_ERROR_LOG | MHD_USE_TURBO,
                       0, nullptr, nullptr, &MhdCallbacks::access, loop.get(),               //
                       MHD_OPTION_EXTERNAL_LOGGER, &MhdCallbacks::log, nullptr,              //
                       MHD_OPTION_URI_LOG_CALLBACK, &MhdCallbacks::begin, loop.get(),        //
                       MHD_OPTION_NOTIFY_COMPLETED, &MhdCallbacks::completed, loop.get(),    //
                       MHD_OPTION_NOTIFY_CONNECTION, &MhdCallbacks::connection, loop.get(),  //
                       MHD_OPTION_UNESCAPE_CALLBACK, &MhdCallbacks::leave_escapes, nullptr,  //
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool,                             //
                       MHD_OPTION_CONNECTION_LIMIT, connections,                             //
                       MHD_OPTION_CONNECTION_TIMEOUT, idle,                                  //
                       MHD_OPTION_CLIENT_DISCIPLINE_LVL, 2,                                  //
                       MHD_OPTION_END));
  if (!loop->daemon_) {
    return fail(ErrorKind::internal, "HTTP", "The HTTP loop does not start.", "MHD_start_daemon");
  }
  const MHD_DaemonInfo* info = MHD_get_daemon_info(loop->daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD);
  GIMS_CHECK(info != nullptr);  // a daemon with MHD_USE_EPOLL has one
  GIMS_TRY(loop->epoll_.add(loop->mailbox_->fd(), EPOLLIN, mailbox_ready));
  GIMS_TRY(loop->epoll_.add(info->epoll_fd, EPOLLIN, daemon_ready));
  loop->thread_ = std::thread([raw = loop.get()] { raw->run(); });
  return loop;
}

Loop::Loop(Shared& shared, std::shared_ptr<Mailbox> mailbox, sys::Epoll epoll)
    : shared_(shared),
      mailbox_(std::move(mailbox)),
      epoll_(std::move(epoll)),
      farewells_(epoll_),
      next_watch_(first_watch),
      next_sweep_(Steady::now() + sweep_every) {}

Loop::~Loop() { stop(); }

void Loop::stop() {
  if (!thread_.joinable()) return;
  mailbox_->post(Stop{});
  thread_.join();
}

std::optional<std::chrono::milliseconds> Loop::wait_time(Steady::time_point now) const {
  std::optional<std::chrono::milliseconds> wait;
  const auto at_most = [&](Steady::time_point when) {
    const auto left = std::max(std::chrono::ceil<std::chrono::milliseconds>(when - now),
                               std::chrono::milliseconds(0));
    wait = wait ? std::min(*wait, left) : left;
  };
  if (!links_.empty()) at_most(next_sweep_);
  if (stopping_) at_most(stop_deadline_);
  if (const auto late = farewells_.next()) at_most(*late);
  std::uint64_t of_daemon = 0;
  if (MHD_get_timeout64(daemon_.get(), &of_daemon) == MHD_YES) {
    at_most(now + std::chrono::milliseconds(of_daemon));
  }
  return wait;
}

void Loop::run() {
  name_this_thread("http");
  std::array<epoll_event, 64> room{};
  while (true) {
    const auto events = epoll_.wait(room, wait_time(Steady::now()));
    if (!events) {
      log::failure(log::id::loop_broken, "An HTTP loop cannot wait for its connections.",
                   events.error());
      GIMS_CHECK(events.has_value());
    }
    for (const epoll_event& event : *events) {
      if (event.data.u64 >= first_watch) notice(event.data.u64, event.events);
    }
    mailbox_->take(posts_);
    for (Post& post : posts_) handle(std::move(post));
    posts_.clear();
    // Never waits: the loop's own epoll set did.
    MHD_run(daemon_.get());
    const auto now = Steady::now();
    if (now >= next_sweep_) sweep(now);
    farewells_.close_late(now);
    if (stopping_ && (exchanges_.empty() || now >= stop_deadline_)) break;
  }
  mailbox_->close();
  // What is left has had its time. A daemon must not be stopped while connections are suspended.
  refuse_waiting([](Exchange&) { return true; });
  MHD_run(daemon_.get());
  ended_ = true;
  daemon_.reset();
  farewells_.close_late(Steady::time_point::max());
}

void Loop::handle(Post post) {
  if (auto* ready = std::get_if<ReplyReady>(&post)) {
    resume(*ready->exchange);
  } else if (auto* wanted = std::get_if<WatchPeer>(&post)) {
    watch(wanted->exchange);
  } else if (auto* adopted = std::get_if<Adopt>(&post)) {
    adopt(std::move(*adopted));
  } else if (auto* poke = std::get_if<Poke>(&post)) {
    poke->answer();
  } else if (std::get_if<Stop>(&post) != nullptr) {
    begin_stop();
  }
}

void Loop::adopt(Adopt adopted) {
  if (stopping_ || !sys::set_nonblocking(adopted.connection.socket.get())) {
    --shared_.connections;
    return;
  }
  // MHD looks at the family alone; who the peer is stands in Link.
  const std::uint16_t family = family_of(adopted.connection.socket.get());
  sockaddr_storage address{};
  address.ss_family = family;
  const socklen_t size = family == AF_INET    ? sizeof(sockaddr_in)
                         : family == AF_INET6 ? sizeof(sockaddr_in6)
                                              : sizeof(sockaddr_un);
  const int fd = adopted.connection.socket.release();  // MHD closes it, also when it refuses
  arriving_[fd] = std::move(adopted);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the form of the socket API
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  if (MHD_add_connection(daemon_.get(), fd, raw, size) != MHD_YES) {
    if (arriving_.erase(fd) != 0) --shared_.connections;
  }
}

void Loop::resume(Exchange& exchange) {
  if (!exchange.suspended) return;  // the loop found the reply itself, or the request is over
  exchange.suspended = false;
  unwatch(exchange);
  MHD_resume_connection(exchange.connection);
}

void Loop::watch(const std::shared_ptr<Exchange>& exchange) {
  if (!exchange->suspended || exchange->watch != 0 || !exchange->wants_watch()) return;
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info == nullptr) return;
  const std::uint64_t number = next_watch_++;
  // MHD looks at no suspended connection, so the loop does. A client that has shut its sending side
  // counts as gone: none that waits for a long poll does that.
  if (!epoll_.add(info->connect_fd, EPOLLRDHUP | EPOLLONESHOT, number)) return;
  exchange->watch = number;
  watched_[number] = exchange.get();
}

void Loop::unwatch(Exchange& exchange) {
  if (exchange.watch == 0) return;
  watched_.erase(std::exchange(exchange.watch, 0));
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(exchange.connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != nullptr) static_cast<void>(epoll_.remove(info->connect_fd));
}

void Loop::notice(std::uint64_t number, std::uint32_t events) {
  if (const auto watched = watched_.find(number); watched != watched_.end()) {
    peer_left(*watched->second);
  } else if (const auto tethered = tethered_.find(number); tethered != tethered_.end()) {
    // gims-tlsd gave its place to another, or is no more.
    cut(*tethered->second);
  } else {
    farewells_.notice(number, events);
  }
}

void Loop::hold(Link& link) {
  if (!link.tether) return;
  link.tether_number = next_watch_++;
  if (!epoll_.add(link.tether.get(), EPOLLRDHUP | EPOLLONESHOT, link.tether_number)) {
    return cut(link);
  }
  tethered_[link.tether_number] = &link;
}

void Loop::let_go(Link& link) {
  if (tethered_.erase(link.tether_number) > 0) {
    static_cast<void>(epoll_.remove(link.tether.get()));
  }
  if (link.tether && !link.cut) sys::send_close_notify(link.fd);
  ::shutdown(link.fd, SHUT_WR);
  if (!link.tether || link.cut || ended_) return;
  sys::Fd own(::fcntl(link.fd, F_DUPFD_CLOEXEC, 0));
  if (!own) return;
  farewells_.begin({std::move(own), std::move(link.tether)}, next_watch_++, Steady::now());
}

void Loop::cut(Link& link) {
  if (link.tether && !link.cut) sys::send_close_notify(link.fd);
  link.cut = true;
  ::shutdown(link.fd, SHUT_RDWR);
}

// Tells gims-tlsd which connections were in use, the one that was last in use last, so that a
// newcomer gets the place of another. A reply that is being sent is a use.
void Loop::tell_use() {
  if (tethered_.empty()) return;
  for (const auto& [raw, exchange] : exchanges_) {
    if (exchange->suspended || exchange->connection == nullptr) continue;
    const MHD_ConnectionInfo* info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info->socket_context != nullptr) {
      static_cast<Link*>(info->socket_context)->used = Steady::now();
    }
  }
  std::vector<Link*> used;
  for (const auto& [number, link] : tethered_) {
    if (link->used) used.push_back(link);
  }
  std::ranges::sort(used, {}, &Link::used);
  for (Link* const link : used) {
    link->used.reset();
    // What finds no room says nothing new.
    const char word = 'u';
    static_cast<void>(::send(link->tether.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT));
  }
}

void Loop::peer_left(Exchange& exchange) {
  exchange.lose_client();
  exchange.abort = true;
  resume(exchange);
}

void Loop::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ = Steady::now() + stop_grace;
  // Long polls wait for what may never come; other requests have the grace to be answered.
  refuse_waiting([](Exchange& exchange) { return exchange.wants_watch(); });
  // Idle connections bring no further request.
  for (auto& [raw, link] : links_) {
    if (!link->in_request) ::shutdown(link->fd, SHUT_RD);
  }
}

void Loop::refuse_waiting(bool (*which)(Exchange&)) {
  // What a waiter frees when it is told may end other exchanges: walk a copy.
  std::vector<std::shared_ptr<Exchange>> open;
  for (auto& [raw, exchange] : exchanges_) {
    if (exchange->suspended && which(*exchange)) open.push_back(exchange);
  }
  for (auto& exchange : open) {
    exchange->reply_error(fail(ErrorKind::unavailable, "STOPPING",
                               "The server is being stopped. Try again in a minute.")
                              .error());
    resume(*exchange);
  }
}

void Loop::sweep(Steady::time_point now) {
  next_sweep_ = now + sweep_every;
  tell_use();
  const auto patience = 2 * shared_.options.idle_timeout;
  for (auto& [raw, link] : links_) {
    if (!link->waiting) continue;
    // libmicrohttpd waits for a change of a socket, and takes one that gave less than it had room
    // for for empty: an end that came together with the last bytes it would never see.
    if (is_at_end(link->fd)) {
      cut(*link);
      continue;
    }
    const auto waited = now - link->waiting_since;
    const auto earned = std::chrono::seconds(link->received / least_body_rate);
    if (waited > patience + earned) cut(*link);
  }
}

}  // namespace gims::http
