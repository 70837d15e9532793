#include "hsm/core/dispatch.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gims::hsm {
namespace {

constexpr Roles admin = Roles{} | Role::admin;
constexpr Roles tlsd = Roles{} | Role::tlsd;
constexpr Roles gimsd = Roles{} | Role::gimsd;
constexpr Roles tamper = Roles{} | Role::tamper;
constexpr Roles volume = Roles{} | Role::volume;
constexpr Roles services = Roles{} | Role::services;
constexpr Roles anyone = admin | Role::tlsd | Role::gimsd | Role::services;

constexpr States always =
    States{} | State::unprovisioned | State::locked | State::operational | State::zeroized;
constexpr States after_provisioning =
    States{} | State::locked | State::operational | State::zeroized;
constexpr States locked = States{} | State::locked;
constexpr States with_keys = States{} | State::locked | State::operational;
constexpr States operational = States{} | State::operational;

// A reply that is no message of its own.
void encode(Writer& writer, std::string_view words) { encode_words(writer, words); }
void encode(Writer& writer, const SecretBytes& opened) { encode_activated(writer, opened); }

// What `Do` says, in the reply; a failure is passed on.
template <auto Do, class... Request>
Result<> answer_by(Custodian& custodian, Writer& reply, Request&&... request) {
  using Said = std::invoke_result_t<decltype(Do), Custodian&, Request...>;
  if constexpr (std::is_void_v<Said>) {
    std::invoke(Do, custodian, std::forward<Request>(request)...);
  } else if constexpr (std::is_same_v<Said, Result<>>) {
    return std::invoke(Do, custodian, std::forward<Request>(request)...);
  } else if constexpr (requires(Said said) { said.error(); }) {
    GIMS_TRY_ASSIGN(const auto said, std::invoke(Do, custodian, std::forward<Request>(request)...));
    encode(reply, said);
  } else {
    encode(reply, std::invoke(Do, custodian, std::forward<Request>(request)...));
  }
  return {};
}

// The handlers of the table: a request without a body, and one that `Decode` reads.
template <auto Do>
Result<> plain(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  return answer_by<Do>(custodian, reply);
}
template <auto Decode, auto Do>
Result<> with(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(auto request, Decode(body));
  return answer_by<Do>(custodian, reply, std::move(request));
}

constexpr auto table = std::to_array<Rule>({
    {Operation::status, anyone, always, plain<&Custodian::status>},
    {Operation::ceremony_begin, admin, always,
     with<decode_ceremony_request, &Custodian::begin_ceremony>},
    {Operation::unlock, admin, locked, plain<&Custodian::unlock>},
    // Without a second person: a line of the hardware has none. Persons propose it.
    {Operation::zeroize, tamper, with_keys, with<decode_zeroize_request, &Custodian::zeroize>},
    {Operation::site_root, anyone, operational, plain<&Custodian::site_root>},
    {Operation::sign_leaf, tlsd, operational, with<decode_leaf_request, &Custodian::sign_leaf>},
    {Operation::data_keys, gimsd, operational, plain<&Custodian::data_keys>},
    {Operation::server_key, gimsd, operational, plain<&Custodian::server_key>},
    {Operation::sign_events, gimsd, operational, with<decode_events, &Custodian::sign_events>},
    {Operation::extend_audit, gimsd, operational,
     with<decode_audit_head, &Custodian::extend_audit>},
    {Operation::audit_head, gimsd | Role::admin, operational, plain<&Custodian::audit_head>},
    {Operation::mark_store, gimsd, operational, with<decode_store_mark, &Custodian::mark_store>},
    {Operation::ceremony_give, admin, always, with<decode_give, &Custodian::give_share>},
    {Operation::ceremony_share, admin, always, with<decode_share_request, &Custodian::show_share>},
    {Operation::ceremony_confirm, admin, always, with<decode_confirm, &Custodian::confirm_share>},
    {Operation::ceremony_finish, admin, always,
     with<decode_finish_request, &Custodian::finish_ceremony>},
    {Operation::ceremony_abort, admin, always, plain<&Custodian::abort_ceremony>},
    {Operation::recovery_file, admin, after_provisioning, plain<&Custodian::recovery_file>},
    {Operation::crl, anyone, operational, with<decode_crl_request, &Custodian::crl>},
    {Operation::attest, gimsd | Role::admin, operational,
     with<decode_attest_request, &Custodian::attest>},
    {Operation::activate, admin, operational, with<decode_activate_request, &Custodian::activate>},
    {Operation::certify_audit, gimsd, operational, plain<&Custodian::certify_audit>},
    {Operation::event_log, gimsd | Role::admin, operational,
     with<decode_event_log_request, &Custodian::event_log>},
    {Operation::propose, admin | Role::gimsd, with_keys, with<decode_propose, &Custodian::propose>},
    {Operation::approve, admin | Role::gimsd, with_keys,
     with<decode_approve_request, &Custodian::approve>},
    {Operation::proposals, admin | Role::gimsd, with_keys, plain<&Custodian::proposals>},
    {Operation::withdraw, admin | Role::gimsd, with_keys,
     with<decode_withdraw, &Custodian::withdraw>},
    {Operation::administrators, admin | Role::gimsd, with_keys, plain<&Custodian::administrators>},
    {Operation::certify_device, admin, operational,
     with<decode_device_request, &Custodian::certify_device>},
    {Operation::revoke_device, admin, operational, with<decode_revoke, &Custodian::revoke_device>},
    {Operation::redeem, gimsd, operational, with<decode_redeem_request, &Custodian::redeem>},
    {Operation::acts, gimsd, operational, with<decode_acts_request, &Custodian::acts>},
    {Operation::persons, admin, with_keys, plain<&Custodian::persons>},
    {Operation::unlock_with, admin, locked, with<decode_person_key, &Custodian::unlock_with>},
    {Operation::add_person, admin, operational, with<decode_add_person, &Custodian::add_person>},
    {Operation::volume_key, volume, operational, plain<&Custodian::volume_key>},
    {Operation::raise_release, admin, operational, plain<&Custodian::raise_release>},
    {Operation::relay_secret, services | Role::gimsd, operational, plain<&Custodian::relay_secret>},
    {Operation::wifi_passphrase, services | Role::admin, operational,
     with<decode_wifi_request, &Custodian::wifi_passphrase>},
    {Operation::certify_service, services, operational,
     with<decode_service_request, &Custodian::certify_service>},
    {Operation::issuing_cas, services, operational, plain<&Custodian::issuing_cas>},
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
