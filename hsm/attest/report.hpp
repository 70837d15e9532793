// What a verification found, in words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gims::hsm::attest {

enum class Verdict : std::uint8_t {
  good,  // shown
  note,  // not judged, or the verifier was not told enough to
  bad,   // not as released, or not this unit's
};

struct Finding {
  Verdict verdict = Verdict::note;
  std::string text;  // one sentence
};

class Report {
 public:
  void good(std::string text) { add(Verdict::good, std::move(text)); }
  void note(std::string text) { add(Verdict::note, std::move(text)); }
  void bad(std::string text) { add(Verdict::bad, std::move(text)); }

  [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
  [[nodiscard]] bool holds() const noexcept {
    return std::ranges::none_of(
        findings_, [](const Finding& finding) { return finding.verdict == Verdict::bad; });
  }

 private:
  void add(Verdict verdict, std::string text) {
    findings_.push_back({.verdict = verdict, .text = std::move(text)});
  }
  std::vector<Finding> findings_;
};

}  // namespace gims::hsm::attest
