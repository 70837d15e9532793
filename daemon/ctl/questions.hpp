// What commands have in common that ask gimsd: one answer, or the pages of a list, as text or as
// JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/commands.hpp"
#include "json/value.hpp"

namespace gims::ctl {

inline constexpr std::chrono::seconds no_end{0};

class Questions {
 public:
  using Text = std::function<std::string(json::Value)>;
  using PagesText = std::function<std::string(const std::vector<json::Document>&)>;

  // All outlive this.
  Questions(const std::string& socket, const bool& json, const Surroundings& surroundings) noexcept
      : socket_(socket), json_(json), surroundings_(surroundings) {}

  // Fails with gimsd's words where it refused.
  [[nodiscard]] Result<json::Document> ask(const Question& question) const;
  // `text` reads the answer in any case: it may say what the exit status is.
  [[nodiscard]] Result<Outcome> show(const Question& question, const Text& text) const;
  // Asks, and says in `done` what was done.
  [[nodiscard]] Result<Outcome> tell(const Question& question, std::string_view done) const;
  // `path` may have a query. At most so many; 0: all.
  [[nodiscard]] Result<Outcome> list(const std::string& path, std::string_view name,
                                     const PagesText& text, std::string after = {},
                                     std::int64_t most = 0) const;
  [[nodiscard]] Result<std::vector<json::Document>> all_pages(const std::string& path,
                                                              std::string after = {},
                                                              std::int64_t most = 0) const;

 private:
  const std::string& socket_;
  const bool& json_;
  const Surroundings& surroundings_;
};

}  // namespace gims::ctl
