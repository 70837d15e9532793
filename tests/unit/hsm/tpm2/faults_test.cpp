// Every operation of the vault with a fault at each of its commands: the way to the TPM breaks
// before it or after it, time is over, the TPM refuses, the answer is cut or changed. It fails as
// what it is or gets over it, leaves nothing in the TPM and no descriptor, and what was begun is
// finished or undone by the next call.
//
// In its short form each command meets one fault, and of long operations every third command does.
// GIMS_TPM_FAULTS=all, as `make faults` has it, tries every fault on every command.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "hsm/ca/p256.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/credential.hpp"
#include "support/descriptors.hpp"
#include "support/faulty_tcti.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"
#include "support/tpm_handles.hpp"

namespace gims::hsm::tpm2 {
namespace {

using test::TpmFault;
using Kind = TpmFault::Kind;

constexpr std::string_view custody_code = "GIMS_KEYD_CUSTODY";
// What an operation gives where its result is another than the one it should have.
constexpr std::string_view wrong_code = "WRONG";

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::internal, wrong_code, text);
}

// A fault, and as what the vault has to tell it where it does not get over it; empty: as either.
struct Trial {
  TpmFault fault;
  std::string_view code;
};

const std::vector<Trial>& trials() {
  static const std::vector<Trial> all = [] {
    std::vector<Trial> list{
        {{.name = "lost command", .kind = Kind::lost_command}, away_code},
        {{.name = "lost answer", .kind = Kind::lost_answer}, away_code},
        {{.name = "late answer", .kind = Kind::late_answer}, away_code},
        {{.name = "lost for good", .kind = Kind::lost_command, .lasts = true}, away_code},
    };
    struct Code {
      std::string_view name;
      TSS2_RC code;
      std::string_view told;
    };
    // TPM 2.0 library part 2, section 6.6.3.
    for (const Code& one : {
             Code{"RETRY", TPM2_RC_RETRY, away_code},
             Code{"YIELDED", TPM2_RC_YIELDED, away_code},
             Code{"TESTING", TPM2_RC_TESTING, away_code},
             Code{"CANCELED", TPM2_RC_CANCELED, away_code},
             Code{"LOCKOUT", TPM2_RC_LOCKOUT, away_code},
             Code{"MEMORY", TPM2_RC_MEMORY, away_code},
             Code{"OBJECT_MEMORY", TPM2_RC_OBJECT_MEMORY, away_code},
             Code{"SESSION_MEMORY", TPM2_RC_SESSION_MEMORY, away_code},
             Code{"OBJECT_HANDLES", TPM2_RC_OBJECT_HANDLES, away_code},
             Code{"SESSION_HANDLES", TPM2_RC_SESSION_HANDLES, away_code},
             Code{"CONTEXT_GAP", TPM2_RC_CONTEXT_GAP, away_code},
             Code{"NV_RATE", TPM2_RC_NV_RATE, away_code},
             Code{"NV_UNAVAILABLE", TPM2_RC_NV_UNAVAILABLE, away_code},
             Code{"FAILURE", TPM2_RC_FAILURE, custody_code},
             Code{"DISABLED", TPM2_RC_DISABLED, custody_code},
             Code{"REBOOT", TPM2_RC_REBOOT, custody_code},
             Code{"NV_SPACE", TPM2_RC_NV_SPACE, custody_code},
             Code{"COMMAND_CODE", TPM2_RC_COMMAND_CODE, custody_code},
             Code{"HANDLE", TPM2_RC_HANDLE | TPM2_RC_1, custody_code},
             Code{"VALUE", TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1, custody_code},
             Code{"INTEGRITY", TPM2_RC_INTEGRITY | TPM2_RC_P | TPM2_RC_1, custody_code},
             Code{"AUTH_FAIL", TPM2_RC_AUTH_FAIL | TPM2_RC_S | TPM2_RC_1, custody_code},
             Code{"POLICY_FAIL", TPM2_RC_POLICY_FAIL | TPM2_RC_S | TPM2_RC_1, custody_code},
         }) {
      list.push_back(
          {{.name = std::string(one.name), .kind = Kind::refused, .code = one.code}, one.told});
    }
    list.push_back(
        {{.name = "RETRY for good", .kind = Kind::refused, .code = TPM2_RC_RETRY, .lasts = true},
         away_code});
    for (const std::size_t at : std::vector<std::size_t>{0, 9, 10, 13, 40}) {
      constexpr std::size_t header = 10;  // which tpm2-tss needs to tell it at once
      list.push_back({{.name = "cut at " + std::to_string(at), .kind = Kind::cut_answer, .at = at},
                      at < header ? custody_code : ""});
    }
    // Of the tag, the size, the code, and the fields behind.
    for (const std::size_t bit :
         std::vector<std::size_t>{8, 47, 73, 87, 119, 163, 331, 1009, 2003}) {
      list.push_back(
          {{.name = "bit " + std::to_string(bit), .kind = Kind::flipped_bit, .at = bit}, ""});
    }
    return list;
  }();
  return all;
}

