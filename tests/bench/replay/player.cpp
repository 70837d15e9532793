#include "bench/replay/player.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "json/writer.hpp"

namespace gims::bench {
namespace {

constexpr auto long_poll = std::chrono::seconds(30);
// Of looks that brought something, the part after which the reader's receipt goes out.
constexpr double receipt_part = 0.25;
constexpr std::size_t share_size = 1200;  // of an Olm message that carries a Megolm session

// What a phone asks for at a time, members of rooms only where they spoke.
constexpr std::string_view filter_body =
    R"({"room":{"timeline":{"limit":50},"state":{"lazy_load_members":true}},"presence":{"types":[]}})";

std::string room_path(const std::string& room_id, std::string_view rest) {
  return "/_matrix/client/v3/rooms/" + encoded(room_id) + std::string(rest);
}

}  // namespace

struct Player::Client {
  Client(Player& player, SignedIn of, std::size_t number_of)
      : who(std::move(of)),
        number(number_of),
        device(player.loop_, player.target_, number_of, who.account) {}
  SignedIn who;
  std::size_t number;  // of the device
  Device device;
  // Of watchers: where the long polls are.
  std::unique_ptr<Device> watcher;
  std::unique_ptr<Follower> follower;
  std::deque<Task> tasks;
  bool busy = false;
  bool look_due = false;
  bool idle_noted = false;
  bool gone = false;
  bool late = false;  // signed in during the day
  std::uint64_t transactions = 0;
};

Player::Player(Loop& loop, const Target& target, World& world, Ledger& ledger, PlayOptions options)
    : loop_(loop),
      target_(target),
      world_(world),
      ledger_(ledger),
      options_(options),
      random_(options.seed) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 65536; ++i) ciphertext_.push_back(digits[random_.below(64)]);
  for (std::uint32_t i = 0; i < world.devices.size(); ++i) {
    clients_.push_back(make_client(i, false));
    look_order_.push_back(i);
  }
  for (std::size_t left = look_order_.size(); left > 1; --left) {
    std::swap(look_order_[left - 1], look_order_[random_.below(static_cast<std::uint32_t>(left))]);
  }
}

Player::~Player() = default;

std::unique_ptr<Player::Client> Player::make_client(std::uint32_t device, bool late) {
  const SignedIn& who = world_.devices[device];
  auto client = std::make_unique<Client>(*this, who, device);
  client->late = late;
  Device* by = &client->device;
  const std::size_t officers = world_.organisation.officers.size();
  const std::size_t step =
      std::max<std::size_t>(officers / std::max<std::size_t>(options_.watchers, 1), 1);
  if (!late && device < officers && device % step == 0 && device / step < options_.watchers) {
    client->watcher = std::make_unique<Device>(loop_, target_, device, who.account);
    by = client->watcher.get();
  }
  Follower::OnLabel on_label;
  if (client->watcher) on_label = [this](std::string_view label) { this->on_label(label); };
  client->follower = std::make_unique<Follower>(*by, world_.room_numbers, ledger_, on_label);
  const auto& rooms = world_.rooms_of[who.officer];
  client->follower->follow_as(late ? ledger_.add_late_reader(rooms) : ledger_.add_reader(rooms));
  return client;
}

// Of a message with the number n the label is "mn".
void Player::on_label(std::string_view label) {
  std::uint64_t number = 0;
  if (!label.starts_with('m')) return;
  std::from_chars(label.data() + 1, label.data() + label.size(), number);
  if (number < sent_at_.size()) deliveries_.add(Clock::now() - sent_at_[number]);
}

void Player::enqueue(Client& client, Task task) {
  client.tasks.push_back(std::move(task));
  if (!client.busy) begin_next(client);
}

void Player::begin_next(Client& client) {
  if (client.tasks.empty()) {
    if (!client.idle_noted) idle_.push_back(&client);
    client.idle_noted = true;
    return;
  }
  client.busy = true;
  const Task task = std::move(client.tasks.front());
  client.tasks.pop_front();
  task(client, [this, &client] {
    client.busy = false;
    begin_next(client);
  });
}

void Player::tidy() {
  for (Client* client : std::exchange(idle_, {})) {
    client->idle_noted = false;
    if (!client->busy && client->number >= options_.connections)
      client->device.connection().close();
  }
}

void Player::look_soon(Client& client) {
  if (client.look_due || client.gone || client.watcher) return;
  client.look_due = true;
  ++looking_;
  enqueue(client, [this](Client& own, const Finished& finished) {
    own.follower->look(std::chrono::milliseconds(0),
                       [this, &own, finished](const Follower::Look& look) {
                         own.look_due = false;
                         --looking_;
                         after_look(own, look);
                         finished();
                       });
  });
}

