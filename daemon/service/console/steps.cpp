#include "service/console/steps.hpp"

#include <algorithm>
#include <utility>

#include "crypto/random.hpp"
#include "service/console/refusals.hpp"

namespace gims::service::console {
namespace {

std::unexpected<Error> gone() { return expired("This took too long, or was done: begin again."); }

hsm::approval::Challenge new_challenge() {
  hsm::approval::Challenge made{};
  crypto::fill_random(made);
  return made;
}

}  // namespace

crypto::Digest Steps::hash(std::string_view token) const {
  return crypto::keyed_hash(key_, crypto::as_bytes(token));
}

Result<Steps::Entry*> Steps::known(std::string_view token) {
  const auto found = entries_.find(hash(token));
  if (found == entries_.end() || clock_.steady() >= found->second.until) return gone();
  return &found->second;
}

void Steps::insert(std::string_view token, Entry entry) {
  const Time now = clock_.steady();
  entry.until = now + step_life;
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& one) { return now >= one.second.until; });
  if (entries_.size() >= most_steps) {
    entries_.erase(
        std::ranges::min_element(entries_, {}, [](const auto& one) { return one.second.until; }));
  }
  entries_.insert_or_assign(hash(token), std::move(entry));
}

Steps::Begun Steps::begin(StepTo to, std::string name, Where where, std::string session) {
  Begun begun{.token = crypto::random_token(""),
              .expires_ts = clock_.now_ms() + std::chrono::milliseconds(step_life).count(),
              .challenge = new_challenge()};
  insert(begun.token.reveal(), {.to = to,
                                .step = {.name = std::move(name), .session = std::move(session)},
                                .where = std::move(where),
                                .until = {},
                                .challenge = begun.challenge,
                                .challenge_until = clock_.steady() + challenge_life,
                                .totp = {}});
  return begun;
}

void Steps::begin_add(const Session& session) {
  insert(session.id, {.to = StepTo::add,
                      .step = {.name = session.name, .session = session.id},
                      .where = session.where,
                      .until = {},
                      .challenge = std::nullopt,
                      .challenge_until = {},
                      .totp = {}});
}

Result<Steps::Step> Steps::find(std::string_view token, StepTo to, const Where& where) {
  const std::lock_guard lock(mutex_);
  GIMS_TRY_ASSIGN(const Entry* const entry, known(token));
  if (entry->to != to || entry->where != where) return gone();
  return entry->step;
}

Result<hsm::approval::Challenge> Steps::challenge(std::string_view token) {
  const std::lock_guard lock(mutex_);
  GIMS_TRY_ASSIGN(Entry* const entry, known(token));
  entry->challenge = new_challenge();
  entry->challenge_until = clock_.steady() + challenge_life;
  return *entry->challenge;
}

Result<hsm::approval::Challenge> Steps::take_challenge(std::string_view token) {
  const std::lock_guard lock(mutex_);
  GIMS_TRY_ASSIGN(Entry* const entry, known(token));
  if (!entry->challenge || clock_.steady() >= entry->challenge_until) return gone();
  return *std::exchange(entry->challenge, std::nullopt);
}

Result<> Steps::keep_totp(std::string_view token, SecretBytes secret) {
  const std::lock_guard lock(mutex_);
  GIMS_TRY_ASSIGN(Entry* const entry, known(token));
  entry->totp = std::move(secret);
  return {};
}

Result<SecretBytes> Steps::totp(std::string_view token) {
  const std::lock_guard lock(mutex_);
  GIMS_TRY_ASSIGN(const Entry* const entry, known(token));
  if (entry->totp.empty()) return gone();
  return entry->totp.clone();
}

void Steps::end(std::string_view token) {
  const std::lock_guard lock(mutex_);
  entries_.erase(hash(token));
}

}  // namespace gims::service::console
