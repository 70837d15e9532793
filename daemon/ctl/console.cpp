#include "ctl/console.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "ctl/alarms.hpp"
#include "ctl/keyd_client.hpp"
#include "sys/errno.hpp"

namespace gims::ctl {
namespace {

constexpr std::string_view gimsctl_path = "/usr/bin/gimsctl";
constexpr std::string_view keyd_path = "/usr/lib/gims/gims-keyd";
constexpr std::string_view help =
    "Commands of gimsctl (--help lists them), for example: status, user list, audit verify\n"
    "The unit itself:        unit --help, for example: unit update, unit clock, unit alarms\n"
    "Commands of gims-keyd:  gims-keyd --help, gims-keyd status, gims-keyd unlock\n"
    "A new unit:             setup\n"
    "exit ends.\n";
constexpr std::string_view no_keys = "This unit has no keys yet: setup asks what its site is.\n";
constexpr std::string_view keyd_socket = "/run/gims/keyd.sock";

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::bad_input, "LINE", text);
}

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }

bool is_control(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return (code < 0x20 && letter != '\t') || code == 0x7f;
}

// The rest of a word that begins with a quotation mark; `at` stands behind that, and afterwards
// behind the second.
Result<std::string> quoted(std::string_view line, std::size_t& at) {
  std::string word;
  for (; at < line.size(); ++at) {
    char letter = line[at];
    if (letter == '"') {
      ++at;
      return word;
    }
    if (letter == '\\') {
      if (++at == line.size()) break;
      letter = line[at];
      if (letter != '"' && letter != '\\') return wrong("After \\ comes \" or \\.");
    }
    word.push_back(letter);
  }
  return wrong("A quotation is not closed.");
}

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

std::optional<std::string> read_line(std::string_view prompt) {
  say(prompt);
  std::string line;
  for (;;) {
    char letter = 0;
    const ssize_t got = ::read(STDIN_FILENO, &letter, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    if (letter == '\n') return line;
    // Too long by one is enough to be refused; the rest of the line is read and dropped.
    if (line.size() <= longest_line) line.push_back(letter);
  }
}

Result<int> start_and_wait(const Started& started) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t keys;
  ::sigemptyset(&keys);
  for (const int signal : {SIGINT, SIGQUIT, SIGTSTP}) ::sigaddset(&keys, signal);
  ::posix_spawnattr_setsigdefault(&attributes, &keys);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> words = started.arguments;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, started.path.c_str(), nullptr, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return sys::fail_with_errno("start " + started.path, error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

Result<std::vector<std::string>> words_of(std::string_view line) {
  if (line.size() > longest_line) return wrong("A line has at most 4096 bytes.");
  if (std::ranges::any_of(line, is_control)) return wrong("The line has a control character.");
  std::vector<std::string> words;
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) return words;
    if (words.size() == most_words) return wrong("A line has at most 64 words.");
    std::string word;
    while (at < line.size() && !is_blank(line[at])) {
      if (line[at] == '"') {
        GIMS_TRY_ASSIGN(const std::string part, quoted(line, ++at));
        word += part;
      } else {
        word.push_back(line[at++]);
      }
    }
    words.push_back(std::move(word));
  }
}

Started started_by(std::vector<std::string> words) {
  if (words.front() == "gims-keyd") {
    return {.path = std::string(keyd_path), .arguments = std::move(words)};
  }
  if (words.front() != "gimsctl") words.insert(words.begin(), "gimsctl");
  return {.path = std::string(gimsctl_path), .arguments = std::move(words)};
}

void run_console(const ConsoleSurroundings& surroundings) {
  for (;;) {
    surroundings.say(surroundings.notice());
    const auto line = surroundings.line();
    if (!line) return;
    auto words = words_of(*line);
    if (!words) {
      surroundings.say(words.error().text + "\n");
      continue;
    }
    if (words->empty()) continue;
    if (words->front() == "exit") return;
    if (words->front() == "help") {
      surroundings.say(help);
      continue;
    }
    if (const auto done = surroundings.start(started_by(std::move(*words))); !done) {
      surroundings.say("It could not be started: " + done.error().detail + "\n");
    }
  }
}

void run_console_here() {
  for (const int signal : {SIGINT, SIGQUIT, SIGTSTP}) ::signal(signal, SIG_IGN);
  say("GIMS. help says what can be done here.\n");
  run_console({.notice =
                   [] {
                     return std::string(is_unprovisioned(std::string(keyd_socket)) ? no_keys : "") +
                            alarms_notice(read_alarms(std::string(alarms_file)));
                   },
               .line = [] { return read_line("gims> "); },
               .say = say,
               .start = start_and_wait});
}

}  // namespace gims::ctl
