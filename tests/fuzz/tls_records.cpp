// What a client can send after the handshake of TLS 1.3, to the record layer that gims-tlsd has of
// its own: records of this connection with any content, and bytes of anyone. The input is a list of
// steps. What comes out is what the client sealed as content, in its order, and nothing else;
// whatever the server sends, the client can open.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "tls/records.hpp"

namespace {

using namespace gims::tls;  // NOLINT(google-build-using-namespace)
using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr std::uint16_t suite = 0x1303;
std::unique_ptr<RecordKeys> keys_of(std::uint8_t side) {
  return RecordKeys::create(suite, TrafficSecret(Bytes(32, side)), 0);
}

// Of the last message of RFC 8446, section 4.6.3.
bool is_key_update(ContentType type, View content) {
  return type == ContentType::handshake && content.size() == 5 && content[0] == 24 &&
         content[1] == 0 && content[2] == 0 && content[3] == 1 && content[4] <= 1;
}

class Socket final : public RecordSocket {
 public:
  Moved receive(std::span<std::uint8_t> room) noexcept override {
    if (incoming.empty()) return {.outcome = ended ? Outcome::ended : Outcome::blocked};
    const std::size_t size = std::min(room.size(), incoming.size());
    std::copy_n(incoming.begin(), size, room.begin());
    incoming.erase(incoming.begin(), incoming.begin() + static_cast<std::ptrdiff_t>(size));
    return {.outcome = Outcome::moved, .size = size};
  }
  Moved send(View bytes) noexcept override {
    const std::size_t size = std::min(bytes.size(), room_left);
    if (size == 0) return {.outcome = Outcome::blocked};
    sent.insert(sent.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    room_left -= size;
    return {.outcome = Outcome::moved, .size = size};
  }
  Bytes incoming;
  Bytes sent;
  std::size_t room_left = 0;
  bool ended = false;
};

class Connection {
 public:
  // Bytes as they are.
  void anyone_sends(View bytes) {
    socket_.incoming.insert(socket_.incoming.end(), bytes.begin(), bytes.end());
  }
  void client_sends(ContentType type, View content) {
    Bytes record(content.size() + record_overhead);
    record.resize(client_->seal(type, content, record));
    GIMS_CHECK(!record.empty());
    anyone_sends(record);
    if (type == ContentType::application_data) {
      content_.insert(content_.end(), content.begin(), content.end());
    }
    if (is_key_update(type, content)) GIMS_CHECK(client_->update());
  }
  // False: the connection is over.
  bool server_reads() {
    Bytes out(most_plaintext);
    for (;;) {
      const auto [step, size] = records_.read(socket_, out, ahead_);
      if (step == Records::Step::done) {
        GIMS_CHECK(size > 0 && received_ + size <= content_.size());
        GIMS_CHECK(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size),
                              content_.begin() + static_cast<std::ptrdiff_t>(received_)));
        received_ += size;
        continue;
      }
      if (step != Records::Step::blocked) return false;
      records_.park(ahead_);
      GIMS_CHECK(ahead_.begin == ahead_.end);
      return true;
    }
  }
  // False: the connection is over. What was begun goes on first, with the same bytes.
  bool server_writes(std::size_t size, std::size_t room) {
    socket_.room_left = room;
    if (pending_.empty()) pending_.assign(size + 1, static_cast<std::uint8_t>(size));
    const auto [step, taken] = records_.write(socket_, pending_);
    if (step == Records::Step::failed) return false;
    GIMS_CHECK(step == Records::Step::blocked || (taken > 0 && taken <= pending_.size()));
    if (step == Records::Step::done) {
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    return true;
  }
  void client_reads() {
    std::span<std::uint8_t> rest(socket_.sent);
    while (rest.size() >= record_header) {
      const std::size_t size = record_header + (std::size_t{rest[3]} << 8U) + rest[4];
      if (size > rest.size()) return;
      const auto opened = server_->open(rest.first(size));
      GIMS_CHECK(opened);
      if (is_key_update(opened->type, opened->content)) GIMS_CHECK(server_->update());
      rest = rest.subspan(size);
    }
  }
  void end() {
    socket_.ended = true;
    while (server_reads()) {
    }
  }

 private:
  Socket socket_;
  std::unique_ptr<RecordKeys> client_ = keys_of(1);
  std::unique_ptr<RecordKeys> server_ = keys_of(2);
  Records records_{keys_of(1), keys_of(2)};
  ReadAhead ahead_;
  Bytes content_;             // all that the client sealed as such
  std::size_t received_ = 0;  // of it
  Bytes pending_;             // what the server is to send
};

// The steps of an input. What is cut counts as zeros, or as less.
class Steps {
 public:
  explicit Steps(View bytes) : rest_(bytes) {}
  [[nodiscard]] bool more() const { return !rest_.empty(); }
  std::uint8_t number() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_[0];
    rest_ = rest_.subspan(1);
    return first;
  }
  View bytes(std::size_t size) {
    const View taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  View rest_;
};

bool take(Connection& connection, Steps& steps) {
  switch (steps.number() % 4) {
    case 0:
      connection.anyone_sends(steps.bytes(steps.number()));
      return true;
    case 1: {
      // None is 0: a zero in the place of a type is padding, and what precedes it is the type.
      const auto type = static_cast<ContentType>(std::max<std::uint8_t>(steps.number(), 1));
      connection.client_sends(type, steps.bytes(steps.number()));
      return true;
    }
    case 2:
      return connection.server_reads();
    default: {
      const std::size_t size = steps.number();
      return connection.server_writes(size * size, steps.number());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Connection connection;
  Steps steps(View(data, size));
  while (steps.more() && take(connection, steps)) {
  }
  connection.client_reads();
  if (!steps.more()) connection.end();
  return 0;
}
