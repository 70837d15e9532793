#include "service/officers/officers.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "service/officers/folding.hpp"
#include "service/officers/names.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

TEST(Folding, NamesThatLookTheSameAreTheSame) {
  EXPECT_EQ(folded("  Under \t SECRETARY\r\n"), "under secretary");
  EXPECT_EQ(folded("\u0958\u0932\u092e"), folded("\u0915\u093c\u0932\u092e"));
  EXPECT_EQ(folded("\ufeff\u0936\u094d\u200d\u0930\u0940"), folded("\u0936\u094d\u0930\u0940"));
  EXPECT_EQ(folded("a\u00a0b"), "a b");
  EXPECT_EQ(folded(" \u200b "), "");
}

TEST(Folding, EachWordIsABeginning) {
  EXPECT_EQ(terms_of("Asha Rao Sharma"),
            (std::vector<std::string>{"asha rao sharma", "rao sharma", "sharma"}));
  EXPECT_TRUE(terms_of("").empty());
  const auto terms = terms_of(std::string(50, '\xe0') + "x");
  for (const std::string& term : terms) EXPECT_LE(term.size(), longest_term);
}

TEST(Names, WhatCannotBeSeenIsRefused) {
  EXPECT_TRUE(check_name("\u0906\u0936\u093e \u0930\u093e\u0935", "name", 128));
  for (const char* wrong : {"", "  ", "a\nb", "a\x7f", "a\u202e", "a\u2066", "a\u0085", "\xff"}) {
    EXPECT_EQ(code_of(check_name(wrong, "name", 128)), "M_INVALID_PARAM") << wrong;
  }
  EXPECT_TRUE(check_name("\u0906\u0906\u0906", "name", 3)) << "characters, not bytes";
  EXPECT_FALSE(check_name("\u0906\u0906\u0906\u0906", "name", 3));
}

class OfficersTest : public test::AccountsFixture {
 protected:
  Result<std::string> add(std::string_view name, OfficerChange what = {}) {
    return wait<std::string>([&](auto done) {
      officers.create(
          {.localpart = std::string(name), .password = std::nullopt, .display_name = {}},
          std::move(what), actor, std::move(done));
    });
  }
  Result<> change(std::string_view name, OfficerChange what) {
    return wait<void>(
        [&](auto done) { officers.change(id(name), std::move(what), actor, std::move(done)); });
  }
  std::int64_t unit(UnitKind kind, std::string_view name, std::int64_t parent = 0) {
    const auto made = wait<Unit>([&](auto done) {
      organisation.add_unit(
          {.kind = kind, .parent_id = parent, .name = std::string(name), .name_hi = {}}, actor,
          std::move(done));
    });
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return made ? made->unit_id : 0;
  }
  std::int64_t designation(std::string_view name, std::string_view name_hi = "") {
    const auto made = wait<Designation>([&](auto done) {
      organisation.add_designation(
          {.name = std::string(name), .name_hi = std::string(name_hi), .rank = {}}, actor,
          std::move(done));
    });
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return made ? made->designation_id : 0;
  }
  std::vector<std::string> found(OfficerQuery query) {
    const auto page = officers.page(query);
    EXPECT_TRUE(page) << (page ? "" : page.error().text);
    std::vector<std::string> ids;
    if (page) {
      for (const Officer& officer : page->officers) ids.push_back(officer.user_id);
    }
    return ids;
  }
  std::vector<std::string> found(std::string_view text) {
    return found(OfficerQuery{.after = {}, .text = std::string(text)});
  }
  std::string display_name(std::string_view name) {
    return profiles.field(id(name), "displayname").value_or("");
  }
  Result<> set_field(std::string_view name, std::string_view field, std::string_view json) {
    return wait<void>([&](auto done) {
      profiles.set(id(name), std::string(field), std::string(json), std::move(done));
    });
  }

  const Actor actor{.name = "uid 0", .origin = "gimsctl"};
  Organisation organisation{*store};
  Officers officers{*store, users, rooms};
};

