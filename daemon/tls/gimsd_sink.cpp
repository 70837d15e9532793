#include "tls/gimsd_sink.hpp"

#include <array>

#include "base/log.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::tls {

Result<> GimsdSink::connect() {
  const std::scoped_lock lock(mutex_);
  return connect_locked();
}

Result<> GimsdSink::connect_locked() {
  if (socket_) return {};
  GIMS_TRY_ASSIGN(socket_, sys::seqpacket_connect(path_, sys::Blocking::no));
  return {};
}

Result<> GimsdSink::send_locked(const Delivery& delivery, const sys::Handover& handover) {
  GIMS_TRY(connect_locked());
  const std::array<int, 2> fds{delivery.connection.get(), delivery.tether.get()};
  Result<> sent = sys::send_message(socket_.get(), sys::encode_handover(handover),
                                    std::span(fds).first(delivery.tether ? 2 : 1));
  // A full socket is still gimsd's; anything else is the end of this one.
  if (!sent && sent.error().code != "EAGAIN") socket_.reset();
  return sent;
}

Result<> GimsdSink::deliver(Delivery&& delivery, const sys::Handover& handover) {
  const std::scoped_lock lock(mutex_);
  const bool was_connected = static_cast<bool>(socket_);
  Result<> sent = send_locked(delivery, handover);
  // gimsd may have started anew since the last connection: once more, on a new socket.
  if (!sent && was_connected && !socket_) sent = send_locked(delivery, handover);
  note_outage(!sent, sent ? std::string() : sent.error().detail);
  if (!sent) {
    return fail(ErrorKind::unavailable, "GIMS_TLS_NO_GIMSD", "The server is not ready.",
                sent.error().detail);
  }
  delivery = {};
  return {};
}

void GimsdSink::note_outage(bool out, const std::string& detail) {
  if (out == out_) return;
  out_ = out;
  if (out) {
    log::warning(log::id::gimsd_away,
                 "gimsd does not take connections: clients are refused until it does.",
                 {{"DETAIL", detail}, {"SOCKET", path_}});
  } else {
    log::info(log::id::gimsd_back, "gimsd takes connections again.");
  }
}

}  // namespace gims::tls
