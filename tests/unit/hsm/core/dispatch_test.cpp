#include "hsm/core/dispatch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/decided_site.hpp"
#include "support/device_request.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

constexpr std::array<Role, 6> all_roles{Role::admin,  Role::tlsd,   Role::gimsd,
                                        Role::tamper, Role::volume, Role::services};
constexpr Roles every_role =
    Roles{} | Role::admin | Role::tlsd | Role::gimsd | Role::tamper | Role::volume | Role::services;
constexpr std::array<State, 4> all_states{State::unprovisioned, State::locked, State::operational,
                                          State::zeroized};

// docs/protocol-keyd.md, written down a second time: who may ask what, and when.
using Allowed = std::map<Operation, std::pair<std::set<Role>, std::set<State>>>;
const Allowed& documented() {
  using enum Operation;
  static const std::set<Role> anyone{Role::admin, Role::tlsd, Role::gimsd, Role::services};
  static const std::set<State> with_keys{State::locked, State::operational};
  static const std::set<State> operational{State::operational};
  static const std::set<State> all{all_states.begin(), all_states.end()};
  static const Allowed table{
      {status, {anyone, all}},
      {ceremony_begin, {{Role::admin}, all}},
      {unlock, {{Role::admin}, {State::locked}}},
      {zeroize, {{Role::tamper}, with_keys}},
      {site_root, {anyone, operational}},
      {sign_leaf, {{Role::tlsd}, operational}},
      {data_keys, {{Role::gimsd}, operational}},
      {server_key, {{Role::gimsd}, operational}},
      {sign_events, {{Role::gimsd}, operational}},
      {extend_audit, {{Role::gimsd}, operational}},
      {audit_head, {{Role::gimsd, Role::admin}, operational}},
      {mark_store, {{Role::gimsd}, operational}},
      {ceremony_give, {{Role::admin}, all}},
      {ceremony_share, {{Role::admin}, all}},
      {ceremony_confirm, {{Role::admin}, all}},
      {ceremony_finish, {{Role::admin}, all}},
      {ceremony_abort, {{Role::admin}, all}},
      {recovery_file, {{Role::admin}, {State::locked, State::operational, State::zeroized}}},
      {crl, {anyone, operational}},
      {attest, {{Role::gimsd, Role::admin}, operational}},
      {activate, {{Role::admin}, operational}},
      {certify_audit, {{Role::gimsd}, operational}},
      {event_log, {{Role::gimsd, Role::admin}, operational}},
      {certify_device, {{Role::admin}, operational}},
      {propose, {{Role::admin, Role::gimsd}, with_keys}},
      {approve, {{Role::admin, Role::gimsd}, with_keys}},
      {proposals, {{Role::admin, Role::gimsd}, with_keys}},
      {withdraw, {{Role::admin, Role::gimsd}, with_keys}},
      {administrators, {{Role::admin, Role::gimsd}, with_keys}},
      {revoke_device, {{Role::admin}, operational}},
      {redeem, {{Role::gimsd}, operational}},
      {acts, {{Role::gimsd}, operational}},
      {persons, {{Role::admin}, {State::locked, State::operational}}},
      {unlock_with, {{Role::admin}, {State::locked}}},
      {add_person, {{Role::admin}, operational}},
      {volume_key, {{Role::volume}, operational}},
      {raise_release, {{Role::admin}, operational}},
      {relay_secret, {{Role::services, Role::gimsd}, operational}},
      {wifi_passphrase, {{Role::services, Role::admin}, operational}},
      {certify_service, {{Role::services}, operational}},
      {issuing_cas, {{Role::services}, operational}},
  };
  return table;
}

AddPersonRequest new_person(std::string name, std::uint32_t approval) {
  return {.approval = approval,
          .person = {.name = std::move(name), .kind = FactorKind::passphrase, .parameters = {}},
          .key = *SecretBytes::copy_of(Bytes(key_size, 1))};
}

