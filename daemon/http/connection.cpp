#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "http/reply.hpp"
#include "http/target.hpp"

namespace gims::http {
namespace {

// A body that nobody wants is read over up to this, so that the connection can go on.
constexpr std::size_t dropped_body_limit = std::size_t{64} << 10U;
// The same of one that is refused: a client that is still writing when the connection closes may
// never see why. Nothing of it is kept.
constexpr std::uint64_t refused_body_limit = std::uint64_t{1} << 20U;

Error error_of(ErrorKind kind, std::string_view code, std::string_view text) {
  return fail(kind, code, text).error();
}

Error too_large() {
  return error_of(ErrorKind::too_large, "TOO_LARGE", "The body is larger than allowed here.");
}

struct Heads {
  Request* request;
  std::size_t bytes;
};

MHD_Result take_header(void* cls, MHD_ValueKind, const char* name, std::size_t name_size,
                       const char* value, std::size_t value_size) noexcept {
  auto& heads = *static_cast<Heads*>(cls);
  const std::string_view text =
      value == nullptr ? std::string_view() : std::string_view(value, value_size);
  heads.bytes += name_size + text.size() + 4;  // ": " and CRLF
  heads.request->headers.emplace_back(std::string(name, name_size), std::string(text));
  return MHD_YES;
}

std::uint64_t content_length(const Request& request) noexcept {
  const auto text = request.header("content-length");
  if (!text) return 0;
  std::uint64_t length = 0;
  std::from_chars(text->data(), text->data() + text->size(), length);  // MHD has checked the form
  return length;
}

// Whether a field stands there twice that says where the request ends or whom it is for. MHD takes
// the first; a relay that takes the last would see other requests (RFC 9112, sections 3.2 and 6.3).
bool is_ambiguous(const Request& request) noexcept {
  return std::ranges::any_of(
      std::array<std::string_view, 3>{"content-length", "transfer-encoding", "host"},
      [&](std::string_view name) { return request.header_all(name).size() > 1; });
}

std::size_t body_limit_of(const RequestSlot& slot) noexcept {
  const bool wanted = slot.route != nullptr && slot.route->body_limit != 0;
  return wanted ? slot.route->body_limit : dropped_body_limit;
}

}  // namespace

std::size_t MhdCallbacks::leave_escapes(void*, MHD_Connection*, char* text) noexcept {
  // Targets are decoded by parse_target(), strictly; MHD's own parse is not used.
  return std::strlen(text);
}

void MhdCallbacks::log(void*, const char* format, va_list arguments) noexcept {
  std::array<char, 512> line{};
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data(),
                        std::min(static_cast<std::size_t>(std::max(size, 0)), line.size() - 1));
  while (text.ends_with('\n')) text.remove_suffix(1);
  // Options of TCP are tried on every Unix socket, in vain, twice a reply; "Application reported"
  // is our own way to close. What is left is what clients do; none of it is worth more than a debug
  // line.
  for (std::string_view noise :
       {"TCP_NODELAY", "TCP_CORK", "push the data", "Application reported"}) {
    if (text.contains(noise)) return;
  }
  log::write(log::Level::debug, log::id::http_note, text);
}

void MhdCallbacks::connection(void* cls, MHD_Connection* connection, void** slot,
                              MHD_ConnectionNotificationCode code) noexcept {
  auto& loop = *static_cast<Loop*>(cls);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const MHD_ConnectionInfo* info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    auto link = std::make_unique<Link>();
    link->fd = info->connect_fd;
    if (auto found = loop.arriving_.extract(info->connect_fd)) {
      link->peer = std::move(found.mapped().peer);
      link->tether = std::move(found.mapped().connection.tether);
    }
    link->waiting_since = Loop::Steady::now();
    loop.hold(*link);
    *slot = link.get();
    loop.links_.emplace(link.get(), std::move(link));
  } else if (*slot != nullptr) {
    auto* link = static_cast<Link*>(std::exchange(*slot, nullptr));
    loop.let_go(*link);
    loop.links_.erase(link);
    --loop.shared_.connections;
  }
}

