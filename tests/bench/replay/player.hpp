// Plays a day on a server: sends, looks, receipts, typing, key shares, devices that come and go.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "bench/load/processes.hpp"
#include "bench/load/samples.hpp"
#include "bench/replay/day.hpp"
#include "bench/replay/follower.hpp"
#include "bench/replay/world.hpp"

namespace gims::bench {

struct PlayOptions {
  // Minutes of the day in a minute; 0: as fast as the server answers.
  double speed = 0;
  // Requests under way: no send is begun above the first, no look above the second. What is due
  // waits, and with it the day.
  std::size_t sends = 128;
  std::size_t looks = 32;
  // Every device looks for news once in so many minutes of the day, each at a time of its own, but
  // only when there is some: a phone in a pocket is woken by a push.
  double look_every = 60;
  // So many devices (the first ones of officers who are spread over all) wait in long polls all day
  // on a second connection; theirs are the times of delivery.
  std::size_t watchers = 64;
  // Devices that keep their connection open, which are those of the first numbers; the others make
  // a new one, with a full handshake, for each look. gimsd-testsite needs three descriptors for
  // each.
  std::size_t connections = 6400;
  // Officers who get a new device during the day: one of theirs is signed out, another in.
  std::size_t changed_devices = 100;
  std::uint64_t seed = 1;
};

class Player {
 public:
  // All outlive it.
  Player(Loop& loop, const Target& target, World& world, Ledger& ledger, PlayOptions options);
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  ~Player();

  // Every device signed in gets a filter and looks for the first time, then closes. Before the
  // first message.
  void first_looks();
  // All connect anew with full handshakes and look, evenly within that time; meanwhile the watchers
  // send at that rate into the busiest rooms. Returns when the last has its answer.
  struct Morning {
    Samples looks;   // from when it was due to the answer
    Samples others;  // sends meanwhile
    double took = 0;
  };
  [[nodiscard]] Morning morning(std::chrono::milliseconds within, double sends_a_second, Day& day);
  // The day's messages with all that goes with them; returns when the last send is answered.
  void play(Day& day);
  // Every device looks, and the watchers have what they wait for: then all must have all.
  void catch_up();
  // All look again, which must bring nothing; then nobody waits any more.
  void look_once_more();
  // Every room's history by its first member, for the ledger.
  void read_histories();

  struct Counts {
    std::uint64_t sent = 0, looks = 0, pages = 0, receipts = 0, typing = 0, shares = 0;
    std::uint64_t changed_devices = 0;
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] Samples& sends() noexcept { return sends_; }
  [[nodiscard]] Samples& deliveries() noexcept { return deliveries_; }

 private:
  struct Client;
  using Task = std::function<void(Client&, Finished)>;

  std::unique_ptr<Client> make_client(std::uint32_t device, bool late);
  void enqueue(Client& client, Task task);
  void begin_next(Client& client);
  void look_soon(Client& client);
  void watch(Client& client);
  void send(const PlannedMessage& message);
  void share_key(Client& client, const PlannedMessage& message);
  void after_look(Client& client, const Follower::Look& look);
  void begin_due_looks(double minute);
  void change_device();
  void on_label(std::string_view label);
  // What callbacks leave to do, as they may not close their own connection.
  void tidy();
  void wait_until_quiet(const std::string& what);
  void look_all(const std::string& what);
  [[nodiscard]] bool watchers_have_all() const;
  void read_history(Client& client, Ledger::Room room, const std::string& from,
                    std::shared_ptr<std::vector<Fingerprint>> events, Finished done);
  [[nodiscard]] Client& client_of(std::uint32_t officer);

  Loop& loop_;
  const Target& target_;
  World& world_;
  Ledger& ledger_;
  const PlayOptions options_;
  Random random_;
  std::vector<std::unique_ptr<Client>> clients_;  // by device's number
  std::vector<std::uint32_t> look_order_;
  std::size_t next_look_ = 0;
  double rounds_ = 0;
  std::deque<Client*> to_look_;
  std::size_t looking_ = 0;
  std::size_t sending_ = 0;
  std::size_t other_ = 0;  // tasks of other kinds under way or waiting
  std::vector<Client*> idle_;
  std::string ciphertext_;
  std::vector<Time> sent_at_;
  std::uint64_t shares_ = 0;
  Counts counts_;
  Samples sends_;
  Samples deliveries_;
  bool watching_ = false;
};

}  // namespace gims::bench
