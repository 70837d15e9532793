// The header fields of a download.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gims::api::client {

// A part of a file: `length` bytes from `first`.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
enum class RangeKind : std::uint8_t { whole, part, unsatisfiable };
struct RangeChoice {
  RangeKind kind = RangeKind::whole;
  ByteRange range;
};
// Which part of `size` bytes a Range field asks for (RFC 9110, section 14.1.2). What it cannot be,
// and several parts at once, are answered by the whole, as section 14.2 allows.
[[nodiscard]] RangeChoice choose_range(std::string_view field, std::uint64_t size);

// A media type without its parameters, in lower case.
[[nodiscard]] std::string essence_of(std::string_view content_type);
// True for the types that do no harm when a browser shows them (spec: client-server API, "Serving
// inline content").
[[nodiscard]] bool may_be_inline(std::string_view essence);
// True for what the spec lets a thumbnail be.
[[nodiscard]] bool may_be_thumbnail(std::string_view essence);

// A Content-Disposition field (RFC 6266): printable ASCII as a quoted string, all else in the form
// of RFC 8187.
[[nodiscard]] std::string content_disposition(bool shown_inline,
                                              std::optional<std::string_view> file_name);

// What an upload's Content-Type becomes: itself, or application/octet-stream for none and for what
// could not be sent back as a field.
[[nodiscard]] std::string stored_content_type(std::optional<std::string_view> field);

}  // namespace gims::api::client
