// The OpenAI dialect, /v1/*: JSON bodies to neutral types and back.
// Readers throw Error{invalid_argument} naming the field, and Error{unsupported} for fields of
// features that this version does not have; fields that change nothing here are named in the
// request's warnings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/embed_types.h"
#include "api/reply_writer.h"
#include "api/types.h"

namespace hearth::api {

ChatRequest read_openai_chat(std::string_view body);
// A request per prompt; the first one has the warnings and how to answer.
std::vector<ChatRequest> read_openai_completion(std::string_view body);

struct OpenAiEmbedRequest : EmbedRequest {
  bool is_base64 = false;  // vectors as base64 of little-endian float32 instead of numbers
};
OpenAiEmbedRequest read_openai_embeddings(std::string_view body);
std::string write_openai_embeddings(const OpenAiEmbedRequest& request, const EmbedReply& reply);

std::string write_openai_chat_count(int64_t tokens);
std::string write_openai_models(const std::vector<ModelSummary>& models);
std::string write_openai_model(const ModelSummary& model);

// Chunks of /v1/chat/completions. `id` is the whole "chatcmpl-..." text.
class OpenAiChatWriter : public ReplyWriter {
 public:
  OpenAiChatWriter(const ChatRequest& request, std::string id, WallTime created);
  Dialect dialect() const override { return Dialect::openai; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(const WholeAnswer& answer, WallTime now) override;

 private:
  std::string chunk(size_t index, Json delta, const Json& finish_reason,
                    const ChatEvent* event = nullptr) const;

  Json head_;
  bool includes_usage_;
  std::vector<size_t> call_counts_;  // per answer, so far
  std::vector<bool> has_role_;       // per answer: its first chunk has gone out
};

// Chunks of /v1/completions. `id` is the whole "cmpl-..." text.
class OpenAiCompletionWriter : public ReplyWriter {
 public:
  OpenAiCompletionWriter(const std::vector<ChatRequest>& requests, std::string id,
                         WallTime created);
  Dialect dialect() const override { return Dialect::openai; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(const WholeAnswer& answer, WallTime now) override;

 private:
  struct Answer {
    std::string echo;
    size_t text_offset = 0;  // bytes of text that stood before the next token
  };

  Json choice(const ChatEvent& event);

  Json head_;
  bool includes_usage_;
  std::vector<Answer> answers_;
};

}  // namespace hearth::api
