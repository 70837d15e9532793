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
#include "hsm/approval/assertion.hpp"
#include "service/console/role.hpp"

namespace gims::service::console {

inline constexpr std::chrono::minutes first_factor_life{5};
inline constexpr std::chrono::minutes idle_life{10};
inline constexpr std::chrono::hours longest_life{8};
inline constexpr std::chrono::minutes fresh_life{5};
inline constexpr std::chrono::minutes challenge_life{5};
inline constexpr std::size_t most_sessions = 256;
inline constexpr std::size_t most_sessions_of_one = 8;
inline constexpr unsigned most_wrong_factors = 5;

enum class Stage : std::uint8_t { first_factor, signed_in };

// What a request comes from, and what a session stays with.
struct Where {
  std::string address;
  std::string agent;  // of the header; may be empty
};

// Behind a request's cookie.
struct Holder {
  std::string session_id;  // public: for lists and the audit log
  std::string name;
  Role role = Role::auditor;
  Stage stage = Stage::first_factor;
  bool fresh = false;
};

struct SessionShown {
  std::string session_id;
  std::string name;
  std::string address;
  std::string agent;
  Millis created_ts = 0;
  Millis last_seen_ts = 0;
};

// Thread: any; every function is quick.
class Sessions {
 public:
  // `key`: 32 bytes, for this alone.
  Sessions(SecretBytes key, const Clock& clock) noexcept : key_(std::move(key)), clock_(clock) {}

  struct Begun {
    Redacted cookie;
    Holder holder;
  };
  // A session of its own, whatever other the client has. Over the bound one gives way: of the same
  // person, or else one that has not shown its second factor, each time the one longest unused.
  [[nodiscard]] Begun begin(std::string name, Role role, Stage stage, Where where);

  // GIMS_NOT_SIGNED_IN for a cookie that is none, has ended or is another's. One that comes from
  // elsewhere than it was given to ends at once; `moved` is then called with whose it was.
  using Moved = std::function<void(const Holder&)>;
  [[nodiscard]] Result<Holder> authenticate(std::string_view cookie, const Where& where,
                                            const Moved& moved);

  // What every changing request has to bring beside the cookie. Made of the cookie, so nobody who
  // sees but the one knows the other.
  [[nodiscard]] Redacted csrf_token(std::string_view cookie) const;
  [[nodiscard]] bool csrf_fits(std::string_view cookie, std::string_view token) const;

  // A challenge for the session's authenticator, in place of the one before.
  [[nodiscard]] hsm::approval::Challenge challenge(std::string_view session_id);
  // The one that was given, once. GIMS_SIGN_IN_FAILED where there is none.
  [[nodiscard]] Result<hsm::approval::Challenge> take_challenge(std::string_view session_id);

  // A wrong second factor; with the fifth the session ends.
  void note_wrong_factor(std::string_view session_id);
  // Both factors were shown once more.
  void refresh(std::string_view session_id);

  // Those that are signed in, in order of name.
  [[nodiscard]] std::vector<SessionShown> list();
  // Whose it was; nothing: there was none.
  std::optional<std::string> end(std::string_view session_id);
  // All of one person, but for `except`.
  void end_all(std::string_view name, std::string_view except = {});

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Session {
    Holder holder;
    Where where;
    Time begun;
    Time used;
    Time fresh_until;
    Millis created_ts = 0;
    Millis last_seen_ts = 0;
    unsigned wrong_factors = 0;
    std::optional<hsm::approval::Challenge> challenge;
    Time challenge_until;
  };
  using Table = std::map<crypto::Digest, Session>;

  [[nodiscard]] crypto::Digest hash(std::string_view cookie) const noexcept;
  [[nodiscard]] static bool over(const Session& session, Time now) noexcept;
  void drop_ended(Time now);
  void make_room(std::string_view name);
  [[nodiscard]] Session* find(std::string_view session_id);

  const SecretBytes key_;
  const Clock& clock_;
  std::mutex mutex_;
  Table sessions_;
};

}  // namespace gims::service::console
