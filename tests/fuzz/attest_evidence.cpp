// Evidence and certificates of the audit log, as another machine gives them: what is taken is
// written as the same, and judging it ends in words, also where every statement is signed well.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "crypto/bytes.hpp"
#include "hsm/attest/verify.hpp"

namespace {

using namespace gims::hsm;          // NOLINT(google-build-using-namespace)
using namespace gims::hsm::attest;  // NOLINT(google-build-using-namespace)

void judge(const Evidence& evidence) {
  release::Manifest manifest;
  manifest.number = 1;
  manifest.pcrs = {
      {.pcr = 11,
       .name = "image",
       .values = {},
       .events = {{.name = "kernel", .digests = {Digest{}}, .may_be_missing = false}}}};
  const Verified verified = verify(evidence, {.manifest = &manifest});
  GIMS_CHECK(!verified.report.findings().empty());
  GIMS_CHECK(verified.unit || !verified.report.holds());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = gims::crypto::as_text({data, size});
  if (const auto evidence = decode_evidence(text); evidence) {
    const auto again = decode_evidence(encode_evidence(*evidence));
    GIMS_CHECK(again && *again == *evidence);
    judge(*evidence);
  }
  if (const auto certificate = decode_certificate(text); certificate) {
    const auto again = decode_certificate(encode_certificate(*certificate));
    GIMS_CHECK(again && *again == *certificate);
    static_cast<void>(verify_certificate(*certificate));
  }
  return 0;
}
