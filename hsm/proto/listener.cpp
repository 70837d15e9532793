#include "hsm/proto/listener.hpp"

#include <sys/types.h>

#include <array>
#include <utility>

#include "base/log.hpp"
#include "base/wipe.hpp"
#include "hsm/proto/answer.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

constexpr mode_t everyone_may_connect = 0666;

}  // namespace

Result<sys::Fd> listen_for_frames(const std::string& path) {
  return or_no_socket(path, sys::seqpacket_listen(path, everyone_may_connect));
}

Result<sys::Fd> or_no_socket(const std::string& path, Result<sys::Fd> listener) {
  if (listener) return listener;
  return fail(ErrorKind::unavailable, "GIMS_KEYD_SOCKET",
              "The socket " + path + " cannot be made (" + listener.error().code + ").",
              listener.error().detail);
}

bool take_new_peer(const sys::Fd& listener, const std::function<void(sys::Fd)>& welcome) {
  auto accepted = sys::accept(listener.get(), sys::Blocking::no);
  if (!accepted) {
    log::failure(log::id::accept_failed, "a connection cannot be taken", accepted.error());
    return false;
  }
  if (std::optional<sys::Fd>& socket = *accepted) welcome(std::move(*socket));
  return true;
}

void turn_away(const sys::Fd& socket, Operation operation, const Refusal& refusal) {
  std::array<std::uint8_t, 1024> room{};
  const auto told =
      sys::send_message(socket.get(), refuse({.operation = operation}, refusal, room));
  if (!told) {
    log::info(log::id::answer_not_taken, "a refusal was not taken",
              {{"ERRCODE", told.error().code}});
  }
}

std::optional<std::size_t> take_request(const sys::Fd& socket, Operation operation,
                                        std::span<std::uint8_t> room) {
  const auto received = sys::receive_message(socket.get(), room);
  if (received) return received->size > 0 ? std::optional(received->size) : std::nullopt;
  if (received.error().code == "EAGAIN") return 0;
  if (received.error().code == "EMSGSIZE") {
    wipe(room);
    turn_away(socket, operation,
              {.code = RefusalCode::bad_frame, .text = "The frame is too long."});
  }
  return std::nullopt;
}

}  // namespace gims::hsm
