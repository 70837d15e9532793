// The tokens that clients page and follow with. Opaque to them; every one is a position of the one
// stream (store/changes.hpp) and stands after all that has a position at or below it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/changes.hpp"

namespace gims::service {

// since and next_batch of /sync: "s123_4". `typing` counts changes that are in memory alone. Where
// a reply could not hold all messages to the device, "s123_4_100": it has those up to 100 only.
struct StreamToken {
  store::StreamId stream = 0;
  std::int64_t typing = 0;
  std::optional<store::StreamId> to_device = std::nullopt;
  [[nodiscard]] store::StreamId last_to_device() const noexcept {
    return to_device.value_or(stream);
  }
  friend bool operator==(const StreamToken&, const StreamToken&) = default;
};

[[nodiscard]] std::string format(const StreamToken& token);
// Fails with M_INVALID_PARAM for anything that format() does not make.
[[nodiscard]] Result<StreamToken> parse_stream_token(std::string_view text);

// A place in a room's timeline, between two events: "t123". prev_batch of /sync, start and end of
// /messages. Going back from it gives the events at or below the position, going forward those
// above.
[[nodiscard]] std::string format_place(store::StreamId position);
// Takes either form, since a client may page from a token of /sync.
[[nodiscard]] Result<store::StreamId> parse_place(std::string_view text);

}  // namespace gims::service