TEST_F(OfficersTest, OthersSeeNameAndDesignation) {
  const std::int64_t ministry = unit(UnitKind::ministry, "Home Affairs");
  const std::int64_t department = unit(UnitKind::department, "Internal Security", ministry);
  const std::int64_t title = designation("Under Secretary");
  ASSERT_TRUE(add("desk.officer", {.name = "Asha Rao",
                                   .employee_id = "E-17",
                                   .phone = {},
                                   .unit_id = department,
                                   .designation_id = title}));
  EXPECT_EQ(display_name("desk.officer"), "\"Asha Rao (Under Secretary)\"");
  const auto search = users.search("under sec", id("other"), 10);
  ASSERT_TRUE(search);
  ASSERT_EQ(search->users.size(), 1U);
  EXPECT_EQ(search->users[0].display_name, "Asha Rao (Under Secretary)");
  EXPECT_EQ(profiles.field(id("desk.officer"), "gims.designation").value_or(""),
            "\"Under Secretary\"");
  EXPECT_EQ(profiles.field(id("desk.officer"), "gims.ministry").value_or(""), "\"Home Affairs\"");
  EXPECT_EQ(profiles.field(id("desk.officer"), "gims.department").value_or(""),
            "\"Internal Security\"");
  EXPECT_EQ(code_of(profiles.field(id("desk.officer"), "gims.section")), "M_NOT_FOUND");
  EXPECT_EQ(profiles.all(id("desk.officer"))->size(), 4U);
}

TEST_F(OfficersTest, ItsOwnerCannotSayOtherwise) {
  ASSERT_TRUE(add("desk.officer", {.name = "Asha Rao"}));
  EXPECT_EQ(code_of(set_field("desk.officer", "displayname", "\"Prime Minister\"")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(set_field("desk.officer", "gims.designation", "\"Secretary\"")), "M_FORBIDDEN");
  EXPECT_TRUE(set_field("desk.officer", "avatar_url", "\"mxc://gims.internal/a\""));
  // Where administrators gave no name its owner does.
  ASSERT_TRUE(add("other.officer"));
  EXPECT_TRUE(set_field("other.officer", "displayname", "\"Bimal\""));
  EXPECT_TRUE(store.write([&](store::Transaction& transaction) -> Result<> {
    GIMS_TRY(officers.refresh_some(transaction));
    return {};
  }));
  EXPECT_EQ(found("bim"), std::vector<std::string>{id("other.officer")});
}

TEST_F(OfficersTest, ADesignationThatIsRenamedIsRenamedEverywhere) {
  const std::int64_t title = designation("Under Secretary");
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(add("officer" + std::to_string(i), {.name = "Officer", .designation_id = title}));
  }
  rooms.told.clear();
  ASSERT_TRUE(wait<Designation>([&](auto done) {
    organisation.change_designation(title, {.name = "Deputy Secretary", .name_hi = "उप सचिव"},
                                    actor, std::move(done));
  }));
  int steps = 0;
  for (bool more = true; more; ++steps) {
    const auto step = store.write(
        [&](store::Transaction& transaction) { return officers.refresh_some(transaction); });
    ASSERT_TRUE(step);
    more = *step;
  }
  EXPECT_EQ(steps, 3) << "a few at a time";
  EXPECT_EQ(rooms.told.size(), 25U);
  EXPECT_EQ(display_name("officer7"), "\"Officer (Deputy Secretary)\"");
  EXPECT_TRUE(found("under").empty());
  EXPECT_EQ(found("deputy").size(), 25U);
  EXPECT_EQ(found("सचिव").size(), 25U);
}

TEST_F(OfficersTest, AreFoundByTheBeginningOfAWord) {
  const std::int64_t title = designation("Section Officer");
  ASSERT_TRUE(add("a.rao", {.name = "Asha Ashok Rao", .designation_id = title}));
  ASSERT_TRUE(add("b.singh", {.name = "आशा सिंह"}));
  ASSERT_TRUE(add("c.das", {.name = "Chandra Das"}));
  EXPECT_EQ(found("ASH"), std::vector<std::string>{id("a.rao")}) << "once, by two words";
  EXPECT_EQ(found("rao"), std::vector<std::string>{id("a.rao")});
  EXPECT_EQ(found("a.r"), std::vector<std::string>{id("a.rao")});
  EXPECT_EQ(found("section of"), std::vector<std::string>{id("a.rao")});
  EXPECT_EQ(found("सिं"), std::vector<std::string>{id("b.singh")});
  EXPECT_TRUE(found("ction").empty());
  ASSERT_TRUE(change("a.rao", {.name = "Anita Rao"}));
  EXPECT_TRUE(found("ashok").empty());
  EXPECT_EQ(found("anita"), std::vector<std::string>{id("a.rao")});
}

