#include "base/log_entry.hpp"

namespace gims::log {
namespace {

std::string quoted_if_needed(std::string value) {
  if (!value.empty() && !value.contains(' ') && !value.contains('"')) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string printable(std::string_view value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(value.size());
  for (const char c : value.substr(0, longest_value)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 0x0fU];
    }
  }
  if (value.size() > longest_value) out += "...";
  return out;
}

std::string stderr_line(Level level, std::string_view text, std::span<const Field> fields) {
  std::string line = "<" + std::to_string(static_cast<int>(level)) + ">" + printable(text);
  for (const Field& field : fields) {
    line += " ";
    line += field.name;
    line += "=";
    line += quoted_if_needed(printable(field.value));
  }
  return line + "\n";
}

std::vector<std::string> journal_entry(Level level, MessageId id, std::string_view text,
                                       std::span<const Field> fields) {
  std::vector<std::string> entry;
  entry.reserve(fields.size() + 3);
  entry.push_back("MESSAGE=" + printable(text));
  entry.push_back("PRIORITY=" + std::to_string(static_cast<int>(level)));
  entry.push_back("MESSAGE_ID=" + std::string(id.digits()));
  for (const Field& field : fields) {
    entry.push_back("GIMS_" + std::string(field.name) + "=" + printable(field.value));
  }
  return entry;
}

}  // namespace gims::log
