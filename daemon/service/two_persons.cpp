#include "service/two_persons.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "json/writer.hpp"
#include "service/encryption/cross_signing.hpp"
#include "service/errors.hpp"
#include "store/audit.hpp"
#include "store/run_on_writer.hpp"
#include "store/statements/meta.hpp"
#include "store/statements/users.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

constexpr std::size_t most_jobs = 16;
// The act of gims-keyd's that was taken last.
constexpr std::string_view taken_name = "keyd_act";
constexpr std::string_view origin = "gims-keyd";

Result<std::uint64_t> taken_before(store::Store& store) {
  GIMS_TRY_ASSIGN(store::Reader reader, store.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::MetaValue{.name = taken_name}));
  std::uint64_t id = 0;
  if (row) std::from_chars(row->value.data(), row->value.data() + row->value.size(), id);
  return id;
}

Result<> append(store::Transaction& transaction, const KeydAct& act) {
  json::Writer detail;
  detail.begin_object().member("text", act.text).member("ts", act.ts).end_object();
  const std::string text = detail.take();
  return store::append_audit(
      transaction,
      {.actor = act.actor, .origin = origin, .act = act.act, .target = act.target, .detail = text});
}

Result<> append_lost(store::Transaction& transaction, std::uint64_t count) {
  json::Writer detail;
  detail.begin_object().member("count", static_cast<std::int64_t>(count)).end_object();
  const std::string text = detail.take();
  return store::append_audit(
      transaction,
      {.actor = origin, .origin = origin, .act = "keyd.acts_lost", .target = "", .detail = text});
}

// gims-keyd's words, in a code that a client of gimsd knows.
template <class T>
Result<T> in_our_codes(Result<T> answer) {
  if (!answer) {
    answer.error().code =
        answer.error().kind == ErrorKind::unavailable ? "M_UNKNOWN" : "M_FORBIDDEN";
  }
  return answer;
}

// The account may be closed by now.
Result<> require_open(store::Transaction& transaction, std::string_view user_id) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(transaction.sql(), sql_of::UserById{user_id}));
  if (!row) return not_found("There is no such account.");
  if (row->state == name_of(UserState::deactivated)) {
    return forbidden("A deactivated account has no use for an identity.");
  }
  return {};
}

}  // namespace

TwoPersons::~TwoPersons() { stop(); }

Result<> TwoPersons::attach(store::Store& store) {
  store_ = &store;
  if (keyd_ == nullptr) return {};
  GIMS_TRY_ASSIGN(taken_, taken_before(store));
  thread_ = std::thread([this] { run(); });
  return {};
}

void TwoPersons::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  there_is_work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TwoPersons::run() {
  name_this_thread("two-persons");
  std::unique_lock lock(mutex_);
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    if (!jobs_.empty()) {
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      const bool ending = stopping_;
      lock.unlock();
      job(ending);
      lock.lock();
    } else if (stopping_) {
      return;
    } else if (std::chrono::steady_clock::now() >= next) {
      lock.unlock();
      take_acts();
      lock.lock();
      next = std::chrono::steady_clock::now() + pause_;
    } else {
      there_is_work_.wait_until(lock, next);
    }
  }
}

void TwoPersons::take_acts() {
  auto more = take_some();
  // Once more, so that gims-keyd hears what is in the log and forgets it.
  while (more && *more) more = take_some();
  if (!more && !failing_) {
    log::failure(log::id::keyd_acts_waiting,
                 "what gims-keyd did cannot be taken into the audit log now; it is tried again",
                 more.error());
  }
  failing_ = !more;
}

// Whether there was anything.
Result<bool> TwoPersons::take_some() {
  GIMS_TRY_ASSIGN(const KeydDecisions::Acts found, keyd_->acts(taken_));
  std::vector<KeydAct> acts = found.acts;
  // The answer to what was stored last may have got lost.
  const auto known = std::ranges::find(acts, taken_, &KeydAct::id);
  if (known != acts.end()) acts.erase(acts.begin(), known + 1);
  if (acts.empty()) return false;
  GIMS_TRY(store_acts(acts, found.lost));
  taken_ = acts.back().id;
  return true;
}

Result<> TwoPersons::store_acts(const std::vector<KeydAct>& acts, std::uint64_t lost) {
  return store::run_on_writer(
      store_->writer(), [&acts, lost](store::Transaction& transaction) -> Result<> {
        if (lost > 0) GIMS_TRY(append_lost(transaction, lost));
        for (const KeydAct& act : acts) GIMS_TRY(append(transaction, act));
        const std::string last = std::to_string(acts.back().id);
        return sql::run(transaction.sql(), sql_of::SetMetaValue{.name = taken_name, .value = last});
      });
}

void TwoPersons::reset_identity(std::string user_id, std::uint32_t approval, Actor actor,
                                std::move_only_function<void(Result<>)> done) {
  if (keyd_ == nullptr) {
    return done(forbidden("This site has no gims-keyd that two administrators could ask."));
  }
  auto answer = std::make_shared<decltype(done)>(std::move(done));
  bool taken = false;
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_ && jobs_.size() < most_jobs) {
      jobs_.push_back([this, user_id = std::move(user_id), approval, actor = std::move(actor),
                       answer](bool ending) {
        (*answer)(ending ? Result<>(stopping()) : reset_now(user_id, approval, actor));
      });
      taken = true;
    }
  }
  if (taken) return there_is_work_.notify_all();
  (*answer)(fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is busy. Try again shortly."));
}

Result<> TwoPersons::reset_now(const std::string& user_id, std::uint32_t approval,
                               const Actor& actor) {
  GIMS_TRY_ASSIGN(const std::vector<std::string> persons,
                  in_our_codes(keyd_->redeem_identity_reset(approval, user_id)));
  return store::run_on_writer(store_->writer(), [&](store::Transaction& transaction) -> Result<> {
    GIMS_TRY(require_open(transaction, user_id));
    const Millis until = transaction.now_ms() + permission.count();
    GIMS_TRY(CrossSigning::allow_replacement(transaction, user_id, until));
    json::Writer detail;
    detail.begin_object().key("approved_by").begin_array();
    for (const std::string& name : persons) detail.value(name);
    detail.end_array().member("until_ts", until).end_object();
    const std::string text = detail.take();
    return store::append_audit(transaction, {.actor = actor.name,
                                             .origin = actor.origin,
                                             .act = "user.identity_reset",
                                             .target = user_id,
                                             .detail = text});
  });
}

}  // namespace gims::service
