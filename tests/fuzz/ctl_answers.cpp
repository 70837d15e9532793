// What gimsctl shows of an answer: whatever stands in it, nothing steers the terminal.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/reports.hpp"
#include "ctl/site_reports.hpp"
#include "ctl/table.hpp"
#include "fuzz/harmless.hpp"
#include "json/value.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::ctl;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto document = gims::json::Document::parse(text);
  if (!document) return 0;
  gims::test::is_harmless(status_text(document->root()));
  gims::test::is_harmless(user_text(document->root()));
  gims::test::is_harmless(devices_text(document->root()));
  for (const auto text_of :
       {officer_text, organisation_text, part_text, codes_text, imported_text, room_text}) {
    gims::test::is_harmless(text_of(document->root()));
  }
  std::vector<gims::json::Document> pages;
  pages.push_back(std::move(*document));
  gims::test::is_harmless(users_text(pages));
  gims::test::is_harmless(entries_text(pages));
  gims::test::is_harmless(import_text(pages.front().root(), pages));
  for (const auto text_of :
       {officers_text, slips_text, site_devices_text, rooms_text, members_text, reports_text}) {
    gims::test::is_harmless(text_of(pages));
  }
  return 0;
}
