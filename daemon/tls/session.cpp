#include "tls/session.hpp"

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/wipe.hpp"
#include "tls/ktls_keys.hpp"
#include "tls/mbedtls_error.hpp"

namespace gims::tls {
namespace {

// More than mbedTLS has on the stack for a step of a handshake.
constexpr std::size_t handshake_depth = std::size_t{32} * 1024;

}  // namespace

struct Session::Impl final : RecordSocket {
  Impl(std::shared_ptr<const ServerContext> shared, sys::Fd fd, Carrier to)
      : context(std::move(shared)), socket(std::move(fd)), carrier(to) {
    mbedtls_ssl_init(&ssl);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override { mbedtls_ssl_free(&ssl); }

  // The callbacks of mbedTLS.
  static int send_to(void* raw, const unsigned char* bytes, std::size_t size) noexcept {
    auto& impl = *static_cast<Impl*>(raw);
    if (impl.agreed) return impl.send_some(bytes, size);
    impl.handshake_out.insert(impl.handshake_out.end(), bytes, bytes + size);
    return static_cast<int>(size);
  }
  static int receive_from(void* impl, unsigned char* out, std::size_t size) noexcept {
    return static_cast<Impl*>(impl)->receive_some(out, size);
  }

  static void keep_secret(void* impl, mbedtls_ssl_key_export_type type, const unsigned char* secret,
                          std::size_t size, const unsigned char* client_random,
                          const unsigned char* server_random, mbedtls_tls_prf_types prf) noexcept;

  Moved receive(std::span<std::uint8_t> room) noexcept override;
  Moved send(std::span<const std::uint8_t> bytes) noexcept override;

  // Sends what mbedTLS wrote in the handshake: each of its messages is a record of its own, and so
  // would be a call of the kernel and a packet.
  [[nodiscard]] Session::Step flush_handshake() noexcept;
  // After the handshake: goes on without mbedTLS where it can.
  void leave_mbedtls();
  [[nodiscard]] bool has_none_left() const noexcept;
  [[nodiscard]] RecordNumbers numbers() const noexcept;
  int send_some(const unsigned char* bytes, std::size_t size) noexcept;
  int receive_some(unsigned char* out, std::size_t size) noexcept;
  // recv(2) with the bookkeeping of edges: minus an mbedTLS code, 0 at the end.
  int from_socket(void* out, std::size_t size) noexcept;

  std::shared_ptr<const ServerContext> context;
  mbedtls_ssl_context ssl;
  sys::Fd socket;
  Carrier carrier;
  // Edge-triggered: true until the socket has said that it would block.
  bool readable = true;
  bool writable = true;
  // The peer has ended or reset TCP: then a short read does not mean that nothing follows.
  bool hung_up = false;
  ReadAhead* ahead = nullptr;
  std::vector<std::uint8_t> parked;
  std::size_t parked_begin = 0;
  std::vector<std::uint8_t> handshake_out;
  std::size_t handshake_sent = 0;
  bool agreed = false;        // mbedTLS is done; not all of it may be sent
  std::uint16_t version = 0;  // of the handshake, once it is done
  std::uint16_t suite = 0;
  std::unique_ptr<TrafficSecret> client_secret;
  std::unique_ptr<TrafficSecret> server_secret;
  std::unique_ptr<MasterSecret> master;  // of TLS 1.2, for the kernel alone
  std::unique_ptr<KtlsKeys> for_kernel;  // until move_to_kernel()
  std::unique_ptr<Records> records;      // then mbedTLS's session is empty
};

void Session::Impl::keep_secret(void* raw, mbedtls_ssl_key_export_type type,
                                const unsigned char* secret, std::size_t size,
                                const unsigned char* client_random,
                                const unsigned char* server_random,
                                mbedtls_tls_prf_types prf) noexcept {
  auto& impl = *static_cast<Impl*>(raw);
  if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET) {
    impl.client_secret = std::make_unique<TrafficSecret>(std::span(secret, size));
  } else if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET) {
    impl.server_secret = std::make_unique<TrafficSecret>(std::span(secret, size));
  } else if (type == MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET &&
             impl.carrier == Carrier::kernel) {
    auto master = std::make_unique<MasterSecret>();
    if (size != master->bytes.size()) return;
    std::copy_n(secret, size, master->bytes.begin());
    std::copy_n(client_random, master->client_random.size(), master->client_random.begin());
    std::copy_n(server_random, master->server_random.size(), master->server_random.begin());
    master->prf = prf;
    impl.master = std::move(master);
  }
}

bool Session::Impl::has_none_left() const noexcept {
  return mbedtls_ssl_check_pending(&ssl) == 0 && ssl.MBEDTLS_PRIVATE(in_left) == 0 &&
         ssl.MBEDTLS_PRIVATE(out_left) == 0;
}