SecretBytes key_of(std::uint8_t byte) { return *SecretBytes::copy_of(Bytes(key_size, byte)); }
bool same(const SecretBytes& a, const SecretBytes& b) {
  return equal_in_constant_time(a.bytes(), b.bytes());
}
constexpr Digest a_digest{1, 2, 3, 4, 5, 6, 7};
const std::string a_secret = "only this TPM knows";

// A TPM, and what was made with it.
struct Site {
  test::Swtpm tpm;
  std::uint64_t number = 1;  // of the release that runs
  std::optional<release::ReleasePolicy> policy;
  SecretBytes root = key_of(0x42);
  SecretBytes secret = key_of(0x5a);
  Vault::Sealed sealed;
  bool owned = false;  // sealed is in the TPM
  std::uint64_t counter = 0;
  Attestor::Identity identity;
  test::Challenge challenge;  // made when it is needed

  [[nodiscard]] std::unique_ptr<Vault> vault(test::FaultPlan* plan = nullptr) {
    // It takes many signatures.
    if (!policy || policy->number != number) policy = test::release_policy(number);
    Options options{.address = *parse_address(tpm.tcti()),
                    .time_limit = std::chrono::seconds(60),
                    .release = *policy};
    if (plan != nullptr) options.detour = test::FaultyTcti::by(*plan);
    return make_vault(std::move(options));
  }
  void another_tpm() {
    tpm.stop();
    std::filesystem::remove_all(tpm.state());
    tpm.start();
    owned = false;
  }
  Result<> free_tpm() {
    if (!owned) return {};
    GIMS_TRY(vault()->destroy(sealed.blob, &secret));
    owned = false;
    return {};
  }
  Result<> seal() {
    GIMS_TRY(free_tpm());
    GIMS_TRY_ASSIGN(sealed, vault()->provision(root, secret, true));
    owned = true;
    GIMS_TRY_ASSIGN(counter, vault()->counter(sealed.blob, secret));
    return {};
  }
  Result<> settle() {
    GIMS_TRY(seal());
    GIMS_TRY(vault()->settle(sealed.blob, secret));
    GIMS_TRY_ASSIGN(identity, vault()->attestor()->identity(sealed.blob, secret));
    return {};
  }
  [[nodiscard]] Result<> opens() {
    GIMS_TRY_ASSIGN(const Vault::Opened now, vault()->open(sealed.blob));
    return same(now.root_key, root) ? Result<>() : wrong("another root key");
  }
};

// What the TPM holds before it.
enum class Before : std::uint8_t { not_even_a_storage_key, nothing, sealed, settled };
struct Operation {
  const char* name;
  Before before;
  bool changes;  // the TPM, which is made ready anew each time
  int stride;    // of the short form
  Result<> (*act)(Site& site, Vault& vault);
  // What must hold then, and be done by a vault without faults.
  Result<> (*afterwards)(Site& site, const Result<>& outcome);
};
void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

Result<> opens(Site& site, const Result<>& /*outcome*/) { return site.opens(); }

Result<> open(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Vault::Opened opened, vault.open(site.sealed.blob));
  if (opened.ca_public != site.sealed.ca_public) return wrong("another CA's key");
  return same(opened.root_key, site.root) ? Result<>() : wrong("another root key");
}

Result<> provision(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(site.sealed, vault.provision(site.root, site.secret, false));
  return {};
}
Result<> provision_again(Site& site, const Result<>& outcome) {
  if (!outcome) {
    auto again = site.vault()->provision(site.root, site.secret, false);
    if (!again) {
      if (outcome.error().text.find("has to be told to replace it") == std::string::npos) {
        return wrong("it is not said that something was left: " + again.error().text);
      }
      again = site.vault()->provision(site.root, site.secret, true);
    }
    if (!again) return pass(std::move(again));
    site.sealed = std::move(*again);
  }
  GIMS_TRY(site.opens());
  GIMS_TRY(site.vault()->destroy(site.sealed.blob, nullptr));
  return {};
}

