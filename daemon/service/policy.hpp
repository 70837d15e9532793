// What this server allows: the one place where a product and a test site (gimsd-testsite) differ.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/secret.hpp"

namespace gims::service {

// The cost of a password hash (Argon2id, RFC 9106): passes over the memory, and bytes of memory.
struct PasswordCost {
  std::uint64_t passes;
  std::size_t memory;
};

// Set by app/ before the services are made, the same for all of them, never changed while they
// live. Thread: read from any.
struct Policy {
  // The part after the colon of every user, room and alias id made here ("gims.internal").
  std::string server_name;
  // Where clients reach this server, without a slash at the end ("https://gims.internal:8443"); the
  // base_url of /.well-known/matrix/client.
  std::string base_url;

  // The server adds m.room.encryption to every room, refuses its change, and lets pass only
  // m.room.encrypted, m.reaction and m.room.redaction as message-like events.
  bool forced_encryption = true;
  // Devices not yet signed by their owner's self-signing key are not shown to other users by
  // /keys/query and /keys/claim.
  bool withhold_unverified_devices = true;
  // A user may replace an encrypted identity (cross-signing master key) by a new one with the
  // password alone. False: only after two administrators allowed it (two_persons.hpp).
  bool identity_replacement = false;
  // Anyone may make an account (POST /register with m.login.dummy). False: 403, gimsctl makes them.
  bool open_registration = false;
  // The secret of POST /_synapse/admin/v1/register; nothing: the route answers 404. Test sites
  // only.
  std::optional<Redacted> registration_secret;
  // Limits per user and per address (api::RateClass). False: none at all.
  bool rate_limits = true;
  // How many times longer than default_rates() says a bucket takes to refill. Another value than 1
  // is for tests of the limits, which then need not be quick.
  unsigned rate_refill_factor = 1;
  // How many times as much as default_rates() says a user, and an address, may ask.
  unsigned user_rates = 1;
  unsigned address_rates = 1;
  // Profiles are shown without a token, as the specification has it. False: to officers alone.
  bool public_profiles = false;

  // The one push gateway that pushers may name (push/pushers.hpp); empty: none, and no pusher is
  // taken.
  std::string push_url;
  // A pusher may name any, and none is served. Test sites only.
  bool any_push_url = false;

  // Rooms made without a version have this one; one of "10", "11", "12".
  std::string default_room_version = "12";
  // OWASP's figures for Argon2id: 2 passes over 19 MiB.
  PasswordCost password_cost{.passes = 2, .memory = std::size_t{19} << 20U};
  std::size_t shortest_password = 12;

  // Life of an access token that came with a refresh token; nothing: without end.
  std::chrono::milliseconds access_token_life = std::chrono::hours(1);
  // Life of a session of user-interactive authentication.
  std::chrono::milliseconds uia_life = std::chrono::minutes(15);

  // The largest upload (m.upload.size), bytes.
  std::size_t upload_limit = std::size_t{100} << 20U;
  // What one user may have stored: 20 GiB, some thousand photographs and scans a year for several
  // years.
  std::uint64_t media_quota = std::uint64_t{20} << 30U;
  // What uploads leave free on the disk, for the database and its log: 1 GiB.
  std::uint64_t media_reserve = std::uint64_t{1} << 30U;
  // The longest that a /sync or another long poll waits, whatever its timeout asks for.
  std::chrono::milliseconds longest_poll = std::chrono::minutes(5);
};

// As gimsd-testsite runs: open, without forced encryption or limits, with a cheap password hash.
// The caller sets server_name, base_url, registration_secret and default_room_version.
[[nodiscard]] inline Policy test_site_policy() {
  Policy policy;
  policy.forced_encryption = false;
  policy.withhold_unverified_devices = false;
  policy.identity_replacement = true;
  policy.open_registration = true;
  policy.rate_limits = false;
  policy.public_profiles = true;
  policy.any_push_url = true;
  // The least that libsodium takes (crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN).
  policy.password_cost = PasswordCost{.passes = 1, .memory = 8192};
  policy.shortest_password = 1;
  return policy;
}

}  // namespace gims::service