// In TLS 1.3 the client's first record of content has the number 0, as nothing of its was read
// ahead; ours follows the tickets. In TLS 1.2 both follow the Finished.
RecordNumbers Session::Impl::numbers() const noexcept {
  const auto number = [](const unsigned char* bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = (value << 8U) | bytes[i];
    return value;
  };
  return {.client = version == MBEDTLS_SSL_VERSION_TLS1_2 ? number(ssl.MBEDTLS_PRIVATE(in_ctr)) : 0,
          .server = number(ssl.MBEDTLS_PRIVATE(cur_out_ctr))};
}

// Where mbedTLS still holds something, it goes on itself.
void Session::Impl::leave_mbedtls() {
  version = static_cast<std::uint16_t>(mbedtls_ssl_get_version_number(&ssl));
  suite = static_cast<std::uint16_t>(mbedtls_ssl_get_ciphersuite_id_from_ssl(&ssl));
  const auto from_client = std::exchange(client_secret, nullptr);
  const auto from_server = std::exchange(server_secret, nullptr);
  const auto of_both = std::exchange(master, nullptr);
  if (!has_none_left()) return;
  const RecordNumbers next = numbers();
  if (of_both) for_kernel = KtlsKeys::of_tls12(suite, *of_both, next);
  if (version != MBEDTLS_SSL_VERSION_TLS1_3 || !from_client || !from_server) return;
  if (carrier == Carrier::kernel) {
    for_kernel = KtlsKeys::of_tls13(suite, *from_client, *from_server, next);
  }
  auto read = RecordKeys::create(suite, *from_client, next.client);
  auto write = RecordKeys::create(suite, *from_server, next.server);
  if (!read || !write) return;
  records = std::make_unique<Records>(std::move(read), std::move(write));
  mbedtls_ssl_free(&ssl);
  mbedtls_ssl_init(&ssl);
}

RecordSocket::Moved Session::Impl::receive(std::span<std::uint8_t> room) noexcept {
  const int got = from_socket(room.data(), room.size());
  if (got > 0) return {Outcome::moved, static_cast<std::size_t>(got)};
  if (got == 0) return {Outcome::ended};
  return {got == MBEDTLS_ERR_SSL_WANT_READ ? Outcome::blocked : Outcome::failed};
}

RecordSocket::Moved Session::Impl::send(std::span<const std::uint8_t> bytes) noexcept {
  const int sent = send_some(bytes.data(), bytes.size());
  if (sent > 0) return {Outcome::moved, static_cast<std::size_t>(sent)};
  return {sent == MBEDTLS_ERR_SSL_WANT_WRITE ? Outcome::blocked : Outcome::failed};
}

int Session::Impl::send_some(const unsigned char* bytes, std::size_t size) noexcept {
  if (!writable) return MBEDTLS_ERR_SSL_WANT_WRITE;
  for (;;) {
    const ssize_t sent = ::send(socket.get(), bytes, size, MSG_NOSIGNAL);
    if (sent >= 0) {
      if (static_cast<std::size_t>(sent) < size) writable = false;
      return static_cast<int>(sent);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      writable = false;
      return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    return MBEDTLS_ERR_NET_SEND_FAILED;
  }
}

int Session::Impl::from_socket(void* out, std::size_t size) noexcept {
  if (!readable) return MBEDTLS_ERR_SSL_WANT_READ;
  for (;;) {
    const ssize_t got = ::recv(socket.get(), out, size, 0);
    if (got >= 0) {
      if (static_cast<std::size_t>(got) < size && !hung_up) readable = false;
      return static_cast<int>(got);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      readable = false;
      return MBEDTLS_ERR_SSL_WANT_READ;
    }
    return MBEDTLS_ERR_NET_RECV_FAILED;
  }
}

int Session::Impl::receive_some(unsigned char* out, std::size_t size) noexcept {
  if (parked_begin < parked.size()) {
    const std::size_t taken = std::min(size, parked.size() - parked_begin);
    std::memcpy(out, parked.data() + parked_begin, taken);
    parked_begin += taken;
    if (parked_begin == parked.size()) {
      parked = {};
      parked_begin = 0;
    }
    return static_cast<int>(taken);
  }
  // In the handshake nothing is read ahead, so that nothing is left over for the next owner.
  if (ahead == nullptr) return from_socket(out, size);
  if (ahead->begin == ahead->end) {
    const int got = from_socket(ahead->bytes.data(), ahead->bytes.size());
    if (got <= 0) return got;
    ahead->begin = 0;
    ahead->end = static_cast<std::size_t>(got);
  }
  const std::size_t taken = std::min(size, ahead->end - ahead->begin);
  std::memcpy(out, ahead->bytes.data() + ahead->begin, taken);
  ahead->begin += taken;
  return static_cast<int>(taken);
}

Session::Session(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const ServerContext> context,
                                                 sys::Fd socket, Carrier carrier) {
  auto impl = std::make_unique<Impl>(std::move(context), std::move(socket), carrier);
  if (const int code = mbedtls_ssl_setup(&impl->ssl, impl->context->config()); code != 0) {
    return fail_mbedtls("session", code);
  }
  mbedtls_ssl_set_bio(&impl->ssl, impl.get(), &Impl::send_to, &Impl::receive_from, nullptr);
  mbedtls_ssl_set_export_keys_cb(&impl->ssl, &Impl::keep_secret, impl.get());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

void Session::note_events(std::uint32_t events) noexcept {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) impl_->hung_up = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) impl_->readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) impl_->writable = true;
}

