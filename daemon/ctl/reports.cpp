#include "ctl/reports.hpp"

#include "ctl/fields.hpp"
#include "ctl/table.hpp"

namespace gims::ctl {
std::string status_text(json::Value status) {
  std::string out;
  const json::Value store = status.get("store");
  const json::Value users = status.get("users");
  const json::Value audit = status.get("audit");
  line(out, "site", text_of(status, "server_name"));
  line(out, "version", text_of(status, "version"));
  line(out, "uptime", duration_text(status.get("uptime_seconds").int_or(0)));
  line(out, "store",
       store.get("read_only").bool_or(true)
           ? "READ-ONLY: " + text_of(store, "reason") + " (cure it, then restart gimsd)"
           : "writable, at position " + number_of(store, "position"));
  if (const json::Value damage = store.get("damage"); damage.valid()) {
    line(out, "DAMAGED",
         std::string(damage.string_or("")) +
             " (run 'gimsctl check --full'; see 'A damaged database' in the guide)");
  }
  line(out, "gims-keyd", text_of(status.get("keyd"), "state"));
  line(out, "connections", number_of(status, "connections"));
  line(out, "users",
       number_of(users, "active") + " active, " + number_of(users, "suspended") + " suspended, " +
           number_of(users, "locked") + " locked, " + number_of(users, "deactivated") +
           " deactivated");
  const bool broken = text_of(audit, "standing") == "broken";
  line(out, "audit",
       (broken ? std::string("ATTENTION: ") : std::string()) + text_of(audit, "text") + " (entry " +
           number_of(audit, "sequence") + ")");
  return out;
}

std::string users_text(const std::vector<json::Document>& pages) {
  Table table({"USER", "NAME", "STATE", "DEVICES", "LAST SEEN"});
  for (const json::Document& page : pages) {
    for (const json::Value user : page.root().get("users").array()) {
      table.add({text_of(user, "user_id"), or_dash(text_of(user, "display_name")),
                 text_of(user, "state"), number_of(user, "devices"),
                 time_of(user, "last_seen_ts")});
    }
  }
  return table.text();
}

std::string entries_text(const std::vector<json::Document>& pages) {
  Table table({"ENTRY", "TIME", "WHO", "FROM", "ACT", "TARGET", "DETAIL"});
  for (const json::Document& page : pages) {
    for (const json::Value entry : page.root().get("entries").array()) {
      table.add({number_of(entry, "sequence"), time_of(entry, "ts"), text_of(entry, "actor"),
                 or_dash(text_of(entry, "origin")), text_of(entry, "act"),
                 or_dash(text_of(entry, "target")), entry.get("detail").to_text()});
    }
  }
  return table.text();
}

std::string devices_text(json::Value list) {
  Table table({"DEVICE", "NAME", "STATE", "LAST SEEN", "ADDRESS", "PROGRAM"});
  for (const json::Value device : list.get("devices").array()) {
    table.add({text_of(device, "device_id"), or_dash(text_of(device, "display_name")),
               text_of(device, "state"), time_of(device, "last_seen_ts"),
               or_dash(text_of(device, "last_seen_ip")),
               or_dash(text_of(device, "last_seen_agent"))});
  }
  return table.text();
}

std::string user_text(json::Value user) {
  std::string out;
  line(out, "user", text_of(user, "user_id"));
  line(out, "name", or_dash(text_of(user, "display_name")));
  line(out, "state", text_of(user, "state"));
  line(out, "made", time_of(user, "created_ts"));
  line(out, "password",
       user.get("must_change_password").bool_or(false) ? "to be changed by its owner" : "set");
  const std::size_t devices = user.get("devices").size();
  line(out, "devices", std::to_string(devices));
  if (devices > 0) out += "\n" + devices_text(user);
  return out;
}

std::string migrated_text(json::Value answer) {
  std::string text;
  for (const json::Value name : answer.get("migrations").array()) {
    text += "made: " + printable(name.string_or("")) + "\n";
  }
  return text.empty() ? "the database has this release's schema\n" : text;
}

std::string check_text(json::Value progress) {
  if (!progress.get("running").bool_or(false)) return {};
  std::string text = "checking " + text_of(progress, "step");
  if (progress.get("done").int_or(0) > 0) text += ": " + number_of(progress, "done");
  if (progress.get("of").int_or(0) > 0) text += " of " + number_of(progress, "of");
  return printable(text);
}

}  // namespace gims::ctl
