#include "service/push/pushers.hpp"

#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

constexpr std::string_view own_gateway = "https://push.gims.internal/_matrix/push/v1/notify";

Policy policy_with_push() {
  Policy policy = test::quick_closed_policy();
  policy.push_url = own_gateway;
  return policy;
}

class PushersTest : public test::AccountsFixture {
 protected:
  PushersTest() : AccountsFixture(policy_with_push()) {
    for (const char* name : {officer, secretary}) {
      EXPECT_TRUE(add_user(name));
      add_device(name, "PHONE");
    }
  }
  Result<> set(std::string_view name, std::string_view text, std::string_view device = "PHONE") {
    const auto document = json::Document::parse(text);
    return wait<void>([&](auto done) {
      pushers.set(id(name), std::string(device), document->root(), std::move(done));
    });
  }
  // One that is as it should be, with this key.
  static std::string http(std::string_view key, std::string_view members = "",
                          std::string_view gateway = own_gateway) {
    return R"({"kind":"http","app_id":"in.gims","pushkey":")" + std::string(key) +
           R"(","app_display_name":"GIMS","device_display_name":"Phone","lang":"hi","data":{)"
           R"("url":")" +
           std::string(gateway) + R"(","format":"event_id_only"})" + std::string(members) + "}";
  }
  std::string list(std::string_view name) { return *pushers.list(id(name)); }
  std::size_t count(std::string_view name) {
    return test::parsed(pushers.list(id(name))).root().get("pushers").size();
  }

  static constexpr const char* officer = "desk.officer";
  static constexpr const char* secretary = "joint.secretary";
  Pushers pushers{*store, policy};
};

TEST_F(PushersTest, AreKeptListedAndTakenAway) {
  EXPECT_EQ(list(officer), R"({"pushers":[]})");
  ASSERT_TRUE(set(officer, http("key")));
  const auto one = json::Document::parse(list(officer));
  EXPECT_EQ(one->root().get("pushers").at(0).get("lang").as_string(), "hi");
  EXPECT_EQ(one->root().get("pushers").at(0).get("data").get("format").as_string(),
            "event_id_only");
  // The same device in another's hands takes it away, unless it is appended.
  ASSERT_TRUE(set(secretary, http("key", R"(,"append":true)")));
  EXPECT_EQ(count(officer), 1U);
  ASSERT_TRUE(set(secretary, http("key")));
  EXPECT_EQ(list(officer), R"({"pushers":[]})");
  ASSERT_TRUE(set(secretary, R"({"kind":null,"app_id":"in.gims","pushkey":"key"})"));
  EXPECT_EQ(list(secretary), R"({"pushers":[]})");
}

TEST_F(PushersTest, AreCheckedBeforeTheyAreKept) {
  EXPECT_EQ(code_of(set(officer, R"({"app_id":"a","pushkey":"k"})")), "M_MISSING_PARAM");
  EXPECT_EQ(code_of(set(officer, R"({"kind":"http","app_id":"a","pushkey":"k"})")),
            "M_MISSING_PARAM");
  EXPECT_EQ(code_of(set(officer, R"({"kind":"email","app_id":"a","pushkey":"k"})")),
            "M_INVALID_PARAM");
  EXPECT_EQ(code_of(set(officer, http(std::string(513, 'k')))), "M_INVALID_PARAM");
}

