// One question to gimsd over its admin socket.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "json/value.hpp"

namespace gims::ctl {

enum class Verb : std::uint8_t { get, post, put, patch, del };

struct Question {
  Verb verb = Verb::get;
  std::string path;  // below /_gims/admin/v1, with its query: "/users?limit=10"
  Redacted body{};   // may hold a password
  std::string content_type = "application/json";
  // Zero: as long as it takes (a full check of the store).
  std::chrono::seconds patience{60};
};

struct Reply {
  int status = 0;
  json::Document json;  // always an object
};

// Fails with `unavailable` where no answer came that gimsd may have given; the text says what to
// do. A refusal is a Reply.
[[nodiscard]] Result<Reply> ask(const std::string& socket, const Question& question);

// A segment of a path or a value of a query (RFC 3986, section 2.1).
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace gims::ctl
