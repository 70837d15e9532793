#include "ctl/site_reports.hpp"

#include <map>
#include <string_view>
#include <utility>

#include "ctl/fields.hpp"
#include "ctl/reports.hpp"
#include "ctl/table.hpp"

namespace gims::ctl {
namespace {

template <class Each>
void for_all(const Pages& pages, std::string_view name, Each each) {
  for (const json::Document& page : pages) {
    for (const json::Value element : page.root().get(name).array()) each(element);
  }
}

std::string dash_of(json::Value object, std::string_view name) {
  return or_dash(text_of(object, name));
}

std::string row_errors(json::Value errors) {
  std::string text;
  for (const json::Value error : errors.array()) {
    text += "row " + number_of(error, "row") + ": ";
    if (const std::string column = text_of(error, "column"); !column.empty()) {
      text += printable(column) + " \"" + printable(text_of(error, "value")) + "\": ";
    }
    text += printable(text_of(error, "error")) + "\n";
  }
  return text;
}

}  // namespace

std::string officers_text(const Pages& pages) {
  Table table({"USER", "NAME", "STATE", "CLEARANCE", "SLIP", "DEVICES", "LAST SEEN"});
  for_all(pages, "users", [&](json::Value user) {
    table.add({text_of(user, "user_id"), dash_of(user, "display_name"), text_of(user, "state"),
               dash_of(user, "clearance"), dash_of(user, "slip"), number_of(user, "devices"),
               time_of(user, "last_seen_ts")});
  });
  return table.text();
}

std::string officer_text(json::Value officer) {
  std::string out;
  line(out, "user", text_of(officer, "user_id"));
  line(out, "name", dash_of(officer, "display_name"));
  line(out, "state", text_of(officer, "state"));
  line(out, "clearance", dash_of(officer, "clearance"));
  line(out, "unit", dash_of(officer, "unit_id"));
  line(out, "designation", dash_of(officer, "designation_id"));
  line(out, "employee id", dash_of(officer, "employee_id"));
  line(out, "phone", dash_of(officer, "phone"));
  line(out, "made", time_of(officer, "created_ts"));
  line(out, "last seen", time_of(officer, "last_seen_ts"));
  line(out, "password",
       officer.get("must_change_password").bool_or(false) ? "to be chosen by its owner" : "set");
  line(out, "slip", dash_of(officer.get("slip"), "state"));
  line(out, "rooms", number_of(officer, "rooms"));
  const std::size_t devices = officer.get("devices").size();
  line(out, "devices", std::to_string(devices));
  if (devices > 0) out += "\n" + devices_text(officer);
  return out;
}

std::string organisation_text(json::Value organisation) {
  std::string out;
  // In its own order, each below what it is in.
  std::multimap<std::string, json::Value> within;
  for (const json::Value unit : organisation.get("units").array()) {
    within.emplace(text_of(unit, "parent_id"), unit);
  }
  Table units({"UNIT", "NUMBER", "OFFICERS", "HINDI"});
  const auto add = [&](auto& self, const std::string& parent, std::size_t depth) -> void {
    // Three levels are all there are; an answer that says otherwise goes no deeper.
    if (depth > 2) return;
    const auto [first, last] = within.equal_range(parent);
    for (auto at = first; at != last; ++at) {
      const json::Value unit = at->second;
      const std::string id = text_of(unit, "unit_id");
      units.add({std::string(2 * depth, ' ') + text_of(unit, "name"), id,
                 number_of(unit, "officers"), dash_of(unit, "name_hi")});
      self(self, id, depth + 1);
    }
  };
  add(add, "", 0);
  out += units.text();
  Table titles({"DESIGNATION", "NUMBER", "OFFICERS", "HINDI", "RANK"});
  for (const json::Value title : organisation.get("designations").array()) {
    const auto rank = title.get("rank").as_int();
    titles.add({text_of(title, "name"), text_of(title, "designation_id"),
                number_of(title, "officers"), dash_of(title, "name_hi"),
                rank ? std::to_string(*rank) : "-"});
  }
  return out + "\n" + titles.text();
}

std::string part_text(json::Value part) {
  std::string out;
  const std::string unit = text_of(part, "unit_id");
  line(out, "number", unit.empty() ? text_of(part, "designation_id") : unit);
  line(out, "name", text_of(part, "name"));
  if (part.get("name_hi").valid()) line(out, "Hindi", text_of(part, "name_hi"));
  return out;
}

std::string slips_text(const Pages& pages) {
  Table table({"SLIP", "USER", "STATE", "MADE BY", "MADE", "EXPIRES"});
  for_all(pages, "slips", [&](json::Value slip) {
    table.add({text_of(slip, "slip_id"), text_of(slip, "user_id"), text_of(slip, "state"),
               text_of(slip, "made_by"), time_of(slip, "made_ts"), time_of(slip, "expires_ts")});
  });
  return table.text();
}

std::string codes_text(json::Value made) {
  std::string text;
  for (const json::Value slip : made.get("slips").array()) {
    text += "code: " + printable(text_of(slip, "code")) + "  (for " +
            printable(text_of(slip, "user_id")) + ", good until " + time_of(slip, "expires_ts") +
            ")\n";
  }
  return text;
}

std::string import_text(json::Value preview, const Pages& bad) {
  std::string text = number_of(preview, "rows") + " rows: " + number_of(preview, "good") +
                     " can be made, " + number_of(preview, "bad") + " are wrong\n";
  for_all(bad, "rows", [&](json::Value row) { text += row_errors(row.get("errors")); });
  text += "nothing was made; --commit makes the officers\n";
  return text;
}

std::string imported_text(json::Value done) {
  return "made " + number_of(done, "made") + " officers; slips are made for each\n" +
         row_errors(done.get("errors"));
}

std::string site_devices_text(const Pages& pages) {
  Table table({"USER", "DEVICE", "NAME", "STATE", "LAST SEEN", "ADDRESS", "PROGRAM"});
  for_all(pages, "devices", [&](json::Value element) {
    const json::Value device = element.get("device");
    table.add({text_of(element, "user_id"), text_of(device, "device_id"),
               dash_of(device, "display_name"), text_of(device, "state"),
               time_of(device, "last_seen_ts"), dash_of(device, "last_seen_ip"),
               dash_of(device, "last_seen_agent")});
  });
  return table.text();
}

std::string rooms_text(const Pages& pages) {
  Table table({"ROOM", "NAME", "LABEL", "MEMBERS", "LAST EVENT", "SHUT"});
  for_all(pages, "rooms", [&](json::Value room) {
    table.add({text_of(room, "room_id"), dash_of(room, "name"), dash_of(room, "label"),
               number_of(room, "members"), time_of(room, "last_event_ts"),
               time_of(room, "shut_down_ts")});
  });
  return table.text();
}

std::string room_text(json::Value room) {
  std::string out;
  line(out, "room", text_of(room, "room_id"));
  line(out, "name", dash_of(room, "name"));
  line(out, "topic", dash_of(room, "topic"));
  line(out, "label", dash_of(room, "label"));
  line(out, "encrypted", room.get("encrypted").bool_or(false) ? "yes" : "NO");
  line(out, "members", number_of(room, "members"));
  line(out, "made by", dash_of(room, "creator"));
  line(out, "made", time_of(room, "created_ts"));
  line(out, "last event", time_of(room, "last_event_ts"));
  line(out, "shut", time_of(room, "shut_down_ts"));
  return out;
}

std::string members_text(const Pages& pages) {
  Table table({"USER", "NAME", "POWER", "SINCE"});
  for_all(pages, "members", [&](json::Value member) {
    table.add({text_of(member, "user_id"), dash_of(member, "display_name"),
               number_of(member, "power_level"), time_of(member, "since_ts")});
  });
  return table.text();
}

std::string reports_text(const Pages& pages) {
  Table table({"REPORT", "TIME", "BY", "ABOUT", "WHAT", "REASON", "STATE", "NOTE"});
  for_all(pages, "reports", [&](json::Value report) {
    const std::string about = text_of(report, "about");
    const std::string what = text_of(report, about == "user"   ? "user_id"
                                             : about == "room" ? "room_id"
                                                               : "event_id");
    table.add({number_of(report, "report_id"), time_of(report, "ts"), text_of(report, "reporter"),
               about, what, dash_of(report, "reason"), text_of(report, "state"),
               dash_of(report, "note")});
  });
  return table.text();
}

}  // namespace gims::ctl
