#include "service/attempts.hpp"

#include <algorithm>

namespace gims::service {

Attempts::Time Attempts::over(const Failures& failures) const noexcept {
  if (failures.count < limits_.free) return failures.last;
  std::chrono::seconds wait{1};
  for (unsigned i = limits_.free; i < failures.count && wait < limits_.longest; ++i) wait *= 2;
  return failures.last + std::min(wait, limits_.longest);
}

Result<> Attempts::begin(const std::string& key) {
  const auto now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= most_remembered && !failures_.contains(key)) make_room(now);
  Failures& failures = failures_[key];
  if (const auto until = over(failures); failures.count > 0 && until > now) {
    return std::unexpected(
        Error{.kind = ErrorKind::rate_limited,
              .code = "M_LIMIT_EXCEEDED",
              .text = "Too many wrong passwords. Please wait, then try again.",
              .detail = {},
              .retry_after = std::chrono::ceil<std::chrono::milliseconds>(until - now),
              .extra_json = {}});
  }
  ++failures.count;
  failures.last = now;
  return {};
}

void Attempts::matched(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

void Attempts::undo(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(key);
  if (found != failures_.end() && --found->second.count == 0) failures_.erase(found);
}

void Attempts::make_room(Time now) {
  std::erase_if(failures_, [&](const auto& entry) { return over(entry.second) <= now; });
  if (failures_.size() < most_remembered) return;
  failures_.erase(std::ranges::min_element(failures_, {},
                                           [&](const auto& entry) { return over(entry.second); }));
}

}  // namespace gims::service
