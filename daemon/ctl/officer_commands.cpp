#include "ctl/officer_commands.hpp"

#include <string_view>
#include <utility>

#include "ctl/files.hpp"
#include "ctl/reports.hpp"
#include "ctl/site_reports.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

// A byte more than gimsd takes, so that it says so.
constexpr std::size_t largest_file = (std::size_t{4} << 20U) + 1;

void write(json::Writer& out, std::string_view name, const std::optional<std::string>& text) {
  if (text) out.member(name, *text);
}

// "?a=..&b=.." of what is there.
class Query {
 public:
  explicit Query(std::string path) : text_(std::move(path)) {}
  Query& with(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += text_.contains('?') ? "&" : "?";
    text_ += std::string(name) + "=" + escaped(value);
    return *this;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace

OfficerCommands::OfficerCommands(CLI::App& app, OfficerArguments& with, const std::string& socket,
                                 const bool& json, const Surroundings& surroundings, Run& chosen)
    : with_(with), gimsd_(socket, json, surroundings), chosen_(chosen) {
  officers(add_group(app, "officer", "Officers"));
  organisation(add_group(app, "org", "Ministries, departments, sections, and designations"));
  slips(add_group(app, "slip", "Slips by which officers come in"));
  devices(add_group(app, "device", "Signed-in devices"));
}

CLI::App& OfficerCommands::leaf(CLI::App& above, const std::string& name, const std::string& about,
                                Run run) {
  return add_leaf(above, name, about, std::move(run), chosen_);
}

CLI::App& OfficerCommands::of_user(CLI::App& above, const std::string& name,
                                   const std::string& about, Run run) {
  CLI::App& made = leaf(above, name, about, std::move(run));
  made.add_option("user", with_.user, "desk.officer, or the whole id")->required();
  return made;
}

void OfficerCommands::with_place(CLI::App& command) {
  command.add_option("--display-name", with_.display_name, "The officer's name");
  command.add_option("--unit", with_.unit, "Its number in 'org show'; \"\" for none");
  command.add_option("--designation", with_.designation, "Its number there; \"\" for none");
  command.add_option("--employee-id", with_.employee_id, "Of the establishment section");
  command.add_option("--phone", with_.phone, "For administrators alone");
}

void OfficerCommands::officers(CLI::App& above) {
  const auto with_hours = [this](CLI::App& command) -> CLI::App& {
    command.add_option("--hours", with_.hours, "How long the code on the slip is good")
        ->capture_default_str();
    return command;
  };
  const auto with_reason = [this](CLI::App& command) -> CLI::App& {
    command.add_option("--reason", with_.reason, "For the audit log");
    return command;
  };
  with_hours(of_user(above, "add", "Make an officer's account, and the code of its slip",
                     [this] { return add(); }));
  with_place(*above.get_subcommand("add"));
  with_place(
      of_user(above, "change", "Change name, unit or designation", [this] { return change(); }));
  CLI::App& list = leaf(above, "list", "Officers", [this] { return this->list(); });
  list.add_option("--find", with_.find,
                  "Whose user name, or a word of name or designation, begins so");
  list.add_option("--state", with_.state, "active, suspended, locked or deactivated");
  list.add_option("--unit", with_.unit, "Of this unit and what is in it");
  list.add_option("--clearance", with_.clearance, "A label, such as secret");
  of_user(above, "show", "An officer and the devices",
          [this] { return gimsd_.show({.path = user_path()}, officer_text); });
  with_reason(of_user(above, "suspend", "Let an officer read and not send",
                      [this] { return act("suspend", "suspended"); }));
  with_reason(of_user(above, "lock", "Let an officer do nothing until unlocked",
                      [this] { return act("lock", "locked"); }));
  with_reason(of_user(above, "unlock", "End a lock or a suspension",
                      [this] { return act("unlock", "unlocked"); }));
  with_reason(with_hours(of_user(
      above, "reset", "Take the password away and end all sessions; make the code of a new slip",
      [this] { return reset(); })));
  with_hours(of_user(above, "slip", "Make the code of a new slip",
                     [this] { return make_slip("made a slip for"); }));
  CLI::App& clearance = with_reason(
      of_user(above, "clearance", "Give another clearance", [this] { return set_clearance(); }));
  clearance.add_option("label", with_.clearance, "unclassified, restricted, ...")->required();
  with_reason(of_user(above, "deactivate", "Close an account; its rooms are left, its devices end",
                      [this] { return act("deactivate", "deactivated"); }))
      .add_flag("--for-good", with_.for_good, "Required: there is no way back")
      ->required();
  CLI::App& import = leaf(above, "import", "Say what is wrong with a list of officers, a CSV file",
                          [this] { return this->import(); });
  import.add_option("file", with_.file, "The file")->required();
  CLI::Option* const commit =
      import.add_flag("--commit", with_.commit, "Make the officers, if no row is wrong");
  import.add_flag("--skip-bad", with_.skip_bad, "Leave out the rows that are wrong")->needs(commit);
}

void OfficerCommands::organisation(CLI::App& above) {
  leaf(above, "show", "The whole organisation, with the numbers of its parts",
       [this] { return gimsd_.show({.path = "/organisation"}, organisation_text); });
  const auto with_names = [this](CLI::App& command) -> CLI::App& {
    command.add_option("name", with_.name, "Its name")->required();
    command.add_option("--hindi", with_.name_hi, "Its name in Devanagari");
    return command;
  };
  const auto with_id = [this](CLI::App& command) -> CLI::App& {
    command.add_option("number", with_.id, "As 'org show' shows it")->required();
    return command;
  };
  const std::string units = "/organisation/units";
  const std::string titles = "/organisation/designations";
  CLI::App& add_unit = with_names(leaf(above, "add-unit", "Add a ministry, department or section",
                                       [this, units] { return change_part(units, "", ""); }));
  add_unit.add_option("--kind", with_.kind, "ministry, department or section")->required();
  add_unit.add_option("--in", with_.parent, "The number of what it is in");
  CLI::App& change_unit =
      with_names(with_id(leaf(above, "change-unit", "Rename a unit, or move it",
                              [this, units] { return change_part(units, "units", "unit_id"); })));
  change_unit.add_option("--in", with_.parent, "The number of what it comes into");
  with_id(leaf(above, "remove-unit", "Remove a unit with nothing in it", [this, units] {
    return gimsd_.tell({.verb = Verb::del, .path = units + "/" + escaped(with_.id)}, "removed");
  }));
  const auto with_rank = [this](CLI::App& command) {
    command.add_option("--rank", with_.rank, "The lower the higher; 0 to 1000");
  };
  with_rank(with_names(leaf(above, "add-designation", "Add a designation",
                            [this, titles] { return change_part(titles, "", ""); })));
  with_rank(with_names(
      with_id(leaf(above, "change-designation", "Rename a designation, everywhere", [this, titles] {
        return change_part(titles, "designations", "designation_id");
      }))));
  with_id(leaf(above, "remove-designation", "Remove a designation that nobody has", [this, titles] {
    return gimsd_.tell({.verb = Verb::del, .path = titles + "/" + escaped(with_.id)}, "removed");
  }));
}

void OfficerCommands::slips(CLI::App& above) {
  leaf(above, "list", "Slips, the newest first; never their codes", [this] {
    return gimsd_.list(Query("/slips").with("state", with_.state).text(), "slips", slips_text);
  }).add_option("--state", with_.state, "outstanding, used, expired or revoked");
  leaf(above, "revoke", "End a slip that was lost",
       [this] {
         return gimsd_.tell({.verb = Verb::del, .path = "/slips/" + escaped(with_.id)},
                            "revoked the slip");
       })
      .add_option("number", with_.id, "As 'slip list' shows it")
      ->required();
}

void OfficerCommands::devices(CLI::App& above) {
  CLI::App& list = leaf(above, "list", "An officer's devices, or all; those seen last first",
                        [this] { return list_devices(); });
  list.add_option("user", with_.user, "desk.officer, or the whole id; left out: all");
  list.add_option("--state", with_.state,
                  "pending, approved, locked, revoked, wiping or wiped; of all");
  list.add_option("--find", with_.find, "Whose owner is found so; of all");
  const auto add = [&](const std::string& name, const std::string& about, std::string_view done) {
    CLI::App& made =
        of_user(above, name, about, [this, name, done] { return act_on_device(name, done); });
    made.add_option("device", with_.device, "Its id, as 'device list' shows it")->required();
    return &made;
  };
  add("revoke", "End a device's session and keys", "revoked");
  for (CLI::App* command :
       {add("wipe", "The same of a device that was lost: its client is told to forget everything",
            "ended, and is to be wiped:"),
        add("lock", "Refuse a device until it is unlocked", "locked"),
        add("unlock", "End a device's lock", "unlocked")}) {
    command->add_option("--reason", with_.reason, "For the audit log");
  }
}

std::string OfficerCommands::user_path() const { return "/users/" + escaped(with_.user); }
std::string OfficerCommands::device_path() const {
  return user_path() + "/devices/" + escaped(with_.device);
}

void OfficerCommands::write_place(json::Writer& out) const {
  write(out, "display_name", with_.display_name);
  write(out, "unit_id", with_.unit);
  write(out, "designation_id", with_.designation);
  write(out, "employee_id", with_.employee_id);
  write(out, "phone", with_.phone);
}

Redacted OfficerCommands::reason_body() const {
  json::Writer body;
  body.begin_object();
  if (!with_.reason.empty()) body.member("reason", with_.reason);
  body.end_object();
  return Redacted(body.take());
}

Result<Outcome> OfficerCommands::add() const {
  json::Writer body;
  body.begin_object().member("localpart", with_.user);
  write_place(body);
  body.end_object();
  GIMS_TRY(gimsd_.ask({.verb = Verb::post, .path = "/users", .body = Redacted(body.take())}));
  return make_slip("made the account");
}

Result<Outcome> OfficerCommands::change() const {
  json::Writer body;
  body.begin_object();
  write_place(body);
  body.end_object();
  return gimsd_.show({.verb = Verb::patch, .path = user_path(), .body = Redacted(body.take())},
                     officer_text);
}

Result<Outcome> OfficerCommands::list() const {
  const std::string path = Query("/users")
                               .with("q", with_.find)
                               .with("state", with_.state)
                               .with("unit", with_.unit.value_or(""))
                               .with("clearance", with_.clearance)
                               .text();
  return gimsd_.list(path, "users", officers_text);
}

Result<Outcome> OfficerCommands::act(const std::string& name, std::string_view done) const {
  return gimsd_.tell({.verb = Verb::post, .path = user_path() + "/" + name, .body = reason_body()},
                     std::string(done) + " " + with_.user);
}

Result<Outcome> OfficerCommands::reset() const {
  GIMS_TRY(gimsd_.ask({.verb = Verb::post, .path = user_path() + "/reset", .body = reason_body()}));
  return make_slip("took the password away and ended all sessions of");
}

Result<Outcome> OfficerCommands::set_clearance() const {
  json::Writer body;
  body.begin_object().member("clearance", with_.clearance);
  if (!with_.reason.empty()) body.member("reason", with_.reason);
  body.end_object();
  return gimsd_.tell(
      {.verb = Verb::put, .path = user_path() + "/clearance", .body = Redacted(body.take())},
      "gave " + with_.user + " the clearance " + with_.clearance);
}

Result<Outcome> OfficerCommands::make_slip(std::string_view done) const {
  json::Writer body;
  body.begin_object().key("user_ids").begin_array().value(with_.user).end_array();
  body.member("hours", with_.hours).end_object();
  return gimsd_.show({.verb = Verb::post, .path = "/slips", .body = Redacted(body.take())},
                     [&](json::Value answer) {
                       return std::string(done) + " " + with_.user + "\n" + codes_text(answer);
                     });
}

Result<Outcome> OfficerCommands::import() const {
  GIMS_TRY_ASSIGN(std::string file, read_text(with_.file, largest_file));
  const Question question{.verb = Verb::post,
                          .path = "/imports",
                          .body = Redacted(std::move(file)),
                          .content_type = "text/csv"};
  GIMS_TRY_ASSIGN(const auto preview, gimsd_.ask(question));
  if (with_.commit) return commit(preview);
  const std::string id(preview.root().get("import_id").string_or(""));
  GIMS_TRY_ASSIGN(const auto bad, gimsd_.all_pages("/imports/" + escaped(id) + "/rows?only=bad"));
  Outcome outcome;
  outcome.out = import_text(preview.root(), bad);
  if (preview.root().get("bad").int_or(0) > 0) outcome.exit = Exit::refused;
  return outcome;
}

Result<Outcome> OfficerCommands::commit(const json::Document& preview) const {
  const std::string id(preview.root().get("import_id").string_or(""));
  json::Writer body;
  body.begin_object().member("skip_bad", with_.skip_bad).end_object();
  return gimsd_.show({.verb = Verb::post,
                      .path = "/imports/" + escaped(id) + "/commit",
                      .body = Redacted(body.take()),
                      .patience = no_end},
                     imported_text);
}

// A unit's kind, and its parent where no other is asked for, stay: they are looked up in the `list`
// of the whole. Without `list` it is a new one.
Result<Outcome> OfficerCommands::change_part(const std::string& path, const std::string& list,
                                             const std::string& id) const {
  std::string kind = with_.kind;
  std::string parent = with_.parent;
  if (list == "units") {
    GIMS_TRY_ASSIGN(const auto whole, gimsd_.ask({.path = "/organisation"}));
    for (const json::Value unit : whole.root().get(list).array()) {
      if (unit.get(id).string_or("") != with_.id) continue;
      kind = unit.get("kind").string_or("");
      if (parent.empty()) parent = unit.get("parent_id").string_or("");
    }
    if (kind.empty()) return fail(ErrorKind::not_found, "M_NOT_FOUND", "There is no such unit.");
  }
  json::Writer body;
  body.begin_object().member("name", with_.name);
  if (!with_.name_hi.empty()) body.member("name_hi", with_.name_hi);
  if (!kind.empty()) body.member("kind", kind);
  if (!parent.empty()) body.member("parent_id", parent);
  if (with_.rank) body.member("rank", *with_.rank);
  body.end_object();
  const bool is_new = list.empty();
  return gimsd_.show({.verb = is_new ? Verb::post : Verb::put,
                      .path = is_new ? path : path + "/" + escaped(with_.id),
                      .body = Redacted(body.take())},
                     part_text);
}

Result<Outcome> OfficerCommands::list_devices() const {
  if (!with_.user.empty()) return gimsd_.show({.path = user_path() + "/devices"}, devices_text);
  const std::string path =
      Query("/devices").with("state", with_.state).with("q", with_.find).text();
  return gimsd_.list(path, "devices", site_devices_text);
}

Result<Outcome> OfficerCommands::act_on_device(const std::string& act,
                                               std::string_view done) const {
  const std::string told = std::string(done) + " the device " + with_.device + " of " + with_.user;
  if (act == "revoke") return gimsd_.tell({.verb = Verb::del, .path = device_path()}, told);
  return gimsd_.tell({.verb = Verb::post, .path = device_path() + "/" + act, .body = reason_body()},
                     told);
}

}  // namespace gims::ctl
