#include "ctl/fields.hpp"

#include <utility>

#include "ctl/table.hpp"

namespace gims::ctl {

std::string text_of(json::Value object, std::string_view name) {
  return std::string(object.get(name).string_or(""));
}

std::string number_of(json::Value object, std::string_view name) {
  return std::to_string(object.get(name).int_or(0));
}

std::string time_of(json::Value object, std::string_view name) {
  const auto ts = object.get(name).as_int();
  return ts ? time_text(*ts) : "-";
}

std::string or_dash(std::string text) { return text.empty() ? "-" : std::move(text); }

void line(std::string& out, std::string_view name, std::string_view value) {
  constexpr std::size_t column = 14;
  std::string start = std::string(name) + ":";
  if (start.size() < column) start.append(column - start.size(), ' ');
  out += start + printable(value) + "\n";
}

}  // namespace gims::ctl
