// What a Call holds. For the gate, and for tests of handlers.
#pragma once

#include "api/call.hpp"

namespace gims::api {

struct Call::State {
  http::Responder responder;
  Caller caller;
  json::Document body;
};

}  // namespace gims::api
