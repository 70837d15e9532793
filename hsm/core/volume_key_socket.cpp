#include "hsm/core/volume_key_socket.hpp"

#include <optional>
#include <string_view>

#include "base/log.hpp"
#include "hsm/proto/listener.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

constexpr mode_t for_its_owner = 0600;

Result<> give_key(const Custodian& custodian, const sys::Fd& connection) {
  if (custodian.state() != State::operational) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE",
                "The key custodian is " + custodian.summary());
  }
  GIMS_TRY_ASSIGN(const SecretBytes key, custodian.volume_key());
  return sys::send_message(connection.get(), key.bytes());
}

}  // namespace

Result<VolumeKeySocket> VolumeKeySocket::listen(const std::string& path, uid_t reader) {
  GIMS_TRY_ASSIGN(sys::Fd listener, or_no_socket(path, sys::stream_listen(path, for_its_owner)));
  return VolumeKeySocket(std::move(listener), reader);
}

bool VolumeKeySocket::answer_one(const Custodian& custodian) const {
  return take_new_peer(listener_,
                       [&](const sys::Fd& connection) { answer(custodian, connection); });
}

void VolumeKeySocket::answer(const Custodian& custodian, const sys::Fd& connection) const {
  const auto credentials = sys::peer_credentials(connection.get());
  if (!credentials) return;
  const std::string uid = std::to_string(credentials->uid);
  if (credentials->uid != reader_) {
    log::warning(log::id::peer_refused, "refused a connection",
                 {{"UID", uid}, {"ERROR", "The data volume's key is for root alone."}});
    return;
  }
  const std::string name = sys::abstract_name_of_peer(connection.get());
  if (const auto given = give_key(custodian, connection); !given) {
    log::warning(log::id::volume_key_refused, "the data volume's key was not given",
                 {{"READER", name}, {"ERROR", given.error().text}});
    return;
  }
  log::notice(log::id::volume_key_given, "the data volume's key was given", {{"READER", name}});
}

}  // namespace gims::hsm