// The site reaches no other gateway, and none should learn who is written to.
TEST_F(PushersTest, AreOfTheSitesOwnGatewayAlone) {
  for (const char* other :
       {"https://push.example/_matrix/push/v1/notify",
        "http://push.gims.internal/_matrix/push/v1/notify",
        "https://push.gims.internal/_matrix/push/v1/notify?a", "https://push.gims.internal/", ""}) {
    const auto refused = set(officer, http("key", "", other));
    EXPECT_EQ(code_of(refused), "M_INVALID_PARAM") << other;
    EXPECT_TRUE(refused.error().text.contains(own_gateway)) << refused.error().text;
  }
  EXPECT_EQ(count(officer), 0U);
  policy.push_url.clear();
  const auto refused = set(officer, http("key"));
  EXPECT_EQ(code_of(refused), "M_INVALID_PARAM");
  EXPECT_TRUE(refused.error().text.contains("no push service")) << refused.error().text;
  // On a test site any will do that is one.
  policy.any_push_url = true;
  EXPECT_TRUE(set(officer, http("key", "", "https://push.example/_matrix/push/v1/notify")));
  EXPECT_EQ(code_of(set(officer, http("key", "", "https://push.example/"))), "M_INVALID_PARAM");
}

TEST_F(PushersTest, HaveLittleData) {
  const std::string most(1024 - std::string(R"({"url":"","format":"","x":""})").size() -
                             own_gateway.size() - std::string("event_id_only").size(),
                         'x');
  const auto with = [&](std::string_view text) {
    std::string body = http("key");
    body.insert(body.find(R"(,"format")"), R"(,"x":")" + std::string(text) + "\"");
    return set(officer, body);
  };
  EXPECT_TRUE(with(most));
  EXPECT_EQ(code_of(with(most + "x")), "M_TOO_LARGE");
}

TEST_F(PushersTest, WhoListensHearsOfEachThatChanged) {
  ASSERT_TRUE(set(officer, http("key")));
  ASSERT_TRUE(set(secretary, http("key")));
  ASSERT_TRUE(remove_device(secretary, "PHONE"));
  std::vector<std::string> heard;
  for (const auto& change : listener.all<store::PushersChanged>()) heard.push_back(change.user_id);
  EXPECT_EQ(heard, (std::vector{id(officer), id(secretary), id(officer), id(secretary)}));
}

TEST_F(PushersTest, OfAnAccountHaveAnEndAndMayBeChangedThere) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(set(officer, http("key" + std::to_string(i))));
  EXPECT_EQ(code_of(set(officer, http("another"))), "M_TOO_LARGE");
  ASSERT_TRUE(set(officer, http("key7", R"(,"profile_tag":"night")")));
  EXPECT_EQ(count(officer), 100U);
  EXPECT_TRUE(list(officer).contains(R"("profile_tag":"night")"));
}

TEST_F(PushersTest, EndWithTheirDevice) {
  add_device(officer, "LAPTOP");
  ASSERT_TRUE(set(officer, http("phone")));
  ASSERT_TRUE(set(officer, http("laptop"), "LAPTOP"));
  ASSERT_TRUE(set(secretary, http("other")));
  ASSERT_TRUE(remove_device(officer, "LAPTOP"));
  EXPECT_EQ(count(officer), 1U);
  EXPECT_TRUE(list(officer).contains(R"("pushkey":"phone")"));
  EXPECT_EQ(count(secretary), 1U) << "another's device of the same name";
}

TEST_F(PushersTest, EndWithTheSession) {
  ASSERT_TRUE(set(officer, http("phone")));
  ASSERT_TRUE(wait<void>([&](auto done) {
    sessions.logout({.user_id = id(officer), .device_id = "PHONE"}, std::move(done));
  }));
  EXPECT_EQ(count(officer), 0U);
}

// A change of the password ends the other devices (POST /account/password, logout_devices).
TEST_F(PushersTest, EndWithTheOtherDevices) {
  add_device(officer, "LAPTOP");
  ASSERT_TRUE(set(officer, http("phone")));
  ASSERT_TRUE(set(officer, http("laptop"), "LAPTOP"));
  ASSERT_TRUE(
      wait<void>([&](auto done) { sessions.logout_all(id(officer), "PHONE", std::move(done)); }));
  EXPECT_EQ(count(officer), 1U);
  EXPECT_TRUE(list(officer).contains(R"("pushkey":"phone")"));
}

}  // namespace
}  // namespace gims::service
