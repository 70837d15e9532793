// A TCTI that fails on demand, between tpm2-tss and the TPM (tpm2::Options::detour).
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hsm/tpm2/way.hpp"

namespace gims::test {

// What happens to one command.
struct TpmFault {
  enum class Kind : std::uint8_t {
    lost_command,  // the way breaks, and the TPM does nothing
    lost_answer,   // the way breaks when the TPM has done it
    late_answer,   // the same, since the time is over
    refused,       // the TPM does nothing and answers `code`
    cut_answer,    // of the answer the first `at` bytes come
    flipped_bit,   // bit `at` of the answer is another one, counted round where it has fewer
  };
  std::string name;
  Kind kind = Kind::lost_command;
  TSS2_RC code = TSS2_RC_SUCCESS;
  std::size_t at = 0;
  bool lasts = false;  // of every later command, too, on each connection
};

// For all connections of one operation together. It outlives them.
struct FaultPlan {
  TpmFault fault;
  int at = 0;    // the command that it happens to; the first is 1; 0: none
  int seen = 0;  // commands
  bool hit = false;
  TPM2_CC command = 0;  // that it was
};

class FaultyTcti final : public hsm::tpm2::Way {
 public:
  FaultyTcti(std::unique_ptr<hsm::tpm2::Way> way, FaultPlan& plan) noexcept
      : way_(std::move(way)), plan_(plan) {
    constexpr std::uint64_t magic = 0x4641554C54544354;  // "FAULTTCT"
    hsm::tpm2::set_up(tcti_.common, magic, &FaultyTcti::transmit, &FaultyTcti::receive);
    tcti_.owner = this;
  }

  // For Options::detour.
  [[nodiscard]] static std::function<
      std::unique_ptr<hsm::tpm2::Way>(std::unique_ptr<hsm::tpm2::Way>)>
  by(FaultPlan& plan) {
    return [&plan](std::unique_ptr<hsm::tpm2::Way> way) -> std::unique_ptr<hsm::tpm2::Way> {
      return std::make_unique<FaultyTcti>(std::move(way), plan);
    };
  }

  [[nodiscard]] TSS2_TCTI_CONTEXT* tcti() noexcept override {
    return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&tcti_);
  }
  [[nodiscard]] bool timed_out() const noexcept override { return timed_out_ || way_->timed_out(); }

 private:
  using Kind = TpmFault::Kind;
  struct Tcti {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    FaultyTcti* owner;
  };
  static FaultyTcti& of(TSS2_TCTI_CONTEXT* context) noexcept {
    return *reinterpret_cast<Tcti*>(context)->owner;
  }

  static const TSS2_TCTI_CONTEXT_COMMON_V1& common_of(hsm::tpm2::Way& way) noexcept {
    return *reinterpret_cast<TSS2_TCTI_CONTEXT_COMMON_V1*>(way.tcti());
  }

  static TSS2_RC transmit(TSS2_TCTI_CONTEXT* context, size_t size,
                          const uint8_t* command) noexcept {
    FaultyTcti& self = of(context);
    FaultPlan& plan = self.plan_;
    self.answer_.clear();
    if (self.broken_) return TSS2_TCTI_RC_IO_ERROR;
    ++plan.seen;
    self.faulty_ = plan.at != 0 && (plan.seen == plan.at || (plan.fault.lasts && plan.hit));
    if (self.faulty_) {
      if (!plan.hit) plan.command = number(command, 6, size);
      plan.hit = true;
      if (plan.fault.kind == Kind::lost_command) {
        self.broken_ = true;
        return TSS2_TCTI_RC_IO_ERROR;
      }
      if (plan.fault.kind == Kind::refused) {
        self.answer_ = refusal(plan.fault.code);
        return TSS2_RC_SUCCESS;
      }
    }
    return common_of(*self.way_).transmit(self.way_->tcti(), size, command);
  }

  static TSS2_RC receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                         int32_t timeout) noexcept {
    FaultyTcti& self = of(context);
    if (self.broken_) return TSS2_TCTI_RC_IO_ERROR;
    if (self.answer_.empty()) {
      const TSS2_RC got = self.fetch(timeout);
      if (got != TSS2_RC_SUCCESS) return got;
    }
    const size_t room = std::exchange(*size, self.answer_.size());
    if (response == nullptr) return TSS2_RC_SUCCESS;
    if (room < self.answer_.size()) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    std::ranges::copy(self.answer_, response);
    self.answer_.clear();
    return TSS2_RC_SUCCESS;
  }

  TSS2_RC fetch(int32_t timeout) noexcept {
    std::vector<std::uint8_t> bytes(TPM2_MAX_RESPONSE_SIZE);
    size_t size = bytes.size();
    const TSS2_RC got = common_of(*way_).receive(way_->tcti(), &size, bytes.data(), timeout);
    if (got != TSS2_RC_SUCCESS) return got;
    bytes.resize(size);
    if (faulty_) {
      const TpmFault& fault = plan_.fault;
      if (fault.kind == Kind::lost_answer || fault.kind == Kind::late_answer) {
        broken_ = true;
        timed_out_ = fault.kind == Kind::late_answer;
        return TSS2_TCTI_RC_IO_ERROR;
      }
      if (fault.kind == Kind::cut_answer) bytes.resize(std::min(size, fault.at));
      if (fault.kind == Kind::flipped_bit) {
        const std::size_t bit = fault.at % (8 * size);
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
      }
    }
    answer_ = std::move(bytes);
    return TSS2_RC_SUCCESS;
  }

  // TPM 2.0 library part 1, section 18.4: a header, and in it what went wrong.
  static std::vector<std::uint8_t> refusal(TSS2_RC code) {
    std::vector<std::uint8_t> bytes{0x80, 0x01, 0, 0, 0, 10};
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::uint8_t>(code >> static_cast<unsigned>(shift)));
    }
    return bytes;
  }
  static std::uint32_t number(const uint8_t* bytes, std::size_t at, std::size_t size) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4 && i < size; ++i) value = (value << 8U) | bytes[i];
    return value;
  }

  Tcti tcti_{};
  const std::unique_ptr<hsm::tpm2::Way> way_;
  FaultPlan& plan_;
  std::vector<std::uint8_t> answer_;
  bool faulty_ = false;  // the command that is under way
  bool broken_ = false;
  bool timed_out_ = false;
};

}  // namespace gims::test
