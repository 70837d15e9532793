#include "service/console/sessions.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "crypto/random.hpp"
#include "service/console/refusals.hpp"

namespace gims::service::console {
namespace {

constexpr std::size_t id_letters = 22;  // over 128 bits, though it is no secret
constexpr std::size_t longest_agent = 256;

Millis ms(auto duration) { return std::chrono::milliseconds(duration).count(); }

}  // namespace

Where where(std::string_view address, std::string_view agent) {
  return {.address = std::string(address), .agent = std::string(agent.substr(0, longest_agent))};
}

Millis Session::idle_expires_ts() const noexcept {
  return std::min(last_seen_ts + ms(idle_life), expires_ts());
}
Millis Session::expires_ts() const noexcept { return signed_in_ts + ms(longest_life); }

crypto::Digest Sessions::keyed(std::string_view purpose, std::string_view cookie) const {
  const std::array<crypto::ByteView, 2> parts{crypto::as_bytes(purpose), crypto::as_bytes(cookie)};
  return crypto::keyed_hash(key_, parts);
}

Redacted Sessions::csrf_token(std::string_view cookie) const {
  return Redacted(crypto::base64(keyed("token", cookie), crypto::Alphabet::url_safe));
}

bool Sessions::csrf_fits(std::string_view cookie, std::string_view token) const {
  const Redacted right = csrf_token(cookie);
  return equal_in_constant_time(crypto::as_bytes(right.reveal()), crypto::as_bytes(token));
}

bool Sessions::over(const Entry& entry, Time now) noexcept {
  return now >= entry.used + idle_life || now >= entry.begun + longest_life;
}

void Sessions::make_room(std::string_view name, Time now) {
  std::erase_if(entries_, [&](const auto& entry) { return over(entry.second, now); });
  const auto of_name = [&](const auto& entry) { return entry.second.session.name == name; };
  const bool one_has_all =
      std::cmp_greater_equal(std::ranges::count_if(entries_, of_name), most_sessions_of_one);
  if (!one_has_all && entries_.size() < most_sessions) return;
  entries_.erase(std::ranges::min_element(entries_, {}, [&](const auto& entry) {
    return std::pair(one_has_all && !of_name(entry), entry.second.used);
  }));
}

Sessions::Begun Sessions::begin(std::string name, FactorKind factor, Where where) {
  Redacted cookie = crypto::random_token("");
  Entry entry;
  entry.session.id = crypto::random_alphanumeric(id_letters);
  entry.session.name = std::move(name);
  entry.session.factor = factor;
  entry.session.where = std::move(where);
  entry.session.signed_in_ts = entry.session.last_seen_ts = entry.session.fresh_ts =
      clock_.now_ms();
  entry.session.fresh = true;
  entry.begun = entry.used = clock_.steady();
  entry.fresh_until = entry.begun + fresh_life;
  Session session = entry.session;
  const std::lock_guard lock(mutex_);
  make_room(session.name, entry.begun);
  entries_.emplace(keyed("session", cookie.reveal()), std::move(entry));
  return {.cookie = std::move(cookie), .session = std::move(session)};
}

Result<Session> Sessions::authenticate(std::string_view cookie, const Where& where,
                                       const Moved& moved) {
  const crypto::Digest key = keyed("session", cookie);
  Session misused;
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.steady();
    const auto found = entries_.find(key);
    if (found == entries_.end()) return not_signed_in();
    Entry& entry = found->second;
    if (over(entry, now)) {
      entries_.erase(found);
      return not_signed_in();
    }
    if (entry.session.where == where) {
      entry.used = now;
      entry.session.last_seen_ts = clock_.now_ms();
      entry.session.fresh = now < entry.fresh_until;
      return entry.session;
    }
    misused = std::move(entry.session);
    entries_.erase(found);
  }
  moved(misused);
  return not_signed_in(
      "This session was begun from another address or with another browser. It has ended.");
}

std::optional<Session> Sessions::refresh(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry.second.session.id == id; });
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  entry.fresh_until = clock_.steady() + fresh_life;
  entry.session.fresh_ts = clock_.now_ms();
  entry.session.fresh = true;
  return entry.session;
}

std::vector<Session> Sessions::list() {
  std::vector<Session> shown;
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.steady();
    for (const auto& [key, entry] : entries_) {
      if (!over(entry, now)) shown.push_back(entry.session);
    }
  }
  std::ranges::sort(
      shown, {}, [](const Session& one) { return std::tuple(one.name, one.signed_in_ts, one.id); });
  return shown;
}

std::optional<std::string> Sessions::end(std::string_view id,
                                         std::optional<std::string_view> name) {
  std::optional<std::string> whose;
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) {
    const Session& session = entry.second.session;
    if (session.id != id || (name && session.name != *name)) return false;
    whose = session.name;
    return true;
  });
  return whose;
}

void Sessions::end_all(std::string_view name, std::string_view except) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) {
    return entry.second.session.name == name && entry.second.session.id != except;
  });
}

}  // namespace gims::service::console
