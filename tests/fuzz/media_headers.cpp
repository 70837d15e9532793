// Header fields of uploads and downloads: whatever was asked for, what is sent back is one field of
// printable ASCII, and a range lies within the file. The first byte is the file's size.
#include "api/client/media_headers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"

namespace {

using namespace gims::api::client;  // NOLINT(google-build-using-namespace)

bool is_field(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint64_t file = data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const RangeChoice choice = choose_range(text, file);
  if (choice.kind == RangeKind::part) {
    GIMS_CHECK(choice.range.length > 0 && choice.range.first < file);
    GIMS_CHECK(choice.range.length <= file - choice.range.first);
  }
  GIMS_CHECK(!may_be_inline(essence_of(text)) || is_field(essence_of(text)));
  static_cast<void>(may_be_thumbnail(essence_of(text)));
  for (const bool shown : {true, false}) {
    const auto field = content_disposition(shown, text);
    GIMS_CHECK(is_field(field) && field.starts_with(shown ? "inline" : "attachment"));
  }
  const auto type = stored_content_type(text);
  GIMS_CHECK(!type.empty() && is_field(type));
  GIMS_CHECK(stored_content_type(type) == type);
  return 0;
}
