// The OpenAI dialect, /v1/*: JSON bodies to neutral types and back.
// Readers throw Error{invalid_argument} naming the field, and Error{unsupported} for fields of
// features that this version does not have; fields that change nothing here are named in
// ChatRequest::warnings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/reply_writer.h"
#include "api/types.h"

namespace hearth::api {

ChatRequest read_openai_chat(std::string_view body);

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
  Json head(std::string_view object) const;
  std::string chunk(Json delta, const Json& finish_reason) const;

  std::string model_;
  std::string id_;
  int64_t created_seconds_;
  bool includes_usage_;
  bool is_first_ = true;
};

}  // namespace hearth::api