ApproveRequest yes(const ProposalReply& proposal, const test::Signer& signer) {
  return {.id = proposal.id, .assertion = test::encoded(signer.approve(proposal.challenge))};
}
// By two administrators; where that is refused, the number of nothing.
std::uint32_t approved(KeydSite& site, Action action, const Bytes& body) {
  const ProposalReply proposal =
      site.custodian().propose({.action = action, .body = body}).value_or(ProposalReply{});
  for (const test::Signer* signer : {&test::asha(), &test::bimal()}) {
    static_cast<void>(site.custodian().approve(yes(proposal, *signer)));
  }
  return proposal.id;
}

// A site in a given state. Where it is operational, two persons can open it.
std::unique_ptr<KeydSite> site_in(State state) {
  auto site = std::make_unique<KeydSite>();
  if (state == State::unprovisioned) return site;
  site->provisioned();
  if (state == State::operational) {
    for (const char* name : {"ritu", "arjun"}) {
      const std::uint32_t id = approved(*site, Action::add_person, test::bytes_of(name));
      EXPECT_TRUE(site->custodian().add_person(new_person(name, id)));
    }
  }
  if (state == State::zeroized) {
    EXPECT_TRUE(site->custodian().zeroize({}));
  }
  if (state == State::locked) {
    site->hardware().reachable = false;
    site->restart();
    site->hardware().reachable = true;
  }
  EXPECT_EQ(site->custodian().state(), state);
  return site;
}

// As far in a ceremony that there can be in its state as the operation needs; gives its id.
std::uint64_t prepare(KeydSite& site, Operation operation) {
  using enum Operation;
  CeremonyRequest asked = test::provision_request();
  asked.replace = true;
  const State state = site.custodian().state();
  if (state == State::locked) asked.kind = CeremonyKind::restore;
  if (state == State::operational) asked.kind = CeremonyKind::reshare;
  asked.confirm = operation == ceremony_confirm;
  const auto begun = site.custodian().begin_ceremony(std::move(asked));
  EXPECT_TRUE(begun) << begun.error().text;
  if (operation == ceremony_give) return begun->id;
  CeremonyReply now = *begun;
  for (const std::string& share : site.shares()) {
    if (now.stage != CeremonyStage::gather) break;
    now = *site.custodian().give_share({.id = now.id, .words = test::words_of(share)});
  }
  for (std::uint8_t member = 0; member < 3 && !now.hands_out.groups.empty(); ++member) {
    EXPECT_TRUE(site.custodian().show_share({.id = now.id, .group = 0, .member = member}));
  }
  return now.id;
}

// Which kind of ceremony the operation is meaningful in, in each state; others are refused for
// reasons of their own.
bool has_a_ceremony_for(Operation operation, State state) {
  using enum Operation;
  const bool gives = state == State::locked || state == State::operational;
  const bool makes = state != State::locked;
  if (operation == ceremony_give) return gives;
  if (operation == ceremony_share || operation == ceremony_confirm) return makes;
  return operation == ceremony_finish;
}

bool is_step(Operation operation) {
  using enum Operation;
  return operation == ceremony_give || operation == ceremony_share ||
         operation == ceremony_confirm || operation == ceremony_finish;
}

// What two persons decide, as far as the operation needs it.
void encode_decision(Writer& writer, Operation operation, KeydSite* site) {
  using enum Operation;
  const bool by_gimsd = operation == redeem;
  const Bytes body = by_gimsd ? test::bytes_of("@desk.officer:gims.internal") : Bytes{0};
  const Action action = by_gimsd ? Action::identity_reset : Action::zeroize;
  ProposalReply proposal;
  if (site != nullptr && (operation == Operation::approve || operation == withdraw)) {
    // Refused in the states in which it would be.
    proposal =
        site->custodian().propose({.action = action, .body = body}).value_or(ProposalReply{});
  }
  if (operation == propose) encode(writer, ProposeRequest{.action = action, .body = body});
  if (operation == Operation::approve) encode(writer, yes(proposal, test::asha()));
  if (operation == withdraw) encode(writer, WithdrawRequest{.id = proposal.id});
  if (operation == acts) encode(writer, ActsRequest{});
  if (by_gimsd) {
    const std::uint32_t id = site == nullptr ? 0 : approved(*site, action, body);
    encode(writer, RedeemRequest{.id = id, .action = action, .body = body});
  }
}

