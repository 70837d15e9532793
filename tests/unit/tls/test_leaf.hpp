// Leaves of a test's own making.
#pragma once

#include <memory>

#include "tls/leaf.hpp"

namespace gims::tls::test {

// A self-signed P-256 certificate for localhost. Its serial number is `serial`.
Leaf make_leaf(Millis not_before, Millis not_after, std::uint8_t serial = 1);

// Valid for ten years around today.
Leaf make_long_leaf(std::uint8_t serial = 1);

// Gives a new leaf each time, until told to fail. Counts its calls. Serial numbers start at 1.
class TestLeafSource final : public LeafSource {
 public:
  explicit TestLeafSource(const Clock& clock, Millis lifetime)
      : clock_(clock), lifetime_(lifetime) {}
  Result<Leaf> obtain() override {
    ++calls;
    if (fails) return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "gims-keyd is not there.");
    return make_leaf(clock_.now_ms(), clock_.now_ms() + lifetime_, ++serial_);
  }
  int calls = 0;
  bool fails = false;

 private:
  const Clock& clock_;
  const Millis lifetime_;
  std::uint8_t serial_ = 0;
};

class ManualClock final : public Clock {
 public:
  Millis now_ms() const noexcept override { return wall; }
  std::chrono::steady_clock::time_point steady() const noexcept override {
    return std::chrono::steady_clock::time_point(monotonic);
  }
  void advance(std::chrono::milliseconds by) {
    wall += by.count();
    monotonic += by;
  }
  Millis wall = 1'767'225'600'000;  // 2026-01-01
  std::chrono::milliseconds monotonic{1'000'000};
};

}  // namespace gims::tls::test
