// What the vault does when the token is pulled out, the session is lost, the PIN is refused, or the
// power fails.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <optional>

#include "hsm/pkcs11/errors.hpp"
#include "hsm/pkcs11/objects.hpp"
#include "support/token_fixture.hpp"

namespace gims::hsm::pkcs11 {
namespace {

using test::expect_works;
using test::no_secret;
using test::random_key;
using test::SoftHsm;

// A site in the token, before something happens to it.
struct Site {
  SecretBytes root = random_key();
  Vault::Sealed sealed;
  // Of a sealing that is not settled yet.
  SecretBytes new_root = random_key();
  Vault::Sealed anew;
};

// Objects of a site: the wrapping key, both halves of three pairs, the counter.
constexpr std::size_t whole = 8;

class TokenLossTest : public test::TokenFixture {
 protected:
  using Use = std::function<Result<>(Vault& vault, const Site& site)>;
  // What must hold when the token is back, whatever became of the use; `error` is what it said.
  using Check = std::function<void(const Site& site, const std::optional<Error>& error)>;

  Site prepared() {
    Site site;
    auto sealed = vault().provision(site.root, no_secret, true);
    EXPECT_TRUE(sealed) << sealed.error().text;
    site.sealed = std::move(*sealed);
    if (!seal_anew_) return site;
    auto anew = vault().reseal(site.sealed.blob, site.new_root);
    EXPECT_TRUE(anew) << anew.error().text;
    site.anew = std::move(*anew);
    return site;
  }

  // At the first call of the module, at the second, and so on, until the use needs no more.
  void pull_at_every_call(const Use& use, const Check& look) {
    const test::Fault fault(hsm_);
    TokenOptions options = SoftHsm::options();
    options.wrapping = wrapping_;
    start_faulty(std::move(options));
    for (int at = 1;; ++at) {
      SCOPED_TRACE("pulled at call " + std::to_string(at));
      ASSERT_LT(at, 1000);
      const Site site = prepared();
      const int before = fault.calls("gone");
      fault.set("gone " + std::to_string(at));
      const Result<> used = use(vault(), site);
      const bool pulled = fault.calls("gone") > before;
      fault.clear();
      if (!used) {
        EXPECT_TRUE(pulled) << used.error().text;
        EXPECT_EQ(used.error().code, away_code) << used.error().text;
      }
      look(site, used ? std::nullopt : std::optional(used.error()));
      if (HasFailure() || !pulled) return;
    }
  }

  // The process is killed before each call that changes the token.
  void die_at_every_change(const Use& use, const Check& look) {
    const test::Fault fault(hsm_);
    for (int at = 1;; ++at) {
      SCOPED_TRACE("killed before change " + std::to_string(at));
      ASSERT_LT(at, 100);
      start();
      const Site site = prepared();
      stop();
      fault.set("die " + std::to_string(at));
      // A child has no SecretBytes of its parent's.
      const BytesView secret = site.new_root.bytes();
      const Bytes new_root(secret.begin(), secret.end());
      const pid_t child = ::fork();
      if (child == 0) {
        start_faulty();
        Site own;
        own.new_root = std::move(*SecretBytes::copy_of(new_root));
        own.sealed = site.sealed;
        own.anew = site.anew;
        const bool used = use(vault(), own).has_value();
        stop();
        ::_exit(used ? 0 : 1);
      }
      const int ended = test::wait_for_end(child);
      fault.clear();
      start();
      look(site, std::nullopt);
      if (ended == 0 || HasFailure()) return;
      ASSERT_EQ(ended, 128 + SIGKILL);
    }
  }

  // How many objects of a site there are; the vault is started anew for it.
  std::size_t objects() {
    stop();
    auto module = Module::load(SoftHsm::module);
    EXPECT_TRUE(module);
    std::size_t found = 0;
    {
      Session session(**module, {.label = "gims", .serial = {}}, SoftHsm::pin_of(SoftHsm::pin));
      EXPECT_TRUE(session.ready());
      const auto ours = find_ours(session);
      EXPECT_TRUE(ours);
      found = ours ? ours->size() : 0;
    }
    module->reset();
    start_faulty();
    return found;
  }

  // The checks, each for both ways to lose the token.
  Check stays_whole() {
    return [this](const Site& site, const std::optional<Error>&) {
      expect_works(vault(), site.sealed, site.root);
      EXPECT_EQ(objects(), whole);
    };
  }

