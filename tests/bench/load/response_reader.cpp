#include "bench/load/response_reader.hpp"

#include <algorithm>
#include <charconv>

namespace gims::bench {
namespace {

std::unexpected<Error> wrong(std::string_view what, std::string_view line = {}) {
  return fail(ErrorKind::bad_input, "HTTP_RESPONSE", what, line);
}

bool is_token(std::string_view text) {
  static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.contains(c);
  });
}

bool same(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// All of the text, digits only.
std::optional<std::size_t> number(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void ResponseReader::reset() {
  part_ = Part::head;
  line_.clear();
  head_size_ = 0;
  status_ = 0;
  length_.reset();
  chunked_ = closes_ = false;
  left_ = 0;
  body_.clear();
}

Result<std::size_t> ResponseReader::feed(std::string_view bytes) {
  const std::size_t all = bytes.size();
  while (!bytes.empty() && part_ != Part::done) {
    if (part_ == Part::body || part_ == Part::chunk) {
      take_body(bytes);
      continue;
    }
    GIMS_TRY_ASSIGN(const bool whole, take_line(bytes));
    if (!whole) break;
    GIMS_TRY(on_line());
    line_.clear();
  }
  return all - bytes.size();
}

// The line without its CR LF, in line_. False: it goes on.
Result<bool> ResponseReader::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::string_view part = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
  head_size_ += part.size();
  if (head_size_ > most_head) return wrong("the head is too long");
  line_.append(part);
  bytes.remove_prefix(part.size());
  if (end == std::string_view::npos) return false;
  if (!line_.ends_with("\r\n")) return wrong("a line ends without CR", line_);
  line_.resize(line_.size() - 2);
  const auto control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; };
  if (std::ranges::any_of(line_, control)) return wrong("a control character", line_);
  return true;
}

Result<> ResponseReader::on_line() {
  switch (part_) {
    case Part::head:
      if (status_ == 0) return on_status(line_);
      return line_.empty() ? on_head_end() : on_header(line_);
    case Part::chunk_size:
      return on_chunk_size(line_);
    case Part::chunk_end:
      if (!line_.empty()) return wrong("a chunk is longer than its size");
      part_ = Part::chunk_size;
      return {};
    case Part::trailers:
      if (line_.empty()) part_ = Part::done;
      return {};
    case Part::body:
    case Part::chunk:
    case Part::done:
      break;
  }
  return {};
}

Result<> ResponseReader::on_status(std::string_view line) {
  constexpr std::string_view version = "HTTP/1.1 ";
  if (!line.starts_with(version) || line.size() < version.size() + 4 ||
      line[version.size() + 3] != ' ') {
    return wrong("no status line", line);
  }
  const auto status = number(line.substr(version.size(), 3), 10);
  if (!status || *status < 200 || *status > 599) return wrong("no status that is expected", line);
  status_ = static_cast<int>(*status);
  return {};
}

Result<> ResponseReader::on_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return wrong("no header", line);
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same(name, "content-length")) {
    const auto length = number(value, 10);
    if (!length || length_) return wrong("a wrong or second length", line);
    if (*length > most_body) return wrong("the body is too long", line);
    length_ = length;
  } else if (same(name, "transfer-encoding")) {
    if (!same(value, "chunked") || chunked_) return wrong("an unknown coding", line);
    chunked_ = true;
  } else if (same(name, "connection") && same(value, "close")) {
    closes_ = true;
  }
  return {};
}

Result<> ResponseReader::on_head_end() {
  if (chunked_ && length_) return wrong("a length beside a coding");
  if (status_ == 204 || status_ == 304) {
    part_ = Part::done;
  } else if (chunked_) {
    part_ = Part::chunk_size;
    head_size_ = 0;
  } else if (!length_) {
    return wrong("neither length nor coding");
  } else {
    left_ = *length_;
    body_.reserve(left_);
    part_ = left_ == 0 ? Part::done : Part::body;
  }
  return {};
}

Result<> ResponseReader::on_chunk_size(std::string_view line) {
  const auto size = number(trimmed(line.substr(0, line.find(';'))), 16);
  if (!size) return wrong("no size of a chunk", line);
  if (*size > most_body - body_.size()) return wrong("the body is too long", line);
  head_size_ = 0;
  left_ = *size;
  part_ = left_ == 0 ? Part::trailers : Part::chunk;
  return {};
}

void ResponseReader::take_body(std::string_view& bytes) {
  const std::string_view part = bytes.substr(0, left_);
  body_.append(part);
  left_ -= part.size();
  bytes.remove_prefix(part.size());
  if (left_ == 0) part_ = part_ == Part::body ? Part::done : Part::chunk_end;
}

}  // namespace gims::bench
