// Who is signed in at the console. In memory alone, as keyed hashes: a restart signs everybody out,
// and nothing that is stored signs anybody in.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/hash.hpp"

namespace gims::service::console {

inline constexpr std::chrono::minutes idle_life{10};
inline constexpr std::chrono::hours longest_life{8};
inline constexpr std::chrono::minutes fresh_life{5};
inline constexpr std::size_t most_sessions = 256;
inline constexpr std::size_t most_sessions_of_one = 8;

enum class FactorKind : std::uint8_t { webauthn, totp };
[[nodiscard]] constexpr std::string_view name_of(FactorKind kind) noexcept {
  return kind == FactorKind::webauthn ? "webauthn" : "totp";
}

// What a request comes from, and what a session stays with.
struct Where {
  std::string address;
  std::string agent;  // of the header; may be empty
  bool operator==(const Where&) const = default;
};
// As it is kept: an agent of 256 bytes at most.
[[nodiscard]] Where where(std::string_view address, std::string_view agent);

struct Session {
  std::string id;  // public: for lists and the audit log
  std::string name;
  FactorKind factor = FactorKind::webauthn;
  Where where;
  Millis signed_in_ts = 0;
  Millis last_seen_ts = 0;
  Millis fresh_ts = 0;
  bool fresh = false;
  [[nodiscard]] Millis idle_expires_ts() const noexcept;
  [[nodiscard]] Millis expires_ts() const noexcept;
};

// Thread: any; every function is quick.
class Sessions {
 public:
  // `key`: 32 bytes, for this alone.
  Sessions(SecretBytes key, const Clock& clock) noexcept : key_(std::move(key)), clock_(clock) {}

  struct Begun {
    Redacted cookie;
    Session session;
  };
  // Over the bound one gives way, the one longest unused: of the same person, or of all.
  [[nodiscard]] Begun begin(std::string name, FactorKind factor, Where where);

  // M_UNKNOWN_TOKEN for a cookie that is none or has ended. One that comes from elsewhere than it
  // was given to ends at once; `moved` is then told whose it was.
  using Moved = std::function<void(const Session&)>;
  [[nodiscard]] Result<Session> authenticate(std::string_view cookie, const Where& where,
                                             const Moved& moved);

  // What every changing request has to bring beside the cookie. Made of the cookie, so whoever sees
  // one does not know the other.
  [[nodiscard]] Redacted csrf_token(std::string_view cookie) const;
  [[nodiscard]] bool csrf_fits(std::string_view cookie, std::string_view token) const;

  // Both factors were shown once more. The session as it is then; nothing: it has ended.
  std::optional<Session> refresh(std::string_view id);

  // In order of name.
  [[nodiscard]] std::vector<Session> list();
  // Whose it was; nothing: there was none. With `name`, only if it is that person's.
  std::optional<std::string> end(std::string_view id, std::optional<std::string_view> name = {});
  // All of one person, but for `except`.
  void end_all(std::string_view name, std::string_view except = {});

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    Session session;
    Time begun;
    Time used;
    Time fresh_until;
  };

  [[nodiscard]] crypto::Digest keyed(std::string_view purpose, std::string_view cookie) const;
  [[nodiscard]] static bool over(const Entry& entry, Time now) noexcept;
  void make_room(std::string_view name, Time now);

  const SecretBytes key_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<crypto::Digest, Entry> entries_;
};

}  // namespace gims::service::console