Bytes request(Operation operation, KeydSite* site = nullptr) {
  using enum Operation;
  const State state = site == nullptr ? State::unprovisioned : site->custodian().state();
  const bool prepared = site != nullptr && has_a_ceremony_for(operation, state);
  const std::uint64_t id = prepared ? prepare(*site, operation) : 0;
  std::string share = "one two";
  if (prepared && operation == ceremony_give) share = site->shares().front();
  if (prepared && operation == ceremony_confirm) {
    share = *site->custodian().show_share({.id = id, .group = 0, .member = 0});
  }
  static const Bytes event{'{', '}'};
  static const std::array<BytesView, 1> events{event};
  Bytes room(max_frame_size);
  Writer writer(room);
  if (operation == ceremony_begin) {
    CeremonyRequest asked = test::provision_request();
    asked.replace = true;
    if (state == State::locked) asked.kind = CeremonyKind::restore;
    if (state == State::operational) asked.kind = CeremonyKind::reshare;
    encode(writer, asked);
  }
  if (operation == ceremony_give) {
    encode(writer, GiveRequest{.id = id, .words = test::words_of(share)});
  }
  const ShareRequest which{.id = id, .group = 0, .member = 0};
  if (operation == ceremony_share) encode(writer, which);
  if (operation == ceremony_confirm) {
    encode(writer, ConfirmRequest{.which = which, .words = test::words_of(share)});
  }
  if (operation == ceremony_finish) encode(writer, FinishRequest{.id = id});
  if (operation == Operation::zeroize) encode(writer, ZeroizeRequest{});
  if (operation == Operation::sign_leaf) {
    encode(writer, LeafRequest{.public_key = spki_of(generate_p256()->public_key)});
  }
  if (operation == Operation::sign_events) encode(writer, std::span<const BytesView>(events));
  if (operation == Operation::extend_audit) encode(writer, AuditHead{.sequence = 1, .hash = {1}});
  if (operation == Operation::mark_store)
    encode(writer, StoreMark{.position = 7, .audit_entry = 0});
  if (operation == Operation::crl) encode(writer, CrlRequest{.which = 1});
  if (operation == Operation::certify_device) {
    encode(writer, DeviceRequest{.request = test::request_of(*generate_p256()),
                                 .user = "@asha:gims.internal",
                                 .device = "PHONE",
                                 .lifetime_seconds = 90'000});
  }
  if (operation == wifi_passphrase) encode(writer, WifiRequest{.number = 2});
  if (operation == Operation::certify_service) {
    encode(writer, ServiceRequest{.service = Service::wifi,
                                  .public_key = spki_of(generate_p256()->public_key)});
  }
  if (operation == Operation::revoke_device) encode(writer, RevokeRequest{.serial = "0a1b"});
  if (operation == Operation::attest) encode(writer, AttestRequest{.nonce = {1}});
  if (operation == Operation::activate) {
    encode(writer, ActivateRequest{.credential = {1}, .encrypted_secret = {2}});
  }
  if (operation == Operation::event_log) encode(writer, EventLogRequest{});
  encode_decision(writer, operation, site);
  if (operation == unlock_with) {
    encode(writer, PersonKey{.name = "ritu", .key = *SecretBytes::copy_of(Bytes(key_size, 1))});
  }
  if (operation == add_person) {
    const bool may = site != nullptr && state == State::operational;
    const Bytes name = test::bytes_of("meera");
    encode(writer, new_person("meera", may ? approved(*site, Action::add_person, name) : 0));
  }
  const auto frame = writer.frame({.kind = Kind::request, .operation = operation, .number = 41});
  return {frame->begin(), frame->end()};
}

struct Got {
  Header header;
  std::optional<Refusal> refusal;
  Bytes body;
  bool hang_up = false;
};
Got ask(Custodian& custodian, Roles peer, BytesView message) {
  Bytes room(max_frame_size);
  const Answer reply = answer(custodian, peer, message, room);
  const auto frame = decode_frame(reply.frame);
  EXPECT_TRUE(frame);
  Got got{.header = frame->header,
          .refusal = std::nullopt,
          .body = {frame->body.begin(), frame->body.end()},
          .hang_up = reply.hang_up};
  if (frame->header.kind == Kind::refusal) got.refusal = *decode_refusal(frame->body);
  return got;
}

TEST(KeydTable, EveryRequestInEveryStateFromEveryPeer) {
  for (const auto& [operation, allowed] : documented()) {
    for (const State state : all_states) {
      for (const Role role : all_roles) {
        const auto site = site_in(state);
        const bool may = allowed.first.contains(role) && allowed.second.contains(state);
        const Got got =
            ask(site->custodian(), Roles{} | role, request(operation, may ? site.get() : nullptr));
        const std::string_view what = name_of(operation);
        EXPECT_EQ(got.header.number, 41U) << what;
        EXPECT_EQ(got.header.operation, operation) << what;
        EXPECT_FALSE(got.hang_up) << what;
        if (!allowed.first.contains(role)) {
          ASSERT_TRUE(got.refusal) << what << " in " << name_of(state);
          EXPECT_EQ(got.refusal->code, RefusalCode::not_for_this_peer) << what;
          EXPECT_EQ(site->custodian().state(), state);
        } else if (!allowed.second.contains(state)) {
          ASSERT_TRUE(got.refusal) << what << " in " << name_of(state);
          EXPECT_EQ(got.refusal->code, RefusalCode::not_in_this_state) << what;
          EXPECT_EQ(site->custodian().state(), state);
        } else if (is_step(operation) && !has_a_ceremony_for(operation, state)) {
          ASSERT_TRUE(got.refusal) << what << " in " << name_of(state);
          EXPECT_EQ(got.refusal->code, RefusalCode::ceremony) << what;
        } else {
          EXPECT_FALSE(got.refusal)
              << what << " in " << name_of(state) << ": " << got.refusal->text;
        }
      }
    }
  }
}

TEST(KeydTable, HoldsWhatIsDocumented) {
  EXPECT_EQ(rules().size(), documented().size());
  for (const Rule& rule : rules()) {
    const auto& [roles, states] = documented().at(rule.operation);
    for (const Role role : all_roles) {
      EXPECT_EQ(rule.roles.shares_one_with(Roles{} | role), roles.contains(role))
          << name_of(rule.operation);
    }
    for (const State state : all_states) {
      EXPECT_EQ(rule.states.shares_one_with(States{} | state), states.contains(state))
          << name_of(rule.operation);
    }
  }
}

TEST(KeydTable, EveryOperationOfTheProtocolHasARow) {
  std::size_t operations = 0;
  for (std::uint16_t number = 0; number <= 0xff; ++number) {
    if (!is_operation(number)) continue;
    ++operations;
    EXPECT_TRUE(std::ranges::contains(rules(), static_cast<Operation>(number), &Rule::operation))
        << number;
  }
  EXPECT_EQ(operations, rules().size());
}

TEST(KeydTable, APeerWithoutARoleGetsNothing) {
  const auto site = site_in(State::operational);
  for (const Rule& rule : rules()) {
    const Got got = ask(site->custodian(), Roles{}, request(rule.operation));
    ASSERT_TRUE(got.refusal);
    EXPECT_EQ(got.refusal->code, RefusalCode::not_for_this_peer);
  }
}

// One in which the operation's body is read.
State state_for(Operation operation) {
  if (operation == Operation::ceremony_begin) return State::unprovisioned;
  const bool locked = operation == Operation::unlock || operation == Operation::unlock_with;
  return locked ? State::locked : State::operational;
}

TEST(KeydTable, ABodyWithOneByteMoreIsABadFrame) {
  for (const Rule& rule : rules()) {
    const auto site = site_in(state_for(rule.operation));
    Bytes message = request(rule.operation);
    message.push_back(0);
    ++message[15];
    const State before = site->custodian().state();
    const Got got = ask(site->custodian(), every_role, message);
    ASSERT_TRUE(got.refusal) << name_of(rule.operation);
    EXPECT_EQ(got.refusal->code, RefusalCode::bad_frame) << name_of(rule.operation);
    EXPECT_TRUE(got.hang_up);
    EXPECT_EQ(site->custodian().state(), before);
  }
}

TEST(KeydTable, ACutBodyIsABadFrame) {
  int with_a_body = 0;
  for (const Rule& rule : rules()) {
    const Bytes whole = request(rule.operation);
    const std::size_t body = whole.size() - header_size;
    const auto site = site_in(state_for(rule.operation));
    const State before = site->custodian().state();
    for (std::size_t size = 0; size < body; ++size) {
      Bytes message(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(header_size + size));
      message[15] = static_cast<std::uint8_t>(size);
      const Got got = ask(site->custodian(), every_role, message);
      ASSERT_TRUE(got.refusal) << name_of(rule.operation) << " of " << size;
      EXPECT_EQ(got.refusal->code, RefusalCode::bad_frame) << name_of(rule.operation);
      EXPECT_TRUE(got.hang_up);
      ASSERT_EQ(site->custodian().state(), before) << name_of(rule.operation) << " of " << size;
    }
    with_a_body += body > 0 ? 1 : 0;
  }
  EXPECT_GE(with_a_body, 5);
}

TEST(KeydTable, WhatIsNoRequestEndsTheConnection) {
  const auto site = site_in(State::operational);
  const Roles admin = Roles{} | Role::admin;
  Bytes reply = request(Operation::status);
  reply[3] = static_cast<std::uint8_t>(Kind::reply);
  Bytes newer = request(Operation::status);
  newer[2] = 2;
  const Got answered = ask(site->custodian(), admin, reply);
  ASSERT_TRUE(answered.refusal);
  EXPECT_EQ(answered.refusal->code, RefusalCode::bad_frame);
  EXPECT_TRUE(answered.hang_up);
  const Got other = ask(site->custodian(), admin, newer);
  ASSERT_TRUE(other.refusal);
  EXPECT_EQ(other.refusal->code, RefusalCode::other_version);
  EXPECT_TRUE(other.hang_up);
  const Got empty = ask(site->custodian(), admin, {});
  ASSERT_TRUE(empty.refusal);
  EXPECT_TRUE(empty.hang_up);
}

TEST(KeydTable, NoRefusalTellsAKey) {
  // Each reply that holds keys goes to one daemon alone; here, that its body is what was asked for.
  const auto site = site_in(State::operational);
  const Got got = ask(site->custodian(), Roles{} | Role::gimsd, request(Operation::data_keys));
  ASSERT_FALSE(got.refusal);
  EXPECT_EQ(got.body.size(), 6 * key_size);
  const Got refused = ask(site->custodian(), Roles{} | Role::tlsd, request(Operation::data_keys));
  EXPECT_TRUE(std::ranges::search(refused.body, BytesView(got.body).first(key_size)).empty());
  const Got volume = ask(site->custodian(), Roles{} | Role::volume, request(Operation::volume_key));
  ASSERT_FALSE(volume.refusal);
  EXPECT_EQ(volume.body.size(), volume_key_size);
  const Got other = ask(site->custodian(), Roles{} | Role::admin, request(Operation::volume_key));
  EXPECT_TRUE(std::ranges::search(other.body, BytesView(volume.body).first(key_size)).empty());
}

}  // namespace
}  // namespace gims::hsm
