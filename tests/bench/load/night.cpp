#include "bench/load/night.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "json/writer.hpp"

namespace gims::bench {
namespace {

constexpr std::size_t timeline = 10;      // what a sync without a limit of its own brings
constexpr std::size_t share_size = 1200;  // of an Olm message that carries a Megolm session

// Apart from other runs with the same accounts.
std::string transaction(std::string_view what, std::size_t number) {
  return std::string(what) + std::to_string(::getpid()) + "-" + std::to_string(number);
}

}  // namespace

NightPlan::NightPlan(std::size_t devices) : rooms_of(devices) {
  for (const Kind& kind : {team, department, announcements}) {
    for (std::size_t first = 0; first < devices; first += kind.members) {
      const std::size_t members = std::min(kind.members, devices - first);
      for (std::size_t i = first; i < first + members; ++i) rooms_of[i].push_back(rooms.size());
      rooms.push_back({.kind = kind, .first = first, .members = members, .id = {}});
    }
  }
  // By turns of all rooms, as nobody sends twenty at once.
  for (std::size_t number = 0; number < announcements.messages; ++number) {
    for (std::size_t room = 0; room < rooms.size(); ++room) {
      if (number < rooms[room].kind.messages) messages.push_back({.room = room, .number = number});
    }
  }
}

std::string NightPlan::missing_in(json::Value news, std::size_t device) const {
  const json::Value joined = news.get("rooms").get("join");
  for (const std::size_t number : rooms_of[device]) {
    const Room& room = rooms[number];
    const std::size_t wanted = std::min(room.kind.messages, timeline);
    const std::size_t got = joined.get(room.id).get("timeline").get("events").size();
    if (got != wanted) {
      return std::to_string(got) + " of " + std::to_string(wanted) + " messages of " + room.id;
    }
  }
  if (joined.size() != rooms_of[device].size()) return "rooms without news";
  const std::size_t keys = news.get("to_device").get("events").size();
  return keys == 1 ? "" : std::to_string(keys) + " key shares, and there is one";
}

Night::Night(Loop& loop, const Target& target, const std::vector<Account>& devices)
    : devices_(devices), plan_(devices.size()), since_(devices.size()) {
  Pool pool(loop, target);
  make_rooms(pool);
  look(pool);
  send(pool);
  share_keys(pool);
}

void Night::make_rooms(Pool& pool) {
  pool.for_each(
      plan_.rooms.size(), "rooms", [&](std::size_t i, Connection& by, const Finished& finished) {
        ask_as(devices_[plan_.rooms[i].first], by, "POST", "/_matrix/client/v3/createRoom",
               R"({"preset":"public_chat"})", [this, i, finished](std::string_view made) {
                 plan_.rooms[i].id = parsed(made).root().get("room_id").string_or("");
                 finished();
               });
      });
  std::vector<std::pair<std::size_t, std::size_t>> joins;  // room and device
  for (std::size_t room = 0; room < plan_.rooms.size(); ++room) {
    for (std::size_t i = 1; i < plan_.rooms[room].members; ++i) {
      joins.emplace_back(room, plan_.rooms[room].first + i);
    }
  }
  pool.for_each(joins.size(), "joins",
                [&](std::size_t i, Connection& by, const Finished& finished) {
                  const auto [room, device] = joins[i];
                  ask_as(devices_[device], by, "POST",
                         "/_matrix/client/v3/join/" + encoded(plan_.rooms[room].id), "{}",
                         [finished](std::string_view) { finished(); });
                });
}

void Night::look(Pool& pool) {
  pool.for_each(devices_.size(), "evening",
                [&](std::size_t i, Connection& by, const Finished& finished) {
                  ask_as(devices_[i], by, "GET", sync_path({}, 0, lazy_members), {},
                         [this, i, finished](std::string_view answer) {
                           since_[i] = parsed(answer).root().get("next_batch").string_or("");
                           finished();
                         });
                });
}

void Night::send(Pool& pool) {
  pool.for_each(
      plan_.messages.size(), "night", [&](std::size_t i, Connection& by, const Finished& finished) {
        const NightPlan::Room& room = plan_.rooms[plan_.messages[i].room];
        const Account& sender = devices_[room.first + (plan_.messages[i].number % room.members)];
        ask_as(sender, by, "PUT",
               "/_matrix/client/v3/rooms/" + encoded(room.id) + "/send/m.room.encrypted/" +
                   transaction("night", i),
               encrypted_content("night"), [finished](std::string_view) { finished(); });
      });
}

void Night::share_keys(Pool& pool) {
  std::vector<std::size_t> departments;
  for (std::size_t i = 0; i < plan_.rooms.size(); ++i) {
    if (plan_.rooms[i].kind.members == NightPlan::department.members) departments.push_back(i);
  }
  pool.for_each(
      departments.size(), "keys", [&](std::size_t i, Connection& by, const Finished& finished) {
        const NightPlan::Room& room = plan_.rooms[departments[i]];
        json::Writer body;
        body.begin_object().key("messages").begin_object();
        for (std::size_t member = 0; member < room.members; ++member) {
          body.key(devices_[room.first + member].user_id).begin_object().key("*").begin_object();
          body.member("algorithm", "m.olm.v1.curve25519-aes-sha2");
          body.member("ciphertext", std::string(share_size, 'A')).end_object().end_object();
        }
        body.end_object().end_object();
        ask_as(devices_[room.first], by, "PUT",
               "/_matrix/client/v3/sendToDevice/m.room.encrypted/" + transaction("keys", i),
               body.text(), [finished](std::string_view) { finished(); });
      });
}

}  // namespace gims::bench
