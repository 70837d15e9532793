#include "hsm/proto/messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "hsm/proto/attest_messages.hpp"
#include "hsm/proto/ceremony_messages.hpp"
#include "hsm/proto/device_messages.hpp"
#include "hsm/proto/service_messages.hpp"
#include "hsm/proto/unit_messages.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

template <class T>
Bytes body_of(const T& value) {
  Bytes room(max_frame_size);
  Writer writer(room);
  encode(writer, value);
  return {writer.body().begin(), writer.body().end()};
}

StatusReply some_status() {
  return {.state = State::locked,
          .custody = "TPM 2.0 (IBM, software)",
          .reason = "custody.bin: It is damaged.",
          .organisation = "Joint Secretariat",
          .server_name = "gims.internal",
          .uptime_seconds = 90,
          .version = "1.0"};
}

DataKeys some_keys() {
  DataKeys keys;
  std::uint8_t fill = 0;
  for (SecretBytes* key :
       {&keys.data, &keys.media, &keys.token_hash, &keys.audit, &keys.backup, &keys.pepper}) {
    *key = *SecretBytes::copy_of(Bytes(key_size, ++fill));
  }
  return keys;
}

CeremonyReply some_ceremony() {
  return {.id = 7,
          .kind = CeremonyKind::reshare,
          .stage = CeremonyStage::hand_out,
          .generation = 2,
          .groups_needed = 1,
          .groups = {{.group = 0, .threshold = 3, .given = 3},
                     {.group = 2, .threshold = 2, .given = 1}},
          .taken = CeremonyReply::Taken::duplicate,
          .hands_out = {.group_threshold = 1, .groups = {{.threshold = 2, .count = 3}}},
          .handed_out = 1};
}

// Every kind of body, with a decoder that writes it again.
struct Sample {
  const char* name;
  Bytes body;
  std::function<Result<Bytes>(BytesView)> again;
};

template <class T>
Sample sample(const char* name, const T& value, Result<T> (*decode)(BytesView)) {
  return {.name = name, .body = body_of(value), .again = [decode](BytesView body) -> Result<Bytes> {
            GIMS_TRY_ASSIGN(const T decoded, decode(body));
            return body_of(decoded);
          }};
}

void add_approvals(std::vector<Sample>& all) {
  const ProposalReply proposal{.id = 3,
                               .action = Action::identity_reset,
                               .body = Bytes(20, 1),
                               .text = "let somebody do something",
                               .challenge = {1, 2},
                               .seconds_left = 599,
                               .approved_by = {"Asha", "Bimal"}};
  const Act act{.id = 1ULL << 40U,
                .time_ms = 1'700'000'000'000,
                .actor = "administrator Asha",
                .act = "approval.given",
                .target = "zeroize 3",
                .text = "destroy all keys of this site for good"};
  all.push_back(
      sample("propose", ProposeRequest{.action = Action::zeroize, .body = {0}}, decode_propose));
  all.push_back(sample("proposal", proposal, decode_proposal));
  all.push_back(
      sample("proposals", std::vector<ProposalReply>{proposal, proposal}, decode_proposals));
  all.push_back(sample("approve request", ApproveRequest{.id = 3, .assertion = Bytes(90, 1)},
                       decode_approve_request));
  all.push_back(sample("approve", ApproveReply{.missing = 1, .text = ""}, decode_approve));
  all.push_back(sample("withdraw", WithdrawRequest{.id = 3}, decode_withdraw));
  all.push_back(sample("redeem request",
                       RedeemRequest{.id = 3, .action = Action::identity_reset, .body = {1}},
                       decode_redeem_request));
  all.push_back(sample("redeem", RedeemReply{.approved_by = {"Asha", "Bimal"}}, decode_redeem));
  all.push_back(
      sample("administrators", AdministratorsReply{.list = Bytes(200, 1)}, decode_administrators));
  all.push_back(sample("acts request", ActsRequest{.taken = 7}, decode_acts_request));
  all.push_back(sample("acts", ActsReply{.acts = {act, act}, .lost = 2}, decode_acts));
}

