// Configuration files of gimsd and gims-tlsd: any text gives settings or a list of its mistakes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/settings.hpp"
#include "base/check.hpp"
#include "tls/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto gimsd = gims::app::parse_settings(text, "f");
  GIMS_CHECK(gimsd || gimsd.error().text.starts_with("f"));
  const auto tlsd = gims::tls::parse_settings(text, "f");
  GIMS_CHECK(tlsd || tlsd.error().text.starts_with("f"));
  if (tlsd) GIMS_CHECK(!tlsd->front.listeners.empty());
  return 0;
}
