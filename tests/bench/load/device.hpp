// A signed-in device: an account's token and a connection of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/connection.hpp"
#include "json/value.hpp"

namespace gims::bench {

struct Account {
  std::string user_id;
  std::string token;
};

// Asks in the account's name over any connection. Any answer but 200 ends the program.
void ask_as(const Account& account, Connection& by, std::string_view method, std::string_view path,
            std::string_view body, std::function<void(std::string_view body)> done);

class Device {
 public:
  using OnJson = std::function<void(json::Value)>;

  Device(Loop& loop, const Target& target, std::size_t number, Account account)
      : account_(std::move(account)), number_(number), connection_(loop, target, number) {}

  [[nodiscard]] const std::string& user_id() const noexcept { return account_.user_id; }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] Connection& connection() noexcept { return connection_; }

  // Any answer but 200 ends the program.
  void ask(std::string_view method, std::string_view path, std::string_view body,
           std::function<void(std::string_view body)> done);
  // The same, with the answer parsed.
  void ask_json(std::string_view method, std::string_view path, std::string_view body, OnJson done);

  // An encrypted message (encrypted_content).
  void send(std::string_view room, std::string_view label, std::function<void()> done);
  // What /sync asks for; "": all.
  void set_filter(std::string_view filter) { filter_ = filter; }
  // One /sync. `since` empty: the first. `timeout` of the long poll in milliseconds.
  void sync(std::string_view since, int timeout, OnJson done);

 private:
  Account account_;
  std::size_t number_;
  std::uint64_t transaction_ = 0;
  std::string filter_;
  Connection connection_;
};
using Devices = std::vector<std::unique_ptr<Device>>;

[[nodiscard]] Devices make_devices(Loop& loop, const Target& target,
                                   const std::vector<Account>& accounts, std::size_t count);

// As a phone asks: members of rooms only where they spoke.
inline constexpr std::string_view lazy_members = R"({"room":{"state":{"lazy_load_members":true}}})";
// `filter`: an id or JSON; empty, as `since` may be: none.
[[nodiscard]] std::string sync_path(std::string_view since, int timeout, std::string_view filter);

// Of an encrypted message of a usual size. `label` tells it apart: the session_id.
[[nodiscard]] std::string encrypted_content(std::string_view label);

// A path segment or query value, percent-encoded (RFC 3986, section 2).
[[nodiscard]] std::string encoded(std::string_view text);
[[nodiscard]] json::Document parsed(std::string_view answer);

// Does `work(index, finished)` for every index, at most `at_once` at a time; returns when all have
// called `finished`.
using Finished = std::function<void()>;
void for_each_index(Loop& loop, std::size_t count, std::size_t at_once, const std::string& what,
                    const std::function<void(std::size_t index, Finished finished)>& work);

// Gives the room's id.
void create_room(Device& device, std::string_view body, std::function<void(std::string)> done);
void join_room(Device& device, std::string_view room, std::function<void()> done);

}  // namespace gims::bench