std::vector<Sample> samples() {
  CeremonyRequest with_keys = test::provision_request();
  with_keys.dev_root_key = *SecretBytes::copy_of(Bytes(key_size, 3));
  with_keys.dev_recovery_secret = *SecretBytes::copy_of(Bytes(key_size, 4));
  with_keys.replace = true;
  const Bytes words{'a', 'c', 'i', 'd'};
  std::vector<Sample> all;
  all.push_back(
      sample("refusal", Refusal{.code = RefusalCode::went_back, .text = "No."}, decode_refusal));
  all.push_back(sample("site", test::site_parameters(), decode_site));
  all.push_back(sample("status", some_status(), decode_status));
  all.push_back(sample("provision", test::provision_request(), decode_ceremony_request));
  all.push_back(sample("provision with keys", with_keys, decode_ceremony_request));
  for (std::uint8_t kind = 2; kind <= last_ceremony; ++kind) {
    CeremonyRequest request = test::provision_request();
    request.kind = static_cast<CeremonyKind>(kind);
    request.recovery_file = Bytes(300, 9);
    all.push_back(sample("ceremony request", request, decode_ceremony_request));
  }
  all.push_back(sample("ceremony", some_ceremony(), decode_ceremony));
  all.push_back(sample("give", GiveRequest{.id = 7, .words = words}, decode_give));
  all.push_back(sample("share request", ShareRequest{.id = 7, .group = 1, .member = 2},
                       decode_share_request));
  all.push_back(sample("confirm",
                       ConfirmRequest{.which = {.id = 7, .group = 1, .member = 2}, .words = words},
                       decode_confirm));
  all.push_back(sample("finish request", FinishRequest{.id = 7}, decode_finish_request));
  all.push_back(sample("finish", FinishReply{.generation = 2, .root_sha256 = {1}, .text = "Done."},
                       decode_finish));
  all.push_back(
      sample("recovery file", RecoveryFileReply{.file = Bytes(900, 1)}, decode_recovery_file));
  all.push_back(sample("crl request", CrlRequest{.which = 2}, decode_crl_request));
  all.push_back(sample("crl", CrlReply{.crl = Bytes(300, 1), .lists = 3}, decode_crl));
  add_approvals(all);
  all.push_back(sample("device request",
                       DeviceRequest{.request = Bytes(200, 1),
                                     .user = "@asha:gims.internal",
                                     .device = "PHONE1",
                                     .lifetime_seconds = 90'000},
                       decode_device_request));
  all.push_back(sample(
      "device",
      DeviceReply{
          .chain = {Bytes(500, 1), Bytes(600, 2)}, .serial = "0a1b", .not_after = 1'900'000'000},
      decode_device));
  all.push_back(sample("revoke", RevokeRequest{.serial = "0a:1b"}, decode_revoke));
  const TpmStatement statement{.attest = Bytes(120, 8), .signature = {1, 2}};
  all.push_back(sample("attest request", AttestRequest{.nonce = {1, 2}}, decode_attest_request));
  all.push_back(sample("attest",
                       AttestReply{.attestation_key = Bytes(88, 1),
                                   .endorsement_key = Bytes(122, 2),
                                   .endorsement_certificate = Bytes(700, 3),
                                   .quote = statement,
                                   .pcrs = {PcrValue{1}, PcrValue{2}},
                                   .audit_head = {.sequence = 9, .hash = {4}},
                                   .counter = statement,
                                   .release = statement,
                                   .running_release = 7},
                       decode_attest));
  all.push_back(
      sample("activate request",
             ActivateRequest{.credential = Bytes(68, 1), .encrypted_secret = Bytes(68, 2)},
             decode_activate_request));
  all.push_back(sample("audit certificate",
                       AuditCertificate{.head = {.sequence = 9, .hash = {4}},
                                        .attestation_key = Bytes(88, 1),
                                        .counter = statement},
                       decode_audit_certificate));
  all.push_back(sample("event log request",
                       EventLogRequest{.log = EventLog::userspace, .offset = 65536},
                       decode_event_log_request));
  all.push_back(sample("event log", EventLogReply{.part = Bytes(300, 1)}, decode_event_log));
  all.push_back(
      sample("zeroize request", ZeroizeRequest{.files_only = true}, decode_zeroize_request));
  all.push_back(sample("zeroize", ZeroizeReply{.doubt = "Why."}, decode_zeroize));
  all.push_back(sample("leaf request",
                       LeafRequest{.public_key = Bytes(91, 4), .lifetime_seconds = 3600},
                       decode_leaf_request));
  all.push_back(sample("leaf",
                       LeafReply{.chain = {Bytes(500, 1), Bytes(600, 2)},
                                 .not_before = 1'700'000'000,
                                 .not_after = 1'700'086'400},
                       decode_leaf));
  all.push_back(sample(
      "site root",
      SiteRootReply{.certificate = Bytes(500, 1), .pem = "-----BEGIN\nx\n", .sha256 = {1, 2}},
      decode_site_root));
  all.push_back(sample("data keys", some_keys(), decode_data_keys));
  all.push_back(sample("server key",
                       ServerKeyReply{.public_key = {7}, .key_id = "ed25519:a1b2c3d4"},
                       decode_server_key));
  const Person ritu{.name = "ritu", .kind = FactorKind::passphrase, .parameters = Bytes(25, 1)};
  const Person arjun{.name = "arjun", .kind = FactorKind::fido2, .parameters = {}};
  all.push_back(sample("no persons", PersonsReply{}, decode_persons));
  all.push_back(sample("persons", PersonsReply{.persons = {ritu, arjun}}, decode_persons));
  all.push_back(sample("person's key",
                       PersonKey{.name = "ritu", .key = *SecretBytes::copy_of(Bytes(key_size, 2))},
                       decode_person_key));
  all.push_back(
      sample("new person",
             AddPersonRequest{
                 .approval = 3, .person = arjun, .key = *SecretBytes::copy_of(Bytes(key_size, 3))},
             decode_add_person));
  all.push_back(sample("volume key",
                       VolumeKey{.key = *SecretBytes::copy_of(Bytes(volume_key_size, 4))},
                       decode_volume_key));
  all.push_back(sample("release", ReleaseReply{.running = 7, .told = 6}, decode_release));
  all.push_back(sample("relay",
                       RelaySecret{.realm = "gims.internal",
                                   .secret = *SecretBytes::copy_of(Bytes(relay_secret_size, '4'))},
                       decode_relay_secret));
  all.push_back(sample("Wi-Fi", WifiRequest{.number = 3}, decode_wifi_request));
  all.push_back(
      sample("passphrase",
             WifiPassphrase{.server_name = "gims.internal",
                            .passphrase = *SecretBytes::copy_of(Bytes(wifi_passphrase_size, 5))},
             decode_wifi_passphrase));
  all.push_back(sample("service",
                       ServiceRequest{.service = Service::wifi, .public_key = Bytes(91, 1)},
                       decode_service_request));
  all.push_back(sample("service's certificate", ServiceReply{.chain = {Bytes(10, 1), Bytes(11, 2)}},
                       decode_service));
  all.push_back(sample("issuing CAs", IssuingCas{.certificates = {Bytes(10, 1), Bytes(11, 2)}},
                       decode_issuing_cas));
  all.push_back(sample("audit head", AuditHead{.sequence = 5, .hash = {1}}, decode_audit_head));
  return all;
}

TEST(KeydMessages, ComeBackAsTheyWere) {
  for (const Sample& message : samples()) {
    const auto again = message.again(message.body);
    ASSERT_TRUE(again) << message.name;
    EXPECT_EQ(*again, message.body) << message.name;
  }
}

TEST(KeydMessages, CutAtAnyLengthOrWithBytesLeftOverAreRefused) {
  for (const Sample& message : samples()) {
    for (std::size_t size = 0; size < message.body.size(); ++size) {
      const auto cut = message.again(BytesView(message.body).first(size));
      ASSERT_FALSE(cut) << message.name << " at " << size;
      EXPECT_EQ(cut.error().code, "GIMS_KEYD_FRAME");
    }
    Bytes longer = message.body;
    longer.push_back(0);
    EXPECT_FALSE(message.again(longer)) << message.name;
  }
}

TEST(KeydMessages, WhateverIsTakenHasOneForm) {
  for (const Sample& message : samples()) {
    for (std::size_t at = 0; at < message.body.size(); ++at) {
      for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
        Bytes changed = message.body;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ mask);
        const auto again = message.again(changed);
        if (!again) continue;
        EXPECT_EQ(*again, changed) << message.name << " at " << at;
      }
    }
  }
}

TEST(KeydMessages, EventsAndSignaturesComeBackAndHaveBounds) {
  const Bytes one{'{', '}'};
  const Bytes two{'{', '"', '}'};
  const std::vector<BytesView> events{one, two};
  Bytes room(max_frame_size);
  Writer writer(room);
  encode(writer, std::span<const BytesView>(events));
  const auto decoded = decode_events(writer.body());
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_TRUE(std::ranges::equal((*decoded)[1], two));
  for (std::size_t size = 0; size < writer.body().size(); ++size) {
    EXPECT_FALSE(decode_events(writer.body().first(size)));
  }

  const std::vector<BytesView> many(max_events + 1, one);
  Writer over(room);
  encode(over, std::span<const BytesView>(many));
  EXPECT_FALSE(decode_events(over.body()));
  const Bytes none{0, 0};
  EXPECT_FALSE(decode_events(none));

  const std::vector<Signature> signatures{Signature{1}, Signature{2}};
  Writer signed_writer(room);
  encode(signed_writer, std::span<const Signature>(signatures));
  const auto again = decode_signatures(signed_writer.body());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, signatures);
  EXPECT_FALSE(decode_signatures(none));
}

