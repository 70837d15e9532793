#include "service/officers/imports.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "service/officers/csv.hpp"
#include "store/audit.hpp"
#include "store/statements/officers.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

// Of ASCII and the letters of plane 0.
std::string utf16(std::u16string_view text, bool little) {
  std::string out = little ? "\xff\xfe" : "\xfe\xff";
  for (const char16_t c : text) {
    const char low = static_cast<char>(c & 0xff);
    const char high = static_cast<char>(c >> 8U);
    out.push_back(little ? low : high);
    out.push_back(little ? high : low);
  }
  return out;
}

TEST(Csv, IsReadInEveryFormThatOfficesExport) {
  const std::vector<std::string> expected{"asha", "आशा, राव"};
  const std::string_view plain = "user,name\r\nasha,\"आशा, राव\"\r\n";
  for (const std::string& file :
       {std::string(plain), "\xef\xbb\xbf" + std::string(plain),
        std::string("user;name\nasha;आशा, राव"), std::string("user\tname\rasha\tआशा, राव\r"),
        utf16(u"user\tname\r\nasha\tआशा, राव\r\n", true),
        utf16(u"user\tname\r\nasha\tआशा, राव\r\n", false)}) {
    const auto table = parse_csv(file);
    ASSERT_TRUE(table) << table.error().text;
    EXPECT_EQ(table->head, (std::vector<std::string>{"user", "name"}));
    ASSERT_EQ(table->rows.size(), 1U);
    EXPECT_EQ(table->rows[0].fields, expected);
    EXPECT_EQ(table->rows[0].number, 2);
  }
}

TEST(Csv, QuotationMarksHoldEverything) {
  const auto table = parse_csv("a,b\n\"x \"\"y\"\"\",\"line\r\nbreak\"\n\n , \nz,\"torn\"x\n");
  ASSERT_TRUE(table);
  ASSERT_EQ(table->rows.size(), 2U) << "rows without anything are none";
  EXPECT_EQ(table->rows[0].fields, (std::vector<std::string>{"x \"y\"", "line\r\nbreak"}));
  EXPECT_EQ(table->rows[1].number, 5);
  EXPECT_TRUE(table->rows[1].is_torn);
}

TEST(Csv, WhatIsNoTableIsRefusedWithWhatToDo) {
  const auto refused = [](std::string_view bytes) {
    const auto table = parse_csv(bytes);
    return table ? std::string() : table.error().code + " " + table.error().text;
  };
  EXPECT_TRUE(refused("").contains("empty"));
  EXPECT_TRUE(refused(" \n,,\n").contains("empty"));
  EXPECT_TRUE(refused("a,b\n\"never").contains("row 2"));
  EXPECT_TRUE(refused("PK\x03\x04 and so on").contains("CSV UTF-8"));
  EXPECT_TRUE(refused(std::string_view("a\0b", 3)).contains("CSV UTF-8"));
  EXPECT_TRUE(refused(std::string(largest_csv + 1, 'a')).contains("4 MiB"));
  EXPECT_TRUE(refused(std::string(40, ',') + "x").contains("32 columns"));
  std::string many = "a\n";
  for (std::size_t i = 0; i <= most_csv_rows; ++i) many += "x\n";
  EXPECT_TRUE(refused(many).contains("10,000 rows"));
  many.resize(many.size() - 2);
  EXPECT_EQ(refused(many), "");
}

