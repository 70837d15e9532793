#include "hsm/core/dispatch.hpp"

#include <string>

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

constexpr std::array<Rule, last_operation> table{{
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
}};

constexpr bool in_the_order_of_its_numbers() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].operation) != i + 1) return false;
  }
  return true;
}
static_assert(in_the_order_of_its_numbers());

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
  const Rule& rule = table[static_cast<std::size_t>(frame.header.operation) - 1];
  GIMS_TRY(allowed(rule, peer, custodian.state()));
  return rule.handle(custodian, frame.body, reply);
}

}  // namespace

std::span<const Rule, last_operation> rules() noexcept { return table; }

Answer answer(Custodian& custodian, Roles peer, BytesView message, std::span<std::uint8_t> room) {
  Header header;
  Writer reply(room);
  const Result<> served = serve(custodian, peer, message, header, reply);
  if (!served) custodian.note_failure(served.error());
  return finish(header, reply, served, room);
}

BytesView refuse(const Refusal& refusal, std::span<std::uint8_t> room) {
  return refuse(Header{}, refusal, room);
}

}  // namespace gims::hsm
