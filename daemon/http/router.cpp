#include "http/router.hpp"

#include <array>
#include <functional>
#include <map>
#include <utility>

#include "base/check.hpp"

namespace gims::http {
namespace {

constexpr std::array<std::pair<std::string_view, Method>, 7> methods{{{"GET", Method::get},
                                                                      {"PUT", Method::put},
                                                                      {"POST", Method::post},
                                                                      {"DELETE", Method::del},
                                                                      {"PATCH", Method::patch},
                                                                      {"OPTIONS", Method::options},
                                                                      {"HEAD", Method::head}}};

bool is_param(std::string_view segment) noexcept {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}
bool is_optional(std::string_view segment) noexcept {
  return is_param(segment) && segment[segment.size() - 2] == '?';
}
std::string param_name(std::string_view segment) {
  return std::string(segment.substr(1, segment.size() - (is_optional(segment) ? 3 : 2)));
}

std::vector<std::string_view> split(std::string_view path) {
  GIMS_CHECK(path.starts_with('/'));
  std::vector<std::string_view> segments;
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    segments.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return segments;
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> param;
  // The routes that end here, those of an optional last segment marked: an empty segment is theirs.
  struct End {
    const Route* route;
    bool takes_empty;
  };
  std::vector<End> ends;

  struct Search {
    Method method;
    std::span<std::string> segments;
    std::vector<const Route*> others;  // same path, another method
  };

  [[nodiscard]] const Route* walk(Search& search, std::size_t at, bool by_empty) const {
    if (at == search.segments.size()) {
      for (const End& end : ends) {
        if (by_empty && !end.takes_empty) continue;
        if (end.route->method == search.method) return end.route;
        search.others.push_back(end.route);
      }
      return nullptr;
    }
    const std::string& segment = search.segments[at];
    if (const auto literal = literals.find(segment); literal != literals.end()) {
      if (const Route* found = literal->second->walk(search, at + 1, false)) return found;
    }
    if (!param) return nullptr;
    const bool empty = segment.empty();
    // Only the last segment may be empty, and only for routes that say so.
    if (empty && at + 1 != search.segments.size()) return nullptr;
    return param->walk(search, at + 1, empty);
  }
};

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    const auto door = static_cast<std::size_t>(route.door);
    while (roots_.size() <= door) roots_.push_back(std::make_unique<Node>());
    Node* node = roots_[door].get();
    bool optional = false;
    const auto add = [&](Node& at, bool takes_empty) {
      for (const Node::End& end : at.ends) GIMS_CHECK(end.route->method != route.method);
      at.ends.push_back({.route = &route, .takes_empty = takes_empty});
    };
    for (std::string_view segment : split(route.path)) {
      GIMS_CHECK(!optional);  // only the last may be
      optional = is_optional(segment);
      if (optional) add(*node, false);  // ".../state/{eventType}" without the last slash
      auto& next = is_param(segment)
                       ? node->param
                       : node->literals.try_emplace(std::string(segment)).first->second;
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
    add(*node, optional);
  }
}

Router::Router(Router&&) noexcept = default;
Router::~Router() = default;

Router::Match Router::find(Door door, Method method, std::span<std::string> segments) const {
  Match match;
  const auto index = static_cast<std::size_t>(door);
  if (index >= roots_.size() || segments.empty()) return match;
  Node::Search search{
      .method = method == Method::head ? Method::get : method, .segments = segments, .others = {}};
  match.route = roots_[index]->walk(search, 0, false);
  if (match.route == nullptr) {
    for (const Route* other : search.others) {
      const std::string_view name = name_of(other->method);
      if (match.allow.find(name) != std::string::npos) continue;
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += name;
    }
    return match;
  }
  std::size_t at = 0;
  for (std::string_view part : split(match.route->path)) {
    if (is_param(part)) {
      match.params.emplace_back(param_name(part),
                                at < segments.size() ? std::move(segments[at]) : std::string());
    }
    ++at;
  }
  return match;
}

std::string_view name_of(Method method) noexcept {
  for (const auto& [name, value] : methods) {
    if (value == method) return name;
  }
  return "OTHER";
}

Method method_of(std::string_view name) noexcept {
  for (const auto& [known, value] : methods) {
    if (known == name) return value;
  }
  return Method::other;
}

}  // namespace gims::http
