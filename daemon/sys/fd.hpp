// The owner of one descriptor.
#pragma once

#include <utility>

#include "base/result.hpp"

namespace gims::sys {

// Owns a descriptor and closes it once, when it goes. Not copyable. -1 is empty.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int raw) noexcept : raw_(raw) {}
  Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.raw_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return raw_; }
  [[nodiscard]] int release() noexcept { return std::exchange(raw_, -1); }
  // Closes what it owns and takes `raw`. Keeps errno.
  void reset(int raw = -1) noexcept;
  explicit operator bool() const noexcept { return raw_ >= 0; }

 private:
  int raw_ = -1;
};

[[nodiscard]] Result<> set_nonblocking(int fd);

}  // namespace gims::sys
