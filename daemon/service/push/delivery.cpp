#include "service/push/delivery.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "service/push/notification.hpp"
#include "store/run_on_writer.hpp"
#include "store/statements/meta.hpp"
#include "store/statements/push.hpp"

namespace gims::service::push {
namespace {

namespace statements = store::statements;

constexpr std::string_view position_name = "push_position";
// Beyond it all are read again.
constexpr std::size_t most_noted = 4096;
// Sent before the next events are looked at.
constexpr int most_in_turn = 64;
constexpr std::chrono::milliseconds store_pause{1000};

template <class Set, class What>
void note_one(Set& set, bool& all, const What& what) {
  if (set.size() < most_noted) {
    set.insert(what);
  } else {
    all = true;
  }
}

}  // namespace

Delivery::Delivery(Gateway* gateway, DeliveryOptions options, const Clock& clock)
    : gateway_(gateway), options_(std::move(options)), clock_(clock), outbox_(options_.outbox) {}

Delivery::~Delivery() { stop(); }

void Delivery::note(const store::Change& change, News& news) const {
  if (const auto* pushers = std::get_if<store::PushersChanged>(&change)) {
    note_one(news.pushers, news.all_pushers, pushers->user_id);
  } else if (const auto* state = std::get_if<store::UserStateChanged>(&change)) {
    note_one(news.pushers, news.all_pushers, state->user_id);
  } else if (const auto* member = std::get_if<store::MembershipChanged>(&change)) {
    note_one(news.members, news.all_members, member->room);
  } else if (const auto* receipt = std::get_if<store::ReceiptChanged>(&change)) {
    if (served_.contains(receipt->user_id)) news.readers.insert(receipt->user_id);
  }
}

void Delivery::committed(store::StreamId position,
                         std::span<const store::Change> changes) noexcept {
  if (gateway_ == nullptr) return;
  {
    const std::scoped_lock lock(mutex_);
    if (news_.pushers.empty()) news_.pushers_since = news_.position;
    for (const store::Change& change : changes) note(change, news_);
    news_.position = std::max(news_.position, position);
    if (served_.empty() && news_.pushers.empty()) return;
  }
  changed_.notify_one();
}

Result<> Delivery::attach(store::Store& store, sync::Feed& feed) {
  if (gateway_ == nullptr) return {};
  on_.emplace(store, feed, outbox_);
  {
    const std::scoped_lock lock(mutex_);
    news_.position = std::max(news_.position, store.position());
    evaluated_ = news_.position;
  }
  return go_on();
}

void Delivery::start() {
  if (gateway_ == nullptr) return;
  thread_ = std::thread([this] { run(); });
}

void Delivery::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (!thread_.joinable()) return;
  gateway_->cancel();
  thread_.join();
}

std::optional<DeliveryState> Delivery::state() const {
  if (gateway_ == nullptr) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  return state_;
}

void Delivery::run() {
  name_this_thread("push");
  while (wait()) work();
  keep_not_before_ = {};
  keep();
}

// Until there is something to do; false: to stop.
bool Delivery::wait() {
  const auto now = clock_.steady();
  std::optional<Outbox::Time> next = outbox_.next_due();
  if (next) next = std::max(*next, send_not_before_);
  if (owes_keeping()) next = std::min(next.value_or(keep_not_before_), keep_not_before_);
  std::unique_lock lock(mutex_);
  const auto there_is_news = [&] {
    const bool news = !news_.pushers.empty() || news_.all_pushers || !news_.readers.empty() ||
                      news_.position > evaluated_;
    return stopping_ || (news && now >= try_not_before_ && !outbox_.full());
  };
  if (!there_is_news()) {
    const auto until = now < try_not_before_
                           ? std::min(next.value_or(try_not_before_), try_not_before_)
                           : next.value_or(Outbox::Time::max());
    if (until == Outbox::Time::max()) {
      changed_.wait(lock, there_is_news);
    } else if (until > now) {
      changed_.wait_for(lock, until - now, there_is_news);
    }
  }
  return !stopping_;
}

void Delivery::work() {
  if (clock_.steady() >= try_not_before_) {
    Result<> looked = take_news();
    if (looked) looked = evaluate();
    if (!looked) {
      try_not_before_ = clock_.steady() + store_pause;
      tell_broken(looked.error());
    }
  }
  send();
  keep();
  tell_state();
}