TEST_F(OfficersTest, PagesHoldEachOnce) {
  const std::int64_t ministry = unit(UnitKind::ministry, "Home");
  const std::int64_t section =
      unit(UnitKind::section, "IS-I", unit(UnitKind::department, "Security", ministry));
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(add("officer" + std::to_string(i),
                    {.name = "Asha Asharam", .unit_id = i % 2 == 0 ? section : 0}));
  }
  const auto walk = [&](OfficerQuery query) {
    std::vector<std::string> all;
    query.count = 2;
    for (;;) {
      const auto page = officers.page(query);
      EXPECT_TRUE(page);
      for (const Officer& officer : page->officers) all.push_back(officer.user_id);
      if (page->next.empty()) break;
      query.after = page->next;
    }
    EXPECT_TRUE(std::ranges::is_sorted(all));
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
    return all.size();
  };
  EXPECT_EQ(walk({}), 7U);
  EXPECT_EQ(walk({.after = {}, .text = "ash"}), 7U);
  EXPECT_EQ(walk({.after = {}, .text = {}, .state = {}, .unit_id = ministry}), 4U);
  EXPECT_EQ(walk({.after = {}, .text = "ash", .state = {}, .unit_id = section}), 4U);
  ASSERT_TRUE(set_state("officer0", UserState::suspended));
  EXPECT_EQ(walk({.after = {}, .text = {}, .state = UserState::suspended}), 1U);
  EXPECT_EQ(walk({.after = {}, .text = "ash", .state = UserState::active}), 6U);
  EXPECT_EQ(code_of(officers.page({.after = "nonsense", .text = "ash"})), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(officers.page({.after = {}, .text = {}, .state = {}, .unit_id = 99})),
            "M_NOT_FOUND");
}

TEST_F(OfficersTest, AreListedWithTheirDevices) {
  for (const char* name : {"c", "a", "b"}) ASSERT_TRUE(add_user(name));
  ASSERT_TRUE(login("b"));
  const auto page = officers.page({.count = 2});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->officers.size(), 2U);
  EXPECT_EQ(page->officers[0].user_id, id("a"));
  EXPECT_EQ(page->officers[0].devices, 0);
  EXPECT_EQ(page->officers[1].devices, 1);
  EXPECT_EQ(page->next, id("b"));
}

TEST_F(OfficersTest, WhatIsNotThereIsRefusedAndNothingIsMade) {
  EXPECT_EQ(code_of(add("desk.officer", {.name = "Asha", .unit_id = 99})), "M_NOT_FOUND");
  EXPECT_EQ(code_of(add("desk.officer", {.name = "Asha", .designation_id = 99})), "M_NOT_FOUND");
  EXPECT_FALSE(*users.exists(id("desk.officer")));
  EXPECT_EQ(code_of(add("desk.officer", {.name = "a\nb"})), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(change("nobody", {.name = "Asha"})), "M_NOT_FOUND");
  ASSERT_TRUE(add("desk.officer"));
  ASSERT_TRUE(set_state("desk.officer", UserState::deactivated));
  EXPECT_EQ(code_of(change("desk.officer", {.name = "Asha"})), "M_USER_DEACTIVATED");
}

TEST_F(OfficersTest, ASuspendedOfficerMayReadAndNotSend) {
  ASSERT_TRUE(add_user("desk.officer"));
  const auto phone = login("desk.officer");
  ASSERT_TRUE(phone);
  ASSERT_TRUE(set_state("desk.officer", UserState::suspended));
  const std::string_view token = phone->access_token.reveal();
  EXPECT_EQ(code_of(sessions.authenticate(token, {}, Admit::ready)), "M_USER_SUSPENDED");
  EXPECT_TRUE(sessions.authenticate(token, {}, Admit::suspended));
  EXPECT_TRUE(sessions.authenticate(token, {}, Admit::choosing_password));
  EXPECT_TRUE(login("desk.officer", password, "TABLET")) << "and sign in";
  EXPECT_EQ(code_of(set_state("desk.officer", UserState::suspended)), "GIMS_STATE");
  ASSERT_TRUE(set_state("desk.officer", UserState::active));
  EXPECT_TRUE(sessions.authenticate(token, {}, Admit::ready));
}

class OrganisationTest : public OfficersTest {
 protected:
  Result<Unit> change_unit(std::int64_t unit_id, UnitWanted wanted) {
    return wait<Unit>([&](auto done) {
      organisation.change_unit(unit_id, std::move(wanted), actor, std::move(done));
    });
  }
  Result<> remove_unit(std::int64_t unit_id) {
    return wait<void>(
        [&](auto done) { organisation.remove_unit(unit_id, actor, std::move(done)); });
  }
  Result<Unit> add_unit(UnitKind kind, std::string_view name, std::int64_t parent = 0) {
    return wait<Unit>([&](auto done) {
      organisation.add_unit(
          {.kind = kind, .parent_id = parent, .name = std::string(name), .name_hi = {}}, actor,
          std::move(done));
    });
  }
};

