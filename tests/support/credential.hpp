// A challenge that only the TPM with both keys opens, made by tpm2-tools.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "hsm/ca/hex.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/core/vault.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::test {

// TPM2B: a size, then the structure.
inline hsm::Bytes tpm2b(hsm::BytesView area) {
  hsm::Bytes whole{static_cast<std::uint8_t>(area.size() >> 8U),
                   static_cast<std::uint8_t>(area.size())};
  whole.insert(whole.end(), area.begin(), area.end());
  return whole;
}

struct Challenge {
  hsm::Bytes credential;        // TPM2B_ID_OBJECT without its size
  hsm::Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET, likewise
};

// What Attestor::activate() opens to `secret`.
inline Challenge challenge_for(const hsm::Attestor::Identity& identity, const std::string& secret) {
  const TempFolder folder;
  const hsm::Bytes key = tpm2b(identity.endorsement_key);
  std::ofstream(folder / "ek.pub", std::ios::binary)
      .write(reinterpret_cast<const char*>(key.data()), static_cast<std::streamsize>(key.size()));
  // The name of the attestation key: the algorithm, and the hash of its public area.
  hsm::Bytes name{0x00, 0x0b};
  const hsm::Digest hash = hsm::sha256({identity.attestation_key});
  name.insert(name.end(), hash.begin(), hash.end());
  const CommandResult made =
      run_command({"sh", "-euc",
                   "cd " + folder.path().string() + "; printf '" + secret +
                       "' > secret; tpm2_makecredential -Q -T none -u ek.pub -s secret -n " +
                       hsm::hex(name) + " -o credential"});
  EXPECT_EQ(made.status, 0) << made.output;
  std::ifstream in(folder / "credential", std::ios::binary);
  const hsm::Bytes file{std::istreambuf_iterator<char>(in), {}};
  Challenge challenge;
  // Magic and version of tpm2-tools, then the two structures, each with its size.
  std::size_t at = 8;
  for (hsm::Bytes* part : {&challenge.credential, &challenge.encrypted_secret}) {
    const std::size_t size =
        file.size() < at + 2 ? file.size() : (std::size_t{file[at]} << 8U) | file[at + 1];
    if (file.size() < at + 2 + size) {
      ADD_FAILURE() << "tpm2_makecredential wrote too little";
      return challenge;
    }
    const hsm::BytesView found = hsm::BytesView(file).subspan(at + 2).first(size);
    part->assign(found.begin(), found.end());
    at += 2 + size;
  }
  return challenge;
}

}  // namespace gims::test
