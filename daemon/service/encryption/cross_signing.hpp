// Cross-signing keys and the signatures between users' keys (spec: client-server API,
// "Cross-signing").
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "json/value.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service {

struct CrossSigningKey {
  std::string usage;       // master, self_signing, user_signing
  std::string public_key;  // unpadded base64
  std::string content;     // canonical JSON
};

// One object of POST /keys/signatures/upload.
struct SignedKey {
  std::string user_id;
  std::string key_id;   // a device id, or the public part of a cross-signing key
  std::string content;  // JSON
};

// Thread: any.
class CrossSigning {
 public:
  CrossSigning(store::Store& store, const Policy& policy, const Clock& clock) noexcept
      : store_(store), policy_(policy), clock_(clock) {}

  // The keys of the body of POST /keys/device_signing/upload. M_INVALID_PARAM, M_BAD_JSON.
  [[nodiscard]] static Result<std::vector<CrossSigningKey>> decode_upload(json::Value body,
                                                                          std::string_view user_id);
  // Whether storing these asks for the password: not where there is no identity yet, nor where they
  // are stored already (MSC3967); for others, also for one that the identity has not had yet.
  // M_FORBIDDEN where they take the place of others, Policy::identity_replacement forbids it, and
  // no two administrators allowed it.
  [[nodiscard]] Result<bool> needs_password(std::string_view user_id,
                                            const std::vector<CrossSigningKey>& keys);
  // M_INVALID_SIGNATURE where the master key did not sign; M_FORBIDDEN for what the password, if it
  // was given, and the policy do not allow.
  void upload(std::string user_id, std::vector<CrossSigningKey> keys, bool with_password,
              std::move_only_function<void(Result<>)> done);

  // Two administrators decided (two_persons.hpp): until then the account may replace its identity,
  // once and with its password. Within an operation of the caller's.
  [[nodiscard]] static Result<> allow_replacement(store::Transaction& transaction,
                                                  std::string_view user_id, Millis until);

  // Gives the body of 200: failures by user and key. Only signatures that verify are stored.
  void add_signatures(std::string user_id, std::vector<SignedKey> keys,
                      std::move_only_function<void(Result<std::string>)> done);

 private:
  store::Store& store_;
  const Policy& policy_;
  const Clock& clock_;
};

}  // namespace gims::service
