// What gimsd answered of officers, devices, rooms and reports, for a person. `pages`: objects with
// the list that the function is named after.
#pragma once

#include <string>
#include <vector>

#include "json/value.hpp"

namespace gims::ctl {

using Pages = std::vector<json::Document>;

[[nodiscard]] std::string officers_text(const Pages& pages);
[[nodiscard]] std::string officer_text(json::Value officer);
[[nodiscard]] std::string organisation_text(json::Value organisation);
[[nodiscard]] std::string part_text(json::Value unit_or_designation);
[[nodiscard]] std::string slips_text(const Pages& pages);
// The codes that were made: the only time they are shown.
[[nodiscard]] std::string codes_text(json::Value made);
// `bad`: pages of the rows that are wrong.
[[nodiscard]] std::string import_text(json::Value preview, const Pages& bad);
[[nodiscard]] std::string imported_text(json::Value done);
[[nodiscard]] std::string site_devices_text(const Pages& pages);
[[nodiscard]] std::string rooms_text(const Pages& pages);
[[nodiscard]] std::string room_text(json::Value room);
[[nodiscard]] std::string members_text(const Pages& pages);
[[nodiscard]] std::string reports_text(const Pages& pages);

}  // namespace gims::ctl
