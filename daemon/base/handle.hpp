// The owner of one C library handle.
#pragma once

#include <utility>

namespace gims {

// Owns a T* and calls Close(T*) once, when it goes. Not copyable. A null handle is empty.
//   using Statement = Handle<sqlite3_stmt, sqlite3_finalize>;
template <class T, auto Close>
class Handle {
 public:
  Handle() noexcept = default;
  explicit Handle(T* raw) noexcept : raw_(raw) {}
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) reset(std::exchange(other.raw_, nullptr));
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { reset(); }

  [[nodiscard]] T* get() const noexcept { return raw_; }
  [[nodiscard]] T* release() noexcept { return std::exchange(raw_, nullptr); }
  void reset(T* raw = nullptr) noexcept {
    if (T* old = std::exchange(raw_, raw)) static_cast<void>(Close(old));
  }
  // For C functions that give the handle through a T**. The handle must be empty.
  [[nodiscard]] T** out() noexcept { return &raw_; }
  explicit operator bool() const noexcept { return raw_ != nullptr; }

 private:
  T* raw_ = nullptr;
};

}  // namespace gims
