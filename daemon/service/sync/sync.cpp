#include "service/sync/sync.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

// Waits that one worker takes at a time: a room's thousand are shared by all of them.
constexpr std::size_t batch = 32;
// For a client whose request may not wait.
constexpr std::chrono::milliseconds come_later = std::chrono::seconds(5);

std::unexpected<Error> too_many_waits() {
  auto refused = fail(ErrorKind::rate_limited, "M_LIMIT_EXCEEDED",
                      "Too many requests wait already. Try again in a moment.");
  refused.error().retry_after = come_later;
  return refused;
}

// `since`: from where to look; the device's last token decides what it was sent of members.
SyncRequest request_of(const Waiter& waiter, const StreamToken& since) {
  return SyncRequest{.user_id = waiter.user_id,
                     .device_id = waiter.device_id,
                     .since = since,
                     .members_since = waiter.since,
                     .filter = waiter.filter,
                     .full_state = false,
                     .use_state_after = waiter.use_state_after,
                     .unstable_state_after = waiter.unstable_state_after,
                     .even_if_empty = false};
}

}  // namespace

Sync::Sync(store::Store& store, Feed& feed, const Policy& policy, const Clock& clock,
           SyncOptions options)
    : store_(store), feed_(feed), policy_(policy), clock_(clock) {
  for (unsigned i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
}

Sync::~Sync() { stop(); }

void Sync::stop() {
  if (stopped_.exchange(true)) return;
  feed_.stop();
  for (std::thread& worker : workers_) worker.join();
  // Without workers, and what came while they ended.
  while (run_due() > 0) {
  }
}

void Sync::work() {
  for (;;) {
    Feed::Work work = feed_.next_work(clock_, batch);
    const bool stopped = work.stopped;
    handle(std::move(work));
    if (stopped) return;
  }
}

std::size_t Sync::run_due() { return handle(feed_.due_work(clock_.steady(), batch)); }

std::size_t Sync::handle(Feed::Work work) {
  for (const std::string& user_id : work.device_changes) {
    if (auto loaded = feed_.ensure_user(store_, user_id); !loaded) {
      log::failure(log::id::rooms_unreadable, "A user's rooms cannot be read", loaded.error());
      continue;
    }
    feed_.wake_contacts(user_id);
  }
  const std::size_t count = work.waiters.size();
  for (auto& waiter : work.waiters) wake(std::move(waiter));
  return count;
}

Sync::Ticket Sync::ticket(std::string user_id) {
  return {.user_id = std::move(user_id),
          .id = next_id_.fetch_add(1),
          .gone = std::make_shared<std::atomic<bool>>(false)};
}

void Sync::gone(const Ticket& ticket) {
  // First the flag, then the table: attempt() looks at them in the other order.
  ticket.gone->store(true);
  feed_.forget(ticket.user_id, ticket.id);
}

// What the device came back with it has: it need not be kept.
void Sync::acknowledge(const SyncRequest& request) {
  if (!request.since) return;
  const store::StreamId up_to = request.since->last_to_device();
  const auto first = feed_.first_to_device(request.user_id, request.device_id);
  if (first == 0 || first > up_to) return;
  store_.writer().submit(
      [user_id = request.user_id, device_id = request.device_id,
       up_to](store::Transaction& transaction) -> Result<> {
        return sql::run(transaction.sql(),
                        statements::SyncDropToDevice{
                            .user_id = user_id, .device_id = device_id, .up_to = up_to});
      },
      [this, user_id = request.user_id, device_id = request.device_id, up_to](Result<> outcome) {
        // Otherwise they stay, and the next sync tries again.
        if (outcome) feed_.to_device_dropped(user_id, device_id, up_to);
      });
}

void Sync::run(SyncRequest request, std::chrono::milliseconds timeout, const Ticket& ticket,
               Reply reply) {
  if (auto loaded = feed_.ensure_user(store_, request.user_id); !loaded) {
    return reply(pass(std::move(loaded)));
  }
  acknowledge(request);
  timeout = std::min(timeout, policy_.longest_poll);
  const bool at_once = !request.since || request.full_state ||
                       timeout <= std::chrono::milliseconds::zero() || stopped_.load();
  if (at_once) {
    request.even_if_empty = true;
    auto assembled = assemble(store_, feed_, request);
    if (!assembled) return reply(pass(std::move(assembled)));
    return reply(std::move(assembled->body));
  }
  auto waiter = std::make_unique<Waiter>();
  waiter->user_id = std::move(request.user_id);
  waiter->device_id = std::move(request.device_id);
  waiter->since = *request.since;
  waiter->checked = *request.since;
  waiter->filter = std::move(request.filter);
  waiter->use_state_after = request.use_state_after;
  waiter->unstable_state_after = request.unstable_state_after;
  waiter->deadline = clock_.steady() + timeout;
  waiter->reply = std::move(reply);
  waiter->id = ticket.id;
  waiter->gone = ticket.gone;
  attempt(std::move(waiter), true);
}

void Sync::attempt(std::unique_ptr<Waiter> waiter, bool first) {
  // Where much happens that the filter drops, a reply that says nothing ends the chase.
  constexpr int most_looks = 32;
  for (int look = 0; waiter && look < most_looks; ++look) {
    if (waiter->gone->load()) return;
    // Nothing new since the last look: there is no need for another, but for the first.
    const SyncRequest request = request_of(*waiter, first ? waiter->since : waiter->checked);
    auto assembled = assemble(store_, feed_, request);
    if (!assembled) return waiter->reply(pass(std::move(assembled)));
    if (!assembled->empty) return waiter->reply(std::move(assembled->body));
    first = false;
    waiter->checked = assembled->next;
    const auto gone = waiter->gone;
    const Ticket ticket{.user_id = waiter->user_id, .id = waiter->id, .gone = gone};
    waiter = feed_.park(std::move(waiter), clock_.steady());
    if (!waiter && gone->load()) feed_.forget(ticket.user_id, ticket.id);
  }
  if (waiter) reply_empty(*waiter);
}

void Sync::reply_empty(Waiter& waiter) {
  waiter.reply(empty_reply(store_, feed_, waiter.user_id, waiter.device_id, waiter.checked));
}

void Sync::wake(std::unique_ptr<Waiter> waiter) {
  switch (waiter->reason) {
    case Waiter::Reason::news:
      return attempt(std::move(waiter), false);
    case Waiter::Reason::superseded:
      return reply_empty(*waiter);
    case Waiter::Reason::refused:
      return waiter->reply(too_many_waits());
    case Waiter::Reason::removed:
      return waiter->reply(
          fail(ErrorKind::unauthenticated, "M_UNKNOWN_TOKEN", "This device was signed out."));
    case Waiter::Reason::timeout: {
      SyncRequest request = request_of(*waiter, waiter->checked);
      request.even_if_empty = true;
      auto assembled = assemble(store_, feed_, request);
      if (!assembled) return waiter->reply(pass(std::move(assembled)));
      return waiter->reply(std::move(assembled->body));
    }
  }
}

}  // namespace gims::service::sync
