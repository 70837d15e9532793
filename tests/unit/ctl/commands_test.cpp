#include "ctl/commands.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <vector>

#include "crypto/bytes.hpp"
#include "support/attest_unit.hpp"
#include "support/temp_folder.hpp"

namespace gims::ctl {
namespace {

struct Asked {
  Verb verb;
  std::string path;
  std::string body;
  std::string socket;
};

class Gimsctl : public ::testing::Test {
 protected:
  // What gimsd answers, in order; the last one again and again.
  void answers(std::vector<std::pair<int, std::string>> replies) { replies_ = std::move(replies); }

  Outcome gimsctl(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "gimsctl");
    return run(
        static_cast<int>(arguments.size()), arguments.data(),
        {.ask = [this](const std::string& socket, const Question& question) -> Result<Reply> {
           asked.push_back({.verb = question.verb,
                            .path = question.path,
                            .body = std::string(question.body.reveal()),
                            .socket = socket});
           if (gone) return fail(ErrorKind::unavailable, "GIMSD_GONE", "nobody listens");
           const auto& [status, body] = replies_[std::min(asked.size(), replies_.size()) - 1];
           return Reply{.status = status, .json = *json::Document::parse(body)};
         },
         .password = [this]() -> Result<Redacted> {
           ++prompts;
           if (typed.empty()) return fail(ErrorKind::bad_input, "PASSWORD", "none given");
           return Redacted(typed);
         },
         .decide = [this](const std::string& socket, const hsm::ProposeRequest& request,
                          const hsm::consent::Means& means) -> Result<hsm::consent::Said> {
           decided.push_back({.socket = socket, .request = request, .means = means});
           if (keyd_gone) return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "nobody listens");
           return said;
         }});
  }

  struct Decided {
    std::string socket;
    hsm::ProposeRequest request;
    hsm::consent::Means means;
  };
  std::vector<Asked> asked;
  std::vector<Decided> decided;
  hsm::consent::Said said;
  bool keyd_gone = false;
  bool gone = false;
  int prompts = 0;
  std::string typed = "correct horse battery";

 private:
  std::vector<std::pair<int, std::string>> replies_{{200, "{}"}};
};

TEST_F(Gimsctl, AddsAnAccountWithThePasswordOfStandardInput) {
  answers({{200, R"({"user_id":"@desk.officer:gims.internal"})"}});
  const Outcome outcome = gimsctl({"--socket", "/run/x", "user", "add", "desk.officer",
                                   "--display-name", "Desk \"A\"", "--must-change"});
  EXPECT_EQ(outcome.exit, Exit::ok);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].socket, "/run/x");
  EXPECT_EQ(asked[0].verb, Verb::post);
  EXPECT_EQ(asked[0].path, "/users");
  EXPECT_EQ(asked[0].body, R"({"localpart":"desk.officer","password":"correct horse battery",)"
                           R"("display_name":"Desk \"A\"","must_change_password":true})");
  EXPECT_EQ(outcome.out, "made the account @desk.officer:gims.internal\n");
  EXPECT_EQ(outcome.out.find(typed), std::string::npos);
}

TEST_F(Gimsctl, PrintsAPasswordThatItMade) {
  answers({{200, R"({"user_id":"@a:gims.internal"})"}});
  const Outcome outcome = gimsctl({"user", "add", "a", "--generate"});
  EXPECT_EQ(outcome.exit, Exit::ok);
  EXPECT_EQ(prompts, 0);
  const auto body = json::Document::parse(asked.at(0).body);
  const std::string password(body->root().get("password").string_or(""));
  EXPECT_EQ(password.size(), 20U);
  EXPECT_EQ(outcome.out, "made the account @a:gims.internal\npassword: " + password + "\n");
  const Outcome again = gimsctl({"--json", "user", "reset", "a", "--generate"});
  const auto printed = json::Document::parse(again.out);
  ASSERT_TRUE(printed);
  EXPECT_NE(printed->root().get("password").string_or(password), password);
}

