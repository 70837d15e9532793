#include "base/log.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <vector>

#include "base/log_entry.hpp"

namespace gims::log {
namespace {

std::atomic<int> least_urgent{static_cast<int>(Level::info)};

// systemd sets JOURNAL_STREAM where stderr goes to the journal (systemd.exec(5)).
bool journal_is_there() noexcept {
  static const bool there = ::getenv("JOURNAL_STREAM") != nullptr;
  return there;
}

void to_journal(std::vector<std::string> entry) {
  std::vector<iovec> parts;
  parts.reserve(entry.size());
  for (std::string& field : entry) parts.push_back({field.data(), field.size()});
  static_cast<void>(::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())));
}

}  // namespace

void set_level(Level level) noexcept { least_urgent = static_cast<int>(level); }

void write(Level level, MessageId id, std::string_view text,
           std::initializer_list<Field> fields) noexcept {
  if (static_cast<int>(level) > least_urgent.load(std::memory_order_relaxed)) return;
  if (journal_is_there()) {
    to_journal(journal_entry(level, id, text, fields));
  } else {
    const std::string line = stderr_line(level, text, fields);
    // One write, so that lines of several threads do not mix.
    static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  }
}

void failure(MessageId id, std::string_view text, const Error& error) noexcept {
  write(Level::error, id, text,
        {{"ERRCODE", error.code}, {"ERROR", error.text}, {"DETAIL", error.detail}});
}

}  // namespace gims::log
