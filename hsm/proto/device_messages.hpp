// What the requests and replies about devices' certificates hold; as messages.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

inline constexpr std::size_t max_device_id = 64;    // in a certificate (RFC 5280, ub-common-name)
inline constexpr std::size_t max_serial_text = 64;  // 20 bytes in hexadecimal digits with colons
inline constexpr std::size_t max_request = 4096;    // bytes of a certificate signing request
inline constexpr std::size_t max_crl = std::size_t{64} * 1024;

struct DeviceRequest {
  Bytes request;  // PKCS #10, DER; its key alone is taken
  std::string user;
  std::string device;
  std::uint32_t lifetime_seconds = std::uint32_t{366} * 24 * 3600;  // a day to a year
};

struct DeviceReply {
  std::vector<Bytes> chain;    // DER: the device's certificate, then the issuing CA
  std::string serial;          // in hexadecimal digits, as revoke_device takes it
  std::int64_t not_after = 0;  // seconds since 1970 UTC; earlier than was asked where the CA ends
};

struct RevokeRequest {
  std::string serial;  // in hexadecimal digits, with colons or without
};

struct CrlRequest {
  std::uint8_t which = 0;  // 0: of CAs, by the site root; from 1: of devices, by the issuing CAs
};

struct CrlReply {
  Bytes crl;               // DER
  std::uint8_t lists = 0;  // how many there are
};

void encode(Writer& writer, const DeviceRequest& value);
void encode(Writer& writer, const DeviceReply& value);
void encode(Writer& writer, const RevokeRequest& value);
void encode(Writer& writer, const CrlRequest& value);
void encode(Writer& writer, const CrlReply& value);

[[nodiscard]] Result<DeviceRequest> decode_device_request(BytesView body);
[[nodiscard]] Result<DeviceReply> decode_device(BytesView body);
[[nodiscard]] Result<RevokeRequest> decode_revoke(BytesView body);
[[nodiscard]] Result<CrlRequest> decode_crl_request(BytesView body);
[[nodiscard]] Result<CrlReply> decode_crl(BytesView body);

}  // namespace gims::hsm
