// The OpenAI dialect, /v1/*: JSON bodies to neutral types and back.
// Readers throw Error{invalid_argument} naming the field, and Error{unsupported} for fields of
// features that this version does not have; fields that change nothing here are named in
// ChatRequest::warnings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/embed_types.h"
#include "api/reply_writer.h"
#include "api/types.h"

namespace hearth::api {

ChatRequest read_openai_chat(std::string_view body);
ChatRequest read_openai_completion(std::string_view body);

struct OpenAiEmbedRequest : EmbedRequest {
  bool is_base64 = false;  // vectors as base64 of little-endian float32 instead of numbers
};
OpenAiEmbedRequest read_openai_embeddings(std::string_view body);
std::string write_openai_embeddings(const OpenAiEmbedRequest& request, const EmbedReply& reply);

std::string write_openai_models(const std::vector<ModelSummary>& models);
std::string write_openai_model(const ModelSummary& model);

// Chunks of /v1/chat/completions. `id` is the whole "chatcmpl-..." text.
class OpenAiChatWriter : public ReplyWriter {
 public:
  OpenAiChatWriter(const ChatRequest& request, std::string id, WallTime created);
  Dialect dialect() const override { return Dialect::openai; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(std::string_view content, const ChatEvent& final_event, WallTime now) override;

 private:
  std::string chunk(Json choice) const;

  Json head_;
  bool includes_usage_;
  bool is_first_ = true;
  size_t call_count_ = 0;
};

// Chunks of /v1/completions. `id` is the whole "cmpl-..." text.
class OpenAiCompletionWriter : public ReplyWriter {
 public:
  OpenAiCompletionWriter(const ChatRequest& request, std::string id, WallTime created);
  Dialect dialect() const override { return Dialect::openai; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(std::string_view content, const ChatEvent& final_event, WallTime now) override;

 private:
  std::string body(std::string_view text, const ChatEvent& event);

  Json head_;
  bool includes_usage_;
  bool is_stream_ = false;
  size_t text_offset_ = 0;  // bytes of text that stood before the next token
};

}  // namespace hearth::api
