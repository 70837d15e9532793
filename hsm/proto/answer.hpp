// From what became of a request to the frame that answers it; for every program that answers
// frames.
#pragma once

#include <span>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

struct Answer {
  BytesView frame;  // in the room
  // The peer does not speak the protocol: the connection ends after this answer.
  bool hang_up = false;
};

// The answer to the request with this header: the reply that was written in `room`, or the refusal
// of what failed, which goes into the journal. `room` holds max_frame_size bytes.
[[nodiscard]] Answer finish(Header header, Writer& reply, Result<> served,
                            std::span<std::uint8_t> room);
// The refusal of the request with this header. `room` holds the text and 64 bytes more.
[[nodiscard]] BytesView refuse(Header header, const Refusal& refusal, std::span<std::uint8_t> room);

}  // namespace gims::hsm
