#include "ctl/unit_answer.hpp"

#include <utility>

#include "ctl/table.hpp"

namespace gims::ctl {
namespace {

std::unexpected<Error> gone(std::string_view text) {
  return fail(ErrorKind::unavailable, "ACT_GONE", text);
}

// The last line's meaning; nothing: it is not the last one.
std::optional<Acted> end_of(std::string_view line) {
  constexpr std::string_view refused = "= refused: ";
  constexpr std::string_view failed = "= failed: ";
  if (line == "= ok") return Acted{.end = ActEnd::done, .text = {}};
  if (line.starts_with(refused)) {
    return Acted{.end = ActEnd::refused, .text = printable(line.substr(refused.size()))};
  }
  if (line.starts_with(failed)) {
    return Acted{.end = ActEnd::failed, .text = printable(line.substr(failed.size()))};
  }
  return std::nullopt;
}

}  // namespace

Result<> ActAnswer::take(std::string_view bytes) {
  for (const char byte : bytes) {
    if (byte != '\n') {
      if (line_.size() == longest_act_answer) return gone("What it answers has no form.");
      line_.push_back(byte);
      continue;
    }
    if (end_ || ++lines_ > most_act_answers) return gone("What it answers has no form.");
    end_ = end_of(line_);
    if (!end_) show_(printable(line_));
    line_.clear();
  }
  return {};
}

Result<Acted> ActAnswer::end() && {
  if (end_ && line_.empty()) return std::move(*end_);
  if (lines_ == 0 && line_.empty()) {
    return gone("It is at work already, or could not begin. Try again shortly.");
  }
  return gone("It ended without saying how; whether it is done is to be looked at.");
}

}  // namespace gims::ctl
