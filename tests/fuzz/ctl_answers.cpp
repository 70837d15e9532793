// What gimsctl shows of an answer: whatever stands in it, nothing steers the terminal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "ctl/reports.hpp"
#include "ctl/table.hpp"
#include "json/value.hpp"

namespace {

void is_harmless(std::string_view text) {
  GIMS_CHECK(std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n') || byte == 0x7f;
  }));
  // C1 controls in UTF-8.
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(text[i + 1]);
    GIMS_CHECK(text[i] != '\xc2' || next < 0x80 || next > 0x9f);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::ctl;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto document = gims::json::Document::parse(text);
  if (!document) return 0;
  is_harmless(status_text(document->root()));
  is_harmless(user_text(document->root()));
  is_harmless(devices_text(document->root()));
  std::vector<gims::json::Document> pages;
  pages.push_back(std::move(*document));
  is_harmless(users_text(pages));
  is_harmless(entries_text(pages));
  return 0;
}
