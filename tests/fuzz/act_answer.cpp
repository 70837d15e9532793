// What an act of the unit answers, in pieces of any size, and what its alarms say: nothing of it
// steers the terminal, and an act is done only where the last line says so.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "ctl/alarms.hpp"
#include "ctl/unit_answer.hpp"
#include "fuzz/harmless.hpp"

namespace {

using gims::ctl::ActEnd;

gims::Result<gims::ctl::Acted> answered(std::string_view text, std::size_t piece) {
  const gims::ctl::ShowLine show = [](std::string_view line) {
    GIMS_CHECK(line.find('\n') == std::string_view::npos);
    gims::test::is_harmless(line);
  };
  gims::ctl::ActAnswer answer(show);
  while (!text.empty()) {
    const std::string_view part = text.substr(0, piece);
    text.remove_prefix(part.size());
    GIMS_TRY(answer.take(part));
  }
  return std::move(answer).end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = answered(text, std::max<std::size_t>(size, 1));
  const auto pieces = answered(text, 1);
  GIMS_CHECK(whole.has_value() == pieces.has_value());
  if (whole) {
    GIMS_CHECK(whole->end == pieces->end && whole->text == pieces->text);
    GIMS_CHECK(whole->end != ActEnd::done || text == "= ok\n" || text.ends_with("\n= ok\n"));
    gims::test::is_harmless(whole->text);
  }
  for (const gims::ctl::Alarm& alarm : gims::ctl::parse_alarms(text)) {
    GIMS_CHECK(alarm.since >= 0);
    gims::test::is_harmless(alarm.text);
  }
  return 0;
}
