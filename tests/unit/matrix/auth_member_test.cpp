// The rules for m.room.member (spec: rooms/v10, v11, v12, "Authorization rules"): one test for each
// numbered rule, run for every room version. Names carry the numbers of version 12.
#include "crypto/ed25519.hpp"
#include "unit/matrix/auth_fixture.hpp"

namespace gims::matrix {
namespace {

class MemberRule : public AuthRule {};
INSTANTIATE_TEST_SUITE_P(AllVersions, MemberRule, every_version(), version_name);

// --- 5.1: form

TEST_P(MemberRule, R5_1_WantsAStateKeyAndAMembership) {
  EXPECT_FALSE(
      allows(room_.make(officer, "m.room.member", std::nullopt, R"({"membership":"join"})")));
  EXPECT_FALSE(allows(room_.make(officer, "m.room.member", officer, "{}")));
  EXPECT_FALSE(allows(room_.make(officer, "m.room.member", officer, R"({"membership":1})")));
}

// --- 5.3: join

TEST_P(MemberRule, R5_3_1_LetsTheCreatorJoinFirst) {
  room_.state().remove("m.room.member", creator);
  room_.state().remove("m.room.join_rules", "");
  const auto first_join = [&](std::string_view user, std::vector<std::string> previous) {
    return allows(room_.build({.room_id = room_.create()->room_id(),
                               .type = "m.room.member",
                               .state_key = user,
                               .sender = user,
                               .content = R"({"membership":"join"})",
                               .prev_events = previous,
                               .depth = 2}));
  };
  EXPECT_TRUE(first_join(creator, {room_.create()->event_id()}));
  EXPECT_FALSE(first_join(clerk, {room_.create()->event_id()}));
  EXPECT_FALSE(first_join(creator, {"$later"}));
  EXPECT_FALSE(first_join(creator, {room_.create()->event_id(), "$later"}));
}
TEST_P(MemberRule, R5_3_2_LetsNobodyJoinForSomebodyElse) {
  room_.set_join_rule("public");
  EXPECT_FALSE(allows_member(creator, clerk, "join"));
}
TEST_P(MemberRule, R5_3_3_KeepsTheBannedOut) {
  room_.set_join_rule("public");
  room_.set_member(clerk, "ban");
  EXPECT_FALSE(allows_member(clerk, clerk, "join"));
}
TEST_P(MemberRule, R5_3_4_WantsAnInvitationWhereTheRuleIsInviteOrKnock) {
  for (const std::string_view rule : {"invite", "knock"}) {
    room_.set_join_rule(rule);
    for (const auto& [membership, allowed] :
         {std::pair{"leave", false}, {"knock", false}, {"invite", true}, {"join", true}}) {
      room_.set_member(clerk, membership);
      EXPECT_EQ(allows_member(clerk, clerk, "join"), allowed) << rule << " " << membership;
    }
  }
}
TEST_P(MemberRule, R5_3_4_TakesInviteWhereThereIsNoJoinRule) {
  room_.state().remove("m.room.join_rules", "");
  EXPECT_FALSE(allows_member(clerk, clerk, "join"));
  room_.set_member(clerk, "invite");
  EXPECT_TRUE(allows_member(clerk, clerk, "join"));
}
TEST_P(MemberRule, R5_3_5_LetsAMemberVouchWhereTheRuleIsRestricted) {
  const auto join_via = [&](std::string_view via) {
    return allows(room_.make(
        clerk, "m.room.member", clerk,
        R"({"membership":"join","join_authorised_via_users_server":)" + std::string(via) + "}"));
  };
  for (const std::string_view rule : {"restricted", "knock_restricted"}) {
    room_.set_join_rule(rule);
    room_.state().remove("m.room.member", clerk);
    EXPECT_FALSE(allows_member(clerk, clerk, "join")) << rule;
    EXPECT_TRUE(join_via(json::quoted(officer))) << rule;    // level 20, invite 10
    EXPECT_FALSE(join_via(json::quoted(stranger))) << rule;  // not in the room
    EXPECT_FALSE(join_via("7")) << rule;
    room_.set_member("@junior:gims.internal", "join");  // level 0
    EXPECT_FALSE(join_via(R"("@junior:gims.internal")")) << rule;
    room_.set_member(clerk, "invite");
    EXPECT_TRUE(allows_member(clerk, clerk, "join")) << rule;
    room_.set_member(clerk, "join");
    EXPECT_TRUE(allows_member(clerk, clerk, "join")) << rule;
  }
}
TEST_P(MemberRule, R5_3_6_LetsAnyoneJoinWhereTheRuleIsPublic) {
  room_.set_join_rule("public");
  EXPECT_TRUE(allows_member(clerk, clerk, "join"));
  EXPECT_TRUE(allows_member(stranger, stranger, "join"));
}
TEST_P(MemberRule, R5_3_7_LetsNobodyJoinWhereTheRuleIsNotKnown) {
  room_.set_join_rule("private");
  room_.set_member(clerk, "invite");
  EXPECT_FALSE(allows_member(clerk, clerk, "join"));
}

// --- 5.4: invite

class ThirdPartyRule : public MemberRule {
 protected:
  ThirdPartyRule() {
    room_.set(officer, "m.room.third_party_invite", "token",
              R"({"public_key":)" + json::quoted(crypto::base64(key_.public_key())) + "}");
  }
  static crypto::SigningKey key_from(std::uint8_t byte) {
    return crypto::SigningKey::from_seed(crypto::Bytes(32, byte)).value();
  }
  [[nodiscard]] static std::string proof(const crypto::SigningKey& key, std::string_view mxid,
                                         std::string_view token) {
    const std::string covered =
        R"({"mxid":)" + json::quoted(mxid) + R"(,"token":)" + json::quoted(token) + "}";
    const std::string signature = crypto::base64(key.sign(crypto::as_bytes(covered)));
    return covered.substr(0, covered.size() - 1) + R"(,"signatures":{"id.internal":{"ed25519:0":)" +
           json::quoted(signature) + "}}}";
  }
  [[nodiscard]] bool allows_invite(std::string_view sender, std::string_view third_party) const {
    return allows(room_.make(
        sender, "m.room.member", clerk,
        R"({"membership":"invite","third_party_invite":)" + std::string(third_party) + "}"));
  }
  [[nodiscard]] static std::string with_signed(std::string_view text) {
    return R"({"display_name":"C","signed":)" + std::string(text) + "}";
  }
  crypto::SigningKey key_ = key_from(1);
};
INSTANTIATE_TEST_SUITE_P(AllVersions, ThirdPartyRule, every_version(), version_name);

TEST_P(ThirdPartyRule, R5_4_1_7_AllowsASignedInvitation) {
  EXPECT_TRUE(allows_invite(officer, with_signed(proof(key_, clerk, "token"))));
}
TEST_P(ThirdPartyRule, R5_4_1_7_TakesAnyOfTheListedKeys) {
  room_.set(officer, "m.room.third_party_invite", "token",
            R"({"public_key":"AAAA","public_keys":[{"public_key":"BBBB"},{"public_key":)" +
                json::quoted(crypto::base64(key_.public_key())) + "}]}");
  EXPECT_TRUE(allows_invite(officer, with_signed(proof(key_, clerk, "token"))));
}
TEST_P(ThirdPartyRule, R5_4_1_1_RefusesTheBanned) {
  room_.set_member(clerk, "ban");
  EXPECT_FALSE(allows_invite(officer, with_signed(proof(key_, clerk, "token"))));
}
TEST_P(ThirdPartyRule, R5_4_1_2_WantsASignedPart) {
  EXPECT_FALSE(allows_invite(officer, R"({"display_name":"C"})"));
  EXPECT_FALSE(allows_invite(officer, "1"));
}
TEST_P(ThirdPartyRule, R5_4_1_3_WantsMxidAndToken) {
  EXPECT_FALSE(allows_invite(officer, with_signed(R"({"mxid":"@clerk:gims.internal"})")));
  EXPECT_FALSE(allows_invite(officer, with_signed(R"({"token":"token"})")));
}
TEST_P(ThirdPartyRule, R5_4_1_4_WantsTheTargetsMxid) {
  EXPECT_FALSE(allows_invite(officer, with_signed(proof(key_, officer, "token"))));
}
TEST_P(ThirdPartyRule, R5_4_1_5_WantsTheInvitationInTheState) {
  EXPECT_FALSE(allows_invite(officer, with_signed(proof(key_, clerk, "other"))));
}
TEST_P(ThirdPartyRule, R5_4_1_6_WantsTheSameSender) {
  EXPECT_FALSE(allows_invite(creator, with_signed(proof(key_, clerk, "token"))));
}
TEST_P(ThirdPartyRule, R5_4_1_8_RefusesASignatureOfAnotherKey) {
  EXPECT_FALSE(allows_invite(officer, with_signed(proof(key_from(2), clerk, "token"))));
}

TEST_P(MemberRule, R5_4_2_LetsOnlyMembersInvite) {
  set_levels(R"("invite":0)", "");
  EXPECT_FALSE(allows_member(clerk, stranger, "invite"));
  room_.set_member(clerk, "invite");
  EXPECT_FALSE(allows_member(clerk, stranger, "invite"));
  room_.set_member(clerk, "join");
  EXPECT_TRUE(allows_member(clerk, stranger, "invite"));
}
TEST_P(MemberRule, R5_4_3_InvitesNeitherMembersNorTheBanned) {
  for (const auto& [membership, allowed] : {std::pair{"join", false},
                                            {"ban", false},
                                            {"leave", true},
                                            {"invite", true},
                                            {"knock", true}}) {
    room_.set_member(clerk, membership);
    EXPECT_EQ(allows_member(officer, clerk, "invite"), allowed) << membership;
  }
}
TEST_P(MemberRule, R5_4_4_WantsTheInviteLevel) {
  set_levels(R"("invite":20)", R"("@desk.officer:gims.internal":20)");
  EXPECT_TRUE(allows_member(officer, clerk, "invite"));
  set_levels(R"("invite":21)", R"("@desk.officer:gims.internal":20)");
  EXPECT_FALSE(allows_member(officer, clerk, "invite"));
  EXPECT_TRUE(allows_member(creator, clerk, "invite"));
}

// --- 5.5: leave

TEST_P(MemberRule, R5_5_1_LetsOneLeaveWhoIsInInvitedOrKnocking) {
  for (const auto& [membership, allowed] : {std::pair{"join", true},
                                            {"invite", true},
                                            {"knock", true},
                                            {"leave", false},
                                            {"ban", false}}) {
    room_.set_member(clerk, membership);
    EXPECT_EQ(allows_member(clerk, clerk, "leave"), allowed) << membership;
  }
  EXPECT_FALSE(allows_member(stranger, stranger, "leave"));
}
TEST_P(MemberRule, R5_5_2_LetsOnlyMembersKick) {
  set_levels(R"("kick":0)", R"("@clerk:gims.internal":50)");
  EXPECT_FALSE(allows_member(clerk, officer, "leave"));
  room_.set_member(clerk, "join");
  EXPECT_TRUE(allows_member(clerk, officer, "leave"));
}
TEST_P(MemberRule, R5_5_3_WantsTheBanLevelToLiftABan) {
  room_.set_member(clerk, "ban");
  set_levels(R"("ban":21,"kick":10)", R"("@desk.officer:gims.internal":20)");
  EXPECT_FALSE(allows_member(officer, clerk, "leave"));
  set_levels(R"("ban":20,"kick":10)", R"("@desk.officer:gims.internal":20)");
  EXPECT_TRUE(allows_member(officer, clerk, "leave"));
}
TEST_P(MemberRule, R5_5_4_WantsTheKickLevelAndAHigherOneThanTheTarget) {
  room_.set_member(clerk, "join");
  const auto kicks = [&](int level, int own, int target) {
    set_levels(R"("kick":)" + std::to_string(level),
               R"("@desk.officer:gims.internal":)" + std::to_string(own) +
                   R"(,"@clerk:gims.internal":)" + std::to_string(target));
    return allows_member(officer, clerk, "leave");
  };
  EXPECT_TRUE(kicks(50, 50, 49));
  EXPECT_FALSE(kicks(50, 50, 50));
  EXPECT_FALSE(kicks(51, 50, 49));
  EXPECT_FALSE(kicks(0, 50, 51));
}

// --- 5.6: ban

TEST_P(MemberRule, R5_6_1_LetsOnlyMembersBan) {
  set_levels(R"("ban":0)", R"("@clerk:gims.internal":50)");
  EXPECT_FALSE(allows_member(clerk, officer, "ban"));
  room_.set_member(clerk, "join");
  EXPECT_TRUE(allows_member(clerk, officer, "ban"));
}
TEST_P(MemberRule, R5_6_2_WantsTheBanLevelAndAHigherOneThanTheTarget) {
  const auto bans = [&](int level, int own, int target) {
    set_levels(R"("ban":)" + std::to_string(level),
               R"("@desk.officer:gims.internal":)" + std::to_string(own) +
                   R"(,"@clerk:gims.internal":)" + std::to_string(target));
    return allows_member(officer, clerk, "ban");
  };
  EXPECT_TRUE(bans(50, 50, 49));
  EXPECT_FALSE(bans(50, 50, 50));
  EXPECT_FALSE(bans(51, 50, 49));
}
TEST_P(MemberRule, R5_6_3_LetsNobodyBanACreatorFromVersion12) {
  set_levels("", R"("@desk.officer:gims.internal":9007199254740991)");
  EXPECT_EQ(allows_member(officer, creator, "ban"), !is_v12());
  EXPECT_EQ(allows_member(officer, creator, "leave"), !is_v12());
}

// --- 5.7: knock

TEST_P(MemberRule, R5_7_1_WantsARuleThatTakesKnocks) {
  for (const auto& [rule, allowed] : {std::pair{"knock", true},
                                      {"knock_restricted", true},
                                      {"invite", false},
                                      {"public", false},
                                      {"restricted", false}}) {
    room_.set_join_rule(rule);
    EXPECT_EQ(allows_member(clerk, clerk, "knock"), allowed) << rule;
  }
}
TEST_P(MemberRule, R5_7_2_LetsNobodyKnockForSomebodyElse) {
  room_.set_join_rule("knock");
  EXPECT_FALSE(allows_member(officer, clerk, "knock"));
}
TEST_P(MemberRule, R5_7_3_LetsOneKnockWhoIsNeitherInNorBannedNorInvited) {
  room_.set_join_rule("knock");
  for (const auto& [membership, allowed] : {std::pair{"leave", true},
                                            {"knock", true},
                                            {"join", false},
                                            {"invite", false},
                                            {"ban", false}}) {
    room_.set_member(clerk, membership);
    EXPECT_EQ(allows_member(clerk, clerk, "knock"), allowed) << membership;
  }
}

TEST_P(MemberRule, R5_8_RefusesAMembershipThatIsNotKnown) {
  EXPECT_FALSE(allows_member(officer, officer, "dance"));
}
}  // namespace
}  // namespace gims::matrix