void* MhdCallbacks::begin(void* cls, const char* target, MHD_Connection* connection) noexcept {
  auto& loop = *static_cast<Loop*>(cls);
  auto exchange = std::make_shared<Exchange>(loop.mailbox_, loop.shared_.renderer);
  exchange->request.path = target;  // with the query; head() takes it apart
  exchange->connection = connection;
  auto slot = std::make_unique<RequestSlot>(RequestSlot{.loop = &loop, .exchange = exchange.get()});
  loop.exchanges_.emplace(exchange.get(), std::move(exchange));
  return slot.release();  // completed() takes it back
}

void MhdCallbacks::completed(void* cls, MHD_Connection*, void** raw,
                             MHD_RequestTerminationCode) noexcept {
  auto& loop = *static_cast<Loop*>(cls);
  const std::unique_ptr<RequestSlot> slot(static_cast<RequestSlot*>(std::exchange(*raw, nullptr)));
  if (!slot) return;
  if (slot->link != nullptr) {
    slot->link->in_request = false;
    slot->link->waiting = true;
    slot->link->waiting_since = Loop::Steady::now();
    slot->link->received = 0;
  }
  auto exchange = loop.exchanges_.extract(slot->exchange);
  Exchange& gone = *slot->exchange;
  loop.unwatch(gone);
  gone.suspended = false;
  gone.connection = nullptr;
  gone.lose_client();
}

MHD_Result MhdCallbacks::access(void* cls, MHD_Connection* connection, const char*,
                                const char* method, const char*, const char* data,
                                std::size_t* size, void** raw) noexcept {
  auto& loop = *static_cast<Loop*>(cls);
  auto& slot = *static_cast<RequestSlot*>(*raw);
  if (slot.exchange->abort) return MHD_NO;
  switch (slot.phase) {
    case RequestSlot::Phase::head:
      return head(loop, slot, connection, method);
    case RequestSlot::Phase::body:
      if (*size > 0) return body(slot, data, size);
      if (slot.refusal) return send(connection, std::move(*slot.refusal));
      slot.link->waiting = false;
      hand_over(loop, slot);
      return answer(loop, slot, connection);
    case RequestSlot::Phase::handed_over:
      return answer(loop, slot, connection);
  }
  return MHD_NO;
}

MHD_Result MhdCallbacks::head(Loop& loop, RequestSlot& slot, MHD_Connection* connection,
                              const char* method) noexcept {
  Request& request = slot.exchange->request;
  slot.link = static_cast<Link*>(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
  slot.link->in_request = true;
  slot.link->waiting_since = Loop::Steady::now();
  slot.link->used = slot.link->waiting_since;
  slot.phase = RequestSlot::Phase::body;
  request.method = method_of(method);
  request.peer = slot.link->peer;
  const std::string target = std::exchange(request.path, {});
  request.path = path_of(target);

  Heads heads{.request = &request, .bytes = target.size() + std::strlen(method) + 12};
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &take_header, &heads);
  if (is_ambiguous(request)) {
    refuse(slot, error_of(ErrorKind::bad_input, "BAD_HEAD", "The headers contradict each other."));
    return send(connection, std::move(*slot.refusal));
  }
  admit(loop, slot, target, heads.bytes);
  // MHD closes a connection that is answered before its request is whole, which also loses the
  // answer when the client still writes. So a small body is read over first; a large one is not,
  // nor one that the client holds back until it is asked for it.
  const bool at_once = content_length(request) > refused_body_limit || request.header("expect");
  if (slot.refusal && at_once) return send(connection, std::move(*slot.refusal));
  return MHD_YES;
}

