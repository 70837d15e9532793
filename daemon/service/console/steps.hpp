// What is between two steps at the console: a passphrase was right and the second factor is to
// come, or a factor is being registered. In memory alone, for minutes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/hash.hpp"
#include "hsm/approval/assertion.hpp"
#include "service/console/sessions.hpp"

namespace gims::service::console {

inline constexpr std::chrono::minutes step_life{10};
inline constexpr std::chrono::minutes challenge_life{2};
inline constexpr std::size_t most_steps = 256;

enum class StepTo : std::uint8_t {
  sign_in,   // by a second factor that is there
  enrol,     // by a first one, which is registered then
  be_fresh,  // of a session
  add,       // a further factor, of a session
};

// Thread: any; every function is quick. Who knows the token has the step, from where it was begun.
class Steps {
 public:
  Steps(SecretBytes key, const Clock& clock) noexcept : key_(std::move(key)), clock_(clock) {}

  struct Begun {
    Redacted token;
    Millis expires_ts = 0;
    hsm::approval::Challenge challenge{};
  };
  // With a challenge for the person's security key. `session`: of be_fresh and add. Over the bound
  // the oldest goes.
  [[nodiscard]] Begun begin(StepTo to, std::string name, Where where, std::string session = {});

  struct Step {
    std::string name;
    std::string session;
  };
  // GIMS_EXPIRED where there is none of this kind, begun from there.
  [[nodiscard]] Result<Step> find(std::string_view token, StepTo to, const Where& where);
  // A new challenge, in the place of the one before.
  [[nodiscard]] Result<hsm::approval::Challenge> challenge(std::string_view token);
  // The last one, once. GIMS_EXPIRED.
  [[nodiscard]] Result<hsm::approval::Challenge> take_challenge(std::string_view token);
  // The secret of an application that is being registered, until a code of it was seen.
  [[nodiscard]] Result<> keep_totp(std::string_view token, SecretBytes secret);
  [[nodiscard]] Result<SecretBytes> totp(std::string_view token);
  void end(std::string_view token);

  // A person may register one factor at a time in a session, so its id serves as the token.
  void begin_add(const Session& session);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    StepTo to = StepTo::sign_in;
    Step step;
    Where where;
    Time until;
    std::optional<hsm::approval::Challenge> challenge;
    Time challenge_until;
    SecretBytes totp;
  };
  [[nodiscard]] crypto::Digest hash(std::string_view token) const;
  [[nodiscard]] Result<Entry*> known(std::string_view token);
  void insert(std::string_view token, Entry entry);

  const SecretBytes key_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<crypto::Digest, Entry> entries_;
};

}  // namespace gims::service::console