TEST_F(Gimsctl, AsksWhatTheCommandSays) {
  struct Case {
    std::vector<const char*> arguments;
    Verb verb;
    const char* path;
  };
  const Case cases[] = {
      {{"status"}, Verb::get, "/status"},
      {{"user", "show", "@a:gims.internal"}, Verb::get, "/users/%40a%3Agims.internal"},
      {{"user", "lock", "a"}, Verb::post, "/users/a/lock"},
      {{"user", "unlock", "a"}, Verb::post, "/users/a/unlock"},
      {{"user", "reset", "a"}, Verb::post, "/users/a/reset"},
      {{"user", "deactivate", "a", "--for-good"}, Verb::post, "/users/a/deactivate"},
      {{"user", "list"}, Verb::get, "/users?limit=500"},
      {{"device", "list", "a"}, Verb::get, "/users/a/devices"},
      {{"device", "list", "--state", "wiped", "--find", "a b"},
       Verb::get,
       "/devices?state=wiped&q=a%20b&limit=500"},
      {{"device", "wipe", "a", "B", "--reason", "lost"}, Verb::post, "/users/a/devices/B/wipe"},
      {{"device", "lock", "a", "B"}, Verb::post, "/users/a/devices/B/lock"},
      {{"device", "unlock", "a", "B"}, Verb::post, "/users/a/devices/B/unlock"},
      {{"officer", "list", "--unit", "3", "--state", "locked"},
       Verb::get,
       "/users?state=locked&unit=3&limit=500"},
      {{"officer", "show", "a"}, Verb::get, "/users/a"},
      {{"officer", "change", "a", "--unit", "4"}, Verb::patch, "/users/a"},
      {{"officer", "suspend", "a"}, Verb::post, "/users/a/suspend"},
      {{"officer", "lock", "a"}, Verb::post, "/users/a/lock"},
      {{"officer", "unlock", "a"}, Verb::post, "/users/a/unlock"},
      {{"officer", "slip", "a"}, Verb::post, "/slips"},
      {{"officer", "clearance", "a", "secret"}, Verb::put, "/users/a/clearance"},
      {{"officer", "deactivate", "a", "--for-good"}, Verb::post, "/users/a/deactivate"},
      {{"org", "show"}, Verb::get, "/organisation"},
      {{"org", "add-unit", "Home", "--kind", "ministry"}, Verb::post, "/organisation/units"},
      {{"org", "remove-unit", "3"}, Verb::del, "/organisation/units/3"},
      {{"org", "add-designation", "Clerk"}, Verb::post, "/organisation/designations"},
      {{"org", "change-designation", "3", "Clerk"}, Verb::put, "/organisation/designations/3"},
      {{"org", "remove-designation", "3"}, Verb::del, "/organisation/designations/3"},
      {{"slip", "list"}, Verb::get, "/slips?limit=500"},
      {{"slip", "revoke", "7"}, Verb::del, "/slips/7"},
      {{"room", "list", "--find", "flood"}, Verb::get, "/rooms?q=flood&limit=500"},
      {{"room", "show", "!a"}, Verb::get, "/rooms/%21a"},
      {{"room", "members", "!a"}, Verb::get, "/rooms/%21a/members?limit=500"},
      {{"room", "shut", "!a", "--reason", "over"}, Verb::post, "/rooms/%21a/shutdown"},
      {{"report", "list", "--open"}, Verb::get, "/reports?state=open&limit=500"},
      {{"report", "close", "3", "--note", "done"}, Verb::post, "/reports/3/close"},
      {{"device", "revoke", "a", "B/../C"}, Verb::del, "/users/a/devices/B%2F..%2FC"},
      {{"audit", "list", "--after", "7", "--limit", "3"}, Verb::get, "/audit?limit=3&after=7"},
      {{"audit", "verify"}, Verb::post, "/audit/verify"},
      {{"check", "--full"}, Verb::post, "/check"},
      {{"migrate"}, Verb::post, "/migrate"},
  };
  for (const auto& [arguments, verb, path] : cases) {
    asked.clear();
    const Outcome outcome = gimsctl(arguments);
    EXPECT_NE(outcome.exit, Exit::usage) << path << outcome.err;
    ASSERT_EQ(asked.size(), 1U) << path;
    EXPECT_EQ(asked[0].verb, verb) << path;
    EXPECT_EQ(asked[0].path, path);
    EXPECT_EQ(asked[0].socket, "/run/gims/admin.sock");
  }
}