class ImportsTest : public test::AccountsFixture {
 protected:
  void SetUp() override {
    script(
        "INSERT INTO units (parent_id, level, name, name_hi, name_key) VALUES"
        " (0, 1, 'Home', 'गृह', 'home'), (1, 2, 'Police', NULL, 'police'),"
        " (0, 1, 'Finance', NULL, 'finance'), (3, 2, 'Police', NULL, 'police');"
        "INSERT INTO designations (name, name_hi, name_key) VALUES"
        " ('Under Secretary', 'अवर सचिव', 'under secretary')");
  }
  Result<ImportDone> commit(std::string import_id, bool skip_bad = false) {
    return wait<ImportDone>(
        [&](auto done) { imports.commit(std::move(import_id), skip_bad, actor, std::move(done)); });
  }
  // "row code column" of each.
  std::vector<std::string> errors_of(std::string_view file) {
    const auto preview = imports.preview(file);
    EXPECT_TRUE(preview) << (preview ? "" : preview.error().text);
    if (!preview) return {};
    std::vector<std::string> errors;
    const auto rows = imports.rows(preview->import_id, 0, true, 100);
    for (const ImportRow& row : rows->rows) {
      for (const ImportError& error : row.errors) {
        EXPECT_FALSE(error.error.empty());
        errors.push_back(std::to_string(error.row) + " " + error.errcode + " " + error.column);
      }
    }
    return errors;
  }
  std::int64_t importing() {
    auto reader = store->read();
    return static_cast<std::int64_t>(
        sql::all(reader->sql(), store::statements::UsersOfImport{10'000})->size());
  }

  const Actor actor{.name = "uid 0", .origin = "gimsctl"};
  Officers officers{*store, users, rooms};
  Imports imports{*store, users, officers, store.clock()};
};

TEST_F(ImportsTest, OfficersComeWithNameUnitAndDesignation) {
  const auto preview = imports.preview(
      "उपयोगकर्ता नाम,नाम,मंत्रालय,विभाग,पदनाम,Employee ID\r\n"
      "Asha.Rao,Asha Rao,गृह,Police,अवर सचिव,E-17\r\n"
      "bimal.das,बिमल दास,,,,\r\n");
  ASSERT_TRUE(preview) << preview.error().text;
  EXPECT_EQ(preview->rows, 2);
  EXPECT_EQ(preview->bad, 0);
  EXPECT_EQ(preview->columns,
            (std::vector<std::string>{"localpart", "display_name", "ministry", "department",
                                      "designation", "employee_id"}));
  EXPECT_FALSE(*users.exists(id("asha.rao")));
  const auto done = commit(preview->import_id);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->made, 2);
  const auto asha = officers.find(id("asha.rao"));
  ASSERT_TRUE(asha && *asha);
  EXPECT_EQ((*asha)->name, "Asha Rao");
  EXPECT_EQ((*asha)->unit_id, 2);
  EXPECT_EQ((*asha)->designation_id, 1);
  EXPECT_EQ((*asha)->employee_id, "E-17");
  EXPECT_EQ((*asha)->state, UserState::active);
  EXPECT_TRUE((*asha)->must_change_password);
  EXPECT_EQ(code_of(login("asha.rao", "")), "M_FORBIDDEN");
}

TEST_F(ImportsTest, SaysOfEachRowWhatIsWrong) {
  ASSERT_TRUE(add_user("taken"));
  EXPECT_EQ(
      errors_of("localpart,display_name,unit,designation,phone\n"
                ",Name,,,\n"
                "a b,Name,,,\n"
                "taken,Name,,,\n"
                "twice,Name,,,\n"
                "TWICE,Name,,,\n"
                "noname,,,,\n"
                "unit,Name,Nowhere,,\n"
                "many,Name,Police,,\n"
                "way,Name,Home / Police,,\n"
                "title,Name,,Emperor,\n"
                "legacy,\xe0\xe1,,,\n"
                "lost,???? ???,,,\n"
                "long,Name,,,123456789012345678901234567890123\n"
                "torn,\"Name\"x,,,\n"
                "@x:gims.internal,Name,,,\n"),
      (std::vector<std::string>{
          "2 GIMS_ROW_EMPTY localpart", "3 GIMS_ROW_NAME localpart", "4 GIMS_ROW_TAKEN localpart",
          "5 GIMS_ROW_TWICE localpart", "6 GIMS_ROW_TWICE localpart",
          "7 GIMS_ROW_EMPTY display_name", "8 GIMS_ROW_UNIT unit", "9 GIMS_ROW_UNIT unit",
          "11 GIMS_ROW_DESIGNATION designation", "12 GIMS_ROW_ENCODING display_name",
          "13 GIMS_ROW_ENCODING display_name", "14 GIMS_ROW_LONG phone", "15 GIMS_ROW_COLUMNS ",
          "16 GIMS_ROW_NAME localpart"}));
  EXPECT_EQ(code_of(imports.preview("name,unit\nx,y\n")), "GIMS_IMPORT");
  EXPECT_EQ(code_of(imports.preview("localpart,name,user\nx,y,z\n")), "GIMS_IMPORT");
}

TEST_F(ImportsTest, AllOrNone) {
  std::string file = "localpart,display_name\n";
  for (int i = 0; i < 250; ++i) file += "officer" + std::to_string(i) + ",Officer\n";
  const auto preview = imports.preview(file);
  ASSERT_TRUE(preview);
  // Somebody makes the last one meanwhile.
  ASSERT_TRUE(add_user("officer249"));
  const auto failed = commit(preview->import_id);
  EXPECT_EQ(code_of(failed), "GIMS_ROWS");
  EXPECT_TRUE(failed.error().text.contains("Row 251"));
  EXPECT_EQ(importing(), 0) << "nothing stays";
  EXPECT_FALSE(*users.exists(id("officer0")));
  EXPECT_TRUE(officers.page({.after = {}, .text = "officer1"})->officers.empty());
  EXPECT_TRUE(add_user("officer0")) << "its name is free";
}

TEST_F(ImportsTest, AFileIsImportedOnce) {
  const std::string file = "localpart,display_name\nasha,Asha\n";
  const auto preview = imports.preview(file);
  ASSERT_TRUE(commit(preview->import_id));
  auto reader = store->read();
  const auto entries = store::audit_head(reader->sql())->sequence;
  const auto again = commit(preview->import_id);
  ASSERT_TRUE(again) << "its answer may have got lost";
  EXPECT_EQ(again->made, 1);
  EXPECT_EQ(store::audit_head(store->read()->sql())->sequence, entries);
  EXPECT_EQ(imports.preview(file)->import_id, preview->import_id) << "by what is in it";
}

TEST_F(ImportsTest, WhatIsNotKeptIsAskedForAnew) {
  const auto preview = imports.preview("localpart,display_name\nasha,Asha\n");
  ASSERT_TRUE(preview);
  EXPECT_TRUE(imports.rows(preview->import_id, 0, false, 10));
  store.clock().advance(Imports::kept.count());
  EXPECT_EQ(code_of(imports.rows(preview->import_id, 0, false, 10)), "GIMS_EXPIRED");
  EXPECT_EQ(code_of(commit(preview->import_id)), "GIMS_EXPIRED");
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(imports.preview("localpart,display_name\nx" + std::to_string(i) + ",X\n"));
  }
  const auto first = imports.preview("localpart,display_name\nx4,X\n");
  EXPECT_TRUE(imports.discard(first->import_id));
  EXPECT_EQ(code_of(imports.discard(first->import_id)), "GIMS_EXPIRED");
}

TEST_F(ImportsTest, WhatAStopLeftIsTakenOut) {
  script(
      "INSERT INTO users (user_id, created_ts, state) VALUES ('@left:gims.internal', 0, "
      "'importing');"
      "INSERT INTO officer_terms (term, user_id) VALUES ('left', '@left:gims.internal')");
  EXPECT_FALSE(*users.exists(id("left"))) << "it is not there yet";
  EXPECT_EQ(code_of(add_user("left")), "M_USER_IN_USE");
  EXPECT_TRUE(officers.page({})->officers.empty());
  EXPECT_TRUE(officers.page({.after = {}, .text = "left"})->officers.empty());
  ASSERT_TRUE(store.write(
      [&](store::Transaction& transaction) { return imports.clean_some(transaction); }));
  EXPECT_EQ(importing(), 0);
  EXPECT_TRUE(add_user("left"));
}

TEST_F(ImportsTest, RowsComeInPages) {
  const auto preview = imports.preview("localpart,display_name\na,A\nb,B\nc,\nd,D\n");
  const auto first = imports.rows(preview->import_id, 0, false, 2);
  ASSERT_TRUE(first && first->next);
  EXPECT_EQ(*first->next, 3);
  const auto rest = imports.rows(preview->import_id, *first->next, false, 2);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->rows.size(), 2U);
  EXPECT_FALSE(rest->next);
  EXPECT_EQ(imports.first_rows(preview->import_id, 1)->front().row, 4) << "what is wrong first";
}

}  // namespace
}  // namespace gims::service
