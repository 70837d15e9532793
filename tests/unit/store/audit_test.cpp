#include "store/audit.hpp"

#include <gtest/gtest.h>

#include "support/store_under_test.hpp"

namespace gims::store {
namespace {

using test::StoreUnderTest;

constexpr AuditAct lock_user{.actor = "uid 0",
                             .origin = "gimsctl",
                             .act = "user.lock",
                             .target = "@desk.officer:gims.internal",
                             .detail = R"({"reason":"lost phone"})"};

class Audit : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(store_.write([](Transaction& t) { return append_audit(t, lock_user); }));
    }
  }
  AuditHead head() {
    auto reader = store_->read();
    EXPECT_TRUE(reader);
    auto found = audit_head(reader->sql());
    EXPECT_TRUE(found);
    return *found;
  }
  AuditVerdict verify(std::optional<AuditHead> expected = std::nullopt) {
    auto reader = store_->read();
    EXPECT_TRUE(reader);
    auto verdict = verify_audit(reader->sql(), expected);
    EXPECT_TRUE(verdict);
    return *verdict;
  }
  void tamper(std::string_view sql) {
    ASSERT_TRUE(store_.write([sql](Transaction& t) { return t.sql().script(sql); }));
  }
  StoreUnderTest store_;
};

TEST_F(Audit, AWholeLogIsSaidToBeWhole) {
  const AuditVerdict verdict = verify(head());
  EXPECT_EQ(verdict.fault, std::nullopt);
  EXPECT_EQ(verdict.head.sequence, 5);
  EXPECT_EQ(describe(verdict), "the audit log is whole: 5 entries");
}

TEST_F(Audit, ALogThatWentOnSinceTheHeadWasKeptIsWhole) {
  const AuditHead kept = head();
  ASSERT_TRUE(store_.write([](Transaction& t) { return append_audit(t, lock_user); }));
  EXPECT_EQ(verify(kept).fault, std::nullopt);
}

TEST_F(Audit, AnEmptyLogFitsTheEmptyHeadOnly) {
  const AuditHead kept = head();
  tamper("DELETE FROM audit_log");
  EXPECT_EQ(verify(AuditHead{}).fault, std::nullopt);
  EXPECT_EQ(verify(kept).fault, AuditFault::cut_off);
}

