#include "service/officers/site_devices.hpp"

#include <string>
#include <vector>

#include "support/accounts_fixture.hpp"
#include "support/key_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

class SiteDevicesTest : public test::AccountsFixture {
 protected:
  Result<> set_locked(std::string_view name, std::string_view device, bool locked) {
    return wait<void>([&](auto done) {
      site.set_locked(id(name), std::string(device), locked, "", actor, std::move(done));
    });
  }
  Result<> end(std::string_view name, std::string_view device, bool lost) {
    return wait<void>([&](auto done) {
      site.end(id(name), std::string(device), lost, "", actor, std::move(done));
    });
  }
  // "user/device state" of each.
  std::vector<std::string> listed(DeviceQuery query = {}) {
    const auto page = site.page(query);
    EXPECT_TRUE(page) << (page ? "" : page.error().text);
    std::vector<std::string> all;
    if (!page) return all;
    for (const SiteDevice& device : page->devices) {
      const std::string name = device.user_id.substr(1, device.user_id.find(':') - 1);
      all.push_back(name + "/" + device.device.device_id + " " +
                    std::string(name_of(device.state)));
    }
    return all;
  }
  void seen(std::string_view name, std::string_view device, Millis ts) {
    script("UPDATE devices SET last_seen_ts = " + std::to_string(ts) + " WHERE user_id = '" +
           id(name) + "' AND device_id = '" + std::string(device) + "'");
  }
  // As if its owner had verified it.
  void approve(std::string_view name, std::string_view device) {
    script(
        "INSERT INTO cross_signing_keys (user_id, usage, public_key, content) VALUES ('" +
        id(name) +
        "', 'self_signing', 'KEY', '{}') ON CONFLICT DO NOTHING;"
        "INSERT INTO key_signatures (target_user, target_key, signer_user, signer_key, signature)"
        " VALUES ('" +
        id(name) + "', '" + std::string(device) + "', '" + id(name) + "', 'ed25519:KEY', 'S')");
  }

  const Actor actor{.name = "uid 0", .origin = "gimsctl"};
  SiteDevices site{*store, removal};
};

TEST_F(SiteDevicesTest, ThoseSeenLastComeFirstAndEachOnce) {
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(add_user(name));
    for (const char* device : {"PHONE", "TABLET", "LAPTOP"}) add_device(name, device);
  }
  seen("a", "PHONE", 300);
  seen("b", "PHONE", 400);
  seen("a", "LAPTOP", 300);
  ASSERT_TRUE(end("a", "TABLET", false));
  EXPECT_EQ(listed(),
            (std::vector<std::string>{"b/PHONE pending", "a/PHONE pending", "a/LAPTOP pending",
                                      "b/TABLET pending", "b/LAPTOP pending", "a/TABLET revoked"}));
  std::vector<std::string> walked;
  DeviceQuery query{.count = 2};
  for (;;) {
    for (std::string& one : listed(query)) walked.push_back(std::move(one));
    query.after = site.page(query)->next;
    if (query.after.empty()) break;
  }
  EXPECT_EQ(walked, listed());
}

TEST_F(SiteDevicesTest, AreFilteredByStateOwnerAndUnit) {
  ASSERT_TRUE(add_user("a"));
  ASSERT_TRUE(add_user("b"));
  add_device("a", "PHONE");
  add_device("a", "TABLET");
  add_device("b", "PHONE");
  approve("a", "PHONE");
  script("UPDATE users SET ministry_id = 7 WHERE user_id = '" + id("b") +
         "'; INSERT INTO officer_terms (term, user_id) VALUES ('asha rao', '" + id("a") + "')");
  EXPECT_EQ(listed({.after = {}, .text = {}, .state = DeviceState::approved}),
            std::vector<std::string>{"a/PHONE approved"});
  EXPECT_EQ(listed({.after = {}, .text = {}, .state = DeviceState::pending}).size(), 2U);
  EXPECT_EQ(listed({.after = {}, .text = "ASHA"}).size(), 2U);
  EXPECT_EQ(listed({.after = {}, .text = {}, .state = {}, .unit_id = 7}),
            std::vector<std::string>{"b/PHONE pending"});
  const auto own = site.of_user(id("a"));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->at(0).state, DeviceState::approved);
  EXPECT_EQ(own->at(1).state, DeviceState::pending);
  for (const char* after : {"x", "1", "1 a", "9999999999999999999999 a b"}) {
    EXPECT_EQ(code_of(site.page({.after = after})), "M_INVALID_PARAM") << after;
  }
}

