#include "ctl/decide.hpp"

#include "hsm/proto/client.hpp"

namespace gims::ctl {

Result<hsm::consent::Said> decide(const std::string& socket, const hsm::ProposeRequest& request,
                                  const hsm::consent::Means& means,
                                  const std::function<Result<Redacted>()>& passphrase) {
  // Destroying keys is more than one use of a TPM.
  GIMS_TRY_ASSIGN(const auto keyd, hsm::Client::connect(socket, 4 * hsm::Client::default_limit));
  return hsm::consent::start_or_complete(
      *keyd, request, means, [&passphrase]() -> Result<SecretBytes> {
        GIMS_TRY_ASSIGN(const Redacted typed, passphrase());
        const std::string_view text = typed.reveal();
        return SecretBytes::copy_of(
            {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      });
}

}  // namespace gims::ctl