// Where the process before this one came to.
Result<> Delivery::go_on() {
  GIMS_TRY(take_pushers(std::nullopt, Outbox::Known::nothing));
  GIMS_TRY_ASSIGN(auto reader, on_->store.read());
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(reader.sql(), statements::MetaValue{.name = position_name}));
  if (!row) return {};
  store::StreamId kept = 0;
  const auto& text = row->value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), kept);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  // An older copy of the database has nothing that is ahead.
  evaluated_ = std::min(kept, evaluated_);
  kept_ = kept;
  return {};
}

Result<> Delivery::take_news() {
  News news;
  {
    const std::scoped_lock lock(mutex_);
    news.position = news_.position;
    std::swap(news, news_);
    news_.position = news.position;
  }
  Result<> taken = take(news);
  if (!taken) {
    // What it said is forgotten, so all is read again.
    const std::scoped_lock lock(mutex_);
    news_.all_pushers = news_.all_members = true;
    news_.readers.merge(news.readers);
  }
  return taken;
}

Result<> Delivery::take(const News& news) {
  if (news.all_members) on_->audience.forget_all();
  for (const store::RoomNid room : news.members) on_->audience.forget_room(room);
  const bool served_before = outbox_.users() > 0;
  if (news.all_pushers) GIMS_TRY(take_pushers(std::nullopt, Outbox::Known::never_told));
  for (const std::string& user : news.pushers)
    GIMS_TRY(take_pushers(user, Outbox::Known::never_told));
  // Before the first pusher there was nobody to tell.
  if (!served_before) evaluated_ = std::max(evaluated_, news.pushers_since);
  for (const std::string& user : news.readers) outbox_.read(user, clock_.steady());
  return {};
}

Result<> Delivery::take_pushers(std::optional<std::string_view> user_id, Outbox::Known known) {
  std::vector<Pusher> pushers;
  {
    sync::Reads reads(on_->store);
    GIMS_TRY_ASSIGN(pushers, read_pushers(reads, options_.gateway_url, user_id));
  }
  std::map<std::string, std::vector<Pusher>, std::less<>> by_user;
  if (user_id) {
    by_user.try_emplace(std::string(*user_id));
  } else {
    const std::scoped_lock lock(mutex_);
    for (const std::string& user : served_) by_user.try_emplace(user);
  }
  for (Pusher& pusher : pushers) by_user[pusher.user_id].push_back(std::move(pusher));
  for (auto& [user, theirs] : by_user) {
    const bool is_served = !theirs.empty();
    // Who has a first pusher, or none any more, is another member for every room.
    if (is_served != outbox_.serves(user)) on_->audience.forget_all();
    outbox_.set_pushers(user, std::move(theirs), known);
    const std::scoped_lock lock(mutex_);
    if (is_served) {
      served_.insert(user);
    } else {
      served_.erase(user);
    }
  }
  return {};
}

Result<> Delivery::evaluate() {
  store::StreamId newest = 0;
  {
    const std::scoped_lock lock(mutex_);
    newest = news_.position;
  }
  if (outbox_.users() == 0) {
    evaluated_ = newest;
    return {};
  }
  if (newest - evaluated_ > options_.most_behind) GIMS_TRY(skip_old(newest));
  while (evaluated_ < newest && !outbox_.full()) {
    GIMS_TRY_ASSIGN(const Evaluation::Step step,
                    on_->evaluation.step(evaluated_, newest, clock_.steady()));
    evaluated_ = step.position;
    for (const std::string& user : step.readers) outbox_.read(user, clock_.steady());
  }
  return {};
}

Result<> Delivery::skip_old(store::StreamId newest) {
  GIMS_TRY_ASSIGN(auto reader, on_->store.read());
  GIMS_TRY_ASSIGN(
      const auto oldest,
      sql::first(reader.sql(), statements::EventWithOthersAfter{.most = options_.most_behind}));
  if (!oldest || oldest->stream_id <= evaluated_ || oldest->stream_id > newest) return {};
  evaluated_ = oldest->stream_id;
  log::warning(log::id::push_skipped,
               "Officers' devices are not told of what was sent long ago: push was away too long");
  return {};
}

void Delivery::send() {
  for (int i = 0; i < most_in_turn && clock_.steady() >= send_not_before_; ++i) {
    if (!send_next()) return;
  }
}

