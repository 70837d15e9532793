// The lists of administrators stay quick on a large site: each page is a walk of an index from
// where the one before ended.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sql/sqlite/connection.hpp"
#include "store/migrations.hpp"
#include "store/statements/devices.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/organisation.hpp"
#include "store/statements/rooms.hpp"

namespace gims::store {
namespace {

namespace sql_of = statements;

// 10,000 officers of 17 ministries, with 50,000 devices and as many words.
constexpr const char* large_site = R"(
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
  INSERT INTO users (user_id, created_ts, state, ministry_id, department_id, section_id, designation_id, is_stale)
  SELECT printf('@officer%05d:gims.internal', i), 0, CASE i % 50 WHEN 0 THEN 'suspended' ELSE 'active' END,
         i % 17, 100 + i % 170, 1000 + i % 1700, i % 40, 0 FROM n;
  INSERT INTO officer_terms (term, user_id)
  SELECT printf('name%d', substr(user_id, 9, 5) % 100), user_id FROM users;
  INSERT INTO officer_terms (term, user_id) SELECT substr(user_id, 2, 12), user_id FROM users;
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4)
  INSERT INTO devices (user_id, device_id, created_ts, last_seen_ts)
  SELECT user_id, 'DEVICE' || i, 0, substr(user_id, 9, 5) * 7 % 9973 FROM users, n;
  INSERT INTO ended_devices (user_id, device_id, state, ended_ts, created_ts)
  SELECT user_id, device_id, 'wiped', 0, 0 FROM devices WHERE device_id = 'DEVICE0';
  ANALYZE;
)";

class QueryPlans : public ::testing::Test {
 protected:
  QueryPlans() : sql(std::move(*sql::sqlite::Connection::open(options()))) {
    EXPECT_TRUE(migrate(*sql, migrations()));
    const auto filled = sql->script(large_site);
    EXPECT_TRUE(filled) << filled.error().detail;
  }
  static sql::sqlite::OpenOptions options() {
    sql::sqlite::OpenOptions memory;
    memory.access = sql::sqlite::Access::memory;
    return memory;
  }

  // What SQLite says that it will do.
  template <class Statement>
  std::string plan(const Statement& statement) {
    const std::string text = "EXPLAIN QUERY PLAN " + std::string(Statement::info.text);
    std::string lines;
    const auto done = sql->step(
        {.name = "Plan", .text = text, .index = -1},
        [&](sql::Cursor& cursor) { statement.bind(cursor); },
        [&](const sql::Cursor& row) {
          lines += std::string(row.bytes(3)) + "\n";
          return true;
        });
    EXPECT_TRUE(done) << done.error().detail;
    return lines;
  }
  template <class Statement>
  void expect_walk(const Statement& statement, std::string_view index) {
    const std::string lines = plan(statement);
    EXPECT_TRUE(lines.contains(index)) << Statement::info.name << "\n" << lines;
    EXPECT_FALSE(lines.contains("SCAN")) << Statement::info.name << "\n" << lines;
    EXPECT_FALSE(lines.contains("TEMP B-TREE")) << Statement::info.name << "\n" << lines;
  }
  template <class Statement>
  std::size_t rows(const Statement& statement) {
    const auto found = sql::all(*sql, statement);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? found->size() : 0;
  }

  std::unique_ptr<sql::sqlite::Connection> sql;
};

TEST_F(QueryPlans, OfficersAreWalkedByAnIndex) {
  const sql_of::OfficersPage all{
      .after = "@officer05000:gims.internal", .state = {}, .clearance = {}, .count = 500};
  expect_walk(all, "(user_id>?)");
  EXPECT_EQ(rows(all), 500U);
  expect_walk(
      sql_of::OfficersOfMinistryPage{
          .unit_id = 3, .after = "", .state = {}, .clearance = {}, .count = 500},
      "users_by_ministry (ministry_id=? AND user_id>?)");
  expect_walk(
      sql_of::OfficersOfDepartmentPage{
          .unit_id = 103, .after = "", .state = {}, .clearance = {}, .count = 500},
      "users_by_department (department_id=? AND user_id>?)");
  expect_walk(
      sql_of::OfficersOfSectionPage{
          .unit_id = 1003, .after = "", .state = {}, .clearance = {}, .count = 500},
      "users_by_section (section_id=? AND user_id>?)");
  const sql_of::OfficersByTermPage found{.prefix = "name1",
                                         .below = "name2",
                                         .after_term = "name12",
                                         .after_user = "@officer05012:gims.internal",
                                         .state = "active",
                                         .clearance = {},
                                         .unit_id = {},
                                         .count = 500};
  expect_walk(found, "officer_terms");
  EXPECT_EQ(rows(found), 500U);
}

TEST_F(QueryPlans, DevicesAreWalkedByAnIndex) {
  const auto page = []<class Statement>(const Statement&) {
    return Statement{.before_seen = 5000,
                     .before_user = "@officer05000:gims.internal",
                     .before_device = "DEVICE2",
                     .state = {},
                     .prefix = {},
                     .below = {},
                     .unit_id = {},
                     .count = 500};
  };
  expect_walk(page(sql_of::DevicesPage{}), "devices_by_seen (<expr><?)");
  EXPECT_EQ(rows(page(sql_of::DevicesPage{})), 500U);
  expect_walk(page(sql_of::EndedDevicesPage{}), "ended_devices_by_seen (<expr><?)");
  expect_walk(sql_of::OldestEndedDevices{.before_ts = 1, .most = 500}, "ended_devices_by_age");
}

TEST_F(QueryPlans, SlipsRoomsAndReportsAreWalkedByAnIndex) {
  expect_walk(sql_of::SlipsPage{.before = 9, .count = 9}, "(rowid<?)");
  expect_walk(sql_of::SlipOfUser{.user_id = "@a:b"}, "slips_by_user (user_id=?)");
  expect_walk(sql_of::SiteRoomsPage{.after = "!a", .count = 9}, "(room_id>?)");
  expect_walk(sql_of::MembersPage{.room_nid = 1, .after = "", .count = 9},
              "memberships_by_room (room_nid=? AND membership=? AND user_id>?)");
  expect_walk(sql_of::Reports{.before = 9, .count = 9}, "(rowid<?)");
  expect_walk(sql_of::OpenReports{.before = 9, .count = 9}, "reports_open (report_id<?)");
  expect_walk(sql_of::ClosedReports{.before = 9, .count = 9}, "reports_closed (report_id<?)");
}

}  // namespace
}  // namespace gims::store
