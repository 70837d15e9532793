#include "hsm/proto/client.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "base/wipe.hpp"
#include "sys/errno.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::unexpected<Error> gone(std::string_view why) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "The key custodian does not answer.", why);
}

std::unexpected<Error> gone(const Error& error) { return gone(error.code + " " + error.detail); }

// Waits until `socket` can be read, or written, or the other end is gone.
Result<> wait_for(int socket, short events, SteadyClock::time_point deadline,
                  std::span<const int> stop) {
  std::vector<pollfd> waits{{.fd = socket, .events = events, .revents = 0}};
  for (const int fd : stop) waits.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return gone("no answer within the time limit");
    const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(left.count()));
    if (ready > 0 && waits[0].revents != 0) return {};
    if (ready > 0) return gone("this service is to stop");
    if (ready < 0 && errno != EINTR) return sys::fail_errno("poll");
  }
}

// A refusal leaves the connection in order, or gims-keyd closes it, which the next call sees. After
// every other failure it may hold the answer to a question of the past.
bool is_in_order_after(std::string_view code) {
  return code.starts_with("GIMS_KEYD_") && code != "GIMS_KEYD_GONE" && code != "GIMS_KEYD_FRAME" &&
         code != "GIMS_KEYD_VERSION";
}

}  // namespace

Result<std::unique_ptr<Client>> Client::connect(std::string path, std::chrono::milliseconds limit,
                                                std::vector<int> stop) {
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(max_frame_size));
  std::unique_ptr<Client> client(
      new Client(std::move(path), limit, std::move(stop), std::move(room)));
  GIMS_TRY(client->connect_if_needed());
  return client;
}

Result<> Client::connect_if_needed() {
  if (socket_) return {};
  auto socket = sys::seqpacket_connect(path_, sys::Blocking::no);
  if (!socket) return gone(socket.error());
  socket_ = std::move(*socket);
  return {};
}

Result<BytesView> Client::await_answer(const Header& header) {
  const auto deadline = SteadyClock::now() + limit_;
  bool was_reset = false;
  while (true) {
    GIMS_TRY(wait_for(socket_.get(), POLLIN, deadline, stop_));
    auto received = sys::receive_message(socket_.get(), room_.writable());
    if (!received && received.error().code == "EAGAIN") continue;
    // Told once, before what gims-keyd said as it closed the connection unasked.
    if (!received && received.error().code == "ECONNRESET" && !std::exchange(was_reset, true)) {
      continue;
    }
    if (!received) return gone(received.error());
    if (received->size == 0) return gone("the connection was closed");
    auto frame = decode_frame(room_.bytes().first(received->size));
    if (!frame) return pass(std::move(frame));
    const Header& answer = frame->header;
    if (answer.kind == Kind::refusal) {
      GIMS_TRY_ASSIGN(const Refusal refusal, decode_refusal(frame->body));
      return std::unexpected(error_of(refusal));
    }
    if (answer.kind != Kind::reply || answer.operation != header.operation ||
        answer.number != header.number) {
      return gone("an answer to something else");
    }
    return frame->body;
  }
}

Result<BytesView> Client::exchange(const Header& header, BytesView request) {
  const auto deadline = SteadyClock::now() + limit_;
  while (true) {
    auto sent = sys::send_message(socket_.get(), request);
    if (sent) break;
    // Closed by the other end, which may have said why.
    if (sent.error().code == "EPIPE" || sent.error().code == "ECONNRESET") break;
    if (sent.error().code != "EAGAIN") return gone(sent.error());
    GIMS_TRY(wait_for(socket_.get(), POLLOUT, deadline, stop_));
  }
  return await_answer(header);
}

