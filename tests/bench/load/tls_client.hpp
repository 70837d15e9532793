// The client's side of TLS on non-blocking sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::bench {

class TlsStream;

// What all connections to one server share. Sessions are never resumed: every handshake is a full
// one. Thread: one.
class TlsClient {
 public:
  // `ca`: see make_target().
  [[nodiscard]] static Result<std::shared_ptr<TlsClient>> create(std::string host,
                                                                 const std::string& ca);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // `socket` stays the caller's and outlives the stream, as does this object.
  [[nodiscard]] std::unique_ptr<TlsStream> stream(int socket);

 private:
  friend class TlsStream;
  struct Impl;
  explicit TlsClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TlsStream {
 public:
  enum class Wants : std::uint8_t { nothing, read, write };

  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Goes on with the handshake: `nothing` once it is done.
  [[nodiscard]] Result<Wants> handshake();
  // How many bytes were taken; 0: none for now. The next call must begin with the same bytes.
  [[nodiscard]] Result<std::size_t> write(std::string_view bytes);
  // How many bytes were read; 0: none for now. The end of the stream is a failure (TLS_ENDED).
  [[nodiscard]] Result<std::size_t> read(std::span<char> room);

 private:
  friend class TlsClient;
  struct Impl;
  explicit TlsStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gims::bench