TEST_F(Gimsctl, WrongUseAsksNobody) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"frobnicate"},
      {"user"},
      {"user", "add"},
      {"user", "add", "a", "--password", "secret"},
      {"user", "deactivate", "a"},
      {"device", "revoke", "a"},
      {"officer", "deactivate", "a"},
      {"officer", "import", "list.csv", "--skip-bad"},
      {"room", "shut", "!a"},
      {"report", "close", "3"},
      {"audit", "list", "--limit", "0"},
      {"audit", "list", "--after", "-1"},
      {"status", "more"},
  };
  for (const auto& arguments : wrong) {
    const Outcome outcome = gimsctl(arguments);
    EXPECT_EQ(outcome.exit, Exit::usage);
    EXPECT_FALSE(outcome.err.empty());
  }
  typed.clear();
  const Outcome outcome = gimsctl({"user", "add", "a"});
  EXPECT_EQ(outcome.exit, Exit::usage);
  EXPECT_EQ(outcome.err, "gimsctl: none given\n");
  EXPECT_TRUE(asked.empty());
}

TEST_F(Gimsctl, HelpAndVersionAreNoFailure) {
  EXPECT_EQ(gimsctl({"--help"}).exit, Exit::ok);
  EXPECT_NE(gimsctl({"user", "add", "--help"}).out.find("--generate"), std::string::npos);
  EXPECT_EQ(gimsctl({"--version"}).exit, Exit::ok);
  EXPECT_TRUE(asked.empty());
}

TEST_F(Gimsctl, TellsARefusalInGimsdsWords) {
  answers({{404, R"({"errcode":"M_NOT_FOUND","error":"There is no such account."})"}});
  const Outcome outcome = gimsctl({"user", "lock", "a"});
  EXPECT_EQ(outcome.exit, Exit::refused);
  EXPECT_EQ(outcome.err, "gimsctl: There is no such account.\n");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Gimsctl, TellsThatNobodyAnswers) {
  gone = true;
  const Outcome outcome = gimsctl({"status"});
  EXPECT_EQ(outcome.exit, Exit::not_reached);
  EXPECT_EQ(outcome.err, "gimsctl: nobody listens\n");
}

TEST_F(Gimsctl, ALogThatDoesNotHoldIsExitStatusOne) {
  answers(
      {{200, R"({"intact":false,"witnessed":true,"sequence":3,"text":"entry 3 was changed"})"}});
  const Outcome broken = gimsctl({"audit", "verify"});
  EXPECT_EQ(broken.exit, Exit::refused);
  EXPECT_EQ(broken.out, "entry 3 was changed\n");
  EXPECT_EQ(gimsctl({"--json", "audit", "verify"}).exit, Exit::refused);
  answers({{200, R"({"intact":true,"witnessed":true,"sequence":3,"text":"whole"})"},
           {404, R"({"errcode":"M_NOT_FOUND","error":"No entry was certified yet."})"}});
  asked.clear();
  EXPECT_EQ(gimsctl({"audit", "verify"}).exit, Exit::ok);
}

TEST_F(Gimsctl, ALogWithoutTheEntryThatTheTpmCertifiedIsExitStatusOne) {
  test::AttestUnit unit;
  unit.head = {.sequence = 3, .hash = {0xAB}};
  const std::string whole = R"({"intact":true,"witnessed":true,"sequence":3,"text":"whole"})";
  const std::string certificate = hsm::attest::encode_certificate(unit.certificate());
  const std::string right =
      R"({"entries":[{"sequence":3,"hash":")" + crypto::hex(unit.head.hash) + R"("}]})";
  const auto verify = [&](const std::string& certified, const std::string& entries) {
    answers({{200, whole}, {200, certified}, {200, entries}});
    asked.clear();
    return gimsctl({"audit", "verify"});
  };
  EXPECT_EQ(verify(certificate, right).exit, Exit::ok);
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[1].path, "/audit/certificate");
  EXPECT_EQ(asked[2].path, "/audit?limit=1&after=2");
  const Outcome cut = verify(certificate, R"({"entries":[]})");
  EXPECT_EQ(cut.exit, Exit::refused);
  EXPECT_EQ(cut.err,
            "gimsctl: the audit log was cut off: entry 3, which the TPM certified, is missing\n");
  const Outcome anew = verify(certificate, R"({"entries":[{"sequence":3,"hash":"00"}]})");
  EXPECT_EQ(anew.exit, Exit::refused);
  EXPECT_EQ(verify(R"({"version":1})", right).exit, Exit::refused);
}

