// What `gimsctl setup` says, in each of its languages.
#pragma once

#include <cstdint>
#include <string_view>

namespace gims::ctl {

enum class Language : std::uint8_t { english, hindi };

enum class SetupText : std::uint8_t {
  hello,
  clock,
  clock_again,
  site,
  dns_wrong,
  organisation,
  organisation_wrong,
  dns,
  ports,
  port,
  port_wrong,
  management_address,
  officers_address,
  address_wrong,
  wifi,
  wifi_wrong,
  administrators,
  security_officers,
  person,
  person_wrong,
  person_needed,
  shares,
  shares_wrong,
  shares_to,
  shares_to_wrong,
  summary,
  confirm,
  not_done,
  line_wrong,
  writing,
  keys,
  waiting,
  failed,
  not_yet,
  done,
  count,
};

[[nodiscard]] std::string_view text_of(Language language, SetupText text) noexcept;

}  // namespace gims::ctl
