// The steps of a ceremony: shares are given, and new ones shown and typed again. It holds what
// people typed and what they were shown, in locked memory that is wiped with it; it reads and
// writes no file and asks no hardware. What is done at its end is the custodian's
// (custodian_ends.cpp).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "hsm/core/recovery.hpp"
#include "hsm/slip39/collector.hpp"

namespace gims::hsm {

// Thread: one.
class Ceremony {
 public:
  static constexpr auto lifetime = std::chrono::minutes(30);

  // Of the shares of `record`, where the kind has a quorum. Makes new shares at once where there is
  // none. Fails (bad_input, GIMS_KEYD_REQUEST) for a scheme that cannot be.
  [[nodiscard]] static Result<Ceremony> begin(CeremonyRequest request,
                                              std::optional<RecoveryRecord> record);

  // One share of the quorum. With the last one the recovery file is opened, and where that fails
  // the shares are to be given anew. GIMS_KEYD_SHARE where this is none of them: nothing changes.
  [[nodiscard]] Result<CeremonyReply> give(BytesView words);
  // The words of a new share, valid until the ceremony ends. GIMS_KEYD_CEREMONY before the quorum
  // is there.
  [[nodiscard]] Result<std::string_view> show(const ShareRequest& which);
  // GIMS_KEYD_SHARE: that is not what was shown.
  [[nodiscard]] Result<CeremonyReply> confirm(const ConfirmRequest& typed);
  [[nodiscard]] CeremonyReply where() const;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] const CeremonyRequest& request() const noexcept { return request_; }
  [[nodiscard]] CeremonyStage stage() const;

  // At CeremonyStage::ready. Of the quorum, and null for a kind that has none:
  [[nodiscard]] const RecoveryRecord* record() const noexcept {
    return record_ ? &*record_ : nullptr;
  }
  [[nodiscard]] const Envelope& envelope() const;
  // The recovery secret that is in force from now on, and the identifier of its shares.
  [[nodiscard]] const SecretBytes& secret() const noexcept {
    return makes_shares() ? new_secret_ : given_secret_;
  }
  [[nodiscard]] std::uint16_t share_set() const noexcept { return new_set_; }

 private:
  struct NewShare {
    slip39::Mnemonic words;
    bool shown = false;
    bool confirmed = false;
  };
  Ceremony(CeremonyRequest request, std::optional<RecoveryRecord> record, std::uint64_t id)
      : request_(std::move(request)), record_(std::move(record)), id_(id) {}
  [[nodiscard]] bool makes_shares() const noexcept {
    return request_.kind == CeremonyKind::provision || request_.kind == CeremonyKind::reshare;
  }
  Result<> make_shares();
  Result<> open_record();
  Result<NewShare*> find(const ShareRequest& which);
  [[nodiscard]] std::uint16_t handed_out() const;
  [[nodiscard]] std::uint16_t new_shares() const;

  CeremonyRequest request_;
  std::optional<RecoveryRecord> record_;
  std::uint64_t id_;
  slip39::Collector collector_;
  SecretBytes given_secret_;
  std::optional<Envelope> envelope_;
  SecretBytes new_secret_;
  std::uint16_t new_set_ = 0;
  std::vector<std::vector<NewShare>> shares_;
};

}  // namespace gims::hsm
