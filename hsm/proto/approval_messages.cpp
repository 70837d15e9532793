#include "hsm/proto/approval_messages.hpp"

#include <utility>

#include "hsm/proto/fields.hpp"

namespace gims::hsm {
namespace {

Action read_action(Reader& reader) {
  const std::uint16_t number = reader.u16();
  if (number < 1 || number > last_action) reader.refuse();
  return static_cast<Action>(number);
}

void write_names(Writer& writer, const std::vector<std::string>& names) {
  writer.u8(static_cast<std::uint8_t>(names.size()));
  for (const std::string& name : names) writer.text(name);
}

std::vector<std::string> read_names(Reader& reader) {
  std::vector<std::string> names;
  const std::uint8_t count = reader.u8();
  if (count > needed_persons) reader.refuse();
  for (std::uint8_t i = 0; i < count && reader.good(); ++i) {
    names.emplace_back(reader.text(max_who));
  }
  return names;
}

ProposalReply read_proposal(Reader& reader) {
  ProposalReply proposal;
  proposal.id = reader.u32();
  proposal.action = read_action(reader);
  proposal.body = copy(reader.bytes(max_action_body));
  proposal.text = reader.text(max_text);
  read_fixed(reader, proposal.challenge);
  proposal.seconds_left = reader.u32();
  proposal.approved_by = read_names(reader);
  return proposal;
}

void encode(Writer& writer, const Act& value) {
  writer.u64(value.id);
  writer.u64(static_cast<std::uint64_t>(value.time_ms));
  for (const std::string* text : {&value.actor, &value.act, &value.target, &value.text}) {
    writer.text(*text);
  }
}

Act read_act(Reader& reader) {
  Act act;
  act.id = reader.u64();
  act.time_ms = static_cast<std::int64_t>(reader.u64());
  for (std::string* text : {&act.actor, &act.act, &act.target, &act.text}) {
    *text = reader.text(max_act);
  }
  return act;
}

}  // namespace

std::string_view name_of(Action action) noexcept {
  switch (action) {
    case Action::zeroize:
      return "zeroize";
    case Action::administrators:
      return "administrators";
    case Action::identity_reset:
      return "identity-reset";
    case Action::backup_export:
      return "backup-export";
    case Action::add_person:
      return "person-add";
    case Action::remove_person:
      return "person-remove";
  }
  return "unknown";
}

void encode(Writer& writer, const ProposeRequest& value) {
  writer.u16(static_cast<std::uint16_t>(value.action));
  writer.bytes(value.body);
}

Result<ProposeRequest> decode_propose(BytesView body) {
  Reader reader(body);
  ProposeRequest request;
  request.action = read_action(reader);
  request.body = copy(reader.bytes(max_action_body));
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const ProposalReply& value) {
  writer.u32(value.id);
  writer.u16(static_cast<std::uint16_t>(value.action));
  writer.bytes(value.body);
  writer.text(value.text);
  writer.raw(value.challenge);
  writer.u32(value.seconds_left);
  write_names(writer, value.approved_by);
}

Result<ProposalReply> decode_proposal(BytesView body) {
  Reader reader(body);
  ProposalReply proposal = read_proposal(reader);
  return finished(reader, std::move(proposal));
}

void encode(Writer& writer, std::span<const ProposalReply> proposals) {
  writer.u8(static_cast<std::uint8_t>(proposals.size()));
  for (const ProposalReply& proposal : proposals) encode(writer, proposal);
}

Result<std::vector<ProposalReply>> decode_proposals(BytesView body) {
  Reader reader(body);
  std::vector<ProposalReply> proposals;
  const std::uint8_t count = reader.u8();
  if (count > max_proposals) reader.refuse();
  for (std::uint8_t i = 0; i < count && reader.good(); ++i) {
    proposals.push_back(read_proposal(reader));
  }
  return finished(reader, std::move(proposals));
}

void encode(Writer& writer, const ApproveRequest& value) {
  writer.u32(value.id);
  writer.bytes(value.assertion);
}

Result<ApproveRequest> decode_approve_request(BytesView body) {
  Reader reader(body);
  ApproveRequest request;
  request.id = reader.u32();
  request.assertion = copy(reader.bytes(max_assertion));
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const ApproveReply& value) {
  writer.u8(value.missing);
  writer.text(value.text);
}

Result<ApproveReply> decode_approve(BytesView body) {
  Reader reader(body);
  ApproveReply reply;
  reply.missing = reader.u8();
  if (reply.missing >= needed_persons) reader.refuse();
  reply.text = reader.text(max_text);
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const WithdrawRequest& value) { writer.u32(value.id); }

Result<WithdrawRequest> decode_withdraw(BytesView body) {
  Reader reader(body);
  const WithdrawRequest request{.id = reader.u32()};
  return finished(reader, request);
}

void encode(Writer& writer, const RedeemRequest& value) {
  writer.u32(value.id);
  writer.u16(static_cast<std::uint16_t>(value.action));
  writer.bytes(value.body);
}

Result<RedeemRequest> decode_redeem_request(BytesView body) {
  Reader reader(body);
  RedeemRequest request;
  request.id = reader.u32();
  request.action = read_action(reader);
  request.body = copy(reader.bytes(max_action_body));
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const RedeemReply& value) { write_names(writer, value.approved_by); }

Result<RedeemReply> decode_redeem(BytesView body) {
  Reader reader(body);
  RedeemReply reply{.approved_by = read_names(reader)};
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const AdministratorsReply& value) { writer.bytes(value.list); }

Result<AdministratorsReply> decode_administrators(BytesView body) {
  Reader reader(body);
  AdministratorsReply reply{.list = copy(reader.bytes(max_administrators_list))};
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const ActsRequest& value) { writer.u64(value.taken); }

Result<ActsRequest> decode_acts_request(BytesView body) {
  Reader reader(body);
  const ActsRequest request{.taken = reader.u64()};
  return finished(reader, request);
}

void encode(Writer& writer, const ActsReply& value) {
  writer.u64(value.lost);
  writer.u8(static_cast<std::uint8_t>(value.acts.size()));
  for (const Act& act : value.acts) encode(writer, act);
}

Result<ActsReply> decode_acts(BytesView body) {
  Reader reader(body);
  ActsReply reply;
  reply.lost = reader.u64();
  const std::uint8_t count = reader.u8();
  if (count > max_acts) reader.refuse();
  for (std::uint8_t i = 0; i < count && reader.good(); ++i) {
    reply.acts.push_back(read_act(reader));
  }
  return finished(reader, std::move(reply));
}

}  // namespace gims::hsm
