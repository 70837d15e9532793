#include "hsm/proto/answer.hpp"

#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"

namespace gims::hsm {

Answer finish(Header header, Writer& reply, Result<> served, std::span<std::uint8_t> room) {
  if (served) {
    header.kind = Kind::reply;
    auto frame = reply.frame(header);
    if (frame) return {.frame = *frame, .hang_up = false};
    served = std::unexpected(std::move(frame).error());
  }
  log::failure(log::id::key_request_refused, "refused " + std::string(name_of(header.operation)),
               served.error());
  const Refusal refusal = refusal_of(served.error());
  return {.frame = refuse(header, refusal, room),
          .hang_up =
              refusal.code == RefusalCode::bad_frame || refusal.code == RefusalCode::other_version};
}

BytesView refuse(Header header, const Refusal& refusal, std::span<std::uint8_t> room) {
  header.kind = Kind::refusal;
  Writer writer(room);
  encode(writer, refusal);
  auto frame = writer.frame(header);
  GIMS_CHECK(frame.has_value());  // A refusal's text has a bound.
  return *frame;
}

}  // namespace gims::hsm
