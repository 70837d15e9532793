// What the requests and replies about the services around the daemons hold; as messages.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

// Programs that are not ours, which the site's devices meet under a certificate of the site.
enum class Service : std::uint8_t {
  push = 1,  // HTTPS
  wifi = 2,  // EAP-TLS
};
inline constexpr std::uint8_t last_service = 2;
// What its certificate names: "push.gims.internal".
[[nodiscard]] std::string host_of(Service service, std::string_view server_name);

// For the relay for calls, and for gimsd, which makes credentials for it.
inline constexpr std::size_t relay_secret_size = 64;
struct RelaySecret {
  std::string realm;   // the site's server name
  SecretBytes secret;  // lower-case hexadecimal digits, which are the key themselves
};

// The Wi-Fi's passphrases follow from one key by their number; a new one is another number.
inline constexpr std::uint32_t max_wifi_passphrase = 1'000'000;
inline constexpr std::size_t wifi_passphrase_size = 19;
struct WifiRequest {
  std::uint32_t number = 1;  // 1 to max_wifi_passphrase
};
struct WifiPassphrase {
  std::string server_name;
  SecretBytes passphrase;  // "wxyz-wxyz-wxyz-wxyz"
};

struct ServiceRequest {
  Service service = Service::push;
  Bytes public_key;  // SubjectPublicKeyInfo, DER, of a P-256 key
};

struct ServiceReply {
  std::vector<Bytes> chain;  // DER: the service's certificate, then the issuing CA
};

// Those whose certificates are good, by which devices are judged.
inline constexpr std::size_t max_good_cas = 5;
struct IssuingCas {
  std::vector<Bytes> certificates;  // DER: the one in use, then those of before
};

void encode(Writer& writer, const RelaySecret& value);
void encode(Writer& writer, const WifiRequest& value);
void encode(Writer& writer, const WifiPassphrase& value);
void encode(Writer& writer, const ServiceRequest& value);
void encode(Writer& writer, const ServiceReply& value);
void encode(Writer& writer, const IssuingCas& value);

[[nodiscard]] Result<RelaySecret> decode_relay_secret(BytesView body);
[[nodiscard]] Result<WifiRequest> decode_wifi_request(BytesView body);
[[nodiscard]] Result<WifiPassphrase> decode_wifi_passphrase(BytesView body);
[[nodiscard]] Result<ServiceRequest> decode_service_request(BytesView body);
[[nodiscard]] Result<ServiceReply> decode_service(BytesView body);
[[nodiscard]] Result<IssuingCas> decode_issuing_cas(BytesView body);

}  // namespace gims::hsm
