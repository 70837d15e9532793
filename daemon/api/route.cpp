#include "api/route.hpp"

#include <utility>

namespace gims::api {

Routes with_console(Routes table) {
  Routes copies;
  for (const Route& route : table) {
    if (route.door != http::Door::admin || route.console.to == ConsoleAccess::To::nobody) continue;
    Route& copy = copies.emplace_back(route);
    copy.door = http::Door::console;
    copy.auth = Auth::console;
    // The socket's callers are few and known; this door's are counted.
    copy.rate = route.method == http::Method::get ? RateClass::read : RateClass::write;
  }
  for (Route& copy : copies) table.push_back(std::move(copy));
  return table;
}

}  // namespace gims::api
