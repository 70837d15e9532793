#include "base/log.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <vector>

namespace gims::log {
namespace {

std::atomic<int> least_urgent{static_cast<int>(Level::info)};

// systemd sets JOURNAL_STREAM where stderr goes to the journal (systemd.exec(5)).
bool journal_is_there() noexcept {
  static const bool there = ::getenv("JOURNAL_STREAM") != nullptr;
  return there;
}

// A line break in a value would let a client forge a second line.
void append_on_one_line(std::string& line, std::string_view value) {
  for (const char c : value) line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
}

void to_stderr(Level level, std::string_view text, std::initializer_list<Field> fields) {
  std::string line = "<" + std::to_string(static_cast<int>(level)) + ">";
  append_on_one_line(line, text);
  for (const Field& field : fields) {
    line += " ";
    line += field.name;
    line += "=";
    append_on_one_line(line, field.value);
  }
  line += "\n";
  // One write, so that lines of several threads do not mix.
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

void to_journal(Level level, std::string_view message_id, std::string_view text,
                std::initializer_list<Field> fields) {
  std::vector<std::string> entries;
  entries.reserve(fields.size() + 3);
  entries.push_back("MESSAGE=" + std::string(text));
  entries.push_back("PRIORITY=" + std::to_string(static_cast<int>(level)));
  if (!message_id.empty()) entries.push_back("MESSAGE_ID=" + std::string(message_id));
  for (const Field& field : fields) {
    entries.push_back("GIMS_" + std::string(field.name) + "=" + std::string(field.value));
  }
  std::vector<iovec> parts;
  parts.reserve(entries.size());
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  static_cast<void>(::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())));
}

}  // namespace

void set_level(Level level) noexcept { least_urgent = static_cast<int>(level); }

void write(Level level, std::string_view message_id, std::string_view text,
           std::initializer_list<Field> fields) noexcept {
  if (static_cast<int>(level) > least_urgent.load(std::memory_order_relaxed)) return;
  if (journal_is_there()) {
    to_journal(level, message_id, text, fields);
  } else {
    to_stderr(level, text, fields);
  }
}

void failure(std::string_view text, const Error& error) noexcept {
  write(Level::error, {}, text,
        {{"ERRCODE", error.code}, {"ERROR", error.text}, {"DETAIL", error.detail}});
}

}  // namespace gims::log
