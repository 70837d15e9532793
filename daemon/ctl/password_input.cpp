#include "ctl/password_input.hpp"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

namespace gims::ctl {
namespace {

constexpr std::size_t longest = 1024;

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::bad_input, "PASSWORD", text);
}

// No echo while it lives. Signals of the keyboard wait that long, so that they do not leave the
// terminal without echo.
class Silence {
 public:
  explicit Silence(int terminal) noexcept : terminal_(terminal) {
    sigset_t keyboard;
    ::sigemptyset(&keyboard);
    for (const int signal : {SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP}) {
      ::sigaddset(&keyboard, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &keyboard, &signals_);
    ::tcgetattr(terminal_, &before_);
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal_, TCSAFLUSH, &silent);
  }
  ~Silence() {
    ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int terminal_;
  termios before_{};
  sigset_t signals_{};
};

// Up to the end of the input, or of its first line.
Result<Redacted> read_text(int input, bool one_line) {
  std::string text;
  text.reserve(longest + 1);  // no copy is left behind by growing
  for (;;) {
    char byte = 0;
    const ssize_t got = ::read(input, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return wrong("Standard input cannot be read.");
    if (got == 0 || (one_line && byte == '\n')) break;
    if (text.size() == longest) return wrong("A password has at most 1024 bytes.");
    text.push_back(byte);
  }
  if (!one_line && text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return Redacted(std::move(text));
}

Result<Redacted> prompt(int terminal, const char* question) {
  std::fputs(question, stderr);
  Result<Redacted> text = read_text(terminal, true);
  std::fputc('\n', stderr);
  return text;
}

}  // namespace

Result<Redacted> read_password(int input) {
  Redacted password;
  if (::isatty(input) == 1) {
    const Silence silence(input);
    GIMS_TRY_ASSIGN(password, prompt(input, "New password: "));
    GIMS_TRY_ASSIGN(const Redacted again, prompt(input, "Again: "));
    if (password.reveal() != again.reveal()) return wrong("The two are not the same.");
  } else {
    GIMS_TRY_ASSIGN(password, read_text(input, false));
  }
  if (password.empty()) {
    return wrong("There is no password on standard input; give one, or use --generate.");
  }
  if (password.reveal().find('\n') != std::string_view::npos) {
    return wrong("The password on standard input must be one line.");
  }
  return password;
}

Result<Redacted> read_passphrase(int input) {
  if (::isatty(input) != 1) return read_text(input, true);
  const Silence silence(input);
  return prompt(input, "Passphrase of the key: ");
}

}  // namespace gims::ctl
