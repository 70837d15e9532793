#include "ctl/commands.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "crypto/random.hpp"
#include "ctl/attest_commands.hpp"
#include "ctl/attest_grammar.hpp"
#include "ctl/audit_export.hpp"
#include "ctl/branches.hpp"
#include "ctl/files.hpp"
#include "ctl/officer_commands.hpp"
#include "ctl/questions.hpp"
#include "ctl/reports.hpp"
#include "ctl/room_commands.hpp"
#include "ctl/table.hpp"
#include "ctl/unit_commands.hpp"
#include "hsm/attest/evidence.hpp"
#include "hsm/attest/verify.hpp"
#include "hsm/proto/approval_messages.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

constexpr std::size_t generated_length = 20;  // of 62 letters: 119 bits

struct Arguments {
  std::string socket = "/run/gims/admin.sock";
  bool json = false;
  std::string user;
  std::string display_name;
  bool generate = false;
  bool must_change = false;
  bool for_good = false;
  bool full = false;
  std::string file;        // an export of the audit log
  AttestArguments attest;  // and gims-keyd's socket
  std::string act;         // of the unit, for the audit log
  std::string at;          // the console where it was asked for
  std::string step;
  std::string text;
  std::int64_t after = 0;
  std::int64_t most = 0;  // 0: all
  hsm::consent::Means means;
  bool files_only = false;
};

// While it lives, says how far the check of the store is.
class Watch {
 public:
  Watch(const std::string& socket, const Surroundings& surroundings) {
    if (!surroundings.progress) return;
    thread_ = std::jthread([&socket, &surroundings](const std::stop_token& over) {
      std::mutex mutex;
      std::condition_variable_any woken;
      std::unique_lock lock(mutex);
      while (!woken.wait_for(lock, over, interval, [&] { return over.stop_requested(); })) {
        const auto reply = surroundings.ask(socket, {.path = "/check"});
        if (reply && reply->status == 200) surroundings.progress(check_text(reply->json.root()));
      }
      surroundings.progress("");
    });
  }

 private:
  static constexpr std::chrono::milliseconds interval{500};
  std::jthread thread_;
};

class Commands : Questions {
 public:
  Commands(Arguments& arguments, const Surroundings& surroundings) noexcept
      : Questions(arguments.socket, arguments.json, surroundings),
        with_(arguments),
        surroundings_(surroundings) {}

  Result<Outcome> status() {
    return show({.path = "/status"}, [](json::Value answer) { return status_text(answer); });
  }
  Result<Outcome> add_user() {
    GIMS_TRY_ASSIGN(const Redacted password, new_password());
    json::Writer body;
    body.begin_object().member("localpart", with_.user).member("password", password.reveal());
    if (!with_.display_name.empty()) body.member("display_name", with_.display_name);
    body.member("must_change_password", with_.must_change).end_object();
    GIMS_TRY_ASSIGN(const auto answer,
                    ask({.verb = Verb::post, .path = "/users", .body = Redacted(body.take())}));
    return told("made the account", answer.root().get("user_id").string_or(""), password);
  }
  Result<Outcome> reset_user() {
    GIMS_TRY_ASSIGN(const Redacted password, new_password());
    json::Writer body;
    body.begin_object().member("password", password.reveal());
    body.member("must_change_password", with_.must_change).end_object();
    GIMS_TRY(
        ask({.verb = Verb::post, .path = user_path() + "/reset", .body = Redacted(body.take())}));
    return told("reset the password and ended all sessions of", with_.user, password);
  }
  Result<Outcome> list_users() { return list("/users", "users", users_text); }
  Result<Outcome> show_user() {
    return show({.path = user_path()}, [](json::Value answer) { return user_text(answer); });
  }
  Result<Outcome> act_on_user(std::string_view act, std::string_view done) {
    GIMS_TRY(ask({.verb = Verb::post, .path = user_path() + "/" + std::string(act)}));
    return told(done, with_.user, {});
  }
  Result<Outcome> zeroize() {
    GIMS_TRY_ASSIGN(const hsm::consent::Said said,
                    decide(hsm::consent::to_zeroize(with_.files_only)));
    return told(said);
  }
  Result<Outcome> reset_identity() {
    GIMS_TRY_ASSIGN(const auto account, ask({.path = user_path()}));
    const std::string user_id(account.root().get("user_id").string_or(""));
    GIMS_TRY_ASSIGN(const hsm::consent::Said said,
                    decide(hsm::consent::to_reset_identity(user_id)));
    // Also where the second yes was said by another command.
    const std::size_t persons = said.proposal.approved_by.size();
    const bool decided = said.yes ? said.yes->missing == 0 : persons >= hsm::needed_persons;
    if (!decided) return told(said);
    json::Writer body;
    body.begin_object().member("approval", said.proposal.id).end_object();
    GIMS_TRY(ask({.verb = Verb::post,
                  .path = user_path() + "/reset-identity",
                  .body = Redacted(body.take())}));
    return told("for an hour its owner may replace, once, the identity of", user_id, {});
  }
  Result<Outcome> list_audit() {
    return list("/audit", "entries", entries_text, std::to_string(with_.after), with_.most);
  }
  Result<Outcome> verify_audit() {
    if (!with_.file.empty()) return verify_audit_file(with_.file, with_.attest.evidence);
    bool intact = false;
    auto outcome = show({.verb = Verb::post, .path = "/audit/verify", .patience = no_end},
                        [&](json::Value answer) {
                          intact = answer.get("intact").bool_or(false);
                          std::string text(answer.get("text").string_or(""));
                          if (intact && !answer.get("witnessed").bool_or(false)) {
                            text += "; there is no gims-keyd to compare it with";
                          }
                          return text + "\n";
                        });
    if (outcome && !intact) outcome->exit = Exit::refused;
    if (!outcome || !intact) return outcome;
    GIMS_TRY_ASSIGN(const std::string fault, fault_of_certificate());
    if (!fault.empty()) {
      outcome->exit = Exit::refused;
      outcome->err = "gimsctl: " + fault + "\n";
    }
    return outcome;
  }
  Result<Outcome> export_audit() {
    GIMS_TRY_ASSIGN(const auto pages, all_pages("/audit", "0"));
    GIMS_TRY_ASSIGN(const std::optional<json::Document> certificate, kept_certificate());
    GIMS_TRY(write_text(with_.file,
                        exported_audit(pages, certificate ? certificate->root() : json::Value()),
                        for_its_owner));
    Outcome outcome;
    outcome.out = "wrote the audit log to " + with_.file + "\n";
    return outcome;
  }

