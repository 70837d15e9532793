// gimsctl attest …: what a unit states about itself, and whether it holds.
#pragma once

#include <string>
#include <string_view>

#include "ctl/commands.hpp"

namespace gims::ctl {

struct AttestArguments {
  std::string nonce;        // 64 hex digits
  std::string out;          // file; empty: standard output
  std::string evidence;     // file
  std::string manifest;     // file
  std::string release_key;  // file, PEM
  std::string ek_roots;     // folder
  std::string challenge;    // file: what is given to the unit
  std::string kept;         // file: what its answer is compared with
  std::string answer;       // file
  std::string keyd_socket = "/run/gims/keyd/socket";
  std::string url;
  std::string pins;  // file
  std::string ca;    // file
};

// Thread: one.
class AttestCommands {
 public:
  // All outlive it. `socket` and `json` as of every command.
  AttestCommands(const AttestArguments& arguments, const std::string& socket, const bool& json,
                 const Surroundings& surroundings) noexcept
      : with_(arguments), socket_(socket), json_(json), surroundings_(surroundings) {}

  // On the unit, by gimsd and by gims-keyd:
  [[nodiscard]] Result<Outcome> attest() const;
  [[nodiscard]] Result<Outcome> activate() const;
  // On any other machine; the first two without a connection:
  [[nodiscard]] Result<Outcome> challenge() const;
  [[nodiscard]] Result<Outcome> verify() const;
  [[nodiscard]] Result<Outcome> pin() const;

 private:
  [[nodiscard]] Result<Outcome> given_out(std::string text, std::string_view words) const;
  [[nodiscard]] Result<std::string> fetch(const std::string& nonce) const;

  const AttestArguments& with_;
  const std::string& socket_;
  const bool& json_;
  const Surroundings& surroundings_;
};

}  // namespace gims::ctl
