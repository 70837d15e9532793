#include "ctl/room_commands.hpp"

#include <utility>

#include "ctl/site_reports.hpp"
#include "json/writer.hpp"

namespace gims::ctl {

RoomCommands::RoomCommands(CLI::App& app, RoomArguments& with, const std::string& socket,
                           const bool& json, const Surroundings& surroundings, Run& chosen)
    : with_(with), gimsd_(socket, json, surroundings), chosen_(chosen) {
  CLI::App& rooms = add_group(app, "room", "Rooms; never what was said in them");
  CLI::App& reports = add_group(app, "report", "What officers reported");
  leaf(rooms, "list", "All rooms, by their id", [this] {
    const std::string find = with_.find.empty() ? "" : "?q=" + escaped(with_.find);
    return gimsd_.list("/rooms" + find, "rooms", rooms_text);
  }).add_option("--find", with_.find, "Part of a name, topic, alias or id");
  of_room(rooms, "show", "A room",
          [this] { return gimsd_.show({.path = room_path()}, room_text); });
  of_room(rooms, "members", "Who is in it",
          [this] { return gimsd_.list(room_path() + "/members", "members", members_text); });
  of_room(rooms, "shut", "Let everybody leave, and nobody come again", [this] { return shut(); })
      .add_option("--reason", with_.reason, "Its members read it")
      ->required();
  leaf(reports, "list", "The newest first", [this] {
    return gimsd_.list(with_.open ? "/reports?state=open" : "/reports", "reports", reports_text);
  }).add_flag("--open", with_.open, "Those that nobody has closed");
  CLI::App& close = leaf(reports, "close", "It was dealt with", [this] { return this->close(); });
  close.add_option("number", with_.report, "As 'report list' shows it")->required();
  close.add_option("--note", with_.note, "What was done")->required();
}

CLI::App& RoomCommands::leaf(CLI::App& above, const std::string& name, const std::string& about,
                             Run run) {
  return add_leaf(above, name, about, std::move(run), chosen_);
}

CLI::App& RoomCommands::of_room(CLI::App& above, const std::string& name, const std::string& about,
                                Run run) {
  CLI::App& made = leaf(above, name, about, std::move(run));
  made.add_option("room", with_.room, "Its id, as 'room list' shows it")->required();
  return made;
}

std::string RoomCommands::room_path() const { return "/rooms/" + escaped(with_.room); }

Result<Outcome> RoomCommands::shut() const {
  json::Writer body;
  body.begin_object().member("reason", with_.reason).end_object();
  return gimsd_.tell({.verb = Verb::post,
                      .path = room_path() + "/shutdown",
                      .body = Redacted(body.take()),
                      .patience = no_end},
                     "shut the room " + with_.room);
}

Result<Outcome> RoomCommands::close() const {
  json::Writer body;
  body.begin_object().member("note", with_.note).end_object();
  return gimsd_.tell({.verb = Verb::post,
                      .path = "/reports/" + escaped(with_.report) + "/close",
                      .body = Redacted(body.take())},
                     "closed the report " + with_.report);
}

}  // namespace gims::ctl
