#include "ctl/questions.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"

namespace gims::ctl {
namespace {

constexpr std::int64_t page = 500;  // entries of a list that are asked for at once

std::string joined(const std::vector<json::Document>& pages, std::string_view name) {
  json::Writer out;
  out.begin_object().key(name).begin_array();
  for (const json::Document& each : pages) {
    for (const json::Value element : each.root().get(name).array()) out.value(element);
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

}  // namespace

Result<json::Document> Questions::ask(const Question& question) const {
  GIMS_TRY_ASSIGN(Reply reply, surroundings_.ask(socket_, question));
  if (reply.status == 200) return std::move(reply.json);
  const json::Value refusal = reply.json.root();
  return fail(ErrorKind::forbidden, refusal.get("errcode").string_or("M_UNKNOWN"),
              refusal.get("error").string_or("gimsd refused without a reason."));
}

Result<Outcome> Questions::show(const Question& question, const Text& text) const {
  GIMS_TRY_ASSIGN(const auto answer, ask(question));
  Outcome outcome;
  outcome.out = text(answer.root());
  if (json_) outcome.out = answer.root().to_text() + "\n";
  return outcome;
}

Result<Outcome> Questions::tell(const Question& question, std::string_view done) const {
  return show(question, [&](json::Value) { return std::string(done) + "\n"; });
}

Result<Outcome> Questions::list(const std::string& path, std::string_view name,
                                const PagesText& text, std::string after, std::int64_t most) const {
  GIMS_TRY_ASSIGN(const auto pages, all_pages(path, std::move(after), most));
  Outcome outcome;
  outcome.out = json_ ? joined(pages, name) : text(pages);
  return outcome;
}

Result<std::vector<json::Document>> Questions::all_pages(const std::string& path, std::string after,
                                                         std::int64_t most) const {
  std::vector<json::Document> pages;
  std::int64_t left = most == 0 ? INT64_MAX : most;
  while (left > 0) {
    const std::int64_t wanted = std::min(left, page);
    std::string question =
        path + (path.contains('?') ? "&" : "?") + "limit=" + std::to_string(wanted);
    if (!after.empty()) question += "&after=" + escaped(after);
    GIMS_TRY_ASSIGN(auto answer, ask({.path = std::move(question)}));
    const json::Value next = answer.root().get("next");
    const bool more = next.valid();
    after = next.is_string() ? std::string(next.string_or("")) : std::to_string(next.int_or(0));
    left -= wanted;
    pages.push_back(std::move(answer));
    if (!more) break;
  }
  return pages;
}

}  // namespace gims::ctl
