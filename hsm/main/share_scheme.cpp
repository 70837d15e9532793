#include "hsm/main/share_scheme.hpp"

#include <charconv>
#include <string_view>

namespace gims::hsm {
namespace {

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

// The whole of a text as a number of 1 to 16; 0: it is none.
std::uint8_t number_of(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value <= max_share_members ? static_cast<std::uint8_t>(value) : 0;
}

Result<ShareGroup> group_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  ShareGroup group{.threshold = 0, .count = 0};
  if (slash != std::string::npos) {
    group.threshold = number_of(std::string_view(text).substr(0, slash));
    group.count = number_of(std::string_view(text).substr(slash + 1));
  }
  if (group.threshold < 1 || group.count < group.threshold ||
      (group.threshold == 1 && group.count > 1)) {
    return refused("\"" + text +
                   "\" must be two numbers such as 3/5, three of five: 1/1, or 2/2 to 16/16.");
  }
  return group;
}

std::string counted(unsigned number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

}  // namespace

Result<ShareScheme> scheme_of(const SchemeArguments& arguments) {
  ShareScheme scheme;
  if (arguments.groups.empty()) {
    GIMS_TRY_ASSIGN(const ShareGroup group, group_of(arguments.shares));
    scheme.groups.push_back(group);
  }
  for (const std::string& text : arguments.groups) {
    GIMS_TRY_ASSIGN(const ShareGroup group, group_of(text));
    scheme.groups.push_back(group);
  }
  const std::size_t groups = scheme.groups.size();
  const std::size_t needed = arguments.groups_needed == 0 ? groups : arguments.groups_needed;
  if (groups > max_share_groups || needed > groups) {
    return refused("There are 1 to 16 groups, and no more are needed than there are.");
  }
  scheme.group_threshold = static_cast<std::uint8_t>(needed);
  return scheme;
}

std::string progress_of(const CeremonyReply& now) {
  if (now.groups.empty()) return "no share yet";
  std::string text;
  for (const CeremonyReply::Group& group : now.groups) {
    if (!text.empty()) text += "; ";
    text += "group " + std::to_string(group.group + 1) + ": ";
    text += group.given == group.threshold
                ? "complete"
                : std::to_string(group.given) + " of " + counted(group.threshold, "share");
  }
  if (now.groups_needed == 0) return text;
  return text + "; " + counted(now.groups_needed, "more group") +
         (now.groups_needed == 1 ? " is" : " are") + " needed";
}

}  // namespace gims::hsm