  Result<Outcome> migrate() {
    return show({.verb = Verb::post, .path = "/migrate", .patience = no_end},
                [](json::Value answer) { return migrated_text(answer); });
  }

  Result<Outcome> record_act() {
    json::Writer body;
    body.begin_object().member("act", with_.act).member("at", with_.at);
    body.member("step", with_.step).member("text", with_.text).end_object();
    GIMS_TRY(ask({.verb = Verb::post, .path = "/audit/acts", .body = Redacted(body.take())}));
    return Outcome{};
  }

  Result<Outcome> check() {
    json::Writer body;
    body.begin_object().member("full", with_.full).end_object();
    bool clean = false;
    const Watch watch(with_.socket, surroundings_);
    auto outcome = show(
        {.verb = Verb::post, .path = "/check", .body = Redacted(body.take()), .patience = no_end},
        [&](json::Value answer) {
          const json::Value problems = answer.get("problems");
          clean = problems.is_array() && problems.size() == 0;
          std::string text;
          if (clean) text = "the store is sound\n";
          for (const json::Value problem : problems.array()) {
            text += printable(problem.string_or("")) + "\n";
          }
          if (!clean) {
            text +=
                "Copy the data folder before anything else; then see 'A damaged database' in the "
                "administrator's guide.\n";
          }
          return text;
        });
    if (outcome && !clean) outcome->exit = Exit::refused;
    return outcome;
  }

 private:
  Result<hsm::consent::Said> decide(const hsm::ProposeRequest& request) const {
    return surroundings_.decide(with_.attest.keyd_socket, request, with_.means);
  }

  // What the TPM certified of the log; nothing: none is kept.
  Result<std::optional<json::Document>> kept_certificate() const {
    GIMS_TRY_ASSIGN(Reply reply, surroundings_.ask(with_.socket, {.path = "/audit/certificate"}));
    if (reply.status == 404) return std::nullopt;
    if (reply.status == 200) return std::move(reply.json);
    return fail(ErrorKind::forbidden, "M_UNKNOWN",
                reply.json.root().get("error").string_or("gimsd refused without a reason."));
  }

  // Whether the entry that was certified last is in the log. Empty: it is, or none was.
  Result<std::string> fault_of_certificate() const {
    GIMS_TRY_ASSIGN(const auto kept, kept_certificate());
    if (!kept) return std::string();
    GIMS_TRY_ASSIGN(const auto certificate,
                    hsm::attest::decode_certificate(kept->root().to_text()));
    GIMS_TRY(hsm::attest::verify_certificate(certificate));
    const std::uint64_t sequence = certificate.head.sequence;
    if (sequence == 0) return std::string();
    GIMS_TRY_ASSIGN(const auto answer,
                    ask({.path = "/audit?limit=1&after=" + std::to_string(sequence - 1)}));
    const json::Value entry = answer.root().get("entries").at(0);
    return fault_of_entry(certificate.head, entry.get("hash").as_string());
  }

