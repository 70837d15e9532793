#include "service/attestation.hpp"

#include <algorithm>
#include <utility>

#include "base/thread_name.hpp"
#include "service/errors.hpp"

namespace gims::service {
namespace {

std::unexpected<Error> no_hardware() {
  return not_found("This site has no hardware that states what it is.");
}

std::unexpected<Error> too_many(std::chrono::milliseconds wait) {
  auto refused = fail(ErrorKind::rate_limited, "M_LIMIT_EXCEEDED",
                      "This unit was asked what it is by too many. Wait a moment, then try again.");
  refused.error().retry_after = wait;
  return refused;
}

}  // namespace

Attestation::Attestation(AttestationSource* source, const Clock& clock)
    : source_(source), clock_(clock), full_at_(clock.steady()) {
  if (source_ != nullptr) thread_ = std::thread([this] { run(); });
}

Attestation::~Attestation() { stop(); }

void Attestation::stop() {
  std::deque<Question> left;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  there_is_work_.notify_all();
  if (source_ != nullptr) source_->cancel();
  if (thread_.joinable()) thread_.join();
  {
    const std::scoped_lock lock(mutex_);
    left.swap(questions_);
  }
  for (Question& question : left) {
    for (Done& done : question.askers) done(stopping());
  }
}

std::shared_ptr<const std::string> Attestation::kept(const AttestationNonce& nonce) {
  const Time now = clock_.steady();
  std::erase_if(kept_, [&](const Kept& answer) { return answer.until <= now; });
  const auto found = std::ranges::find(kept_, nonce, &Kept::nonce);
  return found == kept_.end() ? nullptr : found->evidence;
}

void Attestation::keep(const AttestationNonce& nonce, std::shared_ptr<const std::string> evidence) {
  if (kept_.size() == most_kept) kept_.pop_front();
  kept_.push_back(
      {.nonce = nonce, .evidence = std::move(evidence), .until = clock_.steady() + kept_for});
}

Attestation::Question* Attestation::waiting(const AttestationNonce& nonce) {
  const auto found = std::ranges::find(questions_, nonce, &Question::nonce);
  return found == questions_.end() ? nullptr : &*found;
}

// With the lock held: one of those that are allowed, or how long to wait for it.
Result<> Attestation::take_turn() {
  const Time now = clock_.steady();
  const Time full = std::max(full_at_, now) + interval;
  const auto over = std::chrono::ceil<std::chrono::milliseconds>(full - now - burst * interval);
  if (over.count() > 0) return too_many(over);
  if (questions_.size() - (busy_ ? 1 : 0) >= most_waiting) return too_many(interval);
  full_at_ = full;
  return {};
}

void Attestation::ask(const AttestationNonce& nonce, Done done) {
  Result<std::shared_ptr<const std::string>> answer = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (source_ == nullptr) {
      answer = no_hardware();
    } else if (stopping_) {
      answer = stopping();
    } else if (auto known = kept(nonce)) {
      answer = std::move(known);
    } else if (Question* const same = waiting(nonce)) {
      if (same->askers.size() < most_sharing) {
        same->askers.push_back(std::move(done));
        return;
      }
      answer = too_many(interval);
    } else if (auto turn = take_turn(); !turn) {
      answer = std::unexpected(std::move(turn).error());
    } else {
      questions_.push_back({.nonce = nonce, .askers = {}});
      questions_.back().askers.push_back(std::move(done));
      done = nullptr;
    }
  }
  if (done) return done(std::move(answer));
  there_is_work_.notify_all();
}

void Attestation::ask_as_administrator(const AttestationNonce& nonce, Done done) {
  {
    const std::scoped_lock lock(mutex_);
    if (source_ != nullptr && !stopping_) {
      // Ahead of those that wait; one that is under way is not broken off.
      Question question{.nonce = nonce, .askers = {}};
      question.askers.push_back(std::move(done));
      questions_.insert(questions_.begin() + (busy_ ? 1 : 0), std::move(question));
      done = nullptr;
    }
  }
  if (!done) return there_is_work_.notify_all();
  done(source_ == nullptr ? no_hardware() : stopping());
}

void Attestation::run() {
  name_this_thread("attestation");
  std::unique_lock lock(mutex_);
  for (;;) {
    there_is_work_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
    if (stopping_) return;
    busy_ = true;
    const AttestationNonce nonce = questions_.front().nonce;
    lock.unlock();
    auto made = source_->attest(nonce);
    lock.lock();
    busy_ = false;
    std::vector<Done> askers = std::move(questions_.front().askers);
    questions_.pop_front();
    Result<std::shared_ptr<const std::string>> answer = nullptr;
    if (made) {
      auto evidence = std::make_shared<const std::string>(std::move(*made));
      keep(nonce, evidence);
      answer = std::move(evidence);
    } else {
      answer = std::unexpected(std::move(made).error());
    }
    lock.unlock();
    for (Done& done : askers) done(answer);
    lock.lock();
  }
}

}  // namespace gims::service
