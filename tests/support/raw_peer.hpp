// What a test sees on a connection to a program that answers frames, without its client.
#pragma once

#include <optional>

#include "hsm/proto/messages.hpp"
#include "sys/fd.hpp"
#include "sys/message.hpp"

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

inline bool is_closed(const sys::Fd& socket) { return next_message(socket).empty(); }

}  // namespace gims::test
