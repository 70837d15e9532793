#include "hsm/core/dispatch.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "hsm/core/attest_handlers.hpp"

namespace gims::hsm {
namespace {

constexpr Roles admin = Roles{} | Role::admin;
constexpr Roles tlsd = Roles{} | Role::tlsd;
constexpr Roles gimsd = Roles{} | Role::gimsd;
constexpr Roles tamper = Roles{} | Role::tamper;
constexpr Roles anyone = admin | Role::tlsd | Role::gimsd;

constexpr States always =
    States{} | State::unprovisioned | State::locked | State::operational | State::zeroized;
constexpr States after_provisioning =
    States{} | State::locked | State::operational | State::zeroized;
constexpr States locked = States{} | State::locked;
constexpr States with_keys = States{} | State::locked | State::operational;
constexpr States operational = States{} | State::operational;

Result<> status(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  encode(reply, custodian.status());
  return {};
}

Result<> ceremony_begin(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(CeremonyRequest request, decode_ceremony_request(body));
  GIMS_TRY_ASSIGN(const CeremonyReply begun, custodian.begin_ceremony(std::move(request)));
  encode(reply, begun);
  return {};
}

Result<> ceremony_give(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const GiveRequest share, decode_give(body));
  GIMS_TRY_ASSIGN(const CeremonyReply given, custodian.give_share(share));
  encode(reply, given);
  return {};
}

Result<> ceremony_share(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ShareRequest which, decode_share_request(body));
  GIMS_TRY_ASSIGN(const std::string_view words, custodian.show_share(which));
  encode_words(reply, words);
  return {};
}

Result<> ceremony_confirm(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ConfirmRequest share, decode_confirm(body));
  GIMS_TRY_ASSIGN(const CeremonyReply confirmed, custodian.confirm_share(share));
  encode(reply, confirmed);
  return {};
}

Result<> ceremony_finish(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const FinishRequest finish, decode_finish_request(body));
  GIMS_TRY_ASSIGN(const FinishReply finished, custodian.finish_ceremony(finish));
  encode(reply, finished);
  return {};
}

Result<> ceremony_abort(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY(decode_nothing(body));
  custodian.abort_ceremony();
  return {};
}

Result<> recovery_file(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  GIMS_TRY_ASSIGN(const RecoveryFileReply file, custodian.recovery_file());
  encode(reply, file);
  return {};
}

Result<> crl(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const CrlRequest request, decode_crl_request(body));
  GIMS_TRY_ASSIGN(const CrlReply list, custodian.crl(request));
  encode(reply, list);
  return {};
}

Result<> certify_device(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const DeviceRequest request, decode_device_request(body));
  GIMS_TRY_ASSIGN(const DeviceReply device, custodian.certify_device(request));
  encode(reply, device);
  return {};
}

Result<> revoke_device(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(const RevokeRequest request, decode_revoke(body));
  return custodian.revoke_device(request);
}

Result<> unlock(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY(decode_nothing(body));
  return custodian.unlock();
}

Result<> zeroize(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ZeroizeRequest request, decode_zeroize_request(body));
  GIMS_TRY_ASSIGN(const ZeroizeReply done, custodian.zeroize(request));
  encode(reply, done);
  return {};
}

Result<> site_root(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  encode(reply, custodian.site_root());
  return {};
}

Result<> sign_leaf(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const LeafRequest request, decode_leaf_request(body));
  GIMS_TRY_ASSIGN(const LeafReply leaf, custodian.sign_leaf(request));
  encode(reply, leaf);
  return {};
}

Result<> data_keys(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  GIMS_TRY_ASSIGN(const DataKeys keys, custodian.data_keys());
  encode(reply, keys);
  return {};
}

Result<> server_key(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  encode(reply, custodian.server_key());
  return {};
}

Result<> sign_events(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const std::vector<BytesView> events, decode_events(body));
  GIMS_TRY_ASSIGN(const std::vector<Signature> signatures, custodian.sign_events(events));
  encode(reply, signatures);
  return {};
}

Result<> extend_audit(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(const AuditHead head, decode_audit_head(body));
  return custodian.extend_audit(head);
}

Result<> audit_head(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  encode(reply, custodian.audit_head());
  return {};
}

Result<> mark_store(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(const StoreMark mark, decode_store_mark(body));
  return custodian.mark_store(mark);
}

Result<> propose(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ProposeRequest request, decode_propose(body));
  GIMS_TRY_ASSIGN(const ProposalReply proposal, custodian.propose(request));
  encode(reply, proposal);
  return {};
}

Result<> approve(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ApproveRequest request, decode_approve_request(body));
  GIMS_TRY_ASSIGN(const ApproveReply approved, custodian.approve(request));
  encode(reply, approved);
  return {};
}

Result<> proposals(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  GIMS_TRY_ASSIGN(const std::vector<ProposalReply> all, custodian.proposals());
  encode(reply, all);
  return {};
}

Result<> withdraw(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(const WithdrawRequest request, decode_withdraw(body));
  return custodian.withdraw(request);
}

