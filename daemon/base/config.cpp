#include "base/config.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <set>
#include <system_error>
#include <toml++/toml.hpp>
#include <utility>

#include "base/handle.hpp"

namespace gims {
namespace {

using Milliseconds = std::chrono::milliseconds;

// No configuration of ours is near this.
constexpr std::size_t max_file = std::size_t{1024} * 1024;

struct Unit {
  std::string_view name;
  std::uint64_t worth;
};
constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> size_units{
    {{"GiB", std::uint64_t{1} << 30U}, {"MiB", std::uint64_t{1} << 20U}, {"KiB", 1024}, {"B", 1}}};

// "30s": the number and one of the units, nothing between or after.
std::optional<std::uint64_t> with_unit(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const char* const start = text.data();
  const char* const end = start + text.size();
  const auto [stop, error] = std::from_chars(start, end, number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  const auto* unit =
      std::ranges::find(units.data(), units.data() + units.size(), name, &Unit::name);
  std::uint64_t product = 0;
  if (unit == units.data() + units.size() ||
      __builtin_mul_overflow(number, unit->worth, &product)) {
    return std::nullopt;
  }
  return product;
}

// In the largest unit that needs no fraction.
std::string in_units(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value >= unit.worth && value % unit.worth == 0) {
      return std::to_string(value / unit.worth) + std::string(unit.name);
    }
  }
  return std::to_string(value) + std::string(units.back().name);
}

std::string joined(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : std::string(parent) + "." + std::string(key);
}

std::string numbered(std::string_view parent, std::size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

// Of TOML, section "Keys".
bool is_of_a_bare_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_absolute_path(std::string_view path) {
  return path.starts_with('/') && !path.contains("/../") && !path.ends_with("/..") &&
         !path.contains('\0');
}

const Config::TextRule& path_rule() {
  static const Config::TextRule rule{
      .most = 4095, .good = is_absolute_path, .allowed = "an absolute path without \"..\""};
  return rule;
}

std::string last_error() { return std::error_code(errno, std::generic_category()).message(); }

std::unexpected<Error> config_error(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_CONFIG", text, text);
}

}  // namespace

struct Config::Parsed {
  struct Problem {
    toml::source_position where;
    std::string text;
  };

  std::string source;
  toml::table root;
  std::set<std::string, std::less<>> asked;
  std::vector<Problem> problems;

  const toml::node* find(std::string_view key) const { return root.at_path(key).node(); }

  // For a getter: the node, and the key is known from now on.
  const toml::node* ask(std::string_view key) {
    asked.emplace(key);
    return find(key);
  }

  void note(toml::source_position where, std::string_view key, std::string_view what) {
    std::string text = source;
    if (where) {
      text += ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
    }
    text += ": " + std::string(key) + ": " + std::string(what);
    problems.push_back({.where = where, .text = std::move(text)});
  }
  void must(const toml::node& node, std::string_view key, std::string_view allowed) {
    note(node.source().begin, key, "must be " + std::string(allowed));
  }
  void missing(std::string_view key, std::string_view allowed) {
    note({}, key, "is missing; it must be " + std::string(allowed));
  }

  bool good_text(const toml::node& node, std::string_view key, const TextRule& rule) {
    const auto* text = node.as_string();
    const bool sized = text != nullptr && !text->get().empty() && text->get().size() <= rule.most;
    if (sized && (!rule.good || rule.good(text->get()))) return true;
    must(node, key,
         rule.allowed + (sized ? "" : " of 1 to " + std::to_string(rule.most) + " bytes"));
    return false;
  }

  std::string text(std::string_view key, std::optional<std::string> fallback,
                   const TextRule& rule) {
    const toml::node* node = ask(key);
    if (node == nullptr && !fallback) missing(key, rule.allowed);
    if (node == nullptr || !good_text(*node, key, rule)) return std::move(fallback).value_or("");
    return node->as_string()->get();
  }

  std::int64_t integer(std::string_view key, std::optional<std::int64_t> fallback, Range range) {
    const std::string allowed =
        "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
    const toml::node* node = ask(key);
    if (node == nullptr && !fallback) missing(key, allowed);
    if (node == nullptr) return fallback.value_or(0);
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < range.least || number->get() > range.most) {
      must(*node, key, allowed);
      return fallback.value_or(0);
    }
    return number->get();
  }