// Without being told to replace it.
Result<> provision_over(Site& site, Vault& vault) {
  const auto refused = vault.provision(key_of(0x43), site.secret, false);
  if (refused) return wrong("an earlier site was replaced");
  if (refused.error().text.find("an earlier site") != std::string::npos) return {};
  return std::unexpected(refused.error());
}

Result<> settle(Site& site, Vault& vault) { return vault.settle(site.sealed.blob, site.secret); }
Result<> settle_again(Site& site, const Result<>& /*outcome*/) {
  GIMS_TRY(site.vault()->settle(site.sealed.blob, site.secret));
  const auto taken = site.vault()->provision(site.root, site.secret, true);
  if (taken || taken.error().text.find("has passwords") == std::string::npos) {
    return wrong("the TPM has not its passwords");
  }
  return site.opens();
}

Result<> sign_with(Vault& vault, const Vault::Sealed& sealed) {
  GIMS_TRY_ASSIGN(const P256Signature signature,
                  vault.sign(sealed.blob, KeyUse::issuing_ca, a_digest));
  if (!p256_verify(sealed.ca_public, a_digest, signature)) return wrong("a wrong signature");
  return {};
}
Result<> sign(Site& site, Vault& vault) { return sign_with(vault, site.sealed); }
Result<> sign_again(Site& site, const Result<>& /*outcome*/) {
  return sign_with(*site.vault(), site.sealed);
}

Result<> renew_ca(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Vault::Sealed renewed, vault.renew_ca(site.sealed.blob));
  if (const auto signs = sign_with(*site.vault(), renewed); !signs) return wrong("a key of no use");
  return {};
}

Result<> reseal(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Vault::Sealed other, vault.reseal(site.sealed.blob, key_of(0x44)));
  const auto opened = site.vault()->open(other.blob);
  if (!opened || !same(opened->root_key, key_of(0x44))) return wrong("a seal of no use");
  return {};
}
Result<> reseal_again(Site& site, const Result<>& /*outcome*/) {
  GIMS_TRY(site.opens());
  GIMS_TRY(reseal(site, *site.vault()));
  return site.opens();
}

Result<> counter(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const std::uint64_t now, vault.counter(site.sealed.blob, site.secret));
  return now == site.counter ? Result<>() : wrong("another number");
}
Result<> count_again(Site& site, const Result<>& /*outcome*/) {
  return counter(site, *site.vault());
}
Result<> advance(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const std::uint64_t now, vault.advance(site.sealed.blob, site.secret));
  return now == site.counter + 1 ? Result<>() : wrong("another number");
}
Result<> advance_again(Site& site, const Result<>& outcome) {
  GIMS_TRY_ASSIGN(const std::uint64_t found, site.vault()->counter(site.sealed.blob, site.secret));
  const bool one_more = found == site.counter + 1;
  if (!one_more && (outcome || found != site.counter)) return wrong("a counter that jumps");
  site.counter = found;
  GIMS_TRY(advance(site, *site.vault()));
  ++site.counter;
  return {};
}

Result<> destroy(Site& site, Vault& vault) {
  GIMS_TRY(vault.destroy(site.sealed.blob, &site.secret));
  return {};
}
Result<> destroy_again(Site& site, const Result<>& outcome) {
  if (outcome && site.opens()) return wrong("what was destroyed opens");
  GIMS_TRY(destroy(site, *site.vault()));
  if (site.opens()) return wrong("what was destroyed twice opens");
  site.owned = false;
  // The passwords are gone, too.
  return site.seal();
}

Result<> identify(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Attestor::Identity now,
                  vault.attestor()->identity(site.sealed.blob, site.secret));
  const bool same_keys = now.attestation_key == site.identity.attestation_key &&
                         now.endorsement_key == site.identity.endorsement_key &&
                         now.endorsement_certificate == site.identity.endorsement_certificate;
  return same_keys ? Result<>() : wrong("another identity");
}
Result<> identify_again(Site& site, const Result<>& /*outcome*/) {
  return identify(site, *site.vault());
}

