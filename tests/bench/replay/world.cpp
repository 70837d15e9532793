#include "bench/replay/world.hpp"

#include <unistd.h>

#include <utility>

#include "bench/load/pool.hpp"
#include "json/writer.hpp"

namespace gims::bench {
namespace {

constexpr std::string_view password = "replay-5d1b07";

std::string name_of_officer(const World& world, std::uint32_t officer) {
  return world.run + std::to_string(officer);
}

void ask_for_device(Connection& connection, std::string_view path, std::string_view body,
                    std::uint32_t officer, std::function<void(SignedIn)> done) {
  connection.ask(
      "POST", path, body, {},
      [officer, done = std::move(done), what = std::string(path)](const Answer& answer) {
        if (answer.status != 200) give_up(what + ": " + std::string(answer.body));
        const json::Document document = parsed(answer.body);
        const json::Value root = document.root();
        done({.officer = officer,
              .device_id = std::string(root.get("device_id").string_or("")),
              .account = {.user_id = std::string(root.get("user_id").string_or("")),
                          .token = std::string(root.get("access_token").string_or(""))}});
      });
}

void sign_up(Connection& connection, const World& world, std::uint32_t officer,
             std::function<void(SignedIn)> done) {
  json::Writer body;
  body.begin_object().member("username", name_of_officer(world, officer));
  body.member("password", password).key("auth").begin_object();
  body.member("type", "m.login.dummy").end_object().end_object();
  ask_for_device(connection, "/_matrix/client/v3/register", body.text(), officer, std::move(done));
}

void make_devices_of(World& world, Pool& pool) {
  const std::size_t officers = world.organisation.officers.size();
  world.of_officer.resize(officers);
  // The first devices have the numbers of their officers.
  world.devices.resize(officers);
  std::vector<std::uint32_t> with_two;
  for (std::uint32_t i = 0; i < officers; ++i) {
    world.of_officer[i].push_back(i);
    if (world.organisation.officers[i].devices == 2) with_two.push_back(i);
  }
  pool.for_each(officers, "accounts", [&](std::size_t i, Connection& by, Finished finished) {
    sign_up(by, world, static_cast<std::uint32_t>(i),
            [&world, i, finished = std::move(finished)](SignedIn made) {
              world.devices[i] = std::move(made);
              finished();
            });
  });
  for (std::size_t i = 0; i < with_two.size(); ++i) {
    world.of_officer[with_two[i]].push_back(static_cast<std::uint32_t>(officers + i));
  }
  world.devices.resize(officers + with_two.size());
  pool.for_each(with_two.size(), "devices", [&](std::size_t i, Connection& by, Finished finished) {
    sign_in(by, world, with_two[i],
            [&world, officers, i, finished = std::move(finished)](SignedIn made) {
              world.devices[officers + i] = std::move(made);
              finished();
            });
  });
}

std::string room_request(const World& world, const PlannedRoom& room) {
  json::Writer body;
  body.begin_object();
  if (room.kind == RoomKind::direct) {
    body.member("preset", "private_chat").member("is_direct", true).key("invite").begin_array();
    body.value(world.devices[room.members[1]].account.user_id).end_array();
  } else {
    body.member("preset", "public_chat").member("name", name_of(room.kind));
  }
  return body.end_object().take();
}

}  // namespace

void sign_in(Connection& connection, const World& world, std::uint32_t officer,
             std::function<void(SignedIn)> done) {
  json::Writer body;
  body.begin_object().member("type", "m.login.password").key("identifier").begin_object();
  body.member("type", "m.id.user").member("user", name_of_officer(world, officer)).end_object();
  body.member("password", password).end_object();
  ask_for_device(connection, "/_matrix/client/v3/login", body.text(), officer, std::move(done));
}

World make_world(Loop& loop, const Target& target, Organisation organisation) {
  World world;
  world.organisation = std::move(organisation);
  world.run = "officer" + std::to_string(::getpid()) + "-";
  Pool pool(loop, target);
  make_devices_of(world, pool);

  const auto& rooms = world.organisation.rooms;
  const auto token_of = [&world](std::uint32_t officer) -> const std::string& {
    return world.devices[officer].account.token;
  };
  world.room_ids.resize(rooms.size());
  pool.for_each(rooms.size(), "rooms", [&](std::size_t i, Connection& by, Finished finished) {
    by.ask("POST", "/_matrix/client/v3/createRoom", room_request(world, rooms[i]),
           token_of(rooms[i].members.front()),
           [&world, i, finished = std::move(finished)](const Answer& answer) {
             if (answer.status != 200) give_up("createRoom: " + std::string(answer.body));
             const json::Document document = parsed(answer.body);
             world.room_ids[i] = document.root().get("room_id").string_or("");
             finished();
           });
  });
  struct Join {
    std::uint32_t room;
    std::uint32_t officer;
  };
  std::vector<Join> joins;
  world.rooms_of.resize(world.organisation.officers.size());
  for (std::uint32_t room = 0; room < rooms.size(); ++room) {
    world.room_numbers.emplace(world.room_ids[room], room);
    for (const std::uint32_t officer : rooms[room].members) {
      world.rooms_of[officer].push_back(room);
      if (officer != rooms[room].members.front()) joins.push_back({room, officer});
    }
  }
  pool.for_each(joins.size(), "joins", [&](std::size_t i, Connection& by, Finished finished) {
    by.ask("POST", "/_matrix/client/v3/join/" + encoded(world.room_ids[joins[i].room]), "{}",
           token_of(joins[i].officer), [finished = std::move(finished)](const Answer& answer) {
             if (answer.status != 200) give_up("join: " + std::string(answer.body));
             finished();
           });
  });
  return world;
}

}  // namespace gims::bench
