// Tells pushers of what concerns their users.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/seldom.hpp"
#include "service/push/audience.hpp"
#include "service/push/evaluation.hpp"
#include "service/push/gateway.hpp"
#include "service/push/outbox.hpp"
#include "service/sync/feed.hpp"
#include "store/store.hpp"

namespace gims::service::push {

struct DeliveryOptions {
  std::string gateway_url;  // as pushers name it
  OutboxLimits outbox{};
  // The gateway does not answer: doubled each time. Nothing is given up meanwhile; events wait in
  // the store.
  std::chrono::milliseconds first_pause{1000};
  std::chrono::milliseconds longest_pause{60'000};
  // How far was told, into the database.
  std::chrono::milliseconds keep_pause{5000};
  // Older ones nobody is told of any more, after a long time without the gateway or without gimsd.
  std::int64_t most_behind = 10'000;
};

struct DeliveryState {
  std::size_t users = 0;     // with pushers
  std::size_t unsent = 0;    // notifications that wait
  std::string failing = {};  // why the gateway cannot be reached; empty: it can
};

// Register it with the store as a listener, after the feed. A listener notes only that there is
// something; the thread reads events from the store as fast as it can evaluate and send them, so
// that nothing on the way of a request waits for push, and no queue of events is in memory. What is
// promised: an event that was acknowledged is told to every pusher that the rules ask for, also
// after kill -9, where the gateway takes it: how far was told is in the database, every few
// seconds, and what comes after it is told again then; clients know an event by its id. Not told is
// what was read meanwhile, what a newer one of its room stands for, and what most_behind says.
// Thread: committed() on the writer's; attach, start, stop of one; state() of any.
class Delivery final : public store::ChangeListener {
 public:
  // Without a gateway (null) nothing is done. Both outlive this object.
  Delivery(Gateway* gateway, DeliveryOptions options, const Clock& clock);
  ~Delivery() override;

  void committed(store::StreamId position,
                 std::span<const store::Change> changes) noexcept override;
  // Before start() or work(), and before anybody is served: what is committed from then on is told.
  // They outlive this object, or stop() comes before their end.
  [[nodiscard]] Result<> attach(store::Store& store, sync::Feed& feed);
  void start();
  // Before the store stops: notes how far it came. Idempotent.
  void stop();
  // Nothing where there is no gateway.
  [[nodiscard]] std::optional<DeliveryState> state() const;

  // What there is to do now, without waiting: the thread's work, for tests that have none.
  void work();

 private:
  // What the listener notes.
  struct News {
    store::StreamId position = 0;
    std::unordered_set<std::string> pushers;  // of these users
    bool all_pushers = false;
    store::StreamId pushers_since = 0;           // the position before the first of them
    std::unordered_set<store::RoomNid> members;  // of these rooms
    bool all_members = false;
    std::unordered_set<std::string> readers;  // with pushers
  };
  struct OnStore {
    OnStore(store::Store& the_store, sync::Feed& feed, Outbox& outbox)
        : store(the_store), evaluation(the_store, feed, audience, outbox), the_feed(feed) {}
    store::Store& store;
    Audience audience;
    Evaluation evaluation;
    sync::Feed& the_feed;
  };

  void note(const store::Change& change, News& news) const;
  void run();
  [[nodiscard]] bool wait();
  [[nodiscard]] Result<> take_news();
  [[nodiscard]] Result<> take(const News& news);
  [[nodiscard]] Result<> take_pushers(std::optional<std::string_view> user_id, Outbox::Known known);
  [[nodiscard]] Result<> go_on();
  [[nodiscard]] Result<> evaluate();
  [[nodiscard]] Result<> skip_old(store::StreamId newest);
  void send();
  [[nodiscard]] bool send_next();
  void take_answer(const Outbox::Job& job, std::int64_t unread, const http::Answer& answer);
  void remove(const Outbox::Job& job);
  void tell_broken(const Error& error);
  void gateway_failed(const Error& error);
  void gateway_answers();
  [[nodiscard]] store::StreamId told() const;
  [[nodiscard]] bool owes_keeping() const;
  void keep();
  void tell_state();

  Gateway* const gateway_;
  const DeliveryOptions options_;
  const Clock& clock_;

  // The thread's alone.
  Outbox outbox_;
  std::optional<OnStore> on_;
  store::StreamId evaluated_ = 0;
  store::StreamId kept_ = -1;
  Outbox::Time keep_not_before_{};
  Outbox::Time send_not_before_{};
  Outbox::Time try_not_before_{};  // the store
  std::chrono::milliseconds pause_{0};
  std::string failing_;
  Seldom told_refused_;
  Seldom told_broken_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  News news_;
  std::unordered_set<std::string> served_;
  DeliveryState state_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::service::push
