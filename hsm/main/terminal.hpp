// The terminal at which people show and type shares, passphrases and PINs.
#pragma once

#include <memory>
#include <string_view>

#include "base/secret.hpp"

namespace gims::hsm {

// As long as it lives, nothing that is typed is shown, also between two questions, and Ctrl-C ends
// the line that is being typed and not the process. Movable. Thread: one.
class Terminal {
 public:
  // The terminal of this process, whatever stdin and stdout are. Fails (bad_input,
  // GIMS_KEYD_REQUEST) with the text `otherwise` where it has none.
  [[nodiscard]] static Result<Terminal> open(std::string_view otherwise);
  Terminal(Terminal&& other) noexcept;
  Terminal& operator=(Terminal&&) = delete;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  [[nodiscard]] Result<> write(std::string_view text) const;
  // Also what has scrolled away, where the terminal can do that.
  [[nodiscard]] Result<> clear() const;
  // A line, in locked memory, of which max_share bytes are kept. Fails (GIMS_KEYD_CEREMONY) when it
  // is ended by Ctrl-C or Ctrl-D.
  [[nodiscard]] Result<SecretBytes> read_hidden(std::string_view prompt) const;
  // Until Enter.
  [[nodiscard]] Result<> wait(std::string_view prompt) const;

 private:
  // Makes the terminal as it was before.
  class Hidden;
  explicit Terminal(std::unique_ptr<Hidden> hidden);
  std::unique_ptr<Hidden> hidden_;
};

}  // namespace gims::hsm
