// Spec: client-server API, "Receipts", "Read and unread markers".
#include <array>
#include <utility>
#include <vector>

#include "api/client/room_calls.hpp"
#include "api/client/sync.hpp"
#include "json/fields.hpp"

namespace gims::api::client {
namespace {

using service::Receipts;

Result<Receipts::Mark> mark_of(const Call& call) {
  Receipts::Mark mark{.type = param_of(call, "receiptType"),
                      .event_id = param_of(call, "eventId"),
                      .thread_id = std::nullopt};
  if (const json::Value thread = call.body().get("thread_id")) {
    const auto text = thread.as_string();
    if (!text) {
      return fail(ErrorKind::bad_input, "M_INVALID_PARAM",
                  "thread_id must be a string: \"main\", or the id of the thread's first event.");
    }
    mark.thread_id = *text;
  }
  return mark;
}

void post_receipt(Receipts& receipts, Call call) {
  auto mark = mark_of(call);
  if (!mark) return std::move(call).error(mark.error());
  auto user = call.caller().user_id;
  auto room = param_of(call, "roomId");
  std::vector<Receipts::Mark> marks;
  marks.push_back(std::move(*mark));
  receipts.set(std::move(user), std::move(room), std::move(marks), answer_done(std::move(call)));
}

Result<std::vector<Receipts::Mark>> markers_of(const Call& call) {
  std::vector<Receipts::Mark> marks;
  constexpr std::array<std::string_view, 3> types = {"m.fully_read", "m.read", "m.read.private"};
  for (const std::string_view type : types) {
    GIMS_TRY_ASSIGN(const auto event, json::optional_string(call.body(), type));
    if (event) {
      marks.push_back(
          {.type = std::string(type), .event_id = std::string(*event), .thread_id = std::nullopt});
    }
  }
  return marks;
}

void post_markers(Receipts& receipts, Call call) {
  auto marks = markers_of(call);
  if (!marks) return std::move(call).error(marks.error());
  auto user = call.caller().user_id;
  auto room = param_of(call, "roomId");
  receipts.set(std::move(user), std::move(room), std::move(*marks), answer_done(std::move(call)));
}

}  // namespace

Routes receipt_routes(Receipts& receipts) {
  Routes routes;
  routes.push_back(write_route(
      http::Method::post, "/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}",
      BodyKind::json_object_or_empty, small_body, http::Run::on_pool,
      [&receipts](Call call) { post_receipt(receipts, std::move(call)); }));
  routes.push_back(
      write_route(http::Method::post, "/_matrix/client/v3/rooms/{roomId}/read_markers",
                  BodyKind::json_object, small_body, http::Run::on_pool,
                  [&receipts](Call call) { post_markers(receipts, std::move(call)); }));
  for (Route& route : routes) route = while_suspended(std::move(route));
  return routes;
}

}  // namespace gims::api::client