void Player::watch(Client& client) {
  if (!watching_) return;
  client.follower->look(long_poll, [this, &client](const Follower::Look& look) {
    after_look(client, look);
    watch(client);
  });
}

void Player::after_look(Client& client, const Follower::Look& look) {
  if (look.last_event.empty() || !random_.chance(receipt_part)) return;
  ++other_;
  ++counts_.receipts;
  enqueue(client,
          [this, room = look.room, event = look.last_event](Client& own, const Finished& finished) {
            own.device.ask("POST", room_path(room, "/receipt/m.read/" + encoded(event)), "{}",
                           [this, finished](std::string_view) {
                             --other_;
                             finished();
                           });
          });
}

Player::Client& Player::client_of(std::uint32_t officer) {
  const auto& devices = world_.of_officer[officer];
  Client& first = *clients_[devices.front()];
  if (devices.size() == 1 || !random_.chance(0.4)) return first;
  // One in a pocket reads: it would make a handshake for each message.
  Client& second = *clients_[devices.back()];
  return second.gone || second.number >= options_.connections ? first : second;
}

// To every other device in the room, as Megolm has it.
void Player::share_key(Client& client, const PlannedMessage& message) {
  ++other_;
  ++counts_.shares;
  enqueue(client, [this, room = message.room](Client& own, const Finished& finished) {
    json::Writer body;
    body.begin_object().key("messages").begin_object();
    for (const std::uint32_t member : world_.organisation.rooms[room].members) {
      const auto& devices = world_.of_officer[member];
      body.key(world_.devices[devices.front()].account.user_id).begin_object();
      for (const std::uint32_t device : devices) {
        if (clients_[device].get() == &own || clients_[device]->gone) continue;
        const std::string label = "k" + std::to_string(shares_++);
        ledger_.sent_to_device(clients_[device]->follower->reader(), fingerprint({}, label));
        body.key(world_.devices[device].device_id).begin_object();
        body.member("algorithm", "m.olm.v1.curve25519-aes-sha2");
        body.member("ciphertext", std::string_view(ciphertext_).substr(0, share_size));
        body.member("session_id", label).end_object();
      }
      body.end_object();
    }
    body.end_object().end_object();
    const std::string path =
        "/_matrix/client/v3/sendToDevice/m.room.encrypted/k" + std::to_string(own.transactions++);
    own.device.ask("PUT", path, body.text(), [this, finished](std::string_view) {
      --other_;
      finished();
    });
  });
}

void Player::send(const PlannedMessage& message) {
  Client& client = client_of(message.sender);
  if (message.typing) {
    ++other_;
    ++counts_.typing;
    enqueue(client, [this, room = message.room](Client& own, const Finished& finished) {
      own.device.ask(
          "PUT", room_path(world_.room_ids[room], "/typing/" + encoded(own.who.account.user_id)),
          R"({"typing":true,"timeout":10000})", [this, finished](std::string_view) {
            --other_;
            finished();
          });
    });
  }
  if (message.shares_key) share_key(client, message);
  ++sending_;
  enqueue(client, [this, message](Client& own, const Finished& finished) {
    const std::string label = "m" + std::to_string(message.number);
    std::string body = R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":")";
    const std::size_t from =
        Random::mix(message.number) % (ciphertext_.size() - message.ciphertext);
    body.append(ciphertext_, from, message.ciphertext);
    body.append(R"(","device_id":")").append(own.who.device_id);
    body.append(R"(","sender_key":"a2V5","session_id":")").append(label).append("\"}");
    const Time begun = Clock::now();
    if (sent_at_.size() <= message.number) sent_at_.resize(message.number + 1);
    sent_at_[message.number] = begun;
    own.device.ask_json(
        "PUT", room_path(world_.room_ids[message.room], "/send/m.room.encrypted/" + label), body,
        [this, &own, message, begun, label, finished](json::Value answer) {
          sends_.add(Clock::now() - begun);
          ledger_.acknowledged(message.room, static_cast<Ledger::Sender>(own.number),
                               fingerprint(answer.get("event_id").string_or(""), label));
          --sending_;
          ++counts_.sent;
          finished();
        });
  });
}

void Player::wait_until_quiet(const std::string& what) {
  loop_.run_until(
      [this] {
        tidy();
        return sending_ == 0 && looking_ == 0 && other_ == 0;
      },
      what, std::chrono::seconds(600));
}

