// The built web console (web/console), as it is in the program (scripts/embed_console.py).
#pragma once

#include <span>
#include <string_view>

namespace gims::app {

struct ConsoleFile {
  std::string_view path;  // "/assets/index-3f2a1b.js"
  std::string_view type;
  std::string_view etag;  // with its quotes
  std::string_view plain;
  std::string_view gzip;  // empty: not smaller
  std::string_view brotli;
};

// In order of path. Empty: the console was not built.
[[nodiscard]] std::span<const ConsoleFile> console_files() noexcept;

}  // namespace gims::app
