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
      {{"user", "list"}, Verb::get, "/users?limit=500&after="},
      {{"device", "list", "a"}, Verb::get, "/users/a/devices"},
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

TEST_F(Gimsctl, StatusShoutsWhatIsWrong) {
  answers({{200, R"({"server_name":"gims.internal","version":"1","uptime_seconds":3720,
    "store":{"read_only":true,"reason":"disk full","position":9},"keyd":{"state":"operational"},
    "connections":3,"users":{"active":5,"locked":1,"deactivated":2},
    "audit":{"sequence":4,"standing":"broken","text":"tail missing or changed: entry 5"}})"}});
  const std::string out = gimsctl({"status"}).out;
  EXPECT_NE(out.find("uptime:       1 h 2 min\n"), std::string::npos) << out;
  EXPECT_NE(out.find("store:        READ-ONLY: disk full"), std::string::npos) << out;
  EXPECT_NE(out.find("users:        5 active, 1 locked, 2 deactivated\n"), std::string::npos);
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

TEST_F(Gimsctl, InvitesAnAdministratorByACodeThatIsShownOnce) {
  answers({{200, R"({"name":"Asha","code":"ABCD-EFGH-IJKL-MNOP","expires_ts":1700000000000})"}});
  const Outcome outcome = gimsctl({"admin", "invite", "Asha K"});
  EXPECT_EQ(outcome.exit, Exit::ok);
  EXPECT_TRUE(outcome.out.starts_with("code: ABCD-EFGH-IJKL-MNOP\nfor Asha, until 2023-11-14"));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].verb, Verb::post);
  EXPECT_EQ(asked[0].path, "/administrators/Asha%20K/invite");
}

TEST_F(Gimsctl, LocksAndUnlocksAdministrators) {
  EXPECT_EQ(gimsctl({"admin", "lock", "Asha"}).out, "locked Asha\n");
  EXPECT_EQ(gimsctl({"admin", "unlock", "Asha"}).out, "unlocked Asha\n");
  EXPECT_EQ(asked[0].path, "/administrators/Asha/lock");
  EXPECT_EQ(asked[1].path, "/administrators/Asha/unlock");
  EXPECT_EQ(gimsctl({"admin", "lock"}).exit, Exit::usage);
}

TEST_F(Gimsctl, ListsTheAdministrators) {
  answers({{200, R"({"administrators":[{"name":"Asha","roles":["administrator","auditor"],)"
                 R"("console":"active","factors":["webauthn","totp"],"sessions":2}]})"}});
  const Outcome outcome = gimsctl({"admin", "list"});
  EXPECT_TRUE(outcome.out.contains("administrator, auditor"));
  EXPECT_TRUE(outcome.out.contains("webauthn, totp"));
  EXPECT_EQ(asked[0].path, "/administrators");
}

}  // namespace
}  // namespace gims::ctl