  Check can_be_provisioned() {
    return [this](const Site& site, const std::optional<Error>& error) {
      const bool earlier = vault().open(site.sealed.blob).has_value();
      auto again = vault().provision(site.root, no_secret, false);
      if (!again && !earlier && error) {
        EXPECT_NE(error->text.find("may be in the token still"), std::string::npos) << error->text;
      }
      if (!again) again = vault().provision(site.root, no_secret, true);
      ASSERT_TRUE(again) << again.error().text;
      expect_works(vault(), *again, site.root);
      EXPECT_EQ(objects(), whole);
    };
  }

  Check can_renew() {
    return [this](const Site& site, const std::optional<Error>&) {
      expect_works(vault(), site.sealed, site.root);
      const auto renewed = vault().renew_ca(site.sealed.blob);
      ASSERT_TRUE(renewed) << renewed.error().text;
      expect_works(vault(), *renewed, site.root);
      expect_works(vault(), site.sealed, site.root);
      // A pair that nothing names may stay until the next sealing, and none on top of it.
      EXPECT_LE(objects(), whole + 4);
    };
  }

  Check can_seal_anew() {
    return [this](const Site& site, const std::optional<Error>&) {
      expect_works(vault(), site.sealed, site.root);
      const auto anew = vault().reseal(site.sealed.blob, site.new_root);
      ASSERT_TRUE(anew) << anew.error().text;
      const auto settled = vault().settle(anew->blob, no_secret);
      ASSERT_TRUE(settled) << settled.error().text;
      expect_works(vault(), *anew, site.new_root);
      EXPECT_FALSE(vault().open(site.sealed.blob));
      EXPECT_EQ(objects(), whole);
    };
  }

  Check can_count() {
    return [this](const Site& site, const std::optional<Error>&) {
      const auto value = vault().counter(site.sealed.blob, no_secret);
      ASSERT_TRUE(value) << value.error().text;
      EXPECT_LE(*value, 1U);
      const auto next = vault().advance(site.sealed.blob, no_secret);
      ASSERT_TRUE(next) << next.error().text;
      EXPECT_EQ(*next, *value + 1);
      EXPECT_EQ(objects(), whole) << "no counter of before";
    };
  }

  Check can_be_destroyed() {
    return [this](const Site& site, const std::optional<Error>&) {
      EXPECT_TRUE(vault().destroy(site.sealed.blob, nullptr));
      EXPECT_FALSE(vault().open(site.sealed.blob));
      EXPECT_EQ(objects(), 0U);
    };
  }

  Check can_be_settled() {
    return [this](const Site& site, const std::optional<Error>&) {
      expect_works(vault(), site.anew, site.new_root);
      const auto settled = vault().settle(site.anew.blob, no_secret);
      ASSERT_TRUE(settled) << settled.error().text;
      expect_works(vault(), site.anew, site.new_root);
      EXPECT_FALSE(vault().open(site.sealed.blob));
      EXPECT_EQ(objects(), whole);
    };
  }

