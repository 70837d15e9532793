#include "bench/load/device.hpp"

#include <unistd.h>

#include <utility>

namespace gims::bench {

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").contains(c);
    if (plain) {
      out.push_back(c);
    } else {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  return out;
}

std::string sync_path(std::string_view since, int timeout, std::string_view filter) {
  std::string path = "/_matrix/client/v3/sync?timeout=" + std::to_string(timeout);
  if (!since.empty()) path.append("&since=").append(encoded(since));
  if (!filter.empty()) path.append("&filter=").append(encoded(filter));
  return path;
}

std::string encrypted_content(std::string_view label) {
  std::string content = R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":")";
  content.append(600, 'A').append(R"(","device_id":"BENCH","sender_key":"k","session_id":")");
  return content.append(label).append(R"("})");
}

json::Document parsed(std::string_view answer) {
  auto document = json::Document::parse(
      answer, {.max_bytes = ResponseReader::most_body, .max_values = std::size_t{1} << 26U});
  if (!document) give_up("not JSON: " + std::string(answer.substr(0, 500)));
  return std::move(*document);
}

void ask_as(const Account& account, Connection& by, std::string_view method, std::string_view path,
            std::string_view body, std::function<void(std::string_view body)> done) {
  by.ask(method, path, body, account.token,
         [done = std::move(done), what = std::string(path)](const Answer& answer) {
           if (answer.status != 200) {
             give_up(what + ": " + std::to_string(answer.status) + " " +
                     std::string(answer.body.substr(0, 500)));
           }
           done(answer.body);
         });
}

void Device::ask(std::string_view method, std::string_view path, std::string_view body,
                 std::function<void(std::string_view body)> done) {
  ask_as(account_, connection_, method, path, body, std::move(done));
}

void Device::ask_json(std::string_view method, std::string_view path, std::string_view body,
                      OnJson done) {
  ask(method, path, body, [done = std::move(done)](std::string_view answer) {
    const json::Document document = parsed(answer);
    done(document.root());
  });
}

void Device::send(std::string_view room, std::string_view label, std::function<void()> done) {
  // The process in it, as another run may have used the same account.
  static const std::string run = std::to_string(::getpid()) + "-";
  const std::string path = "/_matrix/client/v3/rooms/" + encoded(room) + "/send/m.room.encrypted/" +
                           run + std::to_string(transaction_++);
  ask("PUT", path, encrypted_content(label),
      [done = std::move(done)](std::string_view) { done(); });
}

void Device::sync(std::string_view since, int timeout, OnJson done) {
  ask_json("GET", sync_path(since, timeout, filter_), {}, std::move(done));
}

Devices make_devices(Loop& loop, const Target& target, const std::vector<Account>& accounts,
                     std::size_t count) {
  if (accounts.size() < count) {
    give_up("this needs " + std::to_string(count) + " accounts, and there are " +
            std::to_string(accounts.size()));
  }
  Devices devices;
  for (std::size_t i = 0; i < count; ++i) {
    devices.push_back(std::make_unique<Device>(loop, target, i, accounts[i]));
  }
  return devices;
}

void for_each_index(Loop& loop, std::size_t count, std::size_t at_once, const std::string& what,
                    const std::function<void(std::size_t, Finished)>& work) {
  std::size_t next = 0;
  std::size_t running = 0;
  // Not from within a callback, which could nest as deep as there are indexes.
  loop.run_until(
      [&] {
        while (next < count && running < at_once) {
          ++running;
          work(next++, [&running] { --running; });
        }
        return next == count && running == 0;
      },
      what, std::chrono::seconds(300));
}

void create_room(Device& device, std::string_view body, std::function<void(std::string)> done) {
  device.ask_json("POST", "/_matrix/client/v3/createRoom", body,
                  [done = std::move(done)](json::Value made) {
                    const auto room = made.get("room_id").as_string();
                    if (!room) give_up("createRoom gave no room_id");
                    done(std::string(*room));
                  });
}

void join_room(Device& device, std::string_view room, std::function<void()> done) {
  device.ask("POST", "/_matrix/client/v3/join/" + encoded(room), "{}",
             [done = std::move(done)](std::string_view) { done(); });
}

}  // namespace gims::bench
