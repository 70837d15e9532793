#include "sys/kernel_tls.hpp"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "sys/fd.hpp"

namespace gims::sys {
namespace {

constexpr char name[] = "tls";
constexpr std::uint8_t alert_record = 21;  // RFC 8446, section 5.1

// In the order of the structs of <linux/tls.h>; a nonce is the salt and the iv.
struct Layout {
  KernelCipher cipher;
  std::uint16_t number;
  std::size_t iv;
  std::size_t key;
  std::size_t salt;
};
constexpr std::size_t sequence_size = 8;
constexpr std::array<Layout, 3> layouts = {Layout{.cipher = KernelCipher::aes_128_gcm,
                                                  .number = TLS_CIPHER_AES_GCM_128,
                                                  .iv = TLS_CIPHER_AES_GCM_128_IV_SIZE,
                                                  .key = TLS_CIPHER_AES_GCM_128_KEY_SIZE,
                                                  .salt = TLS_CIPHER_AES_GCM_128_SALT_SIZE},
                                           Layout{.cipher = KernelCipher::aes_256_gcm,
                                                  .number = TLS_CIPHER_AES_GCM_256,
                                                  .iv = TLS_CIPHER_AES_GCM_256_IV_SIZE,
                                                  .key = TLS_CIPHER_AES_GCM_256_KEY_SIZE,
                                                  .salt = TLS_CIPHER_AES_GCM_256_SALT_SIZE},
                                           Layout{.cipher = KernelCipher::chacha20_poly1305,
                                                  .number = TLS_CIPHER_CHACHA20_POLY1305,
                                                  .iv = TLS_CIPHER_CHACHA20_POLY1305_IV_SIZE,
                                                  .key = TLS_CIPHER_CHACHA20_POLY1305_KEY_SIZE,
                                                  .salt = TLS_CIPHER_CHACHA20_POLY1305_SALT_SIZE}};
static_assert(sizeof(tls12_crypto_info_aes_gcm_256) == most_kernel_tls_info);
static_assert(sizeof(tls12_crypto_info_chacha20_poly1305) == most_kernel_tls_info);
static_assert(sizeof(tls12_crypto_info_aes_gcm_128) ==
              sizeof(tls_crypto_info) + TLS_CIPHER_AES_GCM_128_IV_SIZE +
                  TLS_CIPHER_AES_GCM_128_KEY_SIZE + TLS_CIPHER_AES_GCM_128_SALT_SIZE +
                  sequence_size);

bool set(int tcp, int which, std::span<const std::uint8_t> info) noexcept {
  return ::setsockopt(tcp, SOL_TLS, which, info.data(), static_cast<socklen_t>(info.size())) == 0;
}

bool is_set(int socket, int which) noexcept {
  tls_crypto_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket, SOL_TLS, which, &info, &size) == 0;
}

}  // namespace

std::size_t write_kernel_tls_info(const KernelTlsKeys& keys,
                                  std::span<std::uint8_t, most_kernel_tls_info> out) noexcept {
  const auto* layout = std::ranges::find(layouts, keys.cipher, &Layout::cipher);
  // In TLS 1.2 the second part of AES-GCM's nonce is a record's own. The kernel counts it up from
  // where it is told; the number of the record, which mbedTLS takes too, comes twice in no case.
  const bool own_part = keys.version == TLS_1_2_VERSION && layout->salt > 0;
  const bool known = keys.version == TLS_1_2_VERSION || keys.version == TLS_1_3_VERSION;
  if (!known || keys.key.size() != layout->key ||
      keys.iv.size() != layout->salt + (own_part ? 0 : layout->iv)) {
    return 0;
  }
  std::array<std::uint8_t, sequence_size> sequence{};
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    sequence.at(i) = static_cast<std::uint8_t>(keys.sequence >> (8 * (sequence.size() - 1 - i)));
  }
  std::size_t size = 0;
  const auto put = [&](std::span<const std::uint8_t> bytes) {
    std::ranges::copy(bytes, out.subspan(size).begin());
    size += bytes.size();
  };
  const tls_crypto_info head{.version = keys.version, .cipher_type = layout->number};
  std::memcpy(out.data(), &head, sizeof head);
  size = sizeof head;
  put(own_part ? std::span<const std::uint8_t>(sequence) : keys.iv.subspan(layout->salt));
  put(keys.key);
  put(keys.iv.first(layout->salt));
  put(sequence);
  return size;
}

bool kernel_has_tls() noexcept {
  const Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // ENOENT where there is none; a socket that is not connected is refused after that was found out.
  return tcp && ::setsockopt(tcp.get(), IPPROTO_TCP, TCP_ULP, name, sizeof name) != 0 &&
         errno == ENOTCONN;
}

KernelTls install_kernel_tls(int tcp, std::span<const std::uint8_t> sending,
                             std::span<const std::uint8_t> receiving) noexcept {
  // Without keys the layer passes everything on as it is.
  if (::setsockopt(tcp, IPPROTO_TCP, TCP_ULP, name, sizeof name) != 0 ||
      !set(tcp, TLS_TX, sending)) {
    return KernelTls::refused;
  }
  return set(tcp, TLS_RX, receiving) ? KernelTls::installed : KernelTls::broken;
}

bool has_kernel_tls(int socket) noexcept {
  return is_set(socket, TLS_TX) && is_set(socket, TLS_RX);
}

void send_close_notify(int socket) noexcept {
  std::array<std::uint8_t, 2> alert = {1, 0};  // warning, close_notify
  iovec part{.iov_base = alert.data(), .iov_len = alert.size()};
  union {
    cmsghdr align;
    std::array<char, CMSG_SPACE(1)> bytes;
  } control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_TLS;
  header->cmsg_type = TLS_SET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(header) = alert_record;
  // A record that did not open is an error of the socket's, which keeps it from sending until it
  // was asked for.
  int error = 0;
  socklen_t size = sizeof error;
  static_cast<void>(::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size));
  static_cast<void>(::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace gims::sys
