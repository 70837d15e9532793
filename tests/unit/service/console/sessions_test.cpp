#include "service/console/sessions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/manual_clock.hpp"

namespace gims::service::console {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ConsoleSessions : public testing::Test {
 protected:
  const Where desk = where("10.1.0.7", "Browser/1");

  Sessions::Begun begin(std::string name = "Asha") {
    return sessions.begin(std::move(name), FactorKind::webauthn, desk);
  }
  Result<Session> ask(const Redacted& cookie) { return ask(cookie, desk); }
  Result<Session> ask(const Redacted& cookie, const Where& from) {
    return sessions.authenticate(cookie.reveal(), from,
                                 [this](const Session& whose) { moved.push_back(whose.name); });
  }
  void pass(std::chrono::milliseconds time) { clock.advance(time.count()); }
  bool in(const Redacted& cookie) { return ask(cookie).has_value(); }

  test::ManualClock clock;
  Sessions sessions{std::move(*SecretBytes::random(32)), clock};
  std::vector<std::string> moved;
};

TEST_F(ConsoleSessions, IsWhoseCookieItIs) {
  const auto begun = begin();
  const auto session = ask(begun.cookie);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->name, "Asha");
  EXPECT_EQ(session->id, begun.session.id);
  EXPECT_EQ(session->id.size(), 22U);
  EXPECT_TRUE(session->fresh);
  EXPECT_GE(begun.cookie.reveal().size(), 43U);
}

TEST_F(ConsoleSessions, AnotherCookieIsNobodys) {
  const auto begun = begin();
  const auto refused = ask(Redacted(std::string(begun.cookie.reveal()) + "x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "M_UNKNOWN_TOKEN");
  EXPECT_EQ(refused.error().kind, ErrorKind::unauthenticated);
  EXPECT_TRUE(in(begun.cookie));
}

TEST_F(ConsoleSessions, EndsWhenItIsNotUsed) {
  const auto begun = begin();
  pass(idle_life - seconds(1));
  EXPECT_TRUE(in(begun.cookie));  // and is used by it
  pass(idle_life - seconds(1));
  EXPECT_TRUE(in(begun.cookie));
  pass(idle_life);
  EXPECT_FALSE(in(begun.cookie));
}

TEST_F(ConsoleSessions, EndsAtLastHoweverItIsUsed) {
  const auto begun = begin();
  for (minutes passed{0}; passed < longest_life - minutes(5); passed += minutes(5)) {
    pass(minutes(5));
    ASSERT_TRUE(in(begun.cookie)) << passed;
  }
  pass(minutes(5));
  EXPECT_FALSE(in(begun.cookie));
}

TEST_F(ConsoleSessions, IsFreshForFiveMinutes) {
  const auto begun = begin();
  pass(fresh_life - seconds(1));
  EXPECT_TRUE(ask(begun.cookie)->fresh);
  pass(seconds(1));
  EXPECT_FALSE(ask(begun.cookie)->fresh);
  const auto fresh = sessions.refresh(begun.session.id);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->fresh_ts, clock.now_ms());
  EXPECT_TRUE(ask(begun.cookie)->fresh);
}

TEST_F(ConsoleSessions, ThatComesFromElsewhereEndsAtOnce) {
  for (const Where& elsewhere : {where("10.1.0.8", "Browser/1"), where("10.1.0.7", "Browser/2")}) {
    const auto begun = begin();
    const auto refused = ask(begun.cookie, elsewhere);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "M_UNKNOWN_TOKEN");
    EXPECT_FALSE(in(begun.cookie));  // also for who had it
  }
  EXPECT_EQ(moved, (std::vector<std::string>{"Asha", "Asha"}));
}

TEST_F(ConsoleSessions, TheTokenOfChangesIsThatOfTheCookie) {
  const auto one = begin();
  const auto other = begin();
  const Redacted token = sessions.csrf_token(one.cookie.reveal());
  EXPECT_EQ(token.reveal().size(), 43U);
  EXPECT_TRUE(sessions.csrf_fits(one.cookie.reveal(), token.reveal()));
  EXPECT_FALSE(sessions.csrf_fits(other.cookie.reveal(), token.reveal()));
  EXPECT_FALSE(sessions.csrf_fits(one.cookie.reveal(), ""));
  EXPECT_FALSE(sessions.csrf_fits(one.cookie.reveal(), one.cookie.reveal()));
}

TEST_F(ConsoleSessions, EndOneOrAllOfAPerson) {
  const auto one = begin();
  const auto two = begin();
  const auto three = begin();
  const auto hers = begin("Bimal");
  EXPECT_EQ(sessions.end(one.session.id), "Asha");
  EXPECT_EQ(sessions.end(one.session.id), std::nullopt);
  EXPECT_FALSE(in(one.cookie));
  // Another's, for who may end only their own.
  EXPECT_EQ(sessions.end(hers.session.id, "Asha"), std::nullopt);
  sessions.end_all("Asha", two.session.id);
  EXPECT_TRUE(in(two.cookie));
  EXPECT_FALSE(in(three.cookie));
  EXPECT_TRUE(in(hers.cookie));
}

TEST_F(ConsoleSessions, OfOnePersonTheLeastUsedGivesWay) {
  std::vector<Sessions::Begun> all;
  for (std::size_t i = 0; i < most_sessions_of_one; ++i) {
    all.push_back(begin());
    pass(seconds(1));
  }
  const auto hers = begin("Bimal");
  EXPECT_TRUE(in(all[0].cookie));  // used now
  pass(seconds(1));
  const auto next = begin();
  EXPECT_TRUE(in(all[0].cookie));
  EXPECT_FALSE(in(all[1].cookie));
  EXPECT_TRUE(in(all[2].cookie));
  EXPECT_TRUE(in(hers.cookie));
  EXPECT_TRUE(in(next.cookie));
}

TEST_F(ConsoleSessions, InAllTheLeastUsedGivesWay) {
  const auto first = begin("first");
  pass(seconds(1));
  for (std::size_t i = 1; i < most_sessions; ++i) begin(std::to_string(i));
  EXPECT_EQ(sessions.list().size(), most_sessions);
  begin("one more");
  EXPECT_EQ(sessions.list().size(), most_sessions);
  EXPECT_FALSE(in(first.cookie));
}

TEST_F(ConsoleSessions, TheListHasThoseThatLast) {
  begin("Bimal");
  pass(idle_life - seconds(1));
  const auto begun = begin("Asha");
  auto shown = sessions.list();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].name, "Asha");
  EXPECT_EQ(shown[0].where.address, "10.1.0.7");
  EXPECT_EQ(shown[0].expires_ts(),
            clock.now_ms() + std::chrono::milliseconds(longest_life).count());
  pass(seconds(1));
  shown = sessions.list();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].id, begun.session.id);
}

TEST_F(ConsoleSessions, ALongNameOfABrowserIsCut) {
  const std::string agent(1000, 'a');
  EXPECT_EQ(where("10.1.0.7", agent).agent.size(), 256U);
}

}  // namespace
}  // namespace gims::service::console