// False: nothing is due.
bool Delivery::send_next() {
  const auto job = outbox_.next(clock_.steady());
  if (!job) return false;
  const Unsent* const unsent = job->unsent;
  const auto unread = unread_of(on_->store, on_->the_feed, job->pusher->user_id,
                                unsent == nullptr ? 0 : unsent->event->room);
  if (!unread) {
    tell_broken(unread.error());
    outbox_.failed(*job, clock_.steady());
    return true;
  }
  // It was read on another device, the invitation answered, or there is more to read again.
  const bool wanted = unsent == nullptr ? unread->total == 0
                      : unsent->invites ? unread->invited
                                        : unread->in_room > 0;
  if (!wanted) {
    outbox_.not_needed(*job, clock_.steady());
    return true;
  }
  const auto answer = gateway_->notify(notification(*job->pusher, unsent, unread->total));
  if (answer && answer->status != 401) {
    gateway_answers();
    take_answer(*job, unread->total, *answer);
  } else {
    // 401: the service began anew, with another token, which is read for the next connection.
    gateway_failed(answer
                       ? fail(ErrorKind::unavailable, "HTTP 401", "The token is not taken.").error()
                       : answer.error());
  }
  return true;
}

void Delivery::take_answer(const Outbox::Job& job, std::int64_t unread,
                           const http::Answer& answer) {
  const auto now = clock_.steady();
  const auto tell_refused = [&] {
    if (!told_refused_.due(now)) return;
    log::warning(log::id::push_refused, "The push service does not take a notification",
                 {{"ERRCODE", "HTTP " + std::to_string(answer.status)}});
  };
  // Too many at once, or it is out of order: for a while. What it refuses for good is not repeated.
  if (answer.status == 429 || answer.status >= 500) {
    tell_refused();
    outbox_.failed(job, now);
    return;
  }
  if (answer.status != 200) {
    tell_refused();
    outbox_.not_needed(job, now);
    return;
  }
  const auto rejected = is_rejected(answer.body, job.pusher->push_key);
  if (!rejected) {
    gateway_failed(rejected.error());
  } else if (*rejected) {
    remove(job);
  } else {
    outbox_.sent(job, unread, now);
  }
}

// The spec: "Homeservers must cease sending notification requests for these pushkeys and remove the
// associated pushers."
void Delivery::remove(const Outbox::Job& job) {
  const Pusher pusher = *job.pusher;
  outbox_.remove(job);
  const auto removed = store::run_on_writer(
      on_->store.writer(), [&pusher](store::Transaction& transaction) -> Result<> {
        transaction.publish(store::PushersChanged{pusher.user_id});
        return sql::run(transaction.sql(), statements::DropPusher{.user_id = pusher.user_id,
                                                                  .app_id = pusher.app_id,
                                                                  .push_key = pusher.push_key});
      });
  log::info(log::id::pusher_rejected, "The push service does not know a device any more",
            {{"USER", pusher.user_id}, {"ERRCODE", removed ? "" : removed.error().code}});
}

void Delivery::tell_broken(const Error& error) {
  if (!told_broken_.due(clock_.steady())) return;
  log::failure(log::id::push_events_unreadable,
               "What is to be told to officers' devices cannot be read; it is tried again", error);
}

void Delivery::gateway_failed(const Error& error) {
  if (failing_.empty()) {
    log::failure(log::id::push_away,
                 "The push service does not answer: devices that sleep are told later", error);
  }
  failing_ = error.code;
  pause_ =
      pause_.count() == 0 ? options_.first_pause : std::min(2 * pause_, options_.longest_pause);
  send_not_before_ = clock_.steady() + pause_;
}

void Delivery::gateway_answers() {
  if (!failing_.empty()) log::info(log::id::push_back, "The push service answers again");
  failing_.clear();
  pause_ = {};
}

// Everything up to here was told.
store::StreamId Delivery::told() const {
  const auto oldest = outbox_.oldest();
  return oldest ? std::min(evaluated_, *oldest - 1) : evaluated_;
}

bool Delivery::owes_keeping() const { return outbox_.users() > 0 && told() != kept_; }

void Delivery::keep() {
  if (!owes_keeping() || clock_.steady() < keep_not_before_) return;
  keep_not_before_ = clock_.steady() + options_.keep_pause;
  const store::StreamId position = told();
  const std::string text = std::to_string(position);
  const auto kept =
      store::run_on_writer(on_->store.writer(), [&text](store::Transaction& transaction) {
        return sql::run(transaction.sql(),
                        statements::SetMetaValue{.name = position_name, .value = text});
      });
  // A store that takes no writes has told so itself.
  if (kept) kept_ = position;
}

void Delivery::tell_state() {
  const std::scoped_lock lock(mutex_);
  state_ = {.users = outbox_.users(), .unsent = outbox_.unsent(), .failing = failing_};
}

}  // namespace gims::service::push