TEST_F(Gimsctl, ACertificateThatGimsdDoesNotGiveIsARefusal) {
  const std::string whole = R"({"intact":true,"witnessed":true,"sequence":3,"text":"whole"})";
  for (const auto& [answer, told] :
       {std::pair{R"({"errcode":"M_UNKNOWN","error":"It cannot be read."})", "It cannot be read."},
        {"{}", "gimsd refused without a reason."}}) {
    answers({{200, whole}, {503, answer}});
    asked.clear();
    const Outcome outcome = gimsctl({"audit", "verify"});
    EXPECT_EQ(outcome.exit, Exit::refused);
    EXPECT_EQ(outcome.err, std::string("gimsctl: ") + told + "\n");
    EXPECT_EQ(outcome.out, "") << "a log whose certificate was not looked at is not called whole";
    EXPECT_EQ(asked.size(), 2U);
  }
}

TEST_F(Gimsctl, ExportsTheAuditLogWithItsCertificate) {
  const test::TempFolder folder;
  answers({{200, R"({"entries":[{"sequence":1,"hash":"aa"}],"next":1})"},
           {200, R"({"entries":[{"sequence":2,"hash":"bb"}]})"},
           {200, R"({"version":1})"}});
  const Outcome outcome = gimsctl({"audit", "export", "--out", folder.file("log").c_str()});
  EXPECT_EQ(outcome.exit, Exit::ok) << outcome.err;
  std::ifstream in(folder / "log");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}),
            R"({"version":1,"entries":[{"sequence":1,"hash":"aa"},{"sequence":2,"hash":"bb"}],)"
            R"("certificate":{"version":1}})"
            "\n");
  EXPECT_EQ(gimsctl({"audit", "verify", "--evidence", "x"}).exit, Exit::usage);
}

TEST_F(Gimsctl, ADamagedStoreIsExitStatusOne) {
  answers({{200, R"({"problems":["row 3 missing from index"]})"}});
  const Outcome damaged = gimsctl({"check"});
  EXPECT_EQ(damaged.exit, Exit::refused);
  EXPECT_TRUE(damaged.out.starts_with("row 3 missing from index\n")) << damaged.out;
  EXPECT_NE(damaged.out.find("Copy the data folder before anything else"), std::string::npos);
  answers({{200, R"({"problems":[]})"}});
  EXPECT_EQ(gimsctl({"check"}).exit, Exit::ok);
  answers({{200, "{}"}});  // no answer to the question is no "sound"
  EXPECT_EQ(gimsctl({"check"}).exit, Exit::refused);
}

TEST_F(Gimsctl, ReadsListsToTheirEnd) {
  answers({{200, R"({"users":[{"user_id":"@a:x","state":"active","devices":2}],"next":"@a:x"})"},
           {200, R"({"users":[{"user_id":"@bb:x","display_name":"B","state":"locked","devices":0,
                    "last_seen_ts":1700000000000}]})"}});
  const Outcome outcome = gimsctl({"user", "list"});
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].path, "/users?limit=500&after=%40a%3Ax");
  EXPECT_EQ(outcome.out,
            "USER   NAME  STATE   DEVICES  LAST SEEN\n"
            "@a:x   -     active  2        -\n"
            "@bb:x  B     locked  0        2023-11-14 22:13:20 UTC\n");
  asked.clear();
  const auto json = json::Document::parse(gimsctl({"user", "list", "--json"}).out);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->root().get("users").size(), 2U);
}

