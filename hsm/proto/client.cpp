#include "hsm/proto/client.hpp"

#include <array>
#include <utility>

namespace gims::hsm {

Result<std::unique_ptr<Client>> Client::connect(std::string path, std::chrono::milliseconds limit,
                                                std::vector<int> stop) {
  GIMS_TRY_ASSIGN(auto caller,
                  Caller::make(std::move(path), limit, keyd_operations, std::move(stop)));
  GIMS_TRY(caller->connect());
  return std::unique_ptr<Client>(new Client(std::move(caller)));
}

template <class Write, class Read>
auto Client::call(Operation operation, const Write& write, const Read& read)
    -> decltype(read(BytesView{})) {
  return caller_->call(operation, write, read);
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

Result<> Client::provision(const ProvisionRequest& request) {
  return call(
      Operation::provision, [&](Writer& writer) { encode(writer, request); }, decode_nothing);
}

Result<> Client::unlock() { return call(Operation::unlock, write_nothing, decode_nothing); }

Result<ZeroizeReply> Client::zeroize(const ZeroizeRequest& request) {
  return call(Operation::zeroize, [&](Writer& writer) { encode(writer, request); }, decode_zeroize);
}

}  // namespace gims::hsm
