// The services of the console on a store, with a gims-keyd that a test holds.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "service/console/administrators.hpp"
#include "service/console/sign_in.hpp"
#include "store/statements/audit.hpp"
#include "support/listed_administrators.hpp"
#include "support/store_under_test.hpp"
#include "support/web_authenticator.hpp"

namespace gims::test {

inline service::Policy console_policy() {
  service::Policy policy = service::test_site_policy();
  policy.server_name = "gims.internal";
  policy.shortest_password = 12;
  return policy;
}

// Three people whom gims-keyd knows: Asha (administrator) and Bimal (security officer) by keys in
// files, and Chitra (auditor) by a security key of this site.
class ConsoleFixture : public testing::Test {
 protected:
  using Role = hsm::approval::Role;
  static constexpr std::string_view passphrase = "correct horse battery";

  ConsoleFixture() {
    approvals.add(asha().about());
    approvals.add(bimal().about());
    auto chitra = chitras_key.about();
    chitra.roles = {Role::auditor};
    approvals.add(chitra);
    keyd.start();
  }
  ~ConsoleFixture() override {
    passwords.stop();
    keyd.stop();
    store->stop();
  }

  // Runs what answers through a callback, and waits.
  template <class T, class Begin>
  Result<T> wait(Begin begin) {
    std::promise<Result<T>> promise;
    auto future = promise.get_future();
    begin([&promise](Result<T> outcome) { promise.set_value(std::move(outcome)); });
    return future.get();
  }
  void pass(std::chrono::milliseconds time) { clock.advance(time.count()); }
  // gims-keyd's list is read anew.
  void settle_keyd() {
    std::promise<void> done;
    keyd.ask([](auto) {});  // the list is read after it
    keyd.ask([&](auto) { done.set_value(); });
    done.get_future().wait();
  }

  Result<service::console::Invitation> invite(std::string name) {
    return wait<service::console::Invitation>([&](auto done) {
      administrators.invite(std::move(name), {.name = "gimsctl uid 0", .origin = "admin socket"},
                            std::move(done));
    });
  }
  Result<service::console::SecondStep> accept(std::string name, std::string code,
                                              std::string_view secret = passphrase) {
    return wait<service::console::SecondStep>([&](auto done) {
      sign_in.accept(std::move(name), std::move(code), Redacted(std::string(secret)), desk,
                     std::move(done));
    });
  }
  Result<service::console::SecondStep> start(std::string name,
                                             std::string_view secret = passphrase) {
    return wait<service::console::SecondStep>([&](auto done) {
      sign_in.start(std::move(name), Redacted(std::string(secret)), desk, std::move(done));
    });
  }
  Result<service::console::ConsoleSignedIn> finish(const service::console::SecondStep& step,
                                                   service::console::Factor factor) {
    return wait<service::console::ConsoleSignedIn>([&](auto done) {
      sign_in.finish(std::string(step.token.reveal()), std::move(factor), desk, std::move(done));
    });
  }
  Result<service::console::ConsoleSignedIn> enrol(const service::console::SecondStep& step,
                                                  service::console::NewFactor factor) {
    return wait<service::console::ConsoleSignedIn>([&](auto done) {
      sign_in.enrol(std::string(step.token.reveal()), std::move(factor), desk, std::move(done));
    });
  }
  static service::console::KeyYes yes(WebAuthenticator& by,
                                      const hsm::approval::Challenge& challenge) {
    const auto& id = by.about().credential_id;
    return {.credential_id = std::string(id.begin(), id.end()), .assertion = by.get(challenge)};
  }
  static service::console::Code code(std::string digits) {
    return {.digits = Redacted(std::move(digits))};
  }
  // The person was invited, chose the passphrase, and registered the key.
  Result<service::console::ConsoleSignedIn> enrolled(std::string name, WebAuthenticator& with) {
    GIMS_TRY_ASSIGN(const auto invitation, invite(name));
    GIMS_TRY_ASSIGN(const auto step, accept(name, std::string(invitation.code.reveal())));
    GIMS_TRY_ASSIGN(
        const auto options,
        sign_in.begin_enrolment(step.token.reveal(), service::console::FactorKind::webauthn, desk));
    return enrol(step, service::console::NewKey{.label = "blue key",
                                                .registration = with.create(*options.challenge)});
  }
  Result<service::console::ConsoleSignedIn> signed_in(std::string name, WebAuthenticator& with) {
    GIMS_TRY_ASSIGN(const auto step, start(std::move(name)));
    return finish(step, yes(with, step.challenge));
  }

  struct Entry {
    std::string actor;
    std::string origin;
    std::string act;
    std::string target;
    std::string detail;
  };
  std::vector<Entry> entries() {
    std::vector<Entry> all;
    auto reader = store->read();
    GIMS_CHECK(reader);
    GIMS_CHECK(sql::for_each(reader->sql(),
                             store::statements::AuditEntries{.after = 0, .most = 1000},
                             [&](const auto& row) {
                               all.push_back({.actor = std::string(row.actor),
                                              .origin = std::string(row.origin),
                                              .act = std::string(row.act),
                                              .target = std::string(row.target),
                                              .detail = std::string(row.detail)});
                             }));
    return all;
  }
  std::size_t count(std::string_view act) {
    const auto all = entries();
    return static_cast<std::size_t>(std::ranges::count(all, act, &Entry::act));
  }

  const service::console::Where desk = service::console::where("10.1.0.7", "Browser/1");
  const service::Policy policy = console_policy();
  WebAuthenticator chitras_key{hsm::approval::KeyKind::webauthn_eddsa, "Chitra"};
  WebAuthenticator key;
  ListedAdministrators approvals;
  StoreUnderTest store;
  ManualClock& clock = store.clock();
  service::Passwords passwords{
      {.pepper = std::move(*SecretBytes::random(32)), .data = std::move(*SecretBytes::random(32))},
      policy.password_cost,
      1,
      16};
  service::console::Keyd keyd{&approvals, std::chrono::hours(1)};
  service::console::Sessions sessions{std::move(*SecretBytes::random(32)), clock};
  service::console::Steps steps{std::move(*SecretBytes::random(32)), clock};
  const service::console::Means means{std::move(*SecretBytes::random(32)), "gims.internal"};
  service::console::SignIn sign_in{*store, passwords, keyd, sessions, steps, means, policy, clock};
  service::console::Administrators administrators{*store, passwords, keyd,  sessions,
                                                  steps,  means,     policy};
};

}  // namespace gims::test
