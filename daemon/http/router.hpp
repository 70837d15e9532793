// Which route a path belongs to: a tree of segments a door, literals before parameters.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/route.hpp"

namespace gims::http {

// Thread: any, once made.
class Router {
 public:
  // Two routes of one door, method and path are a bug of the tables (check), as is a path that does
  // not start with '/'.
  explicit Router(std::vector<Route> routes);
  Router(Router&&) noexcept;
  Router& operator=(Router&&) = delete;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  ~Router();

  struct Match {
    const Route* route = nullptr;  // null: no route
    Request::Pairs params;
    // Without a route: the methods that the path has ("GET, PUT"); empty: the path is unknown.
    std::string allow;
  };
  // `segments` as parse_target() gives them; taken from for the parameters of a match. HEAD finds
  // the route of GET.
  [[nodiscard]] Match find(Door door, Method method, std::span<std::string> segments) const;

 private:
  struct Node;
  std::vector<Route> routes_;
  std::vector<std::unique_ptr<Node>> roots_;  // by door
};

[[nodiscard]] std::string_view name_of(Method method) noexcept;
[[nodiscard]] Method method_of(std::string_view name) noexcept;

}  // namespace gims::http
