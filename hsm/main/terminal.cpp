#include "hsm/main/terminal.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/wipe.hpp"
#include "hsm/proto/ceremony_messages.hpp"
#include "sys/errno.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {
namespace {

constexpr char ctrl_c = 0x03;

// The screen, what scrolled off it, and the cursor to its place (ECMA-48, xterm).
constexpr std::string_view clear_all = "\x1b[2J\x1b[3J\x1b[H";

std::unexpected<Error> ended() {
  return fail(ErrorKind::conflict, "GIMS_KEYD_CEREMONY", "Ended: nothing was changed.");
}

}  // namespace

class Terminal::Hidden {
 public:
  Hidden(sys::Fd fd, const termios& before) : fd_(std::move(fd)), before_(before) {}
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  // What is still to be read may be a part of a share: the shell does not get it.
  ~Hidden() { ::tcsetattr(fd_.get(), TCSAFLUSH, &before_); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  sys::Fd fd_;
  termios before_;
};

Terminal::Terminal(std::unique_ptr<Hidden> hidden) : hidden_(std::move(hidden)) {}
Terminal::Terminal(Terminal&&) noexcept = default;
Terminal::~Terminal() = default;

Result<Terminal> Terminal::open(std::string_view otherwise) {
  sys::Fd fd(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  termios before{};
  if (!fd || ::tcgetattr(fd.get(), &before) != 0) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", otherwise);
  }
  termios hidden = before;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
  hidden.c_lflag |= ICANON | ECHONL;
  hidden.c_cc[VEOL] = ctrl_c;
  const int number = fd.get();
  auto restoring = std::make_unique<Hidden>(std::move(fd), before);
  if (::tcsetattr(number, TCSAFLUSH, &hidden) != 0) return sys::fail_errno("tcsetattr");
  return Terminal(std::move(restoring));
}

Result<> Terminal::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t wrote = ::write(hidden_->fd(), text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return sys::fail_errno("write to the terminal");
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<> Terminal::clear() const { return write(clear_all); }

Result<SecretBytes> Terminal::read_hidden(std::string_view prompt) const {
  GIMS_TRY(write(prompt));
  GIMS_TRY_ASSIGN(SecretBytes line, SecretBytes::zeroed(max_share));
  std::size_t size = 0;
  while (true) {
    char c = 0;
    const ssize_t got = ::read(hidden_->fd(), &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys::fail_errno("read from the terminal");
    if (got == 0 || c == ctrl_c) return ended();
    if (c == '\n') break;
    // What is too long is no share; the rest of the line is read all the same.
    if (size < line.size()) line.writable()[size++] = static_cast<std::uint8_t>(c);
    wipe({reinterpret_cast<std::uint8_t*>(&c), 1});
  }
  return SecretBytes::copy_of(line.bytes().first(size));
}

Result<> Terminal::wait(std::string_view prompt) const {
  GIMS_TRY(read_hidden(prompt));
  return {};
}

}  // namespace gims::hsm
