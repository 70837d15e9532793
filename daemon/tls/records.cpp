#include "tls/records.hpp"

#include <algorithm>
#include <utility>

namespace gims::tls {
namespace {

// Records without content cost us more than the client; in a row there is no use for them.
constexpr unsigned most_without_content = 32;
constexpr std::uint8_t key_update = 24;  // HandshakeType
constexpr std::size_t key_update_size = 5;

}  // namespace

Records::Transfer Records::whole_record(RecordSocket& socket, ReadAhead& ahead) {
  if (!parked_.empty()) {
    // At the turn's first read, when `ahead` is empty.
    std::ranges::copy(parked_, ahead.bytes.begin());
    ahead.begin = 0;
    ahead.end = parked_.size();
    parked_ = {};
  }
  for (;;) {
    const auto held = std::span(ahead.bytes).subspan(ahead.begin, ahead.end - ahead.begin);
    if (held.size() >= record_header) {
      const std::size_t size =
          record_header + ((std::size_t{held[3]} << 8U) | std::size_t{held[4]});
      // What is not protected has no place after the handshake, not even a change_cipher_spec
      // (section 5).
      if (held[0] != static_cast<std::uint8_t>(ContentType::application_data)) {
        return {refuse(socket, Alert::unexpected_message)};
      }
      if (size > most_record) return {refuse(socket, Alert::record_overflow)};
      if (size < record_overhead) return {refuse(socket, Alert::bad_record_mac)};
      if (held.size() >= size) return {Step::done, size};
    }
    if (ahead.begin > 0) {
      std::ranges::copy(held, ahead.bytes.begin());
      ahead.end -= std::exchange(ahead.begin, 0);
    }
    const auto [outcome, size] = socket.receive(std::span(ahead.bytes).subspan(ahead.end));
    if (outcome == RecordSocket::Outcome::blocked) return {Step::blocked};
    // An end without close_notify could be anyone's.
    if (outcome != RecordSocket::Outcome::moved) return {Step::failed};
    ahead.end += size;
  }
}

Records::Transfer Records::read(RecordSocket& socket, std::span<std::uint8_t> out,
                                ReadAhead& ahead) {
  for (;;) {
    const auto [step, size] = whole_record(socket, ahead);
    if (step != Step::done) return {step};
    const auto opened = read_keys_->open(std::span(ahead.bytes).subspan(ahead.begin, size));
    ahead.begin += size;
    if (ahead.begin == ahead.end) ahead.begin = ahead.end = 0;
    if (!opened) return {refuse(socket, Alert::bad_record_mac)};
    if (opened->type == ContentType::application_data && !opened->content.empty()) {
      without_content_ = 0;
      if (out.size() < opened->content.size()) return {refuse(socket, Alert::internal_error)};
      std::ranges::copy(opened->content, out.begin());
      return {Step::done, opened->content.size()};
    }
    if (++without_content_ > most_without_content) {
      return {refuse(socket, Alert::unexpected_message)};
    }
    if (const Step taken = take(socket, *opened); taken != Step::done) return {taken};
  }
}

Records::Step Records::take(RecordSocket& socket, const RecordKeys::Opened& opened) {
  switch (opened.type) {
    case ContentType::application_data:
      return Step::done;
    case ContentType::alert:
      return take_alert(socket, opened.content);
    case ContentType::handshake:
      return take_handshake(socket, opened.content);
    case ContentType::change_cipher_spec:
      break;
  }
  return refuse(socket, Alert::unexpected_message);
}

Records::Step Records::take_alert(RecordSocket& socket, std::span<const std::uint8_t> alert) {
  if (alert.size() != 2) return refuse(socket, Alert::decode_error);
  switch (static_cast<Alert>(alert[1])) {
    case Alert::close_notify:
      return Step::closed;
    case Alert::user_canceled:
      return Step::done;
    default:
      return Step::failed;
  }
}

// A KeyUpdate is the only message that a client may send here, and it ends its record.
Records::Step Records::take_handshake(RecordSocket& socket, std::span<const std::uint8_t> message) {
  if (message.empty() || message[0] != key_update) {
    return refuse(socket, Alert::unexpected_message);
  }
  if (message.size() != key_update_size || message[1] != 0 || message[2] != 0 || message[3] != 1 ||
      message[4] > 1) {
    return refuse(socket, Alert::decode_error);
  }
  if (!read_keys_->update()) return refuse(socket, Alert::internal_error);
  // Answered before the next content of ours; one answer is enough for any number of requests.
  if (message[4] == 1) owes_update_ = true;
  return Step::done;
}

void Records::park(ReadAhead& ahead) {
  if (ahead.begin == ahead.end) return;
  parked_.assign(ahead.bytes.begin() + static_cast<std::ptrdiff_t>(ahead.begin),
                 ahead.bytes.begin() + static_cast<std::ptrdiff_t>(ahead.end));
  ahead.begin = ahead.end = 0;
}

bool Records::send(RecordSocket& socket, std::span<const std::uint8_t> records) {
  while (!records.empty()) {
    const auto [outcome, size] = socket.send(records);
    if (outcome == RecordSocket::Outcome::blocked) {
      unsent_.assign(records.begin(), records.end());
      unsent_begin_ = 0;
      return true;
    }
    if (outcome != RecordSocket::Outcome::moved) return false;
    records = records.subspan(size);
  }
  return true;
}

Records::Step Records::flush(RecordSocket& socket) {
  while (unsent_begin_ < unsent_.size()) {
    const auto [outcome, size] = socket.send(std::span(unsent_).subspan(unsent_begin_));
    if (outcome == RecordSocket::Outcome::blocked) return Step::blocked;
    if (outcome != RecordSocket::Outcome::moved) return Step::failed;
    unsent_begin_ += size;
  }
  unsent_ = {};
  unsent_begin_ = 0;
  return Step::done;
}

Records::Transfer Records::write(RecordSocket& socket, std::span<const std::uint8_t> bytes) {
  if (!unsent_.empty()) {
    if (const Step step = flush(socket); step != Step::done) return {step};
    return {Step::done, std::exchange(in_unsent_, 0)};
  }
  // A record and the KeyUpdate before it.
  static thread_local std::array<std::uint8_t, most_plaintext + record_overhead + key_update_size +
                                                   record_overhead>
      room;
  std::size_t size = 0;
  if (owes_update_) {
    const std::array<std::uint8_t, key_update_size> update = {key_update, 0, 0, 1, 0};
    size = write_keys_->seal(ContentType::handshake, update, room);
    if (size == 0 || !write_keys_->update()) return {Step::failed};
    owes_update_ = false;
  }
  const auto taken = bytes.first(std::min(bytes.size(), most_plaintext));
  const std::size_t sealed =
      write_keys_->seal(ContentType::application_data, taken, std::span(room).subspan(size));
  if (sealed == 0 || !send(socket, std::span(room).first(size + sealed))) return {Step::failed};
  if (unsent_.empty()) return {Step::done, taken.size()};
  in_unsent_ = taken.size();
  return {Step::blocked};
}

Records::Step Records::close_notify(RecordSocket& socket) {
  if (const Step step = flush(socket); step != Step::done || notified_) return step;
  notified_ = true;
  return send_alert(socket, Alert::close_notify) ? flush(socket) : Step::failed;
}

bool Records::send_alert(RecordSocket& socket, Alert alert) {
  const std::array<std::uint8_t, 2> content = {
      static_cast<std::uint8_t>(alert == Alert::close_notify ? 1 : 2),  // warning, fatal
      static_cast<std::uint8_t>(alert)};
  std::array<std::uint8_t, 2 + record_overhead> room{};
  const std::size_t sealed = write_keys_->seal(ContentType::alert, content, room);
  return sealed > 0 && send(socket, std::span(room).first(sealed));
}

Records::Step Records::refuse(RecordSocket& socket, Alert alert) {
  // Within a record that is not sent whole there is no place for another.
  if (unsent_.empty()) static_cast<void>(send_alert(socket, alert));
  return Step::failed;
}

}  // namespace gims::tls
