#include "hsm/attest/boot_check.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "hsm/ca/hex.hpp"

namespace gims::hsm::attest {
namespace {

using release::ExpectedEvent;
using release::ExpectedPcr;

std::string pcr_name(const ExpectedPcr& pcr) {
  return pcr.name + " (PCR " + std::to_string(pcr.pcr) + ")";
}

bool is_expected(const Event& event, const ExpectedEvent& expected) {
  return std::ranges::contains(expected.digests, event.digest);
}

// Follows what was measured along what the release measures; each difference is told once, by the
// name of the part.
class Comparison {
 public:
  Comparison(const ExpectedPcr& pcr, const std::vector<Event>& measured, Report& report)
      : pcr_(pcr), expected_(pcr.events), measured_(measured), report_(report) {}

  bool run() {
    while (at_ < measured_.size() && next_ < expected_.size()) step();
    for (; at_ < measured_.size(); ++at_) extra(measured_[at_]);
    for (; next_ < expected_.size(); ++next_) missing(expected_[next_]);
    return same_;
  }

 private:
  void step() {
    const Event& event = measured_[at_];
    const ExpectedEvent& expected = expected_[next_];
    if (is_expected(event, expected)) {
      ++at_;
      ++next_;
      return;
    }
    if (comes_later(event)) {
      missing(expected);
      ++next_;
    } else if (is_measured_later(expected)) {
      extra(event);
      ++at_;
    } else if (expected.may_be_missing) {
      ++next_;
    } else {
      same_ = false;
      report_.bad("The " + expected.name +
                  " is not as released: something else was measured in "
                  "its place into PCR " +
                  std::to_string(pcr_.pcr) + ".");
      ++at_;
      ++next_;
    }
  }
  [[nodiscard]] bool comes_later(const Event& event) const {
    for (std::size_t i = next_ + 1; i < expected_.size(); ++i) {
      if (is_expected(event, expected_[i])) return true;
    }
    return false;
  }
  [[nodiscard]] bool is_measured_later(const ExpectedEvent& expected) const {
    for (std::size_t i = at_ + 1; i < measured_.size(); ++i) {
      if (is_expected(measured_[i], expected)) return true;
    }
    return false;
  }
  void missing(const ExpectedEvent& expected) {
    if (expected.may_be_missing) return;
    same_ = false;
    report_.bad("The " + expected.name + " was not measured into PCR " + std::to_string(pcr_.pcr) +
                ": this unit started without it.");
  }
  void extra(const Event& event) {
    same_ = false;
    report_.bad("Something that the release does not have was measured into PCR " +
                std::to_string(pcr_.pcr) + "; its log calls it \"" + event.words + "\".");
  }

  const ExpectedPcr& pcr_;
  const std::vector<ExpectedEvent>& expected_;
  const std::vector<Event>& measured_;
  Report& report_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  bool same_ = true;
};

// All values that the events can end in; those that may be missing are there or not, in every
// combination of a beginning of them.
bool is_end_of(const std::vector<ExpectedEvent>& events, const PcrValue& value) {
  std::vector<Digest> sums{Digest{}};
  constexpr std::size_t most = 4096;
  for (const ExpectedEvent& event : events) {
    std::vector<Digest> next;
    if (event.may_be_missing) next = sums;
    for (const Digest& sum : sums) {
      for (const Digest& digest : event.digests) next.push_back(extended(sum, digest));
    }
    if (next.size() > most) return false;
    sums = std::move(next);
  }
  return std::ranges::contains(sums, value);
}

void check_values(const ExpectedPcr& pcr, const PcrValue& value, Report& report) {
  if (std::ranges::contains(pcr.values, value)) {
    report.good("The " + pcr_name(pcr) + " is as released.");
  } else if (pcr.values == std::vector<Digest>{Digest{}}) {
    report.bad("The " + pcr_name(pcr) +
               " is not as released: nothing is to be measured there, and something was.");
  } else {
    report.bad("The " + pcr_name(pcr) + " is not as released: the PCR holds " + hex(value) + ".");
  }
}

void check_events(const ExpectedPcr& pcr, const PcrValue& value, const MeasuredEvents& log,
                  Report& report) {
  const auto measured = account(log, pcr.pcr, value);
  if (measured) {
    if (Comparison(pcr, *measured, report).run()) {
      report.good("The " + pcr_name(pcr) + " is as released, in each of its parts.");
    }
  } else if (is_end_of(pcr.events, value)) {
    report.good("The " + pcr_name(pcr) + " is as released.");
  } else {
    report.bad("The " + pcr_name(pcr) +
               " is not as released, and the event logs do not account for what was measured: "
               "which part it is cannot be told.");
  }
}

}  // namespace

void check_boot(const release::Manifest& manifest,
                const std::array<PcrValue, quoted_pcr_count>& pcrs, const MeasuredEvents& log,
                Report& report) {
  std::string others;
  auto expected = manifest.pcrs.begin();
  for (std::size_t number = 0; number < pcrs.size(); ++number) {
    if (expected == manifest.pcrs.end() || expected->pcr != number) {
      others += (others.empty() ? "" : ", ") + std::to_string(number);
      continue;
    }
    if (expected->events.empty()) {
      check_values(*expected, pcrs.at(number), report);
    } else {
      check_events(*expected, pcrs.at(number), log, report);
    }
    ++expected;
  }
  if (!others.empty()) {
    report.note("The manifest says nothing of PCR " + others +
                ": the firmware's and the unit's own, they were not judged.");
  }
}

}  // namespace gims::hsm::attest
