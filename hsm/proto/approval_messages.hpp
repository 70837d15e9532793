// What the requests and replies about two persons hold; as messages.hpp.
#pragma once

#include "hsm/proto/ceremony_messages.hpp"

namespace gims::hsm {

// What two persons decide (docs/protocol-keyd.md, "Two persons"). The numbers are part of what they
// sign: they never change.
enum class Action : std::uint16_t {
  zeroize = 1,         // gims-keyd destroys the keys; body: ZeroizeRequest
  administrators = 2,  // who may approve; body: hsm/approval/change.hpp
  identity_reset = 3,  // gimsd lets an account have another encrypted identity; body: its id, UTF-8
  backup_export = 4,   // kept for backups, and refused
  add_person = 5,      // an administrator adds who can open the keys; body: the name, UTF-8
  remove_person = 6,   // gims-keyd removes one; body: likewise
};
inline constexpr std::uint16_t last_action = 6;
[[nodiscard]] std::string_view name_of(Action action) noexcept;

inline constexpr std::size_t max_proposals = 8;
inline constexpr std::size_t max_action_body = std::size_t{4} * 1024;
inline constexpr std::size_t max_assertion = std::size_t{4} * 1024;
inline constexpr std::size_t max_who = 64;   // bytes of an administrator's name
inline constexpr std::size_t max_act = 256;  // bytes of each of an act's texts
inline constexpr std::size_t max_acts = 64;  // that are kept for gimsd
inline constexpr std::uint8_t needed_persons = 2;

struct ProposeRequest {
  Action action = Action::zeroize;
  Bytes body;
};

struct ProposalReply {
  std::uint32_t id = 0;
  Action action = Action::zeroize;
  Bytes body;
  std::string text;                          // what it would do, for a person
  std::array<std::uint8_t, 32> challenge{};  // what is signed
  std::uint32_t seconds_left = 0;
  std::vector<std::string> approved_by;
};

struct ApproveRequest {
  std::uint32_t id = 0;
  Bytes assertion;  // hsm/approval/assertion.hpp
};

struct ApproveReply {
  std::uint8_t missing = 0;  // how many more persons it takes
  std::string text;          // what was done, for a person; empty as long as it waits
};

struct WithdrawRequest {
  std::uint32_t id = 0;
};

// gimsd may do what two persons approved: exactly this, and once.
struct RedeemRequest {
  std::uint32_t id = 0;
  Action action = Action::identity_reset;
  Bytes body;
};
struct RedeemReply {
  std::vector<std::string> approved_by;
};

struct AdministratorsReply {
  Bytes list;  // hsm/approval/registry.hpp
};

// What was done here, for the audit log that gimsd keeps.
struct Act {
  std::uint64_t id = 0;      // random: no clock and no file makes it come twice
  std::int64_t time_ms = 0;  // since 1970 UTC
  std::string actor;         // "administrator Asha"; "gims-keyd"
  std::string act;           // "approval.proposed"
  std::string target;        // "zeroize 3"
  std::string text;          // for a person

  bool operator==(const Act&) const = default;
};
struct ActsRequest {
  std::uint64_t taken =
      0;  // the id of the last that is in the audit log: up to it all are forgotten
};
struct ActsReply {
  std::vector<Act> acts;   // oldest first, as many as fit
  std::uint64_t lost = 0;  // that were dropped unread, since there were more than max_acts
};

void encode(Writer& writer, const ProposeRequest& value);
void encode(Writer& writer, const ProposalReply& value);
void encode(Writer& writer, std::span<const ProposalReply> proposals);
void encode(Writer& writer, const ApproveRequest& value);
void encode(Writer& writer, const ApproveReply& value);
void encode(Writer& writer, const WithdrawRequest& value);
void encode(Writer& writer, const RedeemRequest& value);
void encode(Writer& writer, const RedeemReply& value);
void encode(Writer& writer, const AdministratorsReply& value);
void encode(Writer& writer, const ActsRequest& value);
void encode(Writer& writer, const ActsReply& value);

[[nodiscard]] Result<ProposeRequest> decode_propose(BytesView body);
[[nodiscard]] Result<ProposalReply> decode_proposal(BytesView body);
[[nodiscard]] Result<std::vector<ProposalReply>> decode_proposals(BytesView body);
[[nodiscard]] Result<ApproveRequest> decode_approve_request(BytesView body);
[[nodiscard]] Result<ApproveReply> decode_approve(BytesView body);
[[nodiscard]] Result<WithdrawRequest> decode_withdraw(BytesView body);
[[nodiscard]] Result<RedeemRequest> decode_redeem_request(BytesView body);
[[nodiscard]] Result<RedeemReply> decode_redeem(BytesView body);
[[nodiscard]] Result<AdministratorsReply> decode_administrators(BytesView body);
[[nodiscard]] Result<ActsRequest> decode_acts_request(BytesView body);
[[nodiscard]] Result<ActsReply> decode_acts(BytesView body);

}  // namespace gims::hsm