TEST_F(Gimsctl, AnOfficerIsMadeWithASlip) {
  answers({{200, R"({"user_id":"@a:x"})"},
           {200, R"({"slips":[{"slip_id":"1","user_id":"@a:x","code":"ABCD-EFGH-JKMN-PQRS",
                    "expires_ts":1700000000000}]})"}});
  const Outcome outcome =
      gimsctl({"officer", "add", "a", "--display-name", "Asha", "--unit", "3", "--hours", "24"});
  EXPECT_EQ(outcome.exit, Exit::ok);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].body, R"({"localpart":"a","display_name":"Asha","unit_id":"3"})");
  EXPECT_EQ(asked[1].path, "/slips");
  EXPECT_EQ(asked[1].body, R"({"user_ids":["a"],"hours":24})");
  EXPECT_EQ(outcome.out,
            "made the account a\n"
            "code: ABCD-EFGH-JKMN-PQRS  (for @a:x, good until 2023-11-14 22:13:20 UTC)\n");
}

TEST_F(Gimsctl, AUnitThatIsRenamedStaysWhereItIs) {
  answers({{200, R"({"units":[{"unit_id":"3","kind":"department","parent_id":"1","name":"Old"}]})"},
           {200, R"({"unit_id":"3","name":"New"})"}});
  EXPECT_EQ(gimsctl({"org", "change-unit", "3", "New"}).exit, Exit::ok);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].verb, Verb::put);
  EXPECT_EQ(asked[1].body, R"({"name":"New","kind":"department","parent_id":"1"})");
  asked.clear();
  EXPECT_EQ(gimsctl({"org", "change-unit", "4", "New"}).exit, Exit::refused);
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(Gimsctl, AListOfOfficersIsLookedAtAndMade) {
  const test::TempFolder folder;
  const std::string file = folder / "list.csv";
  std::ofstream(file) << "localpart,display_name\nasha,Asha\n";
  answers({{200, R"({"import_id":"I","rows":2,"good":1,"bad":1})"},
           {200, R"({"rows":[{"row":3,"errors":[{"row":3,"column":"localpart","value":"a b",
                    "error":"A user name has no blanks."}]}]})"}});
  const Outcome looked = gimsctl({"officer", "import", file.c_str()});
  EXPECT_EQ(looked.exit, Exit::refused);
  EXPECT_EQ(asked.at(0).path, "/imports");
  EXPECT_EQ(asked.at(0).body, "localpart,display_name\nasha,Asha\n");
  EXPECT_EQ(asked.at(1).path, "/imports/I/rows?only=bad&limit=500");
  EXPECT_EQ(looked.out,
            "2 rows: 1 can be made, 1 are wrong\n"
            "row 3: localpart \"a b\": A user name has no blanks.\n"
            "nothing was made; --commit makes the officers\n");
  asked.clear();
  answers({{200, R"({"import_id":"I","rows":1,"good":1,"bad":0})"},
           {200, R"({"made":1,"errors":[]})"}});
  const Outcome made = gimsctl({"officer", "import", file.c_str(), "--commit", "--skip-bad"});
  EXPECT_EQ(made.exit, Exit::ok);
  EXPECT_EQ(asked.at(1).path, "/imports/I/commit");
  EXPECT_EQ(asked.at(1).body, R"({"skip_bad":true})");
  EXPECT_EQ(made.out, "made 1 officers; slips are made for each\n");
}

