// The tokens that clients page and follow with. Opaque to them; every one is a position of the one
// stream (store/changes.hpp) and stands after all that has a position at or below it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/changes.hpp"

namespace gims::service {

// since and next_batch of /sync: "s123_4". `typing` counts changes that are in memory alone.
struct StreamToken {
  store::StreamId stream = 0;
  std::int64_t typing = 0;
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