TEST(KeydMessages, ValuesOutsideTheirRangeAreRefused) {
  Bytes status = body_of(some_status());
  for (const std::uint8_t state : Bytes{0, 5, 255}) {
    status[0] = state;
    EXPECT_FALSE(decode_status(status));
  }
  Bytes refusal = body_of(Refusal{});
  for (const std::uint8_t code : Bytes{0, 17, 255}) {
    refusal[1] = code;
    EXPECT_FALSE(decode_refusal(refusal));
  }
  Bytes propose = body_of(ProposeRequest{.action = Action::zeroize, .body = {0}});
  for (const std::uint8_t action : Bytes{0, last_action + 1, 255}) {
    propose[1] = action;
    EXPECT_FALSE(decode_propose(propose));
  }
  Bytes approve = body_of(ApproveReply{});
  approve[0] = needed_persons;
  EXPECT_FALSE(decode_approve(approve));
  CeremonyRequest short_key = test::provision_request();
  short_key.dev_root_key = *SecretBytes::copy_of(Bytes(key_size - 1, 1));
  EXPECT_FALSE(decode_ceremony_request(body_of(short_key)));
  const auto scheme_is_taken = [](ShareScheme scheme) {
    return decode_scheme(body_of(scheme)).has_value();
  };
  EXPECT_TRUE(scheme_is_taken({.group_threshold = 2, .groups = {{1, 1}, {16, 16}}}));
  EXPECT_FALSE(scheme_is_taken({.group_threshold = 3, .groups = {{1, 1}, {2, 3}}}));
  EXPECT_FALSE(scheme_is_taken({.group_threshold = 0, .groups = {{1, 1}}}));
  EXPECT_FALSE(scheme_is_taken({.group_threshold = 1, .groups = {{4, 3}}}));
  EXPECT_FALSE(scheme_is_taken({.group_threshold = 1, .groups = {{0, 3}}}));
  EXPECT_FALSE(scheme_is_taken({.group_threshold = 1, .groups = {{2, 17}}}));
  EXPECT_FALSE(scheme_is_taken(
      {.group_threshold = 1, .groups = std::vector<ShareGroup>(17, ShareGroup{1, 1})}));
  EXPECT_FALSE(decode_give(body_of(GiveRequest{.id = 1, .words = {}})));
  const Bytes long_share(max_share + 1, 'a');
  EXPECT_FALSE(decode_give(body_of(GiveRequest{.id = 1, .words = long_share})));
  SiteParameters site = test::site_parameters();
  site.addresses = {{1, 2, 3}};
  EXPECT_FALSE(decode_site(body_of(site)));
  site = test::site_parameters();
  site.dns_names.assign(max_dns_names + 1, "a");
  EXPECT_FALSE(decode_site(body_of(site)));
  const LeafReply one_certificate{.chain = {Bytes(10, 1)}};
  EXPECT_FALSE(decode_leaf(body_of(one_certificate)));
  EXPECT_FALSE(decode_event_log_request(body_of(EventLogRequest{.offset = max_event_log})));
  EXPECT_FALSE(decode_event_log_request(Bytes{0, 0, 0, 0, 0}));
  EXPECT_FALSE(decode_event_log_request(Bytes{3, 0, 0, 0, 0}));
  EXPECT_FALSE(decode_event_log(body_of(EventLogReply{.part = Bytes(max_event_log_part + 1)})));
  EXPECT_FALSE(decode_activate_request(
      body_of(ActivateRequest{.credential = Bytes(max_credential + 1), .encrypted_secret = {}})));
  EXPECT_TRUE(decode_wifi_request(body_of(WifiRequest{.number = max_wifi_passphrase})));
  for (const std::uint32_t number : {0U, max_wifi_passphrase + 1}) {
    EXPECT_FALSE(decode_wifi_request(body_of(WifiRequest{.number = number})));
  }
  for (const int service : {0, last_service + 1}) {
    Bytes asked = body_of(ServiceRequest{.service = Service::push, .public_key = {1}});
    asked[0] = static_cast<std::uint8_t>(service);
    EXPECT_FALSE(decode_service_request(asked));
  }
  for (const std::size_t count : {std::size_t{0}, max_good_cas + 1}) {
    EXPECT_FALSE(decode_issuing_cas(body_of(IssuingCas{.certificates = {count, Bytes(10, 1)}})))
        << count;
  }
  EXPECT_FALSE(decode_service_request(
      body_of(ServiceRequest{.service = Service::wifi, .public_key = Bytes(max_public_key + 1)})));
  EXPECT_FALSE(decode_nothing(Bytes{0}));
  EXPECT_TRUE(decode_nothing({}));
}

TEST(KeydMessages, ARefusalKeepsItsMeaningOnTheWay) {
  for (std::uint16_t code = 1; code <= 15; ++code) {
    const Refusal refusal{.code = static_cast<RefusalCode>(code), .text = "Why."};
    const Error error = error_of(refusal);
    EXPECT_EQ(error.text, "Why.");
    EXPECT_EQ(refusal_of(error).code, refusal.code) << error.code;
  }
  EXPECT_EQ(error_of({.code = RefusalCode::not_for_this_peer, .text = {}}).kind,
            ErrorKind::forbidden);
  EXPECT_EQ(error_of({.code = RefusalCode::went_back, .text = {}}).kind, ErrorKind::conflict);
  Error error;
  error.code = "EIO";
  error.text = std::string(2 * max_text, 'x') + "\n";
  EXPECT_EQ(refusal_of(error).code, RefusalCode::internal);
  EXPECT_TRUE(decode_refusal(body_of(refusal_of(error))));
}

}  // namespace
}  // namespace gims::hsm
