// A Response in libmicrohttpd's form. Internal to http/.
#pragma once

#include "base/handle.hpp"
#include "http/response.hpp"

struct MHD_Response;
// NOLINTNEXTLINE(readability-identifier-naming): the library's own name
extern "C" void MHD_destroy_response(MHD_Response*);

namespace gims::http {

using ReplyHandle = Handle<MHD_Response, MHD_destroy_response>;

// Empty when memory is short or a header is not one (a line break in it).
[[nodiscard]] ReplyHandle make_reply(Response response) noexcept;

}  // namespace gims::http
