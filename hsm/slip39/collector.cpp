#include "hsm/slip39/collector.hpp"

#include <algorithm>

namespace gims::hsm::slip39 {
namespace {

std::unexpected<Error> other_set(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_SLIP39_SET", text);
}

}  // namespace

Result<Collector::Taken> Collector::add(std::string_view typed) {
  GIMS_TRY_ASSIGN(Share share, decode(typed));
  if (!shares_.empty() &&
      (share.set != shares_.front().set || share.value.size() != shares_.front().value.size())) {
    return other_set("This share is of another set than the first one.");
  }
  for (const Share& earlier : shares_) {
    if (earlier.group != share.group) continue;
    if (same_share(earlier, share)) return Taken::duplicate;
    if (earlier.member == share.member || earlier.threshold != share.threshold) {
      return other_set("This share contradicts an earlier one: one of them is not of this set.");
    }
  }
  if (complete() || given(share.group) == share.threshold) return Taken::surplus;
  shares_.push_back(std::move(share));
  const Progress now = progress();
  if (now.groups_needed == 0) {
    std::erase_if(shares_, [&](const Share& one) {
      const auto own = std::ranges::find(now.groups, one.group, &GroupProgress::group);
      return own->needed() > 0;
    });
  }
  return Taken::accepted;
}

std::uint8_t Collector::given(std::uint8_t group) const {
  return static_cast<std::uint8_t>(std::ranges::count(shares_, group, &Share::group));
}

Collector::Progress Collector::progress() const {
  Progress progress;
  if (shares_.empty()) return progress;
  progress.groups_needed = shares_.front().set.group_threshold;
  for (std::uint8_t group = 0; group < max_groups; ++group) {
    const auto share = std::ranges::find(shares_, group, &Share::group);
    if (share == shares_.end()) continue;
    progress.groups.push_back(
        {.group = group, .threshold = share->threshold, .given = given(group)});
    if (progress.groups.back().needed() == 0) --progress.groups_needed;
  }
  return progress;
}

bool Collector::complete() const { return !shares_.empty() && progress().groups_needed == 0; }

std::optional<SetParameters> Collector::set() const {
  if (shares_.empty()) return std::nullopt;
  return shares_.front().set;
}

Result<SecretBytes> Collector::done(const SecretBytes& passphrase) const {
  if (!complete()) {
    return fail(ErrorKind::bad_input, "GIMS_SLIP39_QUORUM", "More shares are needed.");
  }
  return combine(shares_, passphrase);
}

}  // namespace gims::hsm::slip39