  // What may be in the table `parent` (empty: the file), or where nothing may, in the nearest table
  // around it.
  std::string known_in(std::string_view parent) const {
    const std::string prefix = parent.empty() ? "" : std::string(parent) + ".";
    std::set<std::string_view> names;
    for (const std::string& key : asked) {
      if (!key.starts_with(prefix)) continue;
      const std::string_view rest = std::string_view(key).substr(prefix.size());
      names.insert(rest.substr(0, rest.find_first_of(".[")));
    }
    if (names.empty() && !parent.empty()) {
      const auto end = parent.rfind('.');
      return known_in(end == std::string_view::npos ? "" : parent.substr(0, end));
    }
    std::string list;
    for (const std::string_view name : names)
      list += (list.empty() ? "" : ", ") + std::string(name);
    if (list.empty()) return "nothing";
    return list + (parent.empty() ? "" : " in " + std::string(parent));
  }
  void unknown(const toml::node& node, std::string_view parent, std::string_view key) {
    note(node.source().begin, key, "is not known; there can be " + known_in(parent));
  }

  void find_unknown(const toml::table& table, const std::string& parent) {
    for (const auto& [name, child] : table) {
      // In quotes, "a.b" is one name with a dot in it, which no getter asks for.
      const bool bare = std::ranges::all_of(name.str(), is_of_a_bare_key);
      if (bare) {
        find_unknown(child, joined(parent, name.str()), parent);
      } else {
        unknown(child, parent, joined(parent, "\"" + std::string(name.str()) + "\""));
      }
    }
  }

  void find_unknown(const toml::node& node, const std::string& key, const std::string& parent) {
    if (asked.contains(key)) {
      // An array of tables is asked for by its own key and then by those of its tables.
      const auto* array = node.as_array();
      if (array == nullptr || !array->is_array_of_tables()) return;
    }
    if (const auto* table = node.as_table(); table != nullptr && !table->empty()) {
      return find_unknown(*table, key);
    }
    if (const auto* array = node.as_array(); array != nullptr && array->is_array_of_tables()) {
      for (std::size_t i = 0; i < array->size(); ++i) {
        find_unknown(*(*array)[i].as_table(), numbered(key, i));
      }
      return;
    }
    unknown(node, parent, key);
  }
};

Config::Config(std::unique_ptr<Parsed> parsed) noexcept : parsed_(std::move(parsed)) {}
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;

const Config::TextRule& Config::default_rule() {
  static const TextRule rule;
  return rule;
}

Result<Config> Config::load(const std::string& path) {
  const Handle<std::FILE, std::fclose> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return config_error(path + ": " + last_error());
  std::string toml(max_file + 1, '\0');
  toml.resize(std::fread(toml.data(), 1, toml.size(), file.get()));
  if (std::ferror(file.get()) != 0) return config_error(path + ": " + last_error());
  if (toml.size() > max_file) return config_error(path + ": is longer than 1 MiB");
  return parse(toml, path);
}

Result<Config> Config::parse(std::string_view toml, std::string source) {
  auto parsed = std::make_unique<Parsed>();
  parsed->source = std::move(source);
  try {
    parsed->root = toml::parse(toml, std::string_view(parsed->source));
  } catch (const toml::parse_error& error) {
    const toml::source_position where = error.source().begin;
    return config_error(parsed->source + ":" + std::to_string(where.line) + ":" +
                        std::to_string(where.column) + ": " + std::string(error.description()));
  }
  return Config(std::move(parsed));
}

bool Config::has(std::string_view key) const { return parsed_->find(key) != nullptr; }

std::string Config::text(std::string_view key, const TextRule& rule) {
  return parsed_->text(key, std::nullopt, rule);
}

std::string Config::text(std::string_view key, std::string fallback, const TextRule& rule) {
  return parsed_->text(key, std::move(fallback), rule);
}

std::string Config::path(std::string_view key) {
  return parsed_->text(key, std::nullopt, path_rule());
}

std::string Config::path(std::string_view key, std::string fallback) {
  return parsed_->text(key, std::move(fallback), path_rule());
}

std::string Config::choice(std::string_view key, std::string fallback,
                           std::initializer_list<std::string_view> words) {
  const toml::node* node = parsed_->ask(key);
  if (node == nullptr) return fallback;
  const auto* text = node->as_string();
  if (text != nullptr && std::ranges::contains(words, std::string_view(text->get()))) {
    return text->get();
  }
  std::string allowed;
  for (const std::string_view word : words) {
    allowed += (allowed.empty() ? "one of \"" : "\", \"") + std::string(word);
  }
  parsed_->must(*node, key, allowed + "\"");
  return fallback;
}