  Result<Redacted> new_password() const {
    if (with_.generate) return Redacted(crypto::random_alphanumeric(generated_length));
    return surroundings_.password();
  }

  // What was done to whom, and the password where gimsctl made it: the only time it is shown.
  Outcome told(std::string_view done, std::string_view user, const Redacted& password) const {
    Outcome outcome;
    const bool shown = with_.generate && !password.empty();
    if (with_.json) {
      json::Writer out;
      out.begin_object().member("user_id", user);
      if (shown) out.member("password", password.reveal());
      out.end_object();
      outcome.out = out.take() + "\n";
      return outcome;
    }
    outcome.out = std::string(done) + " " + std::string(user) + "\n";
    if (shown) outcome.out += "password: " + std::string(password.reveal()) + "\n";
    return outcome;
  }

  [[nodiscard]] Outcome told(const hsm::consent::Said& said) const {
    Outcome outcome;
    outcome.out = hsm::consent::describe(said);
    if (!with_.json) return outcome;
    const auto missing = said.yes ? std::size_t{said.yes->missing}
                                  : hsm::needed_persons - said.proposal.approved_by.size();
    json::Writer out;
    out.begin_object().member("proposal", said.proposal.id).member("missing", missing);
    out.member("text", said.yes ? said.yes->text : said.proposal.text).end_object();
    outcome.out = out.take() + "\n";
    return outcome;
  }

  [[nodiscard]] std::string user_path() const { return "/users/" + escaped(with_.user); }

  const Arguments& with_;
  const Surroundings& surroundings_;
};

// Every subcommand sets `chosen` to what it does.
class Grammar {
 public:
  Grammar(CLI::App& app, Arguments& with, Commands& commands, Run& chosen)
      : with_(with), commands_(commands), chosen_(chosen) {
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--socket", with.socket, "gimsd's admin socket")->capture_default_str();
    app.add_option("--keyd-socket", with.attest.keyd_socket, "gims-keyd's socket")
        ->capture_default_str();
    app.add_flag("--json", with.json, "Print what gimsd answered as JSON");
    leaf(app, "status", "How the site is", [this] { return commands_.status(); });
    users(add_group(app, "user", "Accounts"));
    audit(add_group(app, "audit", "The log of what administrators did"));
    CLI::App& zeroize =
        leaf(app, "zeroize", "Destroy the site's keys for good; two administrators each say this",
             [this] { return commands_.zeroize(); });
    zeroize.add_flag("--files-only", with.files_only,
                     "Remove the files although the TPM that holds the keys does not do its part");
    with_means(zeroize);
    CLI::App& check = leaf(app, "check", "Read the whole store for damage, while the site works",
                           [this] { return commands_.check(); });
    check.add_flag("--full", with.full, "Every event, index and media file, too: takes longer");
    leaf(app, "migrate",
         "Bring the database to this release's schema; no older release reads it then",
         [this] { return commands_.migrate(); });
  }

 private:
  CLI::App& leaf(CLI::App& above, const std::string& name, const std::string& about, Run run) {
    return add_leaf(above, name, about, std::move(run), chosen_);
  }
  CLI::App& of_user(CLI::App& above, const std::string& name, const std::string& about, Run run) {
    CLI::App& made = leaf(above, name, about, std::move(run));
    made.add_option("user", with_.user, "desk.officer, or the whole id")->required();
    return made;
  }
  void with_password(CLI::App& command) {
    command.add_flag(
        "--generate", with_.generate,
        "Make a password and print it, once; otherwise it is read from standard input");
    command.add_flag("--must-change", with_.must_change, "Its owner has to choose another");
  }

  // For what two administrators decide.
  void with_means(CLI::App& command) {
    command.add_option("--as", with_.means.who, "Who you are: an administrator of gims-keyd");
    CLI::Option* const key =
        command.add_option("--key", with_.means.key_file, "The file of your key, PEM");
    command
        .add_option("--assertion", with_.means.assertion_file,
                    "Instead: an assertion over the challenge, as a WebAuthn client wrote it")
        ->excludes(key);
  }

