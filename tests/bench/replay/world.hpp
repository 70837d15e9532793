// The organisation on the server: accounts, devices that are signed in, rooms that all are in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/replay/follower.hpp"
#include "bench/replay/organisation.hpp"

namespace gims::bench {

struct SignedIn {
  std::uint32_t officer = 0;
  std::string device_id;
  Account account;
};

struct World {
  Organisation organisation;
  std::vector<SignedIn> devices;                       // of all officers
  std::vector<std::vector<std::uint32_t>> of_officer;  // their devices' numbers
  std::vector<std::vector<Ledger::Room>> rooms_of;     // by officer
  std::vector<std::string> room_ids;
  RoomNumbers room_numbers;
  std::string run;  // what the names of this run's accounts begin with
};

// Makes all of it by the client API of a server that lets anyone register and knows no limits
// (gimsd-testsite). Gives up at the first refusal.
[[nodiscard]] World make_world(Loop& loop, const Target& target, Organisation organisation);

// Signs one more device of an officer in.
void sign_in(Connection& connection, const World& world, std::uint32_t officer,
             std::function<void(SignedIn)> done);

}  // namespace gims::bench
