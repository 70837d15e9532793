#include "ctl/unit_commands.hpp"

#include <chrono>
#include <string_view>
#include <utility>

#include "ctl/table.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

// Reading or writing a slow stick, or a disk, of which a word comes when it is done.
constexpr std::chrono::seconds whole_medium = std::chrono::minutes(15);

std::string_view name_of(ActEnd end) noexcept {
  switch (end) {
    case ActEnd::done:
      return "ok";
    case ActEnd::refused:
      return "refused";
    case ActEnd::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace

UnitCommands::UnitCommands(CLI::App& app, UnitArguments& with, const bool& json,
                           const Surroundings& surroundings, Run& chosen)
    : with_(with), json_(json), surroundings_(surroundings), chosen_(chosen) {
  unit_ = app.add_subcommand("unit", "The appliance itself; at its console");
  unit_->require_subcommand(1);
  unit_->fallthrough();
  unit_->add_option("--acts", with_.folder, "The folder of the acts' sockets")
      ->capture_default_str();

  CLI::App& clock = leaf("clock", "Show the clock and what it goes by, or set it",
                         [this] { return this->clock(); });
  clock.add_option("time", with_.time, "2026-11-28T10:15:00, in UTC, or with a zone (+05:30)");
  clock.add_flag("--far", with_.far, "It is right although it is more than a day off");
  leaf("alarms", "Show what of the unit is wrong now; exit status 1 where something is",
       [this] { return alarms(); })
      .add_option("--file", with_.alarms, "Where they stand")
      ->capture_default_str();
  leaf("release", "Show which release runs, and what the other slot has",
       [this] { return this->act({.name = "update", .values = {{"do", "release"}}}); });
  leaf("update", "Install the release of the stick, and restart into it", [this] {
    return update();
  }).add_flag("--check", with_.check, "Only say what is on the stick, and whether it is whole");
  CLI::App& diagnostics = leaf("diagnostics", "Write how the unit is to the stick, for support",
                               [this] { return this->diagnostics(); });
  CLI::Option* const to = diagnostics.add_option("--to", with_.to, "The name of the file to make");
  diagnostics.add_flag("--list", with_.list, "Only say what would be in it")->excludes(to);
  leaf("reset", "Make the unit as it came: it must have no site's keys any more", [this] {
    return reset();
  }).add_option("--erase", with_.erase, "The unit's name, which the command says without this");
  leaf("restart", "Restart the unit", [this] { return power("restart"); });
  leaf("off", "Turn the unit off", [this] { return power("off"); });
}

CLI::App& UnitCommands::leaf(const std::string& name, const std::string& about, Run run) {
  CLI::App* const made = unit_->add_subcommand(name, about);
  made->fallthrough();
  made->callback([this, run = std::move(run)] { chosen_ = run; });
  return *made;
}

Result<Outcome> UnitCommands::act(const Act& act) const {
  json::Writer json;
  json.begin_object().key("lines").begin_array();
  GIMS_TRY_ASSIGN(const Acted acted,
                  surroundings_.act(with_.folder, act, [&](std::string_view line) {
                    if (json_) {
                      json.value(line);
                    } else {
                      surroundings_.show(line);
                    }
                  }));
  Outcome outcome;
  if (acted.end != ActEnd::done) {
    outcome.exit = Exit::refused;
    outcome.err = "gimsctl: " + acted.text + "\n";
  }
  if (json_) {
    json.end_array().member("end", name_of(acted.end)).member("text", acted.text).end_object();
    outcome.out = json.take() + "\n";
  }
  return outcome;
}

void UnitCommands::note(std::string_view text) const {
  if (!json_) surroundings_.show(text);
}

Result<Outcome> UnitCommands::clock() const {
  Act asked{.name = "clock", .values = {}};
  if (!with_.time.empty()) asked.values.emplace_back("time", with_.time);
  if (with_.far) asked.values.emplace_back("far", "yes");
  return act(asked);
}

Result<Outcome> UnitCommands::update() const {
  if (with_.check) {
    return act({.name = "update", .values = {{"do", "check"}}, .patience = whole_medium});
  }
  note("Ctrl-C ends what is shown here, and not the update.");
  return act({.name = "update", .values = {{"do", "install"}}, .patience = whole_medium});
}

Result<Outcome> UnitCommands::alarms() const {
  const auto found = read_alarms(with_.alarms);
  if (!found) {
    return fail(
        ErrorKind::unavailable, found.error().code,
        "Nobody has looked yet: the unit does two minutes after its start. " + found.error().text);
  }
  Outcome outcome;
  if (!found->empty()) outcome.exit = Exit::refused;
  if (json_) {
    json::Writer json;
    json.begin_object().key("alarms").begin_array();
    for (const Alarm& alarm : *found) {
      json.begin_object().member("since_ts", alarm.since).member("text", alarm.text).end_object();
    }
    json.end_array().end_object();
    outcome.out = json.take() + "\n";
    return outcome;
  }
  for (const Alarm& alarm : *found) {
    outcome.out += "since " + time_text(alarm.since) + ": " + alarm.text + "\n";
  }
  if (found->empty()) outcome.out = "nothing is wrong\n";
  return outcome;
}

Result<Outcome> UnitCommands::diagnostics() const {
  Act asked{.name = "diagnostics", .values = {}, .patience = whole_medium};
  if (with_.list) {
    asked.values.emplace_back("list", "yes");
  } else {
    asked.values.emplace_back("to", with_.to);
  }
  return act(asked);
}

Result<Outcome> UnitCommands::reset() const {
  Act asked{.name = "reset", .values = {}, .patience = whole_medium};
  if (!with_.erase.empty()) asked.values.emplace_back("erase", with_.erase);
  return act(asked);
}

Result<Outcome> UnitCommands::power(const std::string& how) const {
  return act({.name = "power", .values = {{"how", how}}});
}

}  // namespace gims::ctl