TEST_F(Audit, AnActThatFailsLeavesNoEntry) {
  const auto outcome = store_.write([](Transaction& t) -> Result<> {
    GIMS_TRY(append_audit(t, lock_user));
    return fail(ErrorKind::conflict, "M_UNKNOWN", "no");
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(head().sequence, 5);
}

TEST_F(Audit, DetailIsKeptInCanonicalFormAndMustBeJson) {
  AuditAct act = lock_user;
  act.detail = R"({ "b": 1, "a": 2 })";
  ASSERT_TRUE(store_.write([act](Transaction& t) { return append_audit(t, act); }));
  auto reader = store_->read();
  ASSERT_TRUE(reader);
  std::string detail;
  ASSERT_TRUE(reader->sql().step(
      {.name = "", .text = "SELECT detail FROM audit_log WHERE sequence = 6", .index = -1},
      [](sql::Cursor&) {},
      [&](const sql::Cursor& row) {
        detail = row.bytes(0);
        return true;
      }));
  EXPECT_EQ(detail, R"({"a":2,"b":1})");
  act.detail = "not JSON";
  EXPECT_FALSE(store_.write([act](Transaction& t) { return append_audit(t, act); }));
}

// The hash of the first entry, computed by another program from the definition in audit.hpp:
//   python3 -c 'import hashlib,struct; n=lambda i: struct.pack(">Q",i); t=lambda s: n(len(s))+s
//   print(hashlib.sha256(b"GIMS audit entry 1\n"+bytes(32)+n(1)+n(1700000000000)+t(b"a")+t(b"b")
//   +t(b"c")+t(b"")+t(b"{}")).hexdigest())'
TEST(AuditHash, IsWhatTheHeaderSays) {
  StoreUnderTest store;
  ASSERT_TRUE(store.write([](Transaction& t) {
    return t.sql().script(
        "INSERT INTO audit_log (sequence, ts, actor, origin, act, target, detail, hash) VALUES "
        "(1, 1700000000000, 'a', 'b', 'c', '', '{}', "
        "x'34b7d4d3c1708467fe987ea90fdb76969f355f11f2d935943dd352122f82a80d')");
  }));
  auto reader = store->read();
  ASSERT_TRUE(reader);
  const auto verdict = verify_audit(reader->sql(), std::nullopt);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->fault, std::nullopt);
}

struct Tampering {
  const char* name;
  const char* sql;
  AuditFault fault;
  std::int64_t sequence;
};

class AuditTampered : public Audit, public testing::WithParamInterface<Tampering> {};

TEST_P(AuditTampered, IsFoundWhereItIs) {
  const AuditHead kept = head();
  tamper(GetParam().sql);
  const AuditVerdict verdict = verify(kept);
  EXPECT_EQ(verdict.fault, GetParam().fault) << describe(verdict);
  EXPECT_EQ(verdict.sequence, GetParam().sequence);
}

INSTANTIATE_TEST_SUITE_P(
    Each, AuditTampered,
    testing::Values(
        Tampering{"Actor", "UPDATE audit_log SET actor = 'uid 1' WHERE sequence = 3",
                  AuditFault::changed, 3},
        Tampering{"Origin", "UPDATE audit_log SET origin = 'console' WHERE sequence = 3",
                  AuditFault::changed, 3},
        Tampering{"Act", "UPDATE audit_log SET act = 'user.add' WHERE sequence = 3",
                  AuditFault::changed, 3},
        Tampering{"Target", "UPDATE audit_log SET target = '' WHERE sequence = 3",
                  AuditFault::changed, 3},
        Tampering{"Detail", "UPDATE audit_log SET detail = '{}' WHERE sequence = 3",
                  AuditFault::changed, 3},
        Tampering{"Time", "UPDATE audit_log SET ts = ts + 1 WHERE sequence = 1",
                  AuditFault::changed, 1},
        Tampering{"BoundaryBetweenFields",
                  "UPDATE audit_log SET actor = 'uid 0g', origin = 'imsctl' WHERE sequence = 2",
                  AuditFault::changed, 2},
        Tampering{"Hash", "UPDATE audit_log SET hash = zeroblob(32) WHERE sequence = 5",
                  AuditFault::changed, 5},
        Tampering{"First", "DELETE FROM audit_log WHERE sequence = 1", AuditFault::removed, 1},
        Tampering{"Middle", "DELETE FROM audit_log WHERE sequence = 4", AuditFault::removed, 4},
        Tampering{"MiddleAndClosedUp",
                  "DELETE FROM audit_log WHERE sequence = 2;"
                  "UPDATE audit_log SET sequence = sequence - 1 WHERE sequence > 2",
                  AuditFault::changed, 2},
        Tampering{"Tail", "DELETE FROM audit_log WHERE sequence > 3", AuditFault::cut_off, 4}),
    [](const auto& param) { return param.param.name; });

TEST_F(Audit, AChainWrittenAnewIsFoundByTheHead) {
  const AuditHead kept = head();
  tamper("DELETE FROM audit_log");
  AuditAct other = lock_user;
  other.actor = "uid 1";
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(store_.write([other](Transaction& t) { return append_audit(t, other); }));
  }
  EXPECT_EQ(verify().fault, std::nullopt);
  const AuditVerdict verdict = verify(kept);
  EXPECT_EQ(verdict.fault, AuditFault::replaced);
  EXPECT_EQ(verdict.sequence, 5);
}

TEST(AuditPages, ALogLongerThanAPageIsWalkedToItsEnd) {
  StoreUnderTest store;
  ASSERT_TRUE(store.write([](Transaction& t) -> Result<> {
    for (int i = 0; i < 1001; ++i) GIMS_TRY(append_audit(t, lock_user));
    return {};
  }));
  auto reader = store->read();
  ASSERT_TRUE(reader);
  const auto verdict = verify_audit(reader->sql(), std::nullopt);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->head.sequence, 1001);
}

}  // namespace
}  // namespace gims::store