template <class Write, class Read>
auto Client::call(Operation operation, const Write& write, const Read& read)
    -> decltype(read(BytesView{})) {
  const std::scoped_lock lock(mutex_);
  const Header header{.kind = Kind::request, .operation = operation, .number = ++number_};
  Writer writer(room_.writable());
  write(writer);
  GIMS_TRY_ASSIGN(const BytesView request, writer.frame(header));
  // An idle connection that gims-keyd closed (it was started anew) shows only when it is used.
  if (socket_) {
    pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 0) != 0) socket_.reset();
  }
  GIMS_TRY(connect_if_needed());
  auto body = exchange(header, request);
  if (!body && !is_in_order_after(body.error().code)) socket_.reset();
  auto value = [&]() -> decltype(read(BytesView{})) {
    if (!body) return pass(std::move(body));
    return read(*body);
  }();
  // Only what held a message: most are short, and the room is not.
  const std::size_t used =
      body ? std::max(request.size(), header_size + body->size()) : room_.size();
  wipe(room_.writable().first(used));
  return value;
}

namespace {
void write_nothing(Writer&) {}
}  // namespace

Result<StatusReply> Client::status() {
  return call(Operation::status, write_nothing, decode_status);
}

Result<SiteRootReply> Client::site_root() {
  return call(Operation::site_root, write_nothing, decode_site_root);
}

Result<LeafReply> Client::sign_leaf(const LeafRequest& request) {
  return call(Operation::sign_leaf, [&](Writer& writer) { encode(writer, request); }, decode_leaf);
}

Result<DataKeys> Client::data_keys() {
  return call(Operation::data_keys, write_nothing, decode_data_keys);
}

Result<ServerKeyReply> Client::server_key() {
  return call(Operation::server_key, write_nothing, decode_server_key);
}

Result<Signature> Client::sign_event(BytesView canonical) {
  const std::array<BytesView, 1> events{canonical};
  GIMS_TRY_ASSIGN(const std::vector<Signature> signatures, sign_events(events));
  return signatures.front();
}

Result<std::vector<Signature>> Client::sign_events(std::span<const BytesView> canonical) {
  if (canonical.empty() || canonical.size() > max_events) {
    return fail(ErrorKind::too_large, "GIMS_KEYD_FRAME",
                "1 to " + std::to_string(max_events) + " events can be signed at a time.");
  }
  GIMS_TRY_ASSIGN(std::vector<Signature> signatures,
                  call(
                      Operation::sign_events, [&](Writer& writer) { encode(writer, canonical); },
                      decode_signatures));
  if (signatures.size() != canonical.size()) {
    return fail(ErrorKind::internal, "GIMS_KEYD_FRAME", "The key custodian's answer is wrong.",
                "another number of signatures than events");
  }
  return signatures;
}

Result<> Client::extend_audit(const AuditHead& head) {
  return call(
      Operation::extend_audit, [&](Writer& writer) { encode(writer, head); }, decode_nothing);
}

Result<AuditHead> Client::audit_head() {
  return call(Operation::audit_head, write_nothing, decode_audit_head);
}

Result<AttestReply> Client::attest(const AttestNonce& nonce) {
  return call(
      Operation::attest, [&](Writer& writer) { encode(writer, AttestRequest{.nonce = nonce}); },
      decode_attest);
}

Result<AuditCertificate> Client::certify_audit() {
  return call(Operation::certify_audit, write_nothing, decode_audit_certificate);
}

Result<Bytes> Client::event_log(EventLog log) {
  Bytes whole;
  while (whole.size() < max_event_log) {
    const EventLogRequest request{.log = log, .offset = static_cast<std::uint32_t>(whole.size())};
    GIMS_TRY_ASSIGN(const EventLogReply reply,
                    call(
                        Operation::event_log, [&](Writer& writer) { encode(writer, request); },
                        decode_event_log));
    whole.insert(whole.end(), reply.part.begin(), reply.part.end());
    if (reply.part.size() < max_event_log_part) return whole;
  }
  return Bytes();
}

Result<SecretBytes> Client::activate(const ActivateRequest& request) {
  return call(
      Operation::activate, [&](Writer& writer) { encode(writer, request); }, decode_activated);
}

Result<> Client::provision(const ProvisionRequest& request) {
  return call(
      Operation::provision, [&](Writer& writer) { encode(writer, request); }, decode_nothing);
}

Result<> Client::unlock() { return call(Operation::unlock, write_nothing, decode_nothing); }

Result<ZeroizeReply> Client::zeroize(const ZeroizeRequest& request) {
  return call(Operation::zeroize, [&](Writer& writer) { encode(writer, request); }, decode_zeroize);
}

}  // namespace gims::hsm
