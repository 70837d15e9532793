#include "service/console/enrolment.hpp"

#include <utility>

#include "service/console/totp.hpp"

namespace gims::service::console {

Result<FactorOptions> offer(Steps& steps, std::string_view token, std::string name,
                            FactorKind kind) {
  FactorOptions options{.name = std::move(name), .challenge = {}, .keys = {}, .secret = {}};
  if (kind == FactorKind::webauthn) {
    GIMS_TRY_ASSIGN(options.challenge, steps.challenge(token));
    return options;
  }
  GIMS_TRY_ASSIGN(SecretBytes secret, SecretBytes::random(totp_secret_size));
  options.secret = base32(secret);
  GIMS_TRY(steps.keep_totp(token, std::move(secret)));
  return options;
}

Result<Adding> adding(Steps& steps, const Means& means, std::string_view token, std::string name,
                      NewFactor factor) {
  Adding made{.kind = kind_of(factor), .add = nullptr};
  if (auto* const key = std::get_if<NewKey>(&factor)) {
    GIMS_TRY_ASSIGN(const auto challenge, steps.take_challenge(token));
    made.add = [&means, challenge, name = std::move(name),
                key = std::move(*key)](store::Transaction& transaction) {
      return means.add_key(transaction, name, key, challenge);
    };
    return made;
  }
  GIMS_TRY_ASSIGN(SecretBytes secret, steps.totp(token));
  made.add = [&means, name = std::move(name), code = std::move(std::get<Code>(factor)),
              secret = std::move(secret)](store::Transaction& transaction) {
    return means.add_totp(transaction, name, code, secret);
  };
  return made;
}

}  // namespace gims::service::console
