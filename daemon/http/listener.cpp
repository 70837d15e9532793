#include "http/listener.hpp"

#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "base/seldom.hpp"
#include "http/accept_loop.hpp"
#include "sys/handover.hpp"
#include "sys/kernel_tls.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::http {
namespace {

constexpr char tls_handshake = 22;
constexpr std::size_t most_silent = 1024;
constexpr std::size_t most_senders = 16;
constexpr auto patience_for_first_byte = std::chrono::seconds(60);

// A connection moves on once it has said something that is not TLS.
Next look_at_first_byte(Guest& guest) {
  char first = 0;
  const ssize_t got = ::recv(guest.fd.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Next::stay;
  return got == 1 && first != tls_handshake ? Next::move_on : Next::leave;
}

// What a handover says that it brings. A socket that the kernel does not encrypt must not pass for
// one that it does.
bool brings_what_it_says(const sys::Handover& handover, std::span<const sys::Fd> fds) {
  if (handover.carriage == sys::Carriage::pump) return fds.size() == 1;
  return fds.size() == 2 && sys::has_kernel_tls(fds.front().get());
}

// Adopts what one message brings; a sender of anything else has to leave.
Next take_handover(Guest& sender, const Listener::Adopt& adopt, Seldom& told) {
  std::array<std::uint8_t, sys::handover_size> bytes{};
  auto message = sys::receive_message(sender.fd.get(), bytes, 2);
  if (!message) {
    if (message.error().code == "EAGAIN") return Next::stay;
    if (message.error().code == "EMFILE") {
      // The kernel has closed that one already; those that come later may find room.
      if (told.due(std::chrono::steady_clock::now())) {
        log::failure(log::id::accept_failed, "A connection of gims-tlsd cannot be taken.",
                     message.error());
      }
      return Next::stay;
    }
    log::failure(log::id::handover_malformed, "gims-tlsd sent what is no handover.",
                 message.error());
    return Next::leave;
  }
  if (message->size == 0 && message->fds.empty()) return Next::leave;  // it has closed
  const auto handover = sys::decode_handover(std::span(bytes).first(message->size));
  if (!handover || !brings_what_it_says(*handover, message->fds)) {
    log::warning(log::id::handover_malformed, "gims-tlsd sent what is no handover.");
    return Next::leave;
  }
  Incoming incoming(std::move(message->fds.front()));
  if (message->fds.size() > 1) incoming.tether = std::move(message->fds.back());
  adopt(std::move(incoming),
        Peer{.address = handover->peer.ip.to_string(),
             .door = handover->door == sys::Door::console ? Door::console : Door::client,
             .uid = std::nullopt});
  return Next::stay;
}

}  // namespace

Listener::Listener(std::unique_ptr<AcceptLoop> loop) noexcept : loop_(std::move(loop)) {}

Result<std::unique_ptr<Listener>> Listener::start(Result<std::unique_ptr<AcceptLoop>> loop) {
  if (!loop) return pass(std::move(loop));
  std::unique_ptr<Listener> listener(new Listener(std::move(*loop)));
  listener->thread_ = std::thread([raw = listener->loop_.get()] { raw->run(); });
  return listener;
}

Result<std::unique_ptr<Listener>> Listener::tcp(sys::Fd listening, Door door, Adopt adopt) {
  return start(AcceptLoop::create(
      std::move(listening),
      {.accept = [door](int listener) -> Result<std::optional<Guest>> {
         GIMS_TRY_ASSIGN(auto taken, sys::tcp_accept(listener));
         if (!taken) return std::nullopt;
         return Guest{.fd = std::move(taken->fd),
                      .peer = {.address = taken->peer.ip.to_string(), .door = door, .uid = {}}};
       },
       .readable = &look_at_first_byte,
       .adopt = std::move(adopt),
       .most_guests = most_silent,
       .patience = patience_for_first_byte}));
}

Result<std::unique_ptr<Listener>> Listener::local(sys::Fd listening, Door door, Adopt adopt) {
  return start(AcceptLoop::create(
      std::move(listening), {.accept = [door](int listener) -> Result<std::optional<Guest>> {
                               GIMS_TRY_ASSIGN(auto taken,
                                               sys::accept(listener, sys::Blocking::no));
                               if (!taken) return std::nullopt;
                               GIMS_TRY_ASSIGN(const auto who, sys::peer_credentials(taken->get()));
                               return Guest{.fd = std::move(*taken),
                                            .peer = {.address = {}, .door = door, .uid = who.uid}};
                             },
                             .readable = &look_at_first_byte,
                             .adopt = std::move(adopt),
                             .most_guests = most_silent,
                             .patience = patience_for_first_byte}));
}

Result<std::unique_ptr<Listener>> Listener::intake(sys::Fd listening, uid_t sender, Adopt adopt) {
  return start(AcceptLoop::create(
      std::move(listening),
      {.accept = [sender](int listener) -> Result<std::optional<Guest>> {
         GIMS_TRY_ASSIGN(auto taken, sys::accept(listener, sys::Blocking::no));
         if (!taken) return std::nullopt;
         GIMS_TRY_ASSIGN(const auto who, sys::peer_credentials(taken->get()));
         if (who.uid == sender) return Guest{.fd = std::move(*taken), .peer = {}};
         log::warning(log::id::peer_refused, "Another user than gims-tlsd's wants to hand over.",
                      {{"UID", std::to_string(who.uid)}});
         return Guest{};
       },
       .readable = [adopt = std::move(adopt), told = Seldom()](
                       Guest& guest) mutable { return take_handover(guest, adopt, told); },
       .adopt = nullptr,
       .most_guests = most_senders,
       .patience = std::chrono::seconds(0)}));
}

Listener::~Listener() { stop(); }

void Listener::poke(std::function<void()> answer) {
  loop_->mailbox().post(Poke{std::move(answer)});
}

void Listener::stop() {
  if (!thread_.joinable()) return;
  loop_->mailbox().post(Stop{});
  thread_.join();
}

}  // namespace gims::http
