#include "matrix/ids.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims::matrix {
namespace {

// Spec: appendices, "Server Name".
TEST(Ids, TakesServerNamesOfTheGrammar) {
  for (const std::string_view name :
       {"matrix.org", "matrix.org:8888", "1.2.3.4", "1.2.3.4:1234", "[1234:5678::abcd]",
        "[1234:5678::abcd]:5678", "gims.internal", "UPPER-case.example", "localhost", "12"}) {
    EXPECT_TRUE(is_server_name(name)) << name;
  }
  for (const std::string_view name :
       {"", ":80", "a b", "a:", "a:123456", "a:8x", "[1234:5678::abcd", "[xyz::]", "[]", "[::1]x",
        "under_score", "1.2.3", "1.2.3.256", "1.2.3.4.5", "ü.example", "a/b"}) {
    EXPECT_FALSE(is_server_name(name)) << name;
  }
}

TEST(Ids, SplitsUserIds) {
  const auto parts = parse_user_id("@desk.officer:gims.internal:8448", UserIdGrammar::strict);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->localpart, "desk.officer");
  EXPECT_EQ(parts->domain, "gims.internal:8448");
}

TEST(Ids, TellsTodaysUserIdsFromHistoricalOnes) {
  for (const std::string_view id :
       {"@Upper:gims.internal", "@:gims.internal", "@a b:gims.internal", "@नाम:gims.internal"}) {
    EXPECT_TRUE(is_user_id(id)) << id;
    EXPECT_FALSE(parse_user_id(id, UserIdGrammar::strict)) << id;
  }
  EXPECT_TRUE(parse_user_id("@a-z0.9_=/+:gims.internal", UserIdGrammar::strict));
  for (const std::string_view id : {"", "@", "user:gims.internal", "@user", "@user:", "@user:a b",
                                    "@\xff:gims.internal", "!user:gims.internal"}) {
    EXPECT_FALSE(is_user_id(id)) << id;
  }
  EXPECT_FALSE(is_user_id(std::string_view("@a\0b:gims.internal", 18)));
}

TEST(Ids, LimitsIdsTo255Bytes) {
  const std::string domain = ":gims.internal";
  const std::string longest = "@" + std::string(255 - 1 - domain.size(), 'a') + domain;
  EXPECT_TRUE(is_user_id(longest));
  EXPECT_FALSE(is_user_id("@a" + longest.substr(1)));
  EXPECT_FALSE(is_room_alias("#" + std::string(255, 'a') + domain));
}

TEST(Ids, TakesRoomsWithAndWithoutAServer) {
  EXPECT_TRUE(is_room_id("!room:gims.internal"));
  EXPECT_TRUE(is_room_id("!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"));
  EXPECT_EQ(parse_room_id("!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM")->domain, "");
  for (const std::string_view id :
       {"!", "room", "!room:", "!:gims.internal", "#room:gims.internal"}) {
    EXPECT_FALSE(is_room_id(id)) << id;
  }
}

TEST(Ids, TakesAliasesAndEventIds) {
  EXPECT_TRUE(is_room_alias("#कार्यालय:gims.internal"));
  EXPECT_FALSE(is_room_alias("#room"));
  EXPECT_FALSE(is_room_alias("#:gims.internal"));
  EXPECT_TRUE(is_event_id("$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"));
  EXPECT_FALSE(is_event_id("$"));
  EXPECT_FALSE(is_event_id("Rqnc"));
}

TEST(Ids, SplitsKeyIds) {
  const auto key = parse_key_id("signed_curve25519:AAAAHg");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->algorithm, "signed_curve25519");
  EXPECT_EQ(key->name, "AAAAHg");
  for (const std::string_view id : {"", "ed25519", "ed25519:", ":1", "ed 25519:1"}) {
    EXPECT_FALSE(parse_key_id(id)) << id;
  }
}

TEST(Ids, SaysWhichParameterIsWrong) {
  const auto wrong = require_user_id("nobody", "user_id");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "M_INVALID_PARAM");
  EXPECT_EQ(wrong.error().text, "user_id must be a user id such as @name:server.");
  EXPECT_TRUE(require_room_id("!room:gims.internal", "room_id"));
  EXPECT_FALSE(require_room_alias("room", "alias"));
}

}  // namespace
}  // namespace gims::matrix