  std::optional<Wrapping> wrapping_;
  bool seal_anew_ = false;  // whether there is a second sealing before the use
};

Result<> provision_anew(Vault& vault, const Site& site) {
  GIMS_TRY(vault.provision(site.new_root, no_secret, true));
  return {};
}
Result<> renew(Vault& vault, const Site& site) {
  GIMS_TRY(vault.renew_ca(site.sealed.blob));
  return {};
}
Result<> seal_anew(Vault& vault, const Site& site) {
  GIMS_TRY(vault.reseal(site.sealed.blob, site.new_root));
  return {};
}
Result<> settle(Vault& vault, const Site& site) { return vault.settle(site.anew.blob, no_secret); }
Result<> advance(Vault& vault, const Site& site) {
  GIMS_TRY(vault.advance(site.sealed.blob, no_secret));
  return {};
}
Result<> destroy(Vault& vault, const Site& site) {
  GIMS_TRY(vault.destroy(site.sealed.blob, nullptr));
  return {};
}

Result<> open_and_sign(Vault& vault, const Site& site) {
  GIMS_TRY(vault.open(site.sealed.blob));
  GIMS_TRY(vault.sign(site.sealed.blob, KeyUse::issuing_ca, Digest{}));
  const Bytes event{'{', '}'};
  const std::vector<BytesView> events{event};
  GIMS_TRY(vault.sign_events(site.sealed.blob, events));
  GIMS_TRY(vault.counter(site.sealed.blob, no_secret));
  return vault.probe();
}

TEST_F(TokenLossTest, PulledWhileItIsUsed) { pull_at_every_call(open_and_sign, stays_whole()); }
TEST_F(TokenLossTest, PulledWhileItIsUsedByKeyWrap) {
  wrapping_ = Wrapping::key_wrap_pad;
  pull_at_every_call(open_and_sign, stays_whole());
}
TEST_F(TokenLossTest, PulledWhileItIsProvisioned) {
  pull_at_every_call(provision_anew, can_be_provisioned());
}
TEST_F(TokenLossTest, KilledWhileItIsProvisioned) {
  die_at_every_change(provision_anew, can_be_provisioned());
}
TEST_F(TokenLossTest, PulledWhileTheCaIsRenewed) { pull_at_every_call(renew, can_renew()); }
TEST_F(TokenLossTest, KilledWhileTheCaIsRenewed) { die_at_every_change(renew, can_renew()); }
TEST_F(TokenLossTest, PulledWhileItIsSealedAnew) { pull_at_every_call(seal_anew, can_seal_anew()); }
TEST_F(TokenLossTest, KilledWhileItIsSealedAnew) {
  die_at_every_change(seal_anew, can_seal_anew());
}
TEST_F(TokenLossTest, PulledWhileItIsSettled) {
  seal_anew_ = true;
  pull_at_every_call(settle, can_be_settled());
}
TEST_F(TokenLossTest, KilledWhileItIsSettled) {
  seal_anew_ = true;
  die_at_every_change(settle, can_be_settled());
}
TEST_F(TokenLossTest, PulledWhileItCounts) { pull_at_every_call(advance, can_count()); }
TEST_F(TokenLossTest, KilledWhileItCounts) { die_at_every_change(advance, can_count()); }
TEST_F(TokenLossTest, PulledWhileItIsDestroyed) { pull_at_every_call(destroy, can_be_destroyed()); }
TEST_F(TokenLossTest, KilledWhileItIsDestroyed) {
  die_at_every_change(destroy, can_be_destroyed());
}

TEST_F(TokenLossTest, ATokenThatIsPulledIsAwayAndWorksWhenItIsBack) {
  start();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  for (int round = 0; round < 3; ++round) {
    hsm_.pull();
    EXPECT_FALSE(vault().probe());
    const auto opened = vault().open(sealed.blob);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable) << opened.error().text;
    EXPECT_FALSE(vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{}));
    const auto destroyed = vault().destroy(sealed.blob, nullptr);
    ASSERT_FALSE(destroyed);
    EXPECT_EQ(destroyed.error().code, away_code);
    hsm_.plug();
    EXPECT_TRUE(vault().probe());
    expect_works(vault(), sealed, root);
  }
}

TEST_F(TokenLossTest, ASessionThatWasLostIsOpenedAnewWithinTheCall) {
  const test::Fault fault(hsm_);
  start_faulty();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  for (const CK_RV lost :
       {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_ERROR}) {
    const int logins = fault.calls("C_Login");
    fault.set("C_Sign " + std::to_string(lost) + " once");
    const auto signature = vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{});
    EXPECT_TRUE(signature) << name_of(lost) << " " << signature.error().text;
    EXPECT_EQ(fault.calls("C_Login"), logins + 1) << name_of(lost);
    // For as long as it stays so: an error, and no end of attempts.
    fault.set("C_Sign " + std::to_string(lost));
    const auto failed = vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{});
    ASSERT_FALSE(failed) << name_of(lost);
    EXPECT_EQ(failed.error().kind, ErrorKind::unavailable);
    EXPECT_NE(failed.error().text.find(name_of(lost)), std::string::npos);
    fault.clear();
    expect_works(vault(), sealed, root);
  }
}

TEST_F(TokenLossTest, AWrongPinIsTriedOnce) {
  const test::Fault fault(hsm_);
  start_faulty(SoftHsm::options("111111"));
  for (int i = 0; i < 5; ++i) {
    const auto refused = vault().probe();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
    EXPECT_NE(refused.error().text.find("CKR_PIN_INCORRECT"), std::string::npos);
    EXPECT_NE(refused.error().text.find("pin_file"), std::string::npos);
    EXPECT_FALSE(vault().provision(random_key(), no_secret, true));
  }
  EXPECT_EQ(fault.calls("C_Login"), 1);
  // Until it is started with the right one.
  start_faulty();
  provisioned(random_key());
}

TEST_F(TokenLossTest, ThePinIsNotTriedWhenOneTryIsLeft) {
  const test::Fault fault(hsm_);
  for (const auto& [flag, told] : {std::pair{CKF_USER_PIN_FINAL_TRY, "one more PIN"},
                                   std::pair{CKF_USER_PIN_LOCKED, "is locked"}}) {
    start_faulty();
    fault.set("C_GetTokenInfo " + std::to_string(flag));
    const auto refused = vault().probe();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find(told), std::string::npos) << refused.error().text;
    fault.clear();
    EXPECT_FALSE(vault().probe());
  }
  EXPECT_EQ(fault.calls("C_Login"), 0);
}

}  // namespace
}  // namespace gims::hsm::pkcs11