// The public area ends with the two coordinates, each with its size.
P256Point point_of_area(BytesView area) {
  P256Point point{};
  point[0] = 4;
  std::ranges::copy(area.last(66).first(32), point.begin() + 1);
  std::ranges::copy(area.last(32), point.begin() + 33);
  return point;
}
Result<> states(const Site& site, const Attestor::Statement& statement) {
  const Digest over = sha256({statement.attest});
  if (std::ranges::search(statement.attest, a_digest).empty()) return wrong("without its nonce");
  if (!p256_verify(point_of_area(site.identity.attestation_key), over, statement.signature)) {
    return wrong("a wrong signature");
  }
  return {};
}
Result<> quote(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Attestor::Quote made, vault.attestor()->quote(site.sealed.blob, a_digest));
  if (made.pcrs != std::vector<Digest>(16)) return wrong("other PCRs");
  return states(site, made.statement);
}
Result<> quote_again(Site& site, const Result<>& /*outcome*/) { return quote(site, *site.vault()); }
Result<> certify(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Attestor::Statement made,
                  vault.attestor()->certify_counter(site.sealed.blob, site.secret, a_digest));
  return states(site, made);
}
Result<> certify_again(Site& site, const Result<>& /*outcome*/) {
  return certify(site, *site.vault());
}
Result<> certify_release(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const Attestor::Statement made,
                  vault.attestor()->certify_release(site.sealed.blob, a_digest));
  return states(site, made);
}
Result<> certify_release_again(Site& site, const Result<>& /*outcome*/) {
  return certify_release(site, *site.vault());
}
Result<> activate(Site& site, Vault& vault) {
  if (site.challenge.credential.empty()) {
    site.challenge = test::challenge_for(site.identity, a_secret);
  }
  GIMS_TRY_ASSIGN(
      const SecretBytes opened,
      vault.attestor()->activate(site.sealed.blob, site.secret, site.challenge.credential,
                                 site.challenge.encrypted_secret));
  return std::ranges::equal(opened.bytes(), a_secret) ? Result<>() : wrong("another secret");
}
Result<> activate_again(Site& site, const Result<>& /*outcome*/) {
  return activate(site, *site.vault());
}

Result<> told(Site& site, Vault& vault) {
  GIMS_TRY_ASSIGN(const ReleaseGate::Releases releases, vault.release_gate()->releases());
  const bool good = releases.running == site.number && releases.told == site.number;
  return good ? Result<>() : wrong("another release");
}
Result<> told_again(Site& site, const Result<>& /*outcome*/) { return told(site, *site.vault()); }
Result<> raise(Site& /*site*/, Vault& vault) { return vault.release_gate()->raise(); }
Result<> raise_again(Site& site, const Result<>& /*outcome*/) {
  GIMS_TRY(raise(site, *site.vault()));
  GIMS_TRY(told(site, *site.vault()));
  ++site.number;  // of the next one
  return {};
}

Result<> probe(Site& /*site*/, Vault& vault) { return vault.probe(); }
Result<> info(Site& /*site*/, Vault& vault) {
  GIMS_TRY(vault.info());
  return {};
}

constexpr Operation operations[] = {
    {"Info", Before::sealed, false, 1, info, opens},
    {"Probe", Before::sealed, false, 1, probe, opens},
    {"Provision", Before::nothing, false, 3, provision, provision_again},
    {"ProvisionANewTpm", Before::not_even_a_storage_key, true, 5, provision, provision_again},
    {"ProvisionOverAnEarlierSite", Before::sealed, false, 1, provision_over, opens},
    {"Open", Before::settled, false, 1, open, opens},
    {"Settle", Before::sealed, true, 3, settle, settle_again},
    {"Sign", Before::settled, false, 1, sign, sign_again},
    {"RenewCa", Before::settled, false, 1, renew_ca, opens},
    {"Reseal", Before::settled, false, 1, reseal, reseal_again},
    {"Counter", Before::settled, false, 1, counter, count_again},
    {"Advance", Before::settled, false, 1, advance, advance_again},
    {"Destroy", Before::settled, true, 3, destroy, destroy_again},
    {"Identity", Before::settled, false, 1, identify, identify_again},
    {"Quote", Before::settled, false, 1, quote, quote_again},
    {"CertifyCounter", Before::settled, false, 1, certify, certify_again},
    {"CertifyRelease", Before::settled, false, 1, certify_release, certify_release_again},
    {"Activate", Before::settled, false, 1, activate, activate_again},
    {"Releases", Before::sealed, false, 1, told, told_again},
    {"Raise", Before::sealed, false, 1, raise, raise_again},
};

