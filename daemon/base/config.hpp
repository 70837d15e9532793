// The configuration file of a daemon: TOML, read strictly.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gims {

// Reads the values of one file. A getter that does not like what it finds notes the problem and
// gives its fallback (or an empty value), so that a daemon reads everything and then asks finish()
// once; the user sees all problems at a time, each as
//
//   /etc/gims/keyd.toml:7:1: tpm.time_limit: must be a duration of 1s to 120s, such as "30s"
//
// Keys are dotted ("tpm.time_limit"); a table in an array of tables is "listen[0].port". A key that
// no getter asked for is unknown, and a problem, whichever table it is in.
// Thread: one.
class Config {
 public:
  // Fails (bad_input, GIMS_CONFIG) when the file cannot be read or is not TOML; the text says
  // where.
  [[nodiscard]] static Result<Config> load(const std::string& path);
  // `source` stands for the file's name in problems.
  [[nodiscard]] static Result<Config> parse(std::string_view toml, std::string source);

  Config(Config&&) noexcept;
  Config& operator=(Config&&) noexcept;
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  ~Config();

  // What a text must be beside not being empty.
  struct TextRule {
    std::size_t most = 1024;  // bytes
    // Says whether a text is good, and how to tell the user what is ("a DNS name such as
    // \"gims.internal\""). Without, every text is.
    std::function<bool(std::string_view)> good = nullptr;
    std::string allowed = "a text";
  };
  struct Range {
    std::int64_t least;
    std::int64_t most;
  };

  [[nodiscard]] bool has(std::string_view key) const;

  // Without a fallback the key is required.
  [[nodiscard]] std::string text(std::string_view key, const TextRule& rule = default_rule());
  [[nodiscard]] std::string text(std::string_view key, std::string fallback,
                                 const TextRule& rule = default_rule());
  // An absolute path without "..".
  [[nodiscard]] std::string path(std::string_view key);
  [[nodiscard]] std::string path(std::string_view key, std::string fallback);
  // One of a few words.
  [[nodiscard]] std::string choice(std::string_view key, std::string fallback,
                                   std::initializer_list<std::string_view> words);
  [[nodiscard]] bool boolean(std::string_view key, bool fallback);
  [[nodiscard]] std::int64_t integer(std::string_view key, Range range);
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback, Range range);
  // "250ms", "30s", "5m", "24h", "7d".
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view key,
                                                   std::chrono::milliseconds fallback,
                                                   std::chrono::milliseconds least,
                                                   std::chrono::milliseconds most);
  // Bytes: a whole number, or a text such as "64KiB", "50MiB", "2GiB".
  [[nodiscard]] std::uint64_t size(std::string_view key, std::uint64_t fallback,
                                   std::uint64_t least, std::uint64_t most);
  // An array of `least` to `most` texts, all different. A missing key is an empty array.
  [[nodiscard]] std::vector<std::string> texts(std::string_view key, std::size_t least,
                                               std::size_t most,
                                               const TextRule& rule = default_rule());
  // How many tables the array of tables at `key` has; 0 when there is none. At most `most`.
  [[nodiscard]] std::size_t tables(std::string_view key, std::size_t most);

  // Notes a problem that only the caller can see, at the line of `key`.
  void refuse(std::string_view key, std::string_view must);
  // Succeeds when no getter noted a problem and no key is unknown; else fails (bad_input,
  // GIMS_CONFIG) with one problem a line, in the order of the file.
  [[nodiscard]] Result<> finish();

 private:
  struct Parsed;
  static const TextRule& default_rule();
  explicit Config(std::unique_ptr<Parsed> parsed) noexcept;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace gims
