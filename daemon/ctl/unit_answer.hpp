// What an act of the unit answers: lines for a person, and last of all how it ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::ctl {

inline constexpr std::size_t longest_act_answer = 4096;  // a line of it
inline constexpr std::size_t most_act_answers = 20'000;  // lines

enum class ActEnd : std::uint8_t {
  done,
  refused,  // nothing was changed
  failed,   // the text says what is to be done
};
struct Acted {
  ActEnd end = ActEnd::done;
  std::string text;
};

// Each line of the answer as it comes, made printable, without its end.
using ShowLine = std::function<void(std::string_view line)>;

// Takes the answer's bytes as they come.
class ActAnswer {
 public:
  // `show` outlives it.
  explicit ActAnswer(const ShowLine& show) noexcept : show_(show) {}
  // Fails (unavailable) where it is no answer of an act; then no more is to be given.
  [[nodiscard]] Result<> take(std::string_view bytes);
  // At the end of the bytes; fails (unavailable) where the act did not say how it ended.
  [[nodiscard]] Result<Acted> end() &&;

 private:
  const ShowLine& show_;
  std::string line_;
  std::size_t lines_ = 0;
  std::optional<Acted> end_;
};

}  // namespace gims::ctl
