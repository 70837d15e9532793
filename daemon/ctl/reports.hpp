// What gimsd answered, for a person.
#pragma once

#include <string>
#include <vector>

#include "json/value.hpp"

namespace gims::ctl {

[[nodiscard]] std::string status_text(json::Value status);
// `pages`: objects with the list "users", or "entries".
[[nodiscard]] std::string users_text(const std::vector<json::Document>& pages);
[[nodiscard]] std::string entries_text(const std::vector<json::Document>& pages);
[[nodiscard]] std::string user_text(json::Value user);
[[nodiscard]] std::string devices_text(json::Value list);
[[nodiscard]] std::string administrators_text(json::Value list);
[[nodiscard]] std::string invitation_text(json::Value invitation);

// Which migrations were made.
[[nodiscard]] std::string migrated_text(json::Value answer);

// How far a check of the store is; one line without an end.
[[nodiscard]] std::string check_text(json::Value progress);

}  // namespace gims::ctl
