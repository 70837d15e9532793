// A maker of TPMs and another one, as openssl makes them, in a folder: maker.pem, other.pem, and
// ek.der, the maker's certificate of a unit's endorsement key.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "base/check.hpp"
#include "hsm/release/key_file.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::test {

class TpmMaker {
 public:
  explicit TpmMaker(const hsm::P256Point& endorsement_key) {
    std::ofstream(folder_ / "ek.pem") << hsm::release::public_key_to_pem(endorsement_key);
    const auto done = run_command(
        {"sh", "-euc",
         "cd " + folder_.path().string() +
             "; for name in maker other; do"
             "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
             "    -subj /CN=$name -keyout $name.key -out $name.pem 2>/dev/null; done;"
             "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=TPM"
             "  -keyout tpm.key -out tpm.csr 2>/dev/null;"
             "printf 'subjectAltName=critical,dirName:tpm\\nextendedKeyUsage=2.23.133.8.1\\n"
             "keyUsage=critical,keyAgreement\\n[tpm]\\nOU=id:00001014\\n' > extensions;"
             "openssl x509 -req -in tpm.csr -CA maker.pem -CAkey maker.key -force_pubkey ek.pem"
             "  -days 30 -extfile extensions -outform DER -out ek.der 2>/dev/null"});
    GIMS_CHECK(done.status == 0);
  }
  [[nodiscard]] hsm::Bytes read(const char* name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  TempFolder folder_;
};

}  // namespace gims::test
