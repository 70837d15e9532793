// The calls of libmicrohttpd into a loop, for its connections and requests. Internal to http/.
// Thread: the loop's.
#pragma once

#include <microhttpd.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "http/exchange.hpp"
#include "http/loop.hpp"

namespace gims::http {

struct Link {
  Peer peer;
  // Of a connection whose TLS is the kernel's.
  sys::Fd tether;
  std::uint64_t tether_number = 0;  // of its registration
  // The last time since gims-tlsd was told of one.
  std::optional<std::chrono::steady_clock::time_point> used;
  bool cut = false;  // at once: it has no more to say
  int fd = -1;
  bool in_request = false;  // from the first look at a whole head to the end of its reply
  // Since when a head or a body is awaited; while a body comes, how much of it came.
  std::chrono::steady_clock::time_point waiting_since;
  std::uint64_t received = 0;
  bool waiting = true;
};

// One request while MHD works on it.
struct RequestSlot {
  enum class Phase : std::uint8_t { head, body, handed_over };
  Loop* loop;
  Exchange* exchange;
  Link* link = nullptr;
  Phase phase = Phase::head;
  const Route* route = nullptr;
  std::unique_ptr<BodySink> sink = nullptr;
  std::size_t body_size = 0;
  // Sent once the body is over; what still comes of it is dropped.
  std::optional<Response> refusal = std::nullopt;
};

struct MhdCallbacks {
  static void* begin(void* loop, const char* target, MHD_Connection* connection) noexcept;
  static MHD_Result access(void* loop, MHD_Connection* connection, const char* url,
                           const char* method, const char* version, const char* data,
                           std::size_t* size, void** slot) noexcept;
  static void completed(void* loop, MHD_Connection* connection, void** slot,
                        MHD_RequestTerminationCode code) noexcept;
  static void connection(void* loop, MHD_Connection* connection, void** link,
                         MHD_ConnectionNotificationCode code) noexcept;
  static std::size_t leave_escapes(void*, MHD_Connection*, char* text) noexcept;
  [[gnu::format(printf, 2, 0)]] static void log(void*, const char* format,
                                                va_list arguments) noexcept;

 private:
  static MHD_Result head(Loop& loop, RequestSlot& slot, MHD_Connection* connection,
                         const char* method) noexcept;
  static void admit(Loop& loop, RequestSlot& slot, std::string_view target,
                    std::size_t head_size) noexcept;
  static MHD_Result body(RequestSlot& slot, const char* data, std::size_t* size) noexcept;
  static void hand_over(Loop& loop, RequestSlot& slot) noexcept;
  static MHD_Result answer(Loop& loop, RequestSlot& slot, MHD_Connection* connection) noexcept;
  static void refuse(RequestSlot& slot, const Error& error) noexcept;
  static MHD_Result send(MHD_Connection* connection, Response response) noexcept;
};

}  // namespace gims::http
