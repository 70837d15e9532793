// Hands connections to gimsd over its SOCK_SEQPACKET socket (sys/handover.hpp).
#pragma once

#include <mutex>
#include <string>

#include "tls/connection_sink.hpp"

namespace gims::tls {

// Connects when first needed and again after gimsd has gone; one journal line when an outage begins
// and one when it ends. While a gimsd that hangs has its socket full, connections fail. Thread:
// any.
class GimsdSink final : public ConnectionSink {
 public:
  explicit GimsdSink(std::string path) : path_(std::move(path)) {}

  // Connects if not connected: whether gimsd is there.
  [[nodiscard]] Result<> connect();
  // Fails (unavailable, GIMS_TLS_NO_GIMSD) when gimsd does not take it.
  [[nodiscard]] Result<> deliver(Delivery&& delivery, const sys::Handover& handover) override;

 private:
  Result<> connect_locked();
  Result<> send_locked(const Delivery& delivery, const sys::Handover& handover);
  void note_outage(bool out, const std::string& detail);

  const std::string path_;
  std::mutex mutex_;
  sys::Fd socket_;
  bool out_ = false;
};

}  // namespace gims::tls
