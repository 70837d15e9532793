// The way of bytes to the TPM, with a deadline. tpm2-tss's own modules wait without one, and are
// loaded by name at run time.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "hsm/tpm2/tpm2_vault.hpp"
#include "hsm/tpm2/way.hpp"
#include "sys/fd.hpp"

namespace gims::hsm::tpm2 {

// One connection, and a TCTI (TCG TSS 2.0 TPM Command Transmission Interface) over it. After the
// deadline, or any failure, every transfer fails: what comes next could be the answer to an earlier
// command. Thread: one.
class Transport final : public Way {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Not movable: tpm2-tss keeps a pointer to it.
  [[nodiscard]] static Result<std::unique_ptr<Transport>> open(const Address& address,
                                                               Deadline deadline);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport() override = default;

  [[nodiscard]] TSS2_TCTI_CONTEXT* tcti() noexcept override {
    return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&tcti_);
  }
  [[nodiscard]] bool timed_out() const noexcept override { return timed_out_; }

 private:
  // What tpm2-tss sees; it hands the address back, and the rest of the struct leads to the object.
  struct Tcti {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    Transport* owner;
  };

  Transport(sys::Fd fd, Deadline deadline) noexcept;
  static Transport& of(TSS2_TCTI_CONTEXT* context) noexcept;
  static TSS2_RC transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command) noexcept;
  static TSS2_RC receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                         int32_t timeout) noexcept;

  bool wait_for(short events) noexcept;
  bool write_all(const std::uint8_t* bytes, std::size_t size) noexcept;
  bool read_response() noexcept;
  std::size_t response_size() const noexcept;

  Tcti tcti_{};
  sys::Fd fd_;
  Deadline deadline_;
  std::vector<std::uint8_t> response_;
  bool timed_out_ = false;
  bool broken_ = false;
};

}  // namespace gims::hsm::tpm2