int Session::fd() const noexcept { return impl_->socket.get(); }
bool Session::writable() const noexcept { return impl_->writable; }

Session::Step Session::Impl::flush_handshake() noexcept {
  while (handshake_sent < handshake_out.size()) {
    const int sent =
        send_some(handshake_out.data() + handshake_sent, handshake_out.size() - handshake_sent);
    if (sent == MBEDTLS_ERR_SSL_WANT_WRITE) return Step::blocked;
    if (sent <= 0) return Step::failed;
    handshake_sent += static_cast<std::size_t>(sent);
  }
  handshake_out = {};
  handshake_sent = 0;
  return Step::done;
}

Session::Step Session::handshake() noexcept {
  int code = 0;
  if (!impl_->agreed) {
    code = mbedtls_ssl_handshake(&impl_->ssl);
    impl_->agreed = code == 0;
    // mbedTLS seeds the generator of RFC 6979 from the leaf's private number, and leaves it there.
    wipe_stack(handshake_depth);
  }
  // The alert of one that failed, too.
  const Step flushed = impl_->flush_handshake();
  const bool goes_on = code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE;
  if (flushed == Step::failed || (!impl_->agreed && !goes_on)) return Step::failed;
  if (!impl_->agreed || flushed == Step::blocked) return Step::blocked;
  impl_->leave_mbedtls();
  return Step::done;
}

sys::KernelTls Session::move_to_kernel() noexcept {
  const auto keys = std::exchange(impl_->for_kernel, nullptr);
  if (!keys) return sys::KernelTls::refused;
  return sys::install_kernel_tls(fd(), keys->sending(), keys->receiving());
}

sys::Fd Session::release_socket() noexcept { return std::move(impl_->socket); }

std::uint16_t Session::version() const noexcept { return impl_->version; }
std::uint16_t Session::cipher_suite() const noexcept { return impl_->suite; }

Session::Transfer Session::read(std::span<std::uint8_t> out, ReadAhead& ahead) noexcept {
  if (impl_->records) return impl_->records->read(*impl_, out, ahead);
  impl_->ahead = &ahead;
  const int code = mbedtls_ssl_read(&impl_->ssl, out.data(), out.size());
  impl_->ahead = nullptr;
  if (code > 0) return {Step::done, static_cast<std::size_t>(code)};
  switch (code) {
    case MBEDTLS_ERR_SSL_WANT_READ:
      return {Step::blocked, 0};
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      return {Step::closed, 0};
    default:
      // 0 among them: TCP ended without close_notify, an end that anyone on the way could have
      // made.
      return {Step::failed, 0};
  }
}

void Session::park(ReadAhead& ahead) {
  if (impl_->records) return impl_->records->park(ahead);
  if (ahead.begin == ahead.end) return;
  // What is in `ahead` was read after the parked bytes were used up.
  impl_->parked.assign(ahead.bytes.begin() + static_cast<std::ptrdiff_t>(ahead.begin),
                       ahead.bytes.begin() + static_cast<std::ptrdiff_t>(ahead.end));
  impl_->parked_begin = 0;
  ahead.begin = ahead.end = 0;
}

Session::Transfer Session::write(std::span<const std::uint8_t> bytes) noexcept {
  if (impl_->records) return impl_->records->write(*impl_, bytes);
  const int code = mbedtls_ssl_write(&impl_->ssl, bytes.data(), bytes.size());
  if (code >= 0) return {Step::done, static_cast<std::size_t>(code)};
  if (code == MBEDTLS_ERR_SSL_WANT_WRITE || code == MBEDTLS_ERR_SSL_WANT_READ) {
    return {Step::blocked, 0};
  }
  return {Step::failed, 0};
}

Session::Step Session::close_notify() noexcept {
  if (impl_->records) return impl_->records->close_notify(*impl_);
  const int code = mbedtls_ssl_close_notify(&impl_->ssl);
  if (code == 0) return Step::done;
  return code == MBEDTLS_ERR_SSL_WANT_WRITE ? Step::blocked : Step::failed;
}

void Session::finish_sending() noexcept { ::shutdown(impl_->socket.get(), SHUT_WR); }

Session::Step Session::discard(ReadAhead& ahead, std::size_t& left) noexcept {
  impl_->parked = {};
  if (impl_->records) impl_->records->drop();
  for (;;) {
    const int got = impl_->from_socket(ahead.bytes.data(), ahead.bytes.size());
    if (got == 0) return Step::closed;
    if (got == MBEDTLS_ERR_SSL_WANT_READ) return Step::blocked;
    if (got < 0 || static_cast<std::size_t>(got) > left) return Step::failed;
    left -= static_cast<std::size_t>(got);
  }
}

}  // namespace gims::tls
