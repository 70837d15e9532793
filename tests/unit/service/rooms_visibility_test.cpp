// Spec: client-server API, "Room History Visibility", server behaviour: the five rules.
#include <gtest/gtest.h>

#include <vector>

#include "service/rooms/visibility.hpp"

namespace gims::service::rooms {
namespace {

using Step = Visibility::Step;

constexpr const char* user = "@desk.officer:gims.internal";

EventPlace message(store::StreamId position) {
  return {.position = position, .type = "m.room.message", .state_key = std::nullopt};
}

Visibility made(std::vector<Step> memberships, std::vector<Step> visibilities) {
  return {user, std::move(memberships), std::move(visibilities)};
}

TEST(Visibility, SharedShowsWhatWasBeforeTheJoinAndNothingAfterLeaving) {
  const auto sees = made({{10, "invite"}, {20, "join"}, {30, "leave"}}, {{1, "shared"}});
  EXPECT_TRUE(sees.sees(message(5)));
  EXPECT_TRUE(sees.sees(message(15)));
  EXPECT_TRUE(sees.sees(message(25)));
  EXPECT_FALSE(sees.sees(message(31)));
}

TEST(Visibility, SharedIsTheDefault) { EXPECT_TRUE(made({{10, "join"}}, {}).sees(message(5))); }

TEST(Visibility, AnInvitationAloneShowsNothingOfASharedRoom) {
  EXPECT_FALSE(made({{10, "invite"}}, {{1, "shared"}}).sees(message(15)));
}

TEST(Visibility, InvitedShowsFromTheInvitationOn) {
  const auto sees = made({{10, "invite"}, {20, "join"}}, {{1, "invited"}});
  EXPECT_FALSE(sees.sees(message(9)));
  EXPECT_TRUE(sees.sees(message(11)));
  EXPECT_TRUE(sees.sees(message(21)));
}

TEST(Visibility, JoinedShowsFromTheJoinOn) {
  const auto sees = made({{10, "invite"}, {20, "join"}}, {{1, "joined"}});
  EXPECT_FALSE(sees.sees(message(19)));
  EXPECT_TRUE(sees.sees(message(21)));
}

TEST(Visibility, WorldReadableShowsAllToAll) {
  EXPECT_TRUE(made({}, {{1, "world_readable"}}).sees(message(5)));
  EXPECT_TRUE(made({{2, "ban"}}, {{1, "world_readable"}}).sees(message(5)));
}

TEST(Visibility, AChangeCountsForWhatComesAfterItOnly) {
  const auto sees = made({{20, "join"}}, {{1, "joined"}, {10, "shared"}});
  EXPECT_FALSE(sees.sees(message(9)));
  EXPECT_TRUE(sees.sees(message(11)));
}

TEST(Visibility, OnesOwnMembershipIsJudgedByBothSides) {
  const auto sees = made({{20, "join"}, {30, "leave"}}, {{1, "joined"}});
  const auto own = [](store::StreamId position) {
    return EventPlace{.position = position, .type = "m.room.member", .state_key = user};
  };
  EXPECT_TRUE(sees.sees(own(20)));
  EXPECT_TRUE(sees.sees(own(30)));
  EXPECT_FALSE(sees.sees({.position = 20, .type = "m.room.member", .state_key = "@other:x"}));
}

TEST(Visibility, AChangeOfVisibilityIsJudgedByBothSides) {
  const auto sees = made({}, {{1, "joined"}, {10, "world_readable"}, {20, "joined"}});
  const auto change = [](store::StreamId position) {
    return EventPlace{.position = position, .type = "m.room.history_visibility", .state_key = ""};
  };
  EXPECT_TRUE(sees.sees(change(10)));
  EXPECT_TRUE(sees.sees(change(20)));
  EXPECT_FALSE(sees.sees(change(1)));
}

TEST(Visibility, ARejoinedMemberSeesASharedGap) {
  const auto shared = made({{10, "join"}, {20, "leave"}, {30, "join"}}, {{1, "shared"}});
  EXPECT_TRUE(shared.sees(message(25)));
  const auto joined = made({{10, "join"}, {20, "leave"}, {30, "join"}}, {{1, "joined"}});
  EXPECT_TRUE(joined.sees(message(15)));
  EXPECT_FALSE(joined.sees(message(25)));
}

TEST(Visibility, TheStateIsThatOfTheLeaving) {
  EXPECT_EQ(made({{10, "join"}}, {}).state_position(), Visibility::now);
  EXPECT_EQ(made({{10, "join"}, {20, "leave"}}, {}).state_position(), 20);
  EXPECT_EQ(made({{10, "join"}, {20, "leave"}, {30, "invite"}}, {}).state_position(), 20);
  EXPECT_EQ(made({{10, "invite"}}, {}).state_position(), std::nullopt);
  EXPECT_EQ(made({}, {}).state_position(), std::nullopt);
  EXPECT_EQ(made({}, {{1, "world_readable"}}).state_position(), Visibility::now);
}

}  // namespace
}  // namespace gims::service::rooms