bool Config::boolean(std::string_view key, bool fallback) {
  const toml::node* node = parsed_->ask(key);
  if (node == nullptr) return fallback;
  const auto* value = node->as_boolean();
  if (value == nullptr) parsed_->must(*node, key, "true or false");
  return value != nullptr ? value->get() : fallback;
}

std::int64_t Config::integer(std::string_view key, Range range) {
  return parsed_->integer(key, std::nullopt, range);
}

std::int64_t Config::integer(std::string_view key, std::int64_t fallback, Range range) {
  return parsed_->integer(key, fallback, range);
}

Milliseconds Config::duration(std::string_view key, Milliseconds fallback, Milliseconds least,
                              Milliseconds most) {
  const toml::node* node = parsed_->ask(key);
  if (node == nullptr) return fallback;
  const auto* text = node->as_string();
  const auto value = text != nullptr ? with_unit(text->get(), duration_units) : std::nullopt;
  if (!value || std::cmp_less(*value, least.count()) || std::cmp_greater(*value, most.count())) {
    const auto shown = [](Milliseconds time) {
      return in_units(static_cast<std::uint64_t>(time.count()), duration_units);
    };
    parsed_->must(*node, key,
                  "a duration from " + shown(least) + " to " + shown(most) + ", such as \"" +
                      shown(fallback) + "\"");
    return fallback;
  }
  return Milliseconds(static_cast<Milliseconds::rep>(*value));
}

std::uint64_t Config::size(std::string_view key, std::uint64_t fallback, std::uint64_t least,
                           std::uint64_t most) {
  const toml::node* node = parsed_->ask(key);
  if (node == nullptr) return fallback;
  std::optional<std::uint64_t> value;
  if (const auto* text = node->as_string()) value = with_unit(text->get(), size_units);
  if (const auto* number = node->as_integer(); number != nullptr && number->get() >= 0) {
    value = static_cast<std::uint64_t>(number->get());
  }
  if (!value || *value < least || *value > most) {
    parsed_->must(*node, key,
                  "a size from " + in_units(least, size_units) + " to " +
                      in_units(most, size_units) + ", such as \"" + in_units(fallback, size_units) +
                      "\"");
    return fallback;
  }
  return *value;
}

std::vector<std::string> Config::texts(std::string_view key, std::size_t least, std::size_t most,
                                       const TextRule& rule) {
  const std::string allowed = "an array of " + std::to_string(least) + " to " +
                              std::to_string(most) + " different texts, each " + rule.allowed;
  const toml::node* node = parsed_->ask(key);
  if (node == nullptr && least > 0) parsed_->missing(key, allowed);
  if (node == nullptr) return {};
  const auto* array = node->as_array();
  if (array == nullptr || array->size() < least || array->size() > most) {
    parsed_->must(*node, key, allowed);
    return {};
  }
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const toml::node& item = (*array)[i];
    if (!parsed_->good_text(item, numbered(key, i), rule)) continue;
    if (std::ranges::contains(texts, item.as_string()->get())) {
      parsed_->must(item, numbered(key, i), "different from those before it");
      continue;
    }
    texts.push_back(item.as_string()->get());
  }
  return texts;
}

std::size_t Config::tables(std::string_view key, std::size_t most) {
  const toml::node* node = parsed_->ask(key);
  if (node == nullptr) return 0;
  const auto* array = node->as_array();
  if (array == nullptr || !array->is_array_of_tables() || array->size() > most) {
    parsed_->must(*node, key,
                  "at most " + std::to_string(most) + " tables, each [[" + std::string(key) + "]]");
    return 0;
  }
  return array->size();
}

void Config::refuse(std::string_view key, std::string_view must) {
  if (const toml::node* node = parsed_->find(key)) {
    parsed_->must(*node, key, must);
  } else {
    parsed_->missing(key, must);
  }
}

Result<> Config::finish() {
  parsed_->find_unknown(parsed_->root, "");
  if (parsed_->problems.empty()) return {};
  std::ranges::stable_sort(parsed_->problems, [](const auto& a, const auto& b) {
    return std::pair(a.where.line, a.where.column) < std::pair(b.where.line, b.where.column);
  });
  std::string text;
  for (const auto& problem : parsed_->problems) {
    text += (text.empty() ? "" : "\n") + problem.text;
  }
  return config_error(text);
}

}  // namespace gims