TEST_F(Gimsctl, StatusShoutsWhatIsWrong) {
  answers({{200, R"({"server_name":"gims.internal","version":"1","uptime_seconds":3720,
    "store":{"read_only":true,"reason":"disk full","position":9},"keyd":{"state":"operational"},
    "connections":3,"users":{"active":5,"suspended":3,"locked":1,"deactivated":2},
    "audit":{"sequence":4,"standing":"broken","text":"tail missing or changed: entry 5"}})"}});
  const std::string out = gimsctl({"status"}).out;
  EXPECT_NE(out.find("uptime:       1 h 2 min\n"), std::string::npos) << out;
  EXPECT_NE(out.find("store:        READ-ONLY: disk full"), std::string::npos) << out;
  EXPECT_NE(out.find("users:        5 active, 3 suspended, 1 locked, 2 deactivated\n"),
            std::string::npos);
  EXPECT_NE(out.find("audit:        ATTENTION: tail missing or changed: entry 5 (entry 4)\n"),
            std::string::npos)
      << out;
}

TEST_F(Gimsctl, ZeroizingIsAskedOfGimsKeydByEachOfTwo) {
  said.proposal = {.id = 3,
                   .action = hsm::Action::zeroize,
                   .body = {0},
                   .text = "destroy all keys of this site for good",
                   .challenge = {},
                   .seconds_left = 600,
                   .approved_by = {}};
  said.yes = hsm::ApproveReply{.missing = 1, .text = ""};
  Outcome outcome =
      gimsctl({"--keyd-socket", "/run/k", "zeroize", "--as", "Asha", "--key", "a.pem"});
  EXPECT_EQ(outcome.exit, Exit::ok);
  EXPECT_TRUE(asked.empty()) << "gimsd may be away";
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_EQ(decided[0].socket, "/run/k");
  EXPECT_EQ(decided[0].request.action, hsm::Action::zeroize);
  EXPECT_EQ(decided[0].request.body, hsm::Bytes{0});
  EXPECT_EQ(decided[0].means.who, "Asha");
  EXPECT_EQ(decided[0].means.key_file, "a.pem");
  EXPECT_EQ(outcome.out,
            "Proposal 3, to destroy all keys of this site for good, waits for a second person, for "
            "ten minutes from when it was made.\n");
  said.yes = hsm::ApproveReply{.missing = 0, .text = "The keys are destroyed."};
  outcome = gimsctl({"zeroize", "--files-only", "--as", "Bimal", "--assertion", "b.json"});
  EXPECT_EQ(outcome.out, "The keys are destroyed.\n");
  EXPECT_EQ(decided.at(1).request.body, hsm::Bytes{1});
  EXPECT_EQ(decided.at(1).means.assertion_file, "b.json");
  outcome = gimsctl({"--json", "zeroize"});
  EXPECT_EQ(outcome.out, R"({"proposal":3,"missing":0,"text":"The keys are destroyed."})"
                         "\n");
  keyd_gone = true;
  EXPECT_EQ(gimsctl({"zeroize"}).exit, Exit::not_reached);
  EXPECT_EQ(gimsctl({"zeroize", "--key", "a", "--assertion", "b"}).exit, Exit::usage);
}

TEST_F(Gimsctl, AnIdentityIsResetOnceTwoApprovedIt) {
  answers({{200, R"({"user_id":"@desk.officer:gims.internal"})"}});
  said.proposal.id = 5;
  said.proposal.text = "let @desk.officer:gims.internal replace its encrypted identity";
  said.yes = hsm::ApproveReply{.missing = 1, .text = ""};
  Outcome outcome = gimsctl({"user", "reset-identity", "desk.officer", "--as", "A", "--key", "a"});
  EXPECT_EQ(outcome.exit, Exit::ok);
  ASSERT_EQ(asked.size(), 1U) << "nothing is asked of gimsd yet";
  EXPECT_EQ(asked[0].path, "/users/desk.officer");
  const std::string user = "@desk.officer:gims.internal";
  EXPECT_EQ(decided.at(0).request.action, hsm::Action::identity_reset);
  EXPECT_EQ(decided.at(0).request.body, hsm::Bytes(user.begin(), user.end()));
  said.yes->missing = 0;
  outcome = gimsctl({"user", "reset-identity", "desk.officer", "--as", "B", "--key", "b"});
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[2].verb, Verb::post);
  EXPECT_EQ(asked[2].path, "/users/desk.officer/reset-identity");
  EXPECT_EQ(asked[2].body, R"({"approval":5})");
  EXPECT_EQ(outcome.out, "for an hour its owner may replace, once, the identity of " + user + "\n");
  // The second yes may have been said by gims-keyd's own command.
  said.yes.reset();
  said.proposal.approved_by = {"Asha"};
  gimsctl({"user", "reset-identity", "desk.officer"});
  EXPECT_EQ(asked.size(), 4U);
  said.proposal.approved_by = {"Asha", "Bimal"};
  gimsctl({"user", "reset-identity", "desk.officer"});
  EXPECT_EQ(asked.size(), 6U);
}

}  // namespace
}  // namespace gims::ctl
