// Units that were met before: a file of what each proved then (trust on first use).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hsm/attest/verify.hpp"

namespace gims::ctl {

inline constexpr std::size_t max_pins = 1024;
inline constexpr std::size_t max_pins_file = std::size_t{1} << 20U;

class Pins {
 public:
  // {"version":1,"pins":[{"url",…}]}; an empty text has none. bad_input for anything else.
  [[nodiscard]] static Result<Pins> parse(std::string_view json);
  [[nodiscard]] std::string to_text() const;

  [[nodiscard]] const hsm::attest::Unit* find(std::string_view url) const;
  // In the place of what was pinned for it, or anew; bad_input where there are too many.
  [[nodiscard]] Result<> set(const std::string& url, const hsm::attest::Unit& unit);

 private:
  struct Pin {
    std::string url;
    hsm::attest::Unit unit;
  };
  std::vector<Pin> pins_;
};

}  // namespace gims::ctl
