// What one administrator signs in with, as it is stored: passphrase, security keys, an application
// that makes codes. Each function is a part of an operation of the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "hsm/approval/registration.hpp"
#include "service/console/sessions.hpp"
#include "sql/connection.hpp"
#include "store/writer.hpp"

namespace gims::service::console {

inline constexpr std::chrono::hours invitation_life{24};
inline constexpr std::size_t most_keys_of_one = 8;
inline constexpr std::size_t longest_label = 64;  // letters

struct Account {
  bool locked = false;
  std::optional<std::string> passphrase_hash;  // sealed; see Passwords
  std::optional<std::string> invitation_hash;
  Millis invited_until_ts = 0;
  std::optional<std::string> totp_secret;  // sealed
  std::int64_t totp_step = 0;
  std::string language;
  std::optional<Millis> last_sign_in_ts;
  std::int64_t security_keys = 0;

  [[nodiscard]] bool has_factor() const noexcept { return totp_secret || security_keys > 0; }
  [[nodiscard]] std::vector<FactorKind> factors() const;
};
[[nodiscard]] Result<std::optional<Account>> account_of(sql::Connection& sql,
                                                        std::string_view name);

struct SecurityKey {
  std::string id;  // base64url of the credential id
  std::string label;
  Millis added_ts = 0;
  std::optional<Millis> last_used_ts;
};
[[nodiscard]] Result<std::vector<SecurityKey>> keys_of(sql::Connection& sql, std::string_view name);

struct Standing {
  Account account;
  std::vector<SecurityKey> keys;
};
[[nodiscard]] Result<std::optional<Standing>> standing_of(sql::Connection& sql,
                                                          std::string_view name);

// A second factor that is shown, and one that is registered.
struct KeyYes {
  std::string credential_id;  // bytes
  hsm::approval::Assertion assertion;
};
struct Code {
  Redacted digits;
};
using Factor = std::variant<KeyYes, Code>;
struct NewKey {
  std::string label;
  hsm::approval::Registration registration;
};
using NewFactor = std::variant<NewKey, Code>;
[[nodiscard]] FactorKind kind_of(const Factor& factor) noexcept;
[[nodiscard]] FactorKind kind_of(const NewFactor& factor) noexcept;

// Thread: any.
class Means {
 public:
  // `key`: 32 bytes, for this alone. `site`: the domain of the security keys.
  Means(SecretBytes key, std::string site) noexcept
      : key_(std::move(key)), site_(std::move(site)) {}
  [[nodiscard]] const std::string& site() const noexcept { return site_; }

  // What is kept of a one-time code, in whatever case and groups it was typed.
  [[nodiscard]] crypto::Digest hash_of(std::string_view name, std::string_view code) const;
  // 80 bits, for a person to type: groups of four letters and digits.
  [[nodiscard]] static Result<Redacted> make_code();

  // Whether the factor is the person's, and remembers that it was shown: a code is good once, a
  // key's counter has to grow. Fails where the key is a copy (GIMS_APPROVAL_COUNTER).
  [[nodiscard]] Result<bool> shown(store::Transaction& transaction, std::string_view name,
                                   const Factor& factor,
                                   const hsm::approval::Challenge& challenge) const;

  // M_FORBIDDEN for a registration that does not hold, or a code that is not of `secret`;
  // GIMS_STATE for a key that is registered already, or one too many.
  [[nodiscard]] Result<> add_key(store::Transaction& transaction, std::string_view name,
                                 const NewKey& key,
                                 const hsm::approval::Challenge& challenge) const;
  [[nodiscard]] Result<> add_totp(store::Transaction& transaction, std::string_view name,
                                  const Code& code, const SecretBytes& secret) const;
  // The key that gims-keyd knows the person by, where it is a security key of this site.
  [[nodiscard]] Result<> add_known_key(store::Transaction& transaction,
                                       const hsm::approval::Administrator& person) const;

 private:
  [[nodiscard]] Result<bool> key_shown(store::Transaction& transaction, std::string_view name,
                                       const KeyYes& yes,
                                       const hsm::approval::Challenge& challenge) const;
  [[nodiscard]] Result<bool> code_shown(store::Transaction& transaction, std::string_view name,
                                        const Code& code) const;
  [[nodiscard]] Result<> insert_key(store::Transaction& transaction, std::string_view name,
                                    std::string_view label,
                                    const hsm::approval::Administrator& credential) const;

  const SecretBytes key_;
  const std::string site_;
};

}  // namespace gims::service::console
