#include "service/console/sessions.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "crypto/random.hpp"
#include "service/console/refusals.hpp"

namespace gims::service::console {
namespace {

constexpr std::size_t id_letters = 22;  // 128 bits and more; it is no secret
constexpr std::size_t longest_agent = 256;

// Nobody is kept waiting by what another program sends as its name.
std::string cut(std::string agent) {
  if (agent.size() > longest_agent) agent.resize(longest_agent);
  return agent;
}

std::unexpected<Error> ended() {
  return not_signed_in("You are not signed in, or your session has ended.");
}

}  // namespace

crypto::Digest Sessions::hash(std::string_view cookie) const noexcept {
  const std::array<crypto::ByteView, 2> parts{crypto::as_bytes("session"),
                                              crypto::as_bytes(cookie)};
  return crypto::keyed_hash(key_, parts);
}

Redacted Sessions::csrf_token(std::string_view cookie) const {
  const std::array<crypto::ByteView, 2> parts{crypto::as_bytes("token"), crypto::as_bytes(cookie)};
  return Redacted(crypto::base64(crypto::keyed_hash(key_, parts), crypto::Alphabet::url_safe));
}

bool Sessions::csrf_fits(std::string_view cookie, std::string_view token) const {
  const Redacted right = csrf_token(cookie);
  return equal_in_constant_time(crypto::as_bytes(right.reveal()), crypto::as_bytes(token));
}

bool Sessions::over(const Session& session, Time now) noexcept {
  if (session.holder.stage == Stage::first_factor) return now >= session.begun + first_factor_life;
  return now >= session.used + idle_life || now >= session.begun + longest_life;
}

void Sessions::drop_ended(Time now) {
  std::erase_if(sessions_, [&](const auto& entry) { return over(entry.second, now); });
}

void Sessions::make_room(std::string_view name) {
  const auto of_name = [&](const auto& entry) { return entry.second.holder.name == name; };
  const bool full_of_one =
      std::cmp_greater_equal(std::ranges::count_if(sessions_, of_name), most_sessions_of_one);
  if (!full_of_one && sessions_.size() < most_sessions) return;
  const auto gives_way = [&](const Session& session) {
    return std::pair(full_of_one ? session.holder.name != name
                                 : session.holder.stage == Stage::signed_in,
                     session.used);
  };
  sessions_.erase(std::ranges::min_element(
      sessions_, {}, [&](const auto& entry) { return gives_way(entry.second); }));
}

Sessions::Begun Sessions::begin(std::string name, Role role, Stage stage, Where where) {
  Redacted cookie = crypto::random_token("");
  Session session;
  session.holder = {.session_id = crypto::random_alphanumeric(id_letters),
                    .name = std::move(name),
                    .role = role,
                    .stage = stage,
                    .fresh = stage == Stage::signed_in};
  session.where = {.address = std::move(where.address), .agent = cut(std::move(where.agent))};
  session.begun = session.used = clock_.steady();
  session.fresh_until = session.begun + fresh_life;
  session.created_ts = session.last_seen_ts = clock_.now_ms();
  Holder holder = session.holder;
  const std::lock_guard lock(mutex_);
  drop_ended(session.begun);
  make_room(holder.name);
  sessions_.emplace(hash(cookie.reveal()), std::move(session));
  return {.cookie = std::move(cookie), .holder = std::move(holder)};
}

Result<Holder> Sessions::authenticate(std::string_view cookie, const Where& where,
                                      const Moved& moved) {
  const crypto::Digest key = hash(cookie);
  std::optional<Holder> thief;
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.steady();
    const auto found = sessions_.find(key);
    if (found == sessions_.end()) return ended();
    Session& session = found->second;
    if (over(session, now)) {
      sessions_.erase(found);
      return ended();
    }
    if (session.where.address == where.address && session.where.agent == cut(where.agent)) {
      session.used = now;
      session.last_seen_ts = clock_.now_ms();
      Holder holder = session.holder;
      holder.fresh = holder.stage == Stage::signed_in && now < session.fresh_until;
      return holder;
    }
    thief = session.holder;
    sessions_.erase(found);
  }
  moved(*thief);
  return not_signed_in(
      "This session was begun from another address or with another browser, and has ended.");
}

Sessions::Session* Sessions::find(std::string_view session_id) {
  const auto found = std::ranges::find_if(sessions_, [&](const auto& entry) {
    return entry.second.holder.session_id == session_id;
  });
  return found == sessions_.end() ? nullptr : &found->second;
}

hsm::approval::Challenge Sessions::challenge(std::string_view session_id) {
  hsm::approval::Challenge made{};
  crypto::fill_random(made);
  const std::lock_guard lock(mutex_);
  if (Session* const session = find(session_id)) {
    session->challenge = made;
    session->challenge_until = clock_.steady() + challenge_life;
  }
  return made;
}

Result<hsm::approval::Challenge> Sessions::take_challenge(std::string_view session_id) {
  const std::lock_guard lock(mutex_);
  Session* const session = find(session_id);
  if (session == nullptr || !session->challenge || clock_.steady() >= session->challenge_until) {
    return fail(ErrorKind::forbidden, "GIMS_SIGN_IN_FAILED",
                "The security key was asked too long ago: try again.");
  }
  return *std::exchange(session->challenge, std::nullopt);
}

void Sessions::note_wrong_factor(std::string_view session_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](auto& entry) {
    return entry.second.holder.session_id == session_id &&
           ++entry.second.wrong_factors >= most_wrong_factors;
  });
}

void Sessions::refresh(std::string_view session_id) {
  const std::lock_guard lock(mutex_);
  Session* const session = find(session_id);
  if (session == nullptr) return;
  session->fresh_until = clock_.steady() + fresh_life;
  session->wrong_factors = 0;
}

std::vector<SessionShown> Sessions::list() {
  std::vector<SessionShown> shown;
  {
    const std::lock_guard lock(mutex_);
    drop_ended(clock_.steady());
    for (const auto& [key, session] : sessions_) {
      if (session.holder.stage != Stage::signed_in) continue;
      shown.push_back({.session_id = session.holder.session_id,
                       .name = session.holder.name,
                       .address = session.where.address,
                       .agent = session.where.agent,
                       .created_ts = session.created_ts,
                       .last_seen_ts = session.last_seen_ts});
    }
  }
  std::ranges::sort(shown, {}, [](const SessionShown& one) {
    return std::tuple(one.name, one.created_ts, one.session_id);
  });
  return shown;
}

std::optional<std::string> Sessions::end(std::string_view session_id) {
  std::optional<std::string> whose;
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) {
    const bool it = entry.second.holder.session_id == session_id;
    if (it) whose = entry.second.holder.name;
    return it;
  });
  return whose;
}

void Sessions::end_all(std::string_view name, std::string_view except) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second.holder.name == name && entry.second.holder.session_id != except;
  });
}

}  // namespace gims::service::console