class FaultyTpm : public ::testing::TestWithParam<Operation> {
 protected:
  Result<> make_ready() {
    switch (GetParam().before) {
      case Before::not_even_a_storage_key:
        site_.another_tpm();
        return {};
      case Before::nothing:
        return site_.free_tpm();
      case Before::sealed:
        return site_.seal();
      case Before::settled:
        return site_.settle();
    }
    return {};
  }

  // False: the operation has fewer commands.
  bool meets(const Trial& trial, int at) {
    test::FaultPlan plan{.fault = trial.fault, .at = at};
    const auto before = test::open_descriptors();
    const Result<> outcome = GetParam().act(site_, *site_.vault(&plan));
    EXPECT_EQ(test::open_descriptors(), before);
    if (!plan.hit) {
      EXPECT_TRUE(outcome) << outcome.error().text;
      return false;
    }
    if (!outcome) {
      EXPECT_NE(outcome.error().code, wrong_code) << outcome.error().text;
      EXPECT_FALSE(outcome.error().text.empty());
      if (!trial.code.empty()) {
        // What came of a flush is not looked at: that nothing more goes tells of it.
        const bool unseen =
            plan.command == TPM2_CC_FlushContext && trial.fault.kind == Kind::cut_answer;
        EXPECT_EQ(outcome.error().code, unseen ? away_code : trial.code) << outcome.error().text;
      }
    }
    // What was loaded is flushed on the same connection, unless that is what was refused.
    if (trial.fault.kind == Kind::refused && !trial.fault.lasts &&
        plan.command != TPM2_CC_FlushContext) {
      EXPECT_EQ(test::left_in(site_.tpm), 0U);
    }
    const Result<> after = GetParam().afterwards(site_, outcome);
    EXPECT_TRUE(after) << after.error().text << " after "
                       << (outcome ? "a success" : outcome.error().text);
    EXPECT_EQ(test::left_in(site_.tpm), 0U);
    return true;
  }

  Site site_;
};

TEST_P(FaultyTpm, IsGotOverOrToldAtEachCommand) {
  const bool all = std::getenv("GIMS_TPM_FAULTS") != nullptr;  // NOLINT(concurrency-mt-unsafe)
  const std::size_t each = all ? trials().size() : 1;
  const int stride = all ? 1 : GetParam().stride;
  const auto ready = make_ready();
  ASSERT_TRUE(ready) << ready.error().text;
  std::size_t next = 0;
  int at = 1;
  for (bool reached = true; reached; at += stride) {
    for (std::size_t i = 0; i < each; ++i) {
      // Not the same ones at the same commands of every operation.
      const Trial& trial =
          trials()[(next++ + std::string_view(GetParam().name).size()) % trials().size()];
      SCOPED_TRACE(trial.fault.name + " at command " + std::to_string(at));
      if (GetParam().changes) {
        const auto again = make_ready();
        ASSERT_TRUE(again) << again.error().text;
      }
      reached = meets(trial, at);
      if (HasFailure()) return;
      if (!reached) break;
    }
  }
  EXPECT_GT(at, 3) << "no command was met";
}

// Among its commands are those that flush, whose failure is not looked at: what comes after them on
// that connection is no refusal of the TPM's.
TEST(LostCommands, OfAnOpeningAreNoRefusals) {
  Site site;
  ASSERT_TRUE(site.free_tpm());
  ASSERT_TRUE(site.seal());
  ASSERT_TRUE(site.settle());
  int flushed = 0;
  for (int at = 1;; ++at) {
    test::FaultPlan plan{.fault = {.name = "lost command"}, .at = at};
    const auto opened = site.vault(&plan)->open(site.sealed.blob);
    if (!plan.hit) break;
    if (plan.command == TPM2_CC_FlushContext) ++flushed;
    if (!opened) {
      EXPECT_EQ(opened.error().code, away_code) << at << opened.error().text;
    }
  }
  EXPECT_GT(flushed, 0);
}

INSTANTIATE_TEST_SUITE_P(Vault, FaultyTpm, ::testing::ValuesIn(operations),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace gims::hsm::tpm2
