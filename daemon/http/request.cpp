#include "http/request.hpp"

#include "base/check.hpp"
#include "http/field_name.hpp"

namespace gims::http {

std::string_view Request::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  GIMS_CHECK(name == "a parameter of the route");
  return {};
}

std::optional<std::string_view> Request::query(std::string_view name) const {
  for (const auto& [key, value] : queries) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Request::query_all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : queries) {
    if (key == name) found.emplace_back(value);
  }
  return found;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Request::header_all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) found.emplace_back(value);
  }
  return found;
}

}  // namespace gims::http