TEST_F(OrganisationTest, ATreeOfThreeLevels) {
  const std::int64_t home = unit(UnitKind::ministry, "Home");
  const std::int64_t security = unit(UnitKind::department, "Security", home);
  EXPECT_EQ(code_of(add_unit(UnitKind::department, "Nowhere")), "GIMS_STATE");
  EXPECT_EQ(code_of(add_unit(UnitKind::section, "IS-I", home)), "GIMS_STATE");
  EXPECT_EQ(code_of(add_unit(UnitKind::department, "Nowhere", 99)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(add_unit(UnitKind::ministry, " HOME ")), "GIMS_STATE") << "the same name";
  EXPECT_TRUE(add_unit(UnitKind::department, "Security", unit(UnitKind::ministry, "Defence")));
  EXPECT_EQ(code_of(change_unit(
                security,
                {.kind = UnitKind::section, .parent_id = home, .name = "Security", .name_hi = {}})),
            "GIMS_STATE");
  const auto whole = organisation.whole();
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->units.size(), 4U);
  EXPECT_EQ(whole->units[0].name, "Defence") << "in order of names";
  EXPECT_EQ(whole->units[1].name, "Home");
}

TEST_F(OrganisationTest, WhatHangsOnAUnitMovesWithIt) {
  const std::int64_t home = unit(UnitKind::ministry, "Home");
  const std::int64_t defence = unit(UnitKind::ministry, "Defence");
  const std::int64_t security = unit(UnitKind::department, "Security", home);
  const std::int64_t section = unit(UnitKind::section, "IS-I", security);
  ASSERT_TRUE(add("desk.officer", {.name = "Asha", .unit_id = section}));
  ASSERT_TRUE(change_unit(
      security,
      {.kind = UnitKind::department, .parent_id = defence, .name = "Security", .name_hi = {}}));
  EXPECT_TRUE(found({.after = {}, .text = {}, .state = {}, .unit_id = home}).empty());
  EXPECT_EQ(found({.after = {}, .text = {}, .state = {}, .unit_id = defence}).size(), 1U);
  const std::int64_t border = unit(UnitKind::department, "Border", home);
  ASSERT_TRUE(change_unit(
      section, {.kind = UnitKind::section, .parent_id = border, .name = "IS-I", .name_hi = {}}));
  EXPECT_EQ(found({.after = {}, .text = {}, .state = {}, .unit_id = home}).size(), 1U);
  EXPECT_EQ(found({.after = {}, .text = {}, .state = {}, .unit_id = border}).size(), 1U);
  const auto whole = organisation.whole();
  for (const Unit& each : whole->units) {
    const bool above = each.unit_id == home || each.unit_id == border || each.unit_id == section;
    EXPECT_EQ(each.officers, above ? 1 : 0) << each.name;
  }
}

TEST_F(OrganisationTest, AUnitInUseStays) {
  const std::int64_t home = unit(UnitKind::ministry, "Home");
  const std::int64_t security = unit(UnitKind::department, "Security", home);
  ASSERT_TRUE(add("desk.officer", {.name = "Asha", .unit_id = security}));
  EXPECT_EQ(code_of(remove_unit(home)), "GIMS_IN_USE");
  EXPECT_EQ(code_of(remove_unit(security)), "GIMS_IN_USE");
  EXPECT_EQ(code_of(remove_unit(99)), "M_NOT_FOUND");
  ASSERT_TRUE(set_state("desk.officer", UserState::deactivated));
  EXPECT_TRUE(remove_unit(security)) << "a closed account lets go of it";
  EXPECT_TRUE(remove_unit(home));
  EXPECT_FALSE((*officers.find(id("desk.officer")))->unit_id);
}

TEST_F(OrganisationTest, EveryChangeIsInTheAuditLog) {
  const std::int64_t home = unit(UnitKind::ministry, "Home");
  ASSERT_TRUE(change_unit(
      home, {.kind = UnitKind::ministry, .parent_id = 0, .name = "Home Affairs", .name_hi = "गृह"}));
  ASSERT_TRUE(remove_unit(home));
  auto reader = store->read();
  std::vector<std::string> details;
  ASSERT_TRUE(reader->sql().step(
      {.name = "Details", .text = "SELECT act || ' ' || detail FROM audit_log", .index = -1},
      [](sql::Cursor&) {},
      [&](const sql::Cursor& row) {
        details.emplace_back(row.bytes(0));
        return true;
      }));
  EXPECT_EQ(
      details,
      (std::vector<std::string>{
          R"(organisation.unit_added {"after":{"name":"Home"}})",
          R"(organisation.unit_changed {"after":{"name":"Home Affairs"},"before":{"name":"Home"}})",
          R"(organisation.unit_removed {"before":{"name":"Home Affairs"}})"}));
}

}  // namespace
}  // namespace gims::service
