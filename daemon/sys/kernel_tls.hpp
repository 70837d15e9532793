// TLS records made and read by the kernel (Linux, Documentation/networking/tls.rst): a TCP socket
// that was given the keys of a connection takes and gives its content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gims::sys {

enum class KernelCipher : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

// The keys of one direction, as views: who owns them wipes them.
struct KernelTlsKeys {
  std::uint16_t version = 0;  // as on the wire, 0x0303 or 0x0304
  KernelCipher cipher = KernelCipher::aes_128_gcm;
  std::span<const std::uint8_t> key;  // 16 or 32 bytes
  // 12 bytes; of AES-GCM in TLS 1.2 the 4 that are not in the records (RFC 5288, section 3).
  std::span<const std::uint8_t> iv;
  std::uint64_t sequence = 0;  // of the next record
};

inline constexpr std::size_t most_kernel_tls_info = 56;

// The struct of <linux/tls.h> that the kernel wants for these keys. Gives its size; 0 where a
// length or the version is none of the cipher's, and then nothing was written.
[[nodiscard]] std::size_t write_kernel_tls_info(
    const KernelTlsKeys& keys, std::span<std::uint8_t, most_kernel_tls_info> out) noexcept;

// Whether this kernel has it, in itself or as a module that is loaded: a process without
// CAP_NET_ADMIN does not make the kernel load one. Makes a TCP socket, so it comes before a
// sandbox.
[[nodiscard]] bool kernel_has_tls() noexcept;

enum class KernelTls : std::uint8_t {
  installed,  // what is sent and received from here on is content
  refused,    // the socket is as it was: the kernel has no TLS or not this cipher, or the peer has
              // ended its side already
  broken,     // of no more use
};
// Gives a connected TCP socket the keys of both directions (write_kernel_tls_info). Whatever was
// given to send() before goes out as it is, and nothing that came after the handshake may have been
// read.
[[nodiscard]] KernelTls install_kernel_tls(int tcp, std::span<const std::uint8_t> sending,
                                           std::span<const std::uint8_t> receiving) noexcept;

// Whether the kernel has the keys of both directions of this socket; false for any other.
[[nodiscard]] bool has_kernel_tls(int socket) noexcept;

// Sends the alert close_notify (RFC 8446, section 6.1) on such a socket, as far as it takes it now.
void send_close_notify(int socket) noexcept;

}  // namespace gims::sys