Result<> administrators(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  GIMS_TRY_ASSIGN(const AdministratorsReply list, custodian.administrators());
  encode(reply, list);
  return {};
}

Result<> redeem(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const RedeemRequest request, decode_redeem_request(body));
  GIMS_TRY_ASSIGN(const RedeemReply redeemed, custodian.redeem(request));
  encode(reply, redeemed);
  return {};
}

Result<> acts(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ActsRequest request, decode_acts_request(body));
  encode(reply, custodian.acts(request));
  return {};
}

Result<> persons(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  GIMS_TRY_ASSIGN(const PersonsReply persons, custodian.persons());
  encode(reply, persons);
  return {};
}

Result<> unlock_with(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(PersonKey key, decode_person_key(body));
  return custodian.unlock_with(std::move(key));
}

Result<> add_person(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(AddPersonRequest request, decode_add_person(body));
  return custodian.add_person(std::move(request));
}

constexpr auto table = std::to_array<Rule>({
    {Operation::status, anyone, always, status},
    {Operation::ceremony_begin, admin, always, ceremony_begin},
    {Operation::unlock, admin, locked, unlock},
    // Without a second person: a line of the hardware has none. Persons propose it.
    {Operation::zeroize, tamper, with_keys, zeroize},
    {Operation::site_root, anyone, operational, site_root},
    {Operation::sign_leaf, tlsd, operational, sign_leaf},
    {Operation::data_keys, gimsd, operational, data_keys},
    {Operation::server_key, gimsd, operational, server_key},
    {Operation::sign_events, gimsd, operational, sign_events},
    {Operation::extend_audit, gimsd, operational, extend_audit},
    {Operation::audit_head, gimsd | Role::admin, operational, audit_head},
    {Operation::mark_store, gimsd, operational, mark_store},
    {Operation::ceremony_give, admin, always, ceremony_give},
    {Operation::ceremony_share, admin, always, ceremony_share},
    {Operation::ceremony_confirm, admin, always, ceremony_confirm},
    {Operation::ceremony_finish, admin, always, ceremony_finish},
    {Operation::ceremony_abort, admin, always, ceremony_abort},
    {Operation::recovery_file, admin, after_provisioning, recovery_file},
    {Operation::crl, anyone, operational, crl},
    {Operation::attest, gimsd | Role::admin, operational, handle_attest},
    {Operation::activate, admin, operational, handle_activate},
    {Operation::certify_audit, gimsd, operational, handle_certify_audit},
    {Operation::event_log, gimsd | Role::admin, operational, handle_event_log},
    {Operation::propose, admin, with_keys, propose},
    {Operation::approve, admin, with_keys, approve},
    {Operation::proposals, admin, with_keys, proposals},
    {Operation::withdraw, admin, with_keys, withdraw},
    {Operation::administrators, admin, with_keys, administrators},
    {Operation::certify_device, admin, operational, certify_device},
    {Operation::revoke_device, admin, operational, revoke_device},
    {Operation::redeem, gimsd, operational, redeem},
    {Operation::acts, gimsd, operational, acts},
    {Operation::persons, admin, with_keys, persons},
    {Operation::unlock_with, admin, locked, unlock_with},
    {Operation::add_person, admin, operational, add_person},
});
static_assert(std::ranges::adjacent_find(table, std::ranges::greater_equal{}, &Rule::operation) ==
              table.end());

Result<> allowed(const Rule& rule, Roles peer, State state) {
  // The peer before the state: a stranger is not told more than that it is one.
  if (!peer.shares_one_with(rule.roles)) {
    return fail(
        ErrorKind::forbidden, "GIMS_KEYD_PEER",
        "The user of this process may not ask for " + std::string(name_of(rule.operation)) + ".");
  }
  if (!rule.states.shares_one_with(States{} | state)) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE",
                "The key custodian is " + std::string(name_of(state)) + ": it does not answer " +
                    std::string(name_of(rule.operation)) + ".");
  }
  return {};
}

// Answers in `reply`; `header` becomes the request's as soon as that is known.
Result<> serve(Custodian& custodian, Roles peer, BytesView message, Header& header, Writer& reply) {
  GIMS_TRY_ASSIGN(const Frame frame, decode_frame(message));
  header = frame.header;
  if (frame.header.kind != Kind::request) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This is no request.");
  }
  const auto* const rule = std::ranges::find(table, frame.header.operation, &Rule::operation);
  if (rule == table.end()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "There is no such operation.");
  }
  GIMS_TRY(allowed(*rule, peer, custodian.state()));
  return rule->handle(custodian, frame.body, reply);
}

}  // namespace

std::span<const Rule> rules() noexcept { return table; }

Answer answer(Custodian& custodian, Roles peer, BytesView message, std::span<std::uint8_t> room) {
  Header header;
  Writer reply(room);
  const Result<> served = serve(custodian, peer, message, header, reply);
  if (!served) custodian.note_failure(served.error());
  return finish(header, reply, served, room);
}

}  // namespace gims::hsm
