// What the push service answers gimsd, in one piece and byte by byte.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "http/answer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gims::http::AnswerReader;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  AnswerReader at_once;
  const auto whole = at_once.take(text);
  AnswerReader in_bytes;
  gims::Result<bool> so_far = false;
  // Where the answer ends more than that is refused, so nothing is read past its end.
  for (std::size_t i = 0; i < size && so_far; ++i) so_far = in_bytes.take(text.substr(i, 1));
  if (size == 0) return 0;
  GIMS_CHECK(whole.has_value() == so_far.has_value());
  if (!whole) return 0;
  GIMS_CHECK(*whole == *so_far);
  if (!*whole) return 0;
  const auto one = std::move(at_once).answer();
  const auto other = std::move(in_bytes).answer();
  GIMS_CHECK(one.status == other.status && one.body == other.body &&
             one.reusable == other.reusable);
  GIMS_CHECK(one.status >= 200 && one.status <= 599);
  GIMS_CHECK(one.body.size() <= AnswerReader::longest_body);
  return 0;
}
