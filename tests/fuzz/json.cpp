// JSON and canonical JSON on hostile bytes: what is read is written again with the same meaning,
// and the canonical form is a fixed point.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "json/canonical.hpp"
#include "json/value.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gims::json::Document;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = Document::parse(text, {.max_bytes = 65536, .max_depth = 32});
  if (!document) return 0;

  const auto again = Document::parse(document->root().to_text());
  GIMS_CHECK(again && again->root().equals(document->root()));

  const auto canonical = gims::json::canonical(document->root());
  if (!canonical) return 0;
  const auto reread = Document::parse(*canonical);
  GIMS_CHECK(reread && reread->root().equals(document->root()));
  const auto twice = gims::json::canonical(reread->root());
  GIMS_CHECK(twice && *twice == *canonical);
  return 0;
}
