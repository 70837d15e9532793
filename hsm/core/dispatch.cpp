#include "hsm/core/dispatch.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "base/check.hpp"
#include "base/log.hpp"
#include "hsm/core/attest_handlers.hpp"

namespace gims::hsm {
namespace {

constexpr Roles admin = Roles{} | Role::admin;
constexpr Roles tlsd = Roles{} | Role::tlsd;
constexpr Roles gimsd = Roles{} | Role::gimsd;
constexpr Roles anyone = admin | Role::tlsd | Role::gimsd;

constexpr States always =
    States{} | State::unprovisioned | State::locked | State::operational | State::zeroized;
constexpr States without_keys = States{} | State::unprovisioned | State::zeroized;
constexpr States locked = States{} | State::locked;
constexpr States with_keys = States{} | State::locked | State::operational;
constexpr States operational = States{} | State::operational;

Result<> status(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  encode(reply, custodian.status());
  return {};
}

Result<> provision(Custodian& custodian, BytesView body, Writer&) {
  GIMS_TRY_ASSIGN(const ProvisionRequest request, decode_provision(body));
  return custodian.provision(request);
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

constexpr auto table = std::to_array<Rule>({
    {Operation::status, anyone, always, status},
    {Operation::provision, admin, without_keys, provision},
    {Operation::unlock, admin, locked, unlock},
    {Operation::zeroize, admin, with_keys, zeroize},
    {Operation::site_root, anyone, operational, site_root},
    {Operation::sign_leaf, tlsd, operational, sign_leaf},
    {Operation::data_keys, gimsd, operational, data_keys},
    {Operation::server_key, gimsd, operational, server_key},
    {Operation::sign_events, gimsd, operational, sign_events},
    {Operation::extend_audit, gimsd, operational, extend_audit},
    {Operation::audit_head, gimsd | Role::admin, operational, audit_head},
    {Operation::attest, gimsd | Role::admin, operational, handle_attest},
    {Operation::activate, admin, operational, handle_activate},
    {Operation::certify_audit, gimsd, operational, handle_certify_audit},
    {Operation::event_log, gimsd | Role::admin, operational, handle_event_log},
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

BytesView frame_of(const Header& header, const Refusal& refusal, std::span<std::uint8_t> room) {
  Writer writer(room);
  encode(writer, refusal);
  auto frame = writer.frame(header);
  GIMS_CHECK(frame.has_value());  // A refusal's text has a bound.
  return *frame;
}

}  // namespace

std::span<const Rule> rules() noexcept { return table; }

Answer answer(Custodian& custodian, Roles peer, BytesView message, std::span<std::uint8_t> room) {
  Header header;
  Writer reply(room);
  Result<> served = serve(custodian, peer, message, header, reply);
  if (served) {
    header.kind = Kind::reply;
    auto frame = reply.frame(header);
    if (frame) return {.frame = *frame, .hang_up = false};
    served = std::unexpected(std::move(frame).error());
  }
  log::failure(log::id::key_request_refused, "refused " + std::string(name_of(header.operation)),
               served.error());
  const Refusal refusal = refusal_of(served.error());
  header.kind = Kind::refusal;
  return {.frame = frame_of(header, refusal, room),
          .hang_up =
              refusal.code == RefusalCode::bad_frame || refusal.code == RefusalCode::other_version};
}

BytesView refuse(const Refusal& refusal, std::span<std::uint8_t> room) {
  return frame_of({.kind = Kind::refusal, .operation = Operation::status, .number = 0}, refusal,
                  room);
}

}  // namespace gims::hsm
