// The Anthropic dialect, /v1/messages: JSON bodies to neutral types and back.
// Readers throw Error{invalid_argument} naming the field, and Error{unsupported} for blocks that
// this version cannot read; fields that change nothing here are named in ChatRequest::warnings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/reply_writer.h"
#include "api/types.h"

namespace hearth::api {

ChatRequest read_anthropic_messages(std::string_view body);
// The same fields without max_tokens; only the prompt counts.
ChatRequest read_anthropic_count(std::string_view body);

std::string write_anthropic_count(int64_t tokens);
std::string write_anthropic_models(const std::vector<ModelSummary>& models);
std::string write_anthropic_model(const ModelSummary& model);

// `id` is the whole "msg_..." text.
class AnthropicWriter : public ReplyWriter {
 public:
  AnthropicWriter(const ChatRequest& request, std::string id);
  Dialect dialect() const override { return Dialect::anthropic; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(const WholeAnswer& answer, WallTime now) override;

 private:
  enum class Block : uint8_t { none, thinking, text };

  void begin(const ChatEvent& event, std::vector<std::string>& frames);
  void open(Block block, std::vector<std::string>& frames);
  void close(std::vector<std::string>& frames);
  void add_delta(Json delta, std::vector<std::string>& frames) const;
  void add_call(const modelfile::ToolCall& call, std::vector<std::string>& frames);
  Json stop_fields(const ChatEvent& event) const;

  Json head_;
  bool has_begun_ = false;
  bool has_pinged_ = false;
  bool has_calls_ = false;
  Block block_ = Block::none;
  std::string thoughts_;  // of the open block
  size_t index_ = 0;      // of the open block, or of the next one
};

}  // namespace hearth::api
