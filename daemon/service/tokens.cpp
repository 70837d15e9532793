#include "service/tokens.hpp"

#include <algorithm>
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
  std::string text = "s" + std::to_string(token.stream) + "_" + std::to_string(token.typing);
  if (token.to_device) text += "_" + std::to_string(*token.to_device);
  return text;
}

Result<StreamToken> parse_stream_token(std::string_view text) {
  if (!text.starts_with('s')) return unknown_token();
  text.remove_prefix(1);
  const auto next = [&text] {
    const auto bar = text.find('_');
    const std::string_view part = text.substr(0, bar);
    text.remove_prefix(bar == std::string_view::npos ? text.size() : bar + 1);
    return part;
  };
  const bool three = std::ranges::count(text, '_') == 2;
  StreamToken token;
  if (!parse_number(next(), token.stream)) return unknown_token();
  const std::string_view typing = next();
  if (!parse_number(typing, token.typing)) return unknown_token();
  if (three && !parse_number(text, token.to_device.emplace())) return unknown_token();
  if (!three && (!text.empty() || typing.data() + typing.size() != text.data())) {
    return unknown_token();
  }
  // A reply holds back messages of its own range, never some that come after it.
  if (token.to_device && *token.to_device > token.stream) return unknown_token();
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
