// The pages of the web console at its door.
#pragma once

#include <optional>
#include <span>

#include "app/console_file.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

namespace gims::app {

// Thread: any.
class Pages {
 public:
  // In order of path; they outlive it. None: the console was not built, and its pages say so.
  explicit Pages(std::span<const ConsoleFile> files) noexcept : files_(files) {}
  // For GET of a file, or of a path that the application itself shows (it has no dot in its last
  // segment); nothing for all else.
  [[nodiscard]] std::optional<http::Response> answer(const http::Request& request) const;

 private:
  [[nodiscard]] const ConsoleFile* file_of(std::string_view path) const;
  std::span<const ConsoleFile> files_;
};

}  // namespace gims::app
