// What a test sees on a connection to a program that answers frames, without its client.
#pragma once

#include <poll.h>

#include <optional>

#include "hsm/proto/messages.hpp"
#include "sys/fd.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::test {

// The next message; empty where the other end hung up.
inline hsm::Bytes next_message(const sys::Fd& socket) {
  hsm::Bytes room(hsm::max_frame_size);
  const auto received = sys::receive_message(socket.get(), room);
  room.resize(received ? received->size : 0);
  return room;
}

// The next message's refusal.
inline std::optional<hsm::Refusal> refusal_on(const sys::Fd& socket,
                                              hsm::OperationRange operations) {
  const hsm::Bytes message = next_message(socket);
  const auto frame = hsm::decode_frame(message, operations);
  if (!frame || frame->header.kind != hsm::Kind::refusal) return std::nullopt;
  return *hsm::decode_refusal(frame->body);
}

// As the program itself: takes one connection, and answers its first request with what `write`
// writes. Nothing is answered where there is no such request.
template <class Write>
void answer_one(const sys::Fd& listener, hsm::OperationRange operations, Write write) {
  pollfd entry{.fd = listener.get(), .events = POLLIN, .revents = 0};
  ::poll(&entry, 1, -1);
  const auto peer = sys::accept(listener.get(), sys::Blocking::yes);
  if (!peer || !*peer) return;
  const hsm::Bytes request = next_message(**peer);
  const auto asked = hsm::decode_frame(request, operations);
  if (!asked) return;
  hsm::Bytes room(hsm::max_frame_size);
  hsm::Writer writer(room);
  write(writer);
  const auto answer = writer.frame({.kind = hsm::Kind::reply,
                                    .operation = asked->header.operation,
                                    .number = asked->header.number});
  if (answer) static_cast<void>(sys::send_message((*peer)->get(), *answer));
}

inline bool is_closed(const sys::Fd& socket) { return next_message(socket).empty(); }

}  // namespace gims::test
