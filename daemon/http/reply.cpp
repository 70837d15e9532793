#include "http/reply.hpp"

#include <microhttpd.h>

#include <memory>
#include <numeric>
#include <utility>

#include "base/log.hpp"

namespace gims::http {
namespace {

constexpr std::size_t source_block = std::size_t{64} << 10U;

std::string_view bytes_of(const Chain::value_type& piece) noexcept {
  if (const auto* own = std::get_if<std::string>(&piece)) return *own;
  const auto& shared = std::get<SharedBytes>(piece);
  return shared ? std::string_view(*shared) : std::string_view();
}

ReplyHandle from_string(std::string text) {
  auto owner = std::make_unique<std::string>(std::move(text));
  ReplyHandle made(MHD_create_response_from_buffer_with_free_callback_cls(
      owner->size(), owner->data(), [](void* raw) { delete static_cast<std::string*>(raw); },
      owner.get()));
  if (made) static_cast<void>(owner.release());  // NOLINT(bugprone-unused-return-value): MHD's now
  return made;
}

// In one piece: MHD sends the head and one buffer together, a list of buffers after the head in a
// call of its own. And it keeps such a list in the connection's pool, where a request's head may
// have left too little: then it unlocks a mutex that it did not lock, and ends the process when
// the reply is freed (1.0.1, connection.c, try_ready_normal_body).
ReplyHandle from_chain(const Chain& chain) {
  std::string text;
  text.reserve(std::accumulate(
      chain.begin(), chain.end(), std::size_t{0},
      [](std::size_t sum, const auto& piece) { return sum + bytes_of(piece).size(); }));
  for (const auto& piece : chain) text += bytes_of(piece);
  return from_string(std::move(text));
}

ssize_t read_source(void* raw, std::uint64_t offset, char* into, std::size_t most) noexcept {
  const auto got = static_cast<BodySource*>(raw)->read(offset, {into, most});
  if (!got) {
    log::failure(log::id::body_broken_off, "A body broke off while it was sent.", got.error());
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
  return *got == 0 ? MHD_CONTENT_READER_END_WITH_ERROR : static_cast<ssize_t>(*got);
}

ReplyHandle from_source(std::unique_ptr<BodySource> source) {
  if (!source || source->size() == 0) return from_string({});
  ReplyHandle made(
      MHD_create_response_from_callback(source->size(), source_block, &read_source, source.get(),
                                        [](void* raw) { delete static_cast<BodySource*>(raw); }));
  if (made) static_cast<void>(source.release());  // NOLINT(bugprone-unused-return-value): MHD's now
  return made;
}

}  // namespace

ReplyHandle make_reply(Response response) noexcept {
  ReplyHandle made;
  if (auto* text = std::get_if<std::string>(&response.body)) {
    made = from_string(std::move(*text));
  } else if (auto* chain = std::get_if<Chain>(&response.body)) {
    made = from_chain(*chain);
  } else {
    made = from_source(std::move(std::get<std::unique_ptr<BodySource>>(response.body)));
  }
  if (!made) return made;
  for (const auto& [name, value] : response.headers) {
    if (MHD_add_response_header(made.get(), name.c_str(), value.c_str()) != MHD_YES) {
      log::error(log::id::header_unsendable, "A reply has a header that cannot be sent.",
                 {{"HEADER", name}});
      return {};
    }
  }
  return made;
}

}  // namespace gims::http
