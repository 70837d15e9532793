#include "hsm/proto/caller.hpp"

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

Result<std::unique_ptr<Caller>> Caller::make(std::string path, std::chrono::milliseconds limit,
                                             OperationRange operations, std::vector<int> stop) {
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(max_frame_size));
  return std::unique_ptr<Caller>(
      new Caller(std::move(path), limit, operations, std::move(stop), std::move(room)));
}

Result<> Caller::connect() {
  const std::scoped_lock lock(mutex_);
  return connect_if_needed();
}

Result<> Caller::connect_if_needed() {
  if (socket_) return {};
  auto socket = sys::seqpacket_connect(path_, sys::Blocking::no);
  if (!socket) return gone(socket.error());
  socket_ = std::move(*socket);
  return {};
}

Result<BytesView> Caller::await_answer(const Header& header) {
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
    auto frame = decode_frame(room_.bytes().first(received->size), operations_);
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

Result<BytesView> Caller::send_and_wait(const Header& header, BytesView request) {
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

Result<BytesView> Caller::exchange(Operation operation, Writer& request) {
  const Header header{.kind = Kind::request, .operation = operation, .number = ++number_};
  GIMS_TRY_ASSIGN(const BytesView frame, request.frame(header));
  request_size_ = frame.size();
  // An idle connection that the other end closed (it was started anew) shows only when it is used.
  if (socket_) {
    pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 0) != 0) socket_.reset();
  }
  GIMS_TRY(connect_if_needed());
  auto body = send_and_wait(header, frame);
  if (!body && !is_in_order_after(body.error().code)) socket_.reset();
  return body;
}

void Caller::wipe_room(const Result<BytesView>& body) noexcept {
  // Only what held a message: most are short, and the room is not.
  const std::size_t used =
      body ? std::max(request_size_, header_size + body->size()) : room_.size();
  wipe(room_.writable().first(used));
}

}  // namespace gims::hsm
