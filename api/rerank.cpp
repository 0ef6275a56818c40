#include "api/rerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "api/json.h"
#include "api/limits.h"
#include "api/native/common_fields.h"
#include "base/error.h"

namespace hearth::api {
namespace {

std::string read_document(const Json& value, const std::string& what) {
  if (value.is_string()) return value.get<std::string>();
  const std::optional<std::string> text = Fields(value, what).text("text");
  if (!text) throw Error(ErrorCode::invalid_argument, what + "text: missing");
  return *text;
}

}  // namespace

RerankRequest read_rerank(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  RerankRequest request;
  request.model = read_model_name(fields);
  const std::optional<std::string> query = fields.text("query");
  if (!query) throw Error(ErrorCode::invalid_argument, "query: missing");
  request.query = *query;
  const Json* documents = fields.array("documents");
  if (documents == nullptr) documents = fields.array("texts");  // as text-embeddings-inference says
  if (documents == nullptr || documents->empty())
    throw Error(ErrorCode::invalid_argument, "documents: expected at least one");
  check_count("documents", documents->size(), documents_max);
  for (size_t i = 0; i < documents->size(); ++i)
    request.documents.push_back(read_document((*documents)[i], fmt::format("documents[{}].", i)));
  const int64_t all = static_cast<int64_t>(documents->size());
  const int64_t top = fields.integer("top_n").value_or(all);
  if (top < 1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("top_n: expected at least 1, found {}", top));
  }
  request.top_count = static_cast<size_t>(std::min(top, all));
  request.returns_documents = fields.boolean("return_documents").value_or(false);
  request.truncate = fields.boolean("truncate").value_or(true);
  request.keep_alive = read_keep_alive(fields);
  note_unread(fields, request.warnings);
  return request;
}

std::string write_rerank(const RerankRequest& request, const RerankReply& reply, std::string id) {
  std::vector<size_t> order(reply.scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return reply.scores[a] > reply.scores[b]; });
  order.resize(std::min(order.size(), request.top_count));
  Json results = Json::array();
  for (const size_t index : order) {
    Json entry;
    entry["index"] = index;
    entry["relevance_score"] = reply.scores[index];
    if (request.returns_documents) entry["document"] = {{"text", request.documents[index]}};
    results.push_back(std::move(entry));
  }
  Json value;
  value["id"] = std::move(id);
  value["object"] = "list";
  value["model"] = request.model;
  value["results"] = std::move(results);
  value["usage"] = {{"prompt_tokens", reply.input_tokens}, {"total_tokens", reply.input_tokens}};
  return to_line(value);
}

}  // namespace hearth::api
