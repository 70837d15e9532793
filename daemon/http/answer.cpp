#include "http/answer.hpp"

#include <algorithm>
#include <charconv>

#include "http/field_name.hpp"

namespace gims::http {
namespace {

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorKind::unavailable, "HTTP_ANSWER", "The answer is no HTTP that is understood.",
              what);
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.contains(c);
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Result<bool> AnswerReader::take(std::string_view bytes) {
  if (!in_body_) {
    const std::size_t held = head_.size();
    // One byte more than fits says that it does not.
    head_.append(bytes.substr(0, longest_head + 1 - held));
    const std::size_t end = head_.find("\r\n\r\n", held < 3 ? 0 : held - 3);
    if (end == std::string::npos) {
      if (head_.size() > longest_head) return wrong("its head is too long");
      return false;
    }
    if (end + 4 > longest_head) return wrong("its head is too long");
    bytes.remove_prefix(end + 4 - held);
    GIMS_TRY(read_head(std::string_view(head_).substr(0, end + 2)));
    in_body_ = true;
  }
  if (bytes.size() > length_ - answer_.body.size()) return wrong("more came than was announced");
  answer_.body.append(bytes);
  return answer_.body.size() == length_;
}

// "HTTP/1.1 200 OK" and the fields, each line with its end.
Result<> AnswerReader::read_head(std::string_view head) {
  std::size_t end = head.find("\r\n");
  const std::string_view first = head.substr(0, end);
  if (!first.starts_with("HTTP/1.1 ") || first.size() < 12 ||
      !std::ranges::all_of(first.substr(9, 3), is_digit) ||
      (first.size() > 12 && first[12] != ' ')) {
    return wrong("its first line");
  }
  answer_.status = (first[9] - '0') * 100 + (first[10] - '0') * 10 + (first[11] - '0');
  if (answer_.status < 200 || answer_.status > 599) return wrong("its status");
  for (head.remove_prefix(end + 2); !head.empty(); head.remove_prefix(end + 2)) {
    end = head.find("\r\n");
    GIMS_TRY(read_field(head.substr(0, end)));
  }
  const bool without_body = answer_.status == 204 || answer_.status == 304;
  if (!has_length_ && !without_body) return wrong("it has no length");
  if (without_body) length_ = 0;
  return {};
}

Result<> AnswerReader::read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return wrong("a field");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; };
  if (std::ranges::any_of(value, is_control)) return wrong("a field");
  if (same_name(name, "transfer-encoding")) return wrong("it comes in chunks");
  if (same_name(name, "connection") && !same_name(value, "keep-alive")) answer_.reusable = false;
  if (same_name(name, "content-length")) return read_length(value);
  return {};
}

Result<> AnswerReader::read_length(std::string_view text) {
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || !std::ranges::all_of(text, is_digit) || error != std::errc{} ||
      end != text.data() + text.size() || has_length_) {
    return wrong("its length");
  }
  if (length > longest_body) return wrong("its body is too long");
  length_ = length;
  has_length_ = true;
  return {};
}

}  // namespace gims::http
