// Callbacks that answer a call with what a service gave.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "api/call.hpp"

namespace gims::api {

// For services that give nothing: {} or the error.
[[nodiscard]] inline auto answer_empty(Call call) {
  return [call = std::move(call)](Result<> outcome) mutable {
    if (outcome) {
      std::move(call).reply_empty();
    } else {
      std::move(call).error(outcome.error());
    }
  };
}

// For services that give the JSON itself.
[[nodiscard]] inline auto answer_json(Call call) {
  return [call = std::move(call)](Result<std::string> json) mutable {
    std::move(call).result(std::move(json));
  };
}

// For services that give a T; `encode(const T&)` makes the JSON, `encode()` where T is void.
template <class T, class Encode>
[[nodiscard]] auto answer(Call call, Encode encode) {
  return [call = std::move(call), encode = std::move(encode)](Result<T> outcome) mutable {
    if (outcome) {
      if constexpr (std::is_void_v<T>) {
        std::move(call).reply(encode());
      } else {
        std::move(call).reply(encode(*outcome));
      }
    } else {
      std::move(call).error(outcome.error());
    }
  };
}

}  // namespace gims::api
