#include "http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/target.hpp"

namespace gims::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Route at(Method method, std::string_view path) {
  return {.method = method,
          .door = Door::client,
          .path = path,
          .body_limit = 0,
          .run = Run::on_loop,
          .handler = nullptr,
          .sink = nullptr};
}

std::string found(const Router& router, Method method, std::string_view target) {
  auto parsed = parse_target(target);
  const auto match = router.find(Door::client, method, parsed->segments);
  return match.route != nullptr ? std::string(match.route->path) : "none:" + match.allow;
}

const std::vector<Route> table{at(Method::get, "/rooms/{roomId}/state"),
                               at(Method::get, "/rooms/{roomId}/state/{eventType}/{stateKey?}"),
                               at(Method::put, "/rooms/{roomId}/state/{eventType}/{stateKey?}"),
                               at(Method::get, "/rooms/{roomId}/state/{eventType}/special"),
                               at(Method::post, "/rooms/joined/now"),
                               at(Method::post, "/rooms/{roomId}/leave"),
                               at(Method::get, "/slash/")};

TEST(Router, FindsRoutesAndTheirParameters) {
  const Router router(table);
  auto parsed = parse_target("/rooms/%21a/state/m.room.member/%40asha%3Agims.internal");
  const auto match = router.find(Door::client, Method::get, parsed->segments);
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.params, ElementsAre(Pair("roomId", "!a"), Pair("eventType", "m.room.member"),
                                        Pair("stateKey", "@asha:gims.internal")));
}

TEST(Router, LeavesAnOptionalLastSegmentOut) {
  const Router router(table);
  for (const char* target : {"/rooms/a/state/b", "/rooms/a/state/b/"}) {
    auto parsed = parse_target(target);
    const auto match = router.find(Door::client, Method::put, parsed->segments);
    ASSERT_NE(match.route, nullptr) << target;
    EXPECT_THAT(match.params,
                ElementsAre(Pair("roomId", "a"), Pair("eventType", "b"), Pair("stateKey", "")));
  }
  EXPECT_EQ(found(router, Method::get, "/rooms/a/state"), "/rooms/{roomId}/state");
  EXPECT_EQ(found(router, Method::get, "/rooms/a/state/"), "none:");
}

TEST(Router, TakesALiteralFirstAndGoesBackWhereItLeadsNowhere) {
  const Router router(table);
  EXPECT_EQ(found(router, Method::get, "/rooms/a/state/b/special"),
            "/rooms/{roomId}/state/{eventType}/special");
  EXPECT_EQ(found(router, Method::put, "/rooms/a/state/b/special"),
            "/rooms/{roomId}/state/{eventType}/{stateKey?}");
  EXPECT_EQ(found(router, Method::post, "/rooms/joined/leave"), "/rooms/{roomId}/leave");
  EXPECT_EQ(found(router, Method::post, "/rooms/joined/now"), "/rooms/joined/now");
}

TEST(Router, TellsWhichMethodsThereAre) {
  const Router router(table);
  EXPECT_EQ(found(router, Method::post, "/rooms/a/state/b/c"), "none:GET, PUT");
  EXPECT_EQ(found(router, Method::other, "/slash/"), "none:GET");
  EXPECT_EQ(found(router, Method::head, "/slash/"), "/slash/");
  EXPECT_EQ(found(router, Method::head, "/rooms/joined/now"), "none:POST");
}

TEST(Router, KnowsNothingElse) {
  const Router router(table);
  for (const char* target : {"/", "/slash", "/slash//", "/rooms//leave", "/rooms/a/leave/",
                             "/ROOMS/a/leave", "/rooms/a/b/leave", "/rooms/a/state/b/c/d", "*"}) {
    EXPECT_EQ(found(router, Method::get, target), "none:") << target;
  }
}

TEST(RouterDeath, RefusesARouteTwice) {
  EXPECT_DEATH(Router({at(Method::get, "/a/{b}"), at(Method::get, "/a/{c}")}), "");
}

}  // namespace
}  // namespace gims::http
