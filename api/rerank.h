// POST /rerank, /v1/rerank: how well documents answer a question, in the shape that Jina, Cohere
// and llama.cpp share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/duration.h"

namespace hearth::api {

struct RerankRequest {
  std::string model;
  std::string query;
  std::vector<std::string> documents;
  size_t top_count = 0;  // the best ones that are wanted
  bool returns_documents = false;
  bool truncate = true;  // a document that is too long loses its end instead of failing
  std::optional<Duration> keep_alive;
  std::vector<std::string> warnings;
};

struct RerankReply {
  std::vector<float> scores;  // 0 to 1, in the order of the documents
  int64_t input_tokens = 0;
  int64_t truncated_count = 0;
};

// Throws Error{invalid_argument} naming the field.
RerankRequest read_rerank(std::string_view body);
// Best first.
std::string write_rerank(const RerankRequest& request, const RerankReply& reply, std::string id);

}  // namespace hearth::api
