#include "http/target.hpp"

#include "base/utf8.hpp"

namespace gims::http {
namespace {

std::unexpected<Error> bad_target(std::string_view text) {
  return fail(ErrorKind::bad_input, "BAD_TARGET", text);
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The target without "http://authority", which a server must accept (RFC 9112, section 3.2.2).
std::string_view origin_form(std::string_view target) noexcept {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    return end == std::string_view::npos ? std::string_view("/") : target.substr(end);
  }
  return target;
}

Result<Request::Pairs> parse_query(std::string_view query) {
  Request::Pairs pairs;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (piece.empty()) continue;
    if (pairs.size() == most_queries) return bad_target("The address has too many arguments.");
    const std::size_t equals = piece.find('=');
    GIMS_TRY_ASSIGN(std::string name, percent_decode(piece.substr(0, equals), Plus::space));
    std::string value;
    if (equals != std::string_view::npos) {
      GIMS_TRY_ASSIGN(value, percent_decode(piece.substr(equals + 1), Plus::space));
    }
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return bad_target("The address ends within a %-escape.");
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return bad_target("The address has a %-escape that is not hex.");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus == Plus::space) {
      c = ' ';
    }
    if (c == '\0') return bad_target("The address has a NUL character.");
    decoded.push_back(c);
  }
  if (!is_utf8(decoded)) return bad_target("The address is not UTF-8.");
  return decoded;
}

std::string_view path_of(std::string_view target) noexcept {
  const std::string_view origin = origin_form(target);
  return origin.substr(0, origin.find_first_of("?#"));
}

Result<Target> parse_target(std::string_view target) {
  Target parsed;
  const std::string_view origin = origin_form(target);
  // A fragment is never sent (RFC 9110, section 4.2.5); what follows '#' would be of doubtful
  // meaning.
  if (origin.find('#') != std::string_view::npos) return bad_target("The address has a fragment.");
  if (origin == "*") return parsed;

  std::string_view path = path_of(target);
  if (origin.size() > path.size()) {
    GIMS_TRY_ASSIGN(parsed.queries, parse_query(origin.substr(path.size() + 1)));
  }
  if (path.empty() && origin.size() < target.size()) path = "/";  // "http://host?query"
  if (!path.starts_with('/')) return bad_target("The address is not a path.");
  path.remove_prefix(1);
  for (bool more = true; more;) {
    if (parsed.segments.size() == most_segments)
      return bad_target("The address has too many parts.");
    const std::size_t end = path.find('/');
    more = end != std::string_view::npos;
    GIMS_TRY_ASSIGN(std::string segment, percent_decode(path.substr(0, end), Plus::literal));
    parsed.segments.push_back(std::move(segment));
    if (more) path.remove_prefix(end + 1);
  }
  return parsed;
}

}  // namespace gims::http
