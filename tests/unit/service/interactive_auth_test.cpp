#include "service/accounts/interactive_auth.hpp"

#include "json/text.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

constexpr std::string_view operation = "POST /delete_devices";

class InteractiveAuthTest : public test::AccountsFixture {
 protected:
  InteractiveAuthTest() {
    EXPECT_TRUE(add_user("desk.officer"));
    EXPECT_TRUE(add_user("joint.secretary", "another long secret"));
  }

  Result<> check(std::string_view json, std::string_view name = "desk.officer",
                 std::string_view for_what = operation, AuthStage stage = AuthStage::password) {
    const auto document = json::Document::parse(json);
    EXPECT_TRUE(document) << json;
    return wait<void>([&](auto done) {
      auth.check(stage, id(name), "10.0.0.1", for_what, document->root(), std::move(done));
    });
  }
  static json::Document challenge(const Result<>& refused) {
    EXPECT_FALSE(refused);
    if (refused) return {};
    EXPECT_EQ(refused.error().kind, ErrorKind::unauthenticated);
    auto document = json::Document::parse("{" + refused.error().extra_json + "}");
    EXPECT_TRUE(document);
    return std::move(*document);
  }
  static std::string session_of(const Result<>& refused) {
    return std::string(challenge(refused).root().get("session").string_or(""));
  }
  static std::string with_password(std::string_view session, std::string_view secret,
                                   std::string_view name = "desk.officer") {
    return R"({"type":"m.login.password","identifier":{"type":"m.id.user","user":)" +
           json::quoted(name) + R"(},"password":)" + json::quoted(secret) + R"(,"session":)" +
           json::quoted(session) + "}";
  }
};

TEST_F(InteractiveAuthTest, WithoutAnythingTheFlowsAreToldAndNoError) {
  const auto refused = check("{}");
  const json::Document body = challenge(refused);
  EXPECT_EQ(refused.error().code, "");
  EXPECT_FALSE(body.root().get("session").string_or("").empty());
  EXPECT_TRUE(body.root().get("params").is_object());
  EXPECT_TRUE(body.root().get("completed").is_array());
  const json::Value stages = body.root().get("flows").at(0).get("stages");
  EXPECT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages.at(0).string_or(""), "m.login.password");
  EXPECT_EQ(session_of(check("7")).size(), session_of(refused).size()) << "no object at all";
}

TEST_F(InteractiveAuthTest, ThePasswordCompletesTheSessionOnce) {
  const std::string session = session_of(check("{}"));
  EXPECT_TRUE(check(with_password(session, password)));
  const auto again = check(with_password(session, password));
  ASSERT_FALSE(again);
  EXPECT_NE(session_of(again), session) << "the session has ended; another is offered";
}

TEST_F(InteractiveAuthTest, TheUserMayBeNamedInTheOldFormOrNotAtAll) {
  EXPECT_TRUE(check(R"({"type":"m.login.password","user":"desk.officer","password":)" +
                    json::quoted(password) + "}"));
  EXPECT_TRUE(check(R"({"type":"m.login.password","password":)" + json::quoted(password) + "}"));
  EXPECT_TRUE(check(R"({"type":"m.login.password","identifier":{"type":"m.id.user","user":)" +
                    json::quoted(id("desk.officer")) + R"(},"password":)" + json::quoted(password) +
                    "}"));
}

TEST_F(InteractiveAuthTest, AWrongPasswordMayBeCorrectedInTheSameSession) {
  const std::string session = session_of(check("{}"));
  const auto wrong = check(with_password(session, "wrong"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "M_FORBIDDEN");
  EXPECT_EQ(session_of(wrong), session);
  EXPECT_TRUE(check(with_password(session, password)));
}

TEST_F(InteractiveAuthTest, WrongPasswordsCountWithThoseOfSigningIn) {
  for (int tries = 0; tries < 2; ++tries) {
    EXPECT_EQ(test::code_of(check(with_password("", "wrong"))), "M_FORBIDDEN");
  }
  for (int tries = 0; tries < 3; ++tries) {
    EXPECT_EQ(test::code_of(login("desk.officer", "wrong")), "M_FORBIDDEN");
  }
  const auto refused = check(with_password("", password));
  EXPECT_EQ(test::code_of(refused), "M_LIMIT_EXCEEDED") << "the right one waits too";
  EXPECT_TRUE(refused.error().retry_after);
  EXPECT_EQ(test::code_of(login("desk.officer")), "M_LIMIT_EXCEEDED");
}

TEST_F(InteractiveAuthTest, AnotherUsersPasswordIsNotOnesOwn) {
  const std::string session = session_of(check("{}"));
  const auto refused = check(with_password(session, "another long secret", "joint.secretary"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "M_FORBIDDEN");
}

TEST_F(InteractiveAuthTest, ASessionBelongsToItsUserAndItsOperation) {
  const std::string session = session_of(check("{}"));
  const auto other_user =
      check(with_password(session, "another long secret", "joint.secretary"), "joint.secretary");
  EXPECT_NE(session_of(other_user), session);
  const auto other_operation =
      check(with_password(session, password), "desk.officer", "POST /account/password");
  EXPECT_NE(session_of(other_operation), session);
  EXPECT_TRUE(check(with_password(session, password)));
}

TEST_F(InteractiveAuthTest, ASessionExpires) {
  const std::string session = session_of(check("{}"));
  const std::string second = session_of(check("{}"));
  store.clock().advance(policy.uia_life.count() - 1);
  EXPECT_TRUE(check(with_password(session, password)));
  store.clock().advance(1);
  EXPECT_NE(session_of(check(with_password(second, password))), second);
}

TEST_F(InteractiveAuthTest, ASessionAloneAsksHowFarItHasCome) {
  const std::string session = session_of(check("{}"));
  const auto asked = check(R"({"session":)" + json::quoted(session) + "}");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, "");
  EXPECT_EQ(session_of(asked), session);
}

TEST_F(InteractiveAuthTest, AnotherStageThanTheOfferedOneIsNone) {
  const std::string session = session_of(check("{}"));
  const auto dummy = check(R"({"type":"m.login.dummy","session":)" + json::quoted(session) + "}");
  ASSERT_FALSE(dummy);
  EXPECT_EQ(dummy.error().code, "M_UNRECOGNIZED");
  EXPECT_EQ(session_of(dummy), session);
}

TEST_F(InteractiveAuthTest, TheDummyStageNeedsNoPassword) {
  const auto with = [&](std::string_view json) {
    return check(json, "desk.officer", "POST /register", AuthStage::dummy);
  };
  const std::string session = session_of(with("{}"));
  EXPECT_TRUE(with(R"({"type":"m.login.dummy","session":)" + json::quoted(session) + "}"));
  EXPECT_TRUE(with(R"({"type":"m.login.dummy"})"));
  EXPECT_FALSE(with(R"({"type":"m.login.password"})"));
}

TEST_F(InteractiveAuthTest, OpenSessionsAreBoundedAndTheOldestGoes) {
  const std::string oldest = session_of(check("{}"));
  store.clock().advance(1);
  for (int i = 0; i < 8192; ++i) (void)check("{}");
  EXPECT_NE(session_of(check(with_password(oldest, password))), oldest);
}

}  // namespace
}  // namespace gims::service