  void users(CLI::App& above) {
    CLI::App& add =
        of_user(above, "add", "Make an account", [this] { return commands_.add_user(); });
    add.add_option("--display-name", with_.display_name, "The name that others see");
    with_password(add);
    leaf(above, "list", "All accounts", [this] { return commands_.list_users(); });
    of_user(above, "show", "An account and its devices", [this] { return commands_.show_user(); });
    of_user(above, "lock", "Let an account do nothing until it is unlocked",
            [this] { return commands_.act_on_user("lock", "locked"); });
    of_user(above, "unlock", "End a lock",
            [this] { return commands_.act_on_user("unlock", "unlocked"); });
    with_password(of_user(above, "reset", "Give a new password; all sessions of the account end",
                          [this] { return commands_.reset_user(); }));
    with_means(of_user(above, "reset-identity",
                       "Let its owner replace the encrypted identity; two administrators each say "
                       "this",
                       [this] { return commands_.reset_identity(); }));
    CLI::App& deactivate =
        of_user(above, "deactivate", "Close an account; its rooms are left, its devices end",
                [this] { return commands_.act_on_user("deactivate", "deactivated"); });
    deactivate.add_flag("--for-good", with_.for_good, "Required: there is no way back")->required();
  }
  void audit(CLI::App& above) {
    CLI::App& list =
        leaf(above, "list", "The entries, oldest first", [this] { return commands_.list_audit(); });
    list.add_option("--after", with_.after, "Only those after this entry")
        ->check(CLI::NonNegativeNumber);
    list.add_option("--limit", with_.most, "At most so many")->check(CLI::PositiveNumber);
    CLI::App& verify = leaf(above, "verify", "Check every entry, and the newest with gims-keyd",
                            [this] { return commands_.verify_audit(); });
    CLI::Option* const file = verify.add_option(
        "--file", with_.file, "Check an export instead; asks nobody, so on any machine");
    verify
        .add_option("--evidence", with_.attest.evidence,
                    "What the unit stated since ('attest'): the newest entry of which it tells "
                    "must be in the export")
        ->needs(file);
    leaf(above, "export", "Write all entries, and what the TPM certified of them, to a file",
         [this] { return commands_.export_audit(); })
        .add_option("--out", with_.file, "The file")
        ->required();
    CLI::App& record = leaf(above, "record", "For the unit's own acts, as root: enter one",
                            [this] { return commands_.record_act(); });
    record.add_option("act", with_.act, "unit.update")->required();
    record.add_option("--at", with_.at, "The console where it was asked for")->required();
    record.add_option("--step", with_.step, "begun, done, refused or failed")->required();
    record.add_option("--text", with_.text, "What it does, or why it was not done");
  }

  Arguments& with_;
  Commands& commands_;
  Run& chosen_;
};

Exit exit_of(const Error& error) {
  // What another machine wrote and does not hold is no wrong use.
  const std::string_view code = error.code;
  if (code.starts_with("GIMS_ATTEST") || code.starts_with("GIMS_RELEASE")) return Exit::refused;
  if (error.kind == ErrorKind::unavailable) return Exit::not_reached;
  return error.kind == ErrorKind::bad_input ? Exit::usage : Exit::refused;
}

}  // namespace

Outcome run(int argc, const char* const* argv, const Surroundings& surroundings) {
  CLI::App app(
      "The local administrator's command. Exit status: 0 done; 1 gimsd refused, or a check found "
      "something; 2 wrong use; 3 gimsd, gims-keyd or an act of the unit cannot be reached.",
      "gimsctl");
  app.set_version_flag("--version", GIMS_VERSION);
  Arguments arguments;
  Commands commands(arguments, surroundings);
  Run chosen;
  const Grammar grammar(app, arguments, commands, chosen);
  const AttestCommands attest(arguments.attest, arguments.socket, arguments.json, surroundings);
  const AttestGrammar attest_grammar(app, arguments.attest, attest, chosen);
  OfficerArguments officer_arguments;
  const OfficerCommands officers(app, officer_arguments, arguments.socket, arguments.json,
                                 surroundings, chosen);
  RoomArguments room_arguments;
  const RoomCommands rooms(app, room_arguments, arguments.socket, arguments.json, surroundings,
                           chosen);
  UnitArguments unit_arguments;
  const UnitCommands unit(app, unit_arguments, arguments.json, surroundings, chosen);
  app.add_subcommand("setup", "Ask what the site of a new unit is, and make it; at its console")
      ->callback([&] {
        chosen = [&]() -> Result<Outcome> {
          const bool made = surroundings.setup(arguments.socket, unit_arguments.folder);
          return Outcome{.exit = made ? Exit::ok : Exit::refused, .out = {}, .err = {}};
        };
      });
  // CLI11 throws; it ends here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    return {.exit = code == 0 ? Exit::ok : Exit::usage, .out = out.str(), .err = err.str()};
  }
  auto outcome = chosen();
  if (outcome) return std::move(*outcome);
  return {.exit = exit_of(outcome.error()),
          .out = {},
          .err = "gimsctl: " + outcome.error().text + "\n"};
}

}  // namespace gims::ctl
