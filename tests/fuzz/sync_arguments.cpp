// What /sync and /messages are asked with: stream tokens, places and filters. A token that is taken
// is one that was made here, to the byte.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "json/canonical.hpp"
#include "service/sync/filter.hpp"
#include "service/tokens.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::service;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = parse_stream_token(text);
  if (token) GIMS_CHECK(format(*token) == text);
  const auto place = parse_place(text);
  GIMS_CHECK(!token || place);
  if (place && !token) GIMS_CHECK(format_place(*place) == text);

  const auto document = gims::json::Document::parse(text);
  if (!document) return 0;
  static_cast<void>(sync::RoomEventFilter::parse(document->root()));
  const auto filter = sync::Filter::parse(document->root());
  if (!filter) return 0;
  GIMS_CHECK(filter->timeline_limit() <= sync::Filter::most_timeline_events);
  static_cast<void>(filter->passes_room("!room:gims.internal"));
  static_cast<void>(filter->timeline.passes_event("m.room.message", "@clerk:gims.internal", false));
  if (!filter->timeline.passes_any()) {
    GIMS_CHECK(!filter->timeline.passes_type("m.room.message") ||
               !filter->timeline.passes_sender("@clerk:gims.internal"));
  }
  // It is stored in canonical form and read again for each request.
  if (const auto stored = gims::json::canonical(document->root()); stored) {
    const auto again = gims::json::Document::parse(*stored);
    GIMS_CHECK(again && sync::Filter::parse(again->root()));
  }
  return 0;
}