void Player::first_looks() {
  for_each_index(loop_, clients_.size(), 16, "first looks", [&](std::size_t i, Finished finished) {
    tidy();
    Client& client = *clients_[i];
    enqueue(client, [finished = std::move(finished)](Client& own, const Finished& over) {
      const std::string path =
          "/_matrix/client/v3/user/" + encoded(own.who.account.user_id) + "/filter";
      own.device.ask_json("POST", path, filter_body, [&own, finished, over](json::Value made) {
        own.follower->set_filter(std::string(made.get("filter_id").string_or("")));
        own.follower->look(std::chrono::milliseconds(0), [finished, over](const Follower::Look&) {
          over();
          finished();
        });
      });
    });
  });
  for (const auto& client : clients_) {
    client->device.connection().close();
    if (client->watcher) client->watcher->connection().close();
  }
}

Player::Morning Player::morning(std::chrono::milliseconds within, double sends_a_second, Day& day) {
  Morning morning;
  watching_ = true;
  std::vector<std::uint32_t> rising;
  for (const std::uint32_t device : look_order_) {
    if (clients_[device]->watcher) {
      watch(*clients_[device]);
    } else {
      rising.push_back(device);
    }
  }
  const Samples before = std::exchange(sends_, {});
  const Time start = Clock::now();
  std::size_t next = 0;
  std::size_t answered = 0;
  double sent = 0;
  while (answered < rising.size()) {
    const double passed = std::chrono::duration<double>(Clock::now() - start).count();
    const double part = passed / std::chrono::duration<double>(within).count();
    while (next < rising.size() &&
           static_cast<double>(next) <= part * static_cast<double>(rising.size())) {
      Client& client = *clients_[rising[next++]];
      enqueue(client, [&, due = Clock::now()](Client& own, const Finished& finished) {
        own.follower->look(std::chrono::milliseconds(0), [&, due, finished](const Follower::Look&) {
          morning.looks.add(Clock::now() - due);
          ++answered;
          finished();
        });
      });
    }
    for (; !day.over() && sent < passed * sends_a_second; ++sent) send(day.next());
    tidy();
    loop_.run_to(Clock::now() + std::chrono::milliseconds(1));
  }
  wait_until_quiet("the morning's sends");
  morning.took = std::chrono::duration<double>(Clock::now() - start).count();
  morning.others = std::exchange(sends_, before);
  return morning;
}

// Each device's own minute comes once in every `look_every` of the day.
void Player::begin_due_looks(double minute) {
  const double due = minute / options_.look_every * static_cast<double>(look_order_.size());
  while (rounds_ < due) {
    ++rounds_;
    Client& client = *clients_[look_order_[next_look_++ % look_order_.size()]];
    if (client.look_due || client.gone || client.watcher) continue;
    if (ledger_.has_news(client.follower->reader())) to_look_.push_back(&client);
  }
  while (looking_ < options_.looks && !to_look_.empty()) {
    Client& client = *to_look_.front();
    to_look_.pop_front();
    look_soon(client);
  }
}

// An officer's device is signed out and another takes its place, which begins with what a first
// look gives.
void Player::change_device() {
  Client* found = nullptr;
  for (int tries = 0; tries < 100 && found == nullptr; ++tries) {
    Client& one = *clients_[random_.below(static_cast<std::uint32_t>(clients_.size()))];
    // A second one, as its officer goes on with the first meanwhile.
    if (one.number < world_.organisation.officers.size() || one.late || one.gone) continue;
    if (!one.busy && one.tasks.empty() && !one.look_due) found = &one;
  }
  if (found == nullptr) return;
  found->gone = true;
  ++other_;
  ++counts_.changed_devices;
  ledger_.retire(found->follower->reader());
  const std::uint32_t officer = found->who.officer;
  enqueue(*found, [this, officer](Client& own, const Finished& over) {
    own.device.ask(
        "POST", "/_matrix/client/v3/logout", "{}", [this, &own, officer, over](std::string_view) {
          sign_in(own.device.connection(), world_, officer,
                  [this, &own, officer, over](SignedIn made) {
                    const auto number = static_cast<std::uint32_t>(world_.devices.size());
                    world_.devices.push_back(std::move(made));
                    clients_.push_back(make_client(number, true));
                    look_order_.push_back(number);
                    Client& fresh = *clients_.back();
                    fresh.follower->set_filter(std::string(filter_body));
                    // From its first look on others share keys with it and it sends.
                    ++looking_;
                    fresh.look_due = true;
                    enqueue(fresh, [this, old = static_cast<std::uint32_t>(own.number), officer](
                                       Client& newest, const Finished& finished) {
                      newest.follower->look(
                          std::chrono::milliseconds(0),
                          [this, &newest, old, officer, finished](const Follower::Look&) {
                            std::ranges::replace(world_.of_officer[officer], old,
                                                 static_cast<std::uint32_t>(newest.number));
                            newest.look_due = false;
                            --looking_;
                            --other_;
                            finished();
                          });
                    });
                    over();
                  });
        });
  });
}