void MhdCallbacks::admit(Loop& loop, RequestSlot& slot, std::string_view target,
                         std::size_t head_size) noexcept {
  Request& request = slot.exchange->request;
  if (head_size > loop.shared_.options.head_limit) {
    refuse(slot, error_of(ErrorKind::bad_input, "HEAD_TOO_LARGE",
                          "The address and the headers are larger than allowed."));
    slot.refusal->status = 431;
    return;
  }
  auto parsed = parse_target(target);
  if (!parsed) return refuse(slot, parsed.error());
  request.queries = std::move(parsed->queries);
  if (request.method == Method::options) {
    slot.refusal = loop.shared_.renderer->options(request);
    return;
  }
  auto match = loop.shared_.router.find(request.peer.door, request.method, parsed->segments);
  slot.route = match.route;
  if (match.route == nullptr && match.allow.empty()) {
    return refuse(slot,
                  error_of(ErrorKind::not_found, "NO_ROUTE", "There is nothing at this address."));
  }
  if (match.route == nullptr) {
    refuse(slot, error_of(ErrorKind::wrong_method, "WRONG_METHOD",
                          "This address does not have that method."));
    slot.refusal->headers.emplace_back("Allow", match.allow);
    return;
  }
  request.params = std::move(match.params);
  const std::uint64_t length = content_length(request);
  if (length > body_limit_of(slot)) return refuse(slot, too_large());
  if (slot.route->sink) {
    auto sink = slot.route->sink(request);
    if (!sink) return refuse(slot, sink.error());
    slot.sink = std::move(*sink);
  } else if (slot.route->body_limit != 0) {
    request.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length, 64U << 10U)));
  }
}

MHD_Result MhdCallbacks::body(RequestSlot& slot, const char* data, std::size_t* size) noexcept {
  const std::span<const char> piece(data, std::exchange(*size, 0));
  slot.body_size += piece.size();
  slot.link->received += piece.size();
  slot.link->used = std::chrono::steady_clock::now();
  const std::size_t limit = body_limit_of(slot);
  if (!slot.refusal && slot.body_size > limit) {
    // Only a chunked body gets here: its length was not announced.
    refuse(slot, too_large());
    slot.exchange->request.body = std::string();
  }
  if (slot.refusal) {
    // MHD takes no reply in the midst of a body, so a little more is read and dropped; then it is
    // cut.
    slot.sink.reset();
    return slot.body_size > limit + refused_body_limit ? MHD_NO : MHD_YES;
  }
  if (slot.sink) {
    if (auto written = slot.sink->write(piece); !written) refuse(slot, written.error());
  } else if (slot.route->body_limit != 0) {
    slot.exchange->request.body.append(piece.data(), piece.size());
  }
  return MHD_YES;
}

void MhdCallbacks::hand_over(Loop& loop, RequestSlot& slot) noexcept {
  slot.phase = RequestSlot::Phase::handed_over;
  auto shared = slot.exchange->shared_from_this();
  Responder responder(shared);
  shared->begin_handler();
  if (slot.sink) {
    // The sink may answer from another thread and has done its part.
    const auto sink = std::move(slot.sink);
    sink->finish(std::move(responder));
  } else if (slot.route->run == Run::on_loop) {
    slot.route->handler(std::move(responder));
  } else {
    WorkerPool::Job job = [route = slot.route, held = std::move(responder)]() mutable {
      route->handler(std::move(held));
    };
    if (!loop.shared_.pool.submit(job)) {
      shared->reply_error(
          error_of(ErrorKind::unavailable, "BUSY",
                   "The server has more to do than it can. Try again in a moment."));
    }
  }
  shared->end_handler();
}

MHD_Result MhdCallbacks::answer(Loop& loop, RequestSlot& slot,
                                MHD_Connection* connection) noexcept {
  Exchange& exchange = *slot.exchange;
  if (auto response = exchange.take_response()) return send(connection, std::move(*response));
  // Nobody can have resumed it yet: replies come by the mailbox, which this thread reads later.
  MHD_suspend_connection(connection);
  exchange.suspended = true;
  loop.watch(exchange.shared_from_this());
  return MHD_YES;
}

void MhdCallbacks::refuse(RequestSlot& slot, const Error& error) noexcept {
  slot.refusal = slot.loop->shared_.renderer->error(slot.exchange->request, error);
}

MHD_Result MhdCallbacks::send(MHD_Connection* connection, Response response) noexcept {
  const auto status = static_cast<unsigned>(response.status);
  const ReplyHandle made = make_reply(std::move(response));
  return made ? MHD_queue_response(connection, status, made.get()) : MHD_NO;
}

}  // namespace gims::http