TEST_F(SiteDevicesTest, ALockedDeviceIsRefusedAndNobodyIsToldOfIt) {
  ASSERT_TRUE(add_user("a"));
  const auto phone = login("a", password, "PHONE", true);
  const auto tablet = login("a", password, "TABLET");
  ASSERT_TRUE(phone && tablet);
  settle();
  listener.clear();
  ASSERT_TRUE(set_locked("a", "PHONE", true));
  const auto refused =
      sessions.authenticate(phone->access_token.reveal(), {}, Admit::choosing_password);
  EXPECT_EQ(code_of(refused), "M_USER_LOCKED");
  EXPECT_EQ(refused.error().extra_json, "\"soft_logout\":true");
  EXPECT_TRUE(sessions.authenticate(phone->access_token.reveal(), {}, Admit::all_but_closed))
      << "it may sign out";
  EXPECT_TRUE(sessions.authenticate(tablet->access_token.reveal(), {}, Admit::ready));
  EXPECT_EQ(code_of(login("a", password, "PHONE")), "M_USER_LOCKED");
  const auto refreshed = wait<SignedIn>([&](auto done) {
    sessions.refresh(Redacted(std::string(phone->refresh_token->reveal())), std::move(done));
  });
  EXPECT_EQ(code_of(refreshed), "M_USER_LOCKED");
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U) << "the others are told";
  EXPECT_EQ(listener.all<store::DeviceTokensEnded>().size(), 1U) << "a held poll ends";
  EXPECT_EQ(code_of(set_locked("a", "PHONE", true)), "GIMS_STATE");
  ASSERT_TRUE(set_locked("a", "PHONE", false));
  EXPECT_TRUE(sessions.authenticate(phone->access_token.reveal(), {}, Admit::ready));
  EXPECT_EQ(code_of(set_locked("a", "PHONE", false)), "GIMS_STATE");
  EXPECT_EQ(code_of(set_locked("a", "NONE", true)), "M_NOT_FOUND");
}

TEST_F(SiteDevicesTest, ALockedDevicesKeysAreWithheld) {
  ASSERT_TRUE(add_user("a"));
  ASSERT_TRUE(add_user("b"));
  add_device("a", "PHONE");
  approve("a", "PHONE");
  script("INSERT INTO device_keys (user_id, device_id, content) VALUES ('" + id("a") +
         "', 'PHONE', '{\"keys\":{}}')");
  const auto shown_to = [&](std::string_view viewer) {
    const auto answer = device_keys.query(id(viewer), {{id("a"), {}}});
    EXPECT_TRUE(answer);
    return answer && answer->contains("PHONE");
  };
  EXPECT_TRUE(shown_to("b"));
  ASSERT_TRUE(set_locked("a", "PHONE", true));
  EXPECT_FALSE(shown_to("b"));
  ASSERT_TRUE(set_locked("a", "PHONE", false));
  EXPECT_TRUE(shown_to("b"));
}

TEST_F(SiteDevicesTest, AWipedDeviceIsGoneAndIsToldSoWhenItComes) {
  ASSERT_TRUE(add_user("a"));
  const auto phone = login("a", password, "PHONE", true);
  ASSERT_TRUE(phone);
  script(
      "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, content, stream_id)"
      " VALUES ('" +
      id("a") + "', 'PHONE', 'signed_curve25519', 'A', '{}', 1)");
  settle();
  listener.clear();
  ASSERT_TRUE(end("a", "PHONE", true));
  EXPECT_EQ(listener.all<store::DeviceRemoved>().size(), 1U);
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
  EXPECT_EQ(listed(), std::vector<std::string>{"a/PHONE wiping"});
  EXPECT_EQ(code_of(end("a", "PHONE", true)), "M_NOT_FOUND");
  const auto told = sessions.authenticate(phone->access_token.reveal(),
                                          {.address = "10.0.0.9", .agent = ""}, Admit::ready);
  EXPECT_EQ(code_of(told), "M_UNKNOWN_TOKEN");
  EXPECT_EQ(told.error().extra_json, "") << "no soft logout: the client forgets everything";
  settle();
  EXPECT_EQ(listed(), std::vector<std::string>{"a/PHONE wiped"});
  EXPECT_EQ(code_of(sessions.authenticate(phone->access_token.reveal(), {}, Admit::ready)),
            "M_UNKNOWN_TOKEN");
  // Its owner found it and signs in anew.
  ASSERT_TRUE(login("a", password, "PHONE"));
  EXPECT_EQ(listed().size(), 2U);
}

TEST_F(SiteDevicesTest, AWipedDeviceIsToldSoWhenItRefreshes) {
  ASSERT_TRUE(add_user("a"));
  const auto phone = login("a", password, "PHONE", true);
  ASSERT_TRUE(phone);
  ASSERT_TRUE(end("a", "PHONE", true));
  EXPECT_EQ(code_of(wait<SignedIn>([&](auto done) {
              sessions.refresh(Redacted(std::string(phone->refresh_token->reveal())),
                               std::move(done));
            })),
            "M_UNKNOWN_TOKEN");
  settle();
  EXPECT_EQ(listed(), std::vector<std::string>{"a/PHONE wiped"});
}

TEST_F(SiteDevicesTest, WhatWasEndedLongAgoIsForgotten) {
  ASSERT_TRUE(add_user("a"));
  add_device("a", "PHONE");
  ASSERT_TRUE(end("a", "PHONE", true));
  ASSERT_TRUE(store.write(&SiteDevices::forget_some));
  EXPECT_EQ(listed().size(), 1U);
  store.clock().advance(SiteDevices::remembered + 1);
  ASSERT_TRUE(store.write(&SiteDevices::forget_some));
  EXPECT_TRUE(listed().empty());
}

}  // namespace
}  // namespace gims::service