void Player::play(Day& day) {
  if (!watching_) {
    watching_ = true;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (clients_[i]->watcher) watch(*clients_[i]);
    }
  }
  std::optional<PlannedMessage> next;
  if (!day.over()) next = day.next();
  const Time start = Clock::now();
  const double first_minute = next ? next->minute : 0;
  rounds_ = first_minute / options_.look_every * static_cast<double>(look_order_.size());
  std::size_t changed = 0;
  const auto most_changes = static_cast<double>(options_.changed_devices);
  const auto begin_what_is_due = [&] {
    tidy();
    double now = minutes_of_day;
    if (options_.speed > 0) {
      now = first_minute +
            (std::chrono::duration<double>(Clock::now() - start).count() / 60 * options_.speed);
    }
    // What is behind holds the day up: neither looks nor sends run away from the other.
    while (next && sending_ < options_.sends && to_look_.size() < options_.looks &&
           other_ < options_.sends && next->minute <= now) {
      begin_due_looks(next->minute);
      if (static_cast<double>(changed) < next->minute / minutes_of_day * most_changes) {
        ++changed;
        change_device();
      }
      send(*next);
      next.reset();
      if (!day.over()) next = day.next();
    }
    begin_due_looks(next ? std::min(now, next->minute) : 0);
    return !next && sending_ == 0;
  };
  if (options_.speed == 0) {
    return loop_.run_until(begin_what_is_due, "the day", std::chrono::hours(6));
  }
  while (!begin_what_is_due()) loop_.run_to(Clock::now() + std::chrono::microseconds(500));
}

bool Player::watchers_have_all() const {
  return std::ranges::all_of(clients_, [this](const auto& client) {
    return !client->watcher || ledger_.is_at_end(client->follower->reader());
  });
}

void Player::look_all(const std::string& what) {
  std::size_t at = 0;
  loop_.run_until(
      [&] {
        tidy();
        for (; looking_ < options_.looks && at < clients_.size(); ++at) look_soon(*clients_[at]);
        return at == clients_.size() && looking_ == 0 && other_ == 0;
      },
      what, std::chrono::seconds(1800));
}

void Player::catch_up() {
  to_look_.clear();
  wait_until_quiet("what is under way");
  look_all("the last looks");
  // Nobody can wait for what never comes: the ledger tells then who has not got it.
  const Time end = Clock::now() + std::chrono::seconds(30);
  while (!watchers_have_all() && Clock::now() < end) {
    loop_.run_to(Clock::now() + std::chrono::milliseconds(5));
  }
}

void Player::look_once_more() {
  look_all("one more look");
  watching_ = false;
  for (const auto& client : clients_) {
    if (client->watcher) client->watcher->connection().close();
  }
}

void Player::read_histories() {
  for_each_index(
      loop_, world_.room_ids.size(), 8, "histories", [&](std::size_t room, Finished finished) {
        tidy();
        const std::uint32_t officer = world_.organisation.rooms[room].members.front();
        Client& client = *clients_[world_.of_officer[officer].front()];
        enqueue(client,
                [this, room, finished = std::move(finished)](Client& own, const Finished& over) {
                  read_history(own, static_cast<Ledger::Room>(room), {},
                               std::make_shared<std::vector<Fingerprint>>(), [finished, over] {
                                 over();
                                 finished();
                               });
                });
      });
}

void Player::read_history(Client& client, Ledger::Room room, const std::string& from,
                          std::shared_ptr<std::vector<Fingerprint>> events, Finished done) {
  client.device.ask_json(
      "GET", messages_path(world_.room_ids[room], 'f', from, {}, 500), {},
      [this, &client, room, events = std::move(events), done = std::move(done)](json::Value page) {
        for_each_message(page.get("chunk"),
                         [&](json::Value event) { events->push_back(fingerprint_of(event)); });
        const std::string end(page.get("end").string_or(""));
        if (!end.empty()) return read_history(client, room, end, events, done);
        ledger_.history(room, *events);
        done();
      });
}

Player::Counts Player::counts() const {
  Counts counts = counts_;
  for (const auto& client : clients_) {
    counts.looks += client->follower->looks();
    counts.pages += client->follower->pages();
  }
  return counts;
}

}  // namespace gims::bench
