#include "service/tokens.hpp"

#include <charconv>
#include <system_error>

namespace gims::service {
namespace {

// Digits alone and no leading zero, so that a position has one spelling.
bool parse_number(std::string_view digits, std::int64_t& number) {
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return false;
  if (digits.front() == '-' || digits.front() == '+') return false;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc() && stop == end;
}

std::unexpected<Error> unknown_token() {
  return fail(ErrorKind::bad_input, "M_INVALID_PARAM",
              "The pagination token was not made by this server.");
}

}  // namespace

std::string format(const StreamToken& token) {
  return "s" + std::to_string(token.stream) + "_" + std::to_string(token.typing);
}

Result<StreamToken> parse_stream_token(std::string_view text) {
  const auto bar = text.find('_');
  StreamToken token;
  if (!text.starts_with('s') || bar == std::string_view::npos ||
      !parse_number(text.substr(1, bar - 1), token.stream) ||
      !parse_number(text.substr(bar + 1), token.typing)) {
    return unknown_token();
  }
  return token;
}

std::string format_place(store::StreamId position) { return "t" + std::to_string(position); }

Result<store::StreamId> parse_place(std::string_view text) {
  if (text.starts_with('s')) {
    GIMS_TRY_ASSIGN(const StreamToken token, parse_stream_token(text));
    return token.stream;
  }
  store::StreamId position = 0;
  if (!text.starts_with('t') || !parse_number(text.substr(1), position)) return unknown_token();
  return position;
}

}  // namespace gims::service
