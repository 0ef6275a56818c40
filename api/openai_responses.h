// OpenAI's Responses: POST /v1/responses to neutral types and back.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/reply_writer.h"
#include "api/types.h"

namespace hearth::api {

struct ResponsesRequest {
  ChatRequest chat;
  std::string instructions;           // stands first, before what an earlier response brings along
  std::string previous_response_id;   // empty: none
  std::vector<Message> conversation;  // all but the instructions; after begin_conversation
  bool is_stored = true;              // may be asked for and continued later
  Json echo = Json::object();         // fields of the request that the response repeats
  bool shows_log_probs = false;
  bool shows_encrypted_reasoning = false;
};

// Throws Error{invalid_argument} naming the field, Error{unsupported} for items that this version
// cannot read. The instructions are not among the messages yet.
ResponsesRequest read_openai_responses(std::string_view body);
// The whole conversation: instructions, then what came `before`, then the request's own messages.
void begin_conversation(ResponsesRequest& request, const std::vector<Message>& before);

std::string write_openai_input_tokens(int64_t tokens);
std::string write_openai_deleted_response(const std::string& id);

// `id` is the whole "resp_..." text; those of items are made from it.
class OpenAiResponsesWriter : public ReplyWriter {
 public:
  OpenAiResponsesWriter(const ResponsesRequest& request, std::string id, WallTime created);
  Dialect dialect() const override { return Dialect::openai; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(const WholeAnswer& answer, WallTime now) override;
  std::string failure_frame(int status, std::string_view message) override;

  // After the end: the response object, and what the model said as a message.
  const Json& response() const { return response_; }
  Message message() const;

 private:
  enum class Open : uint8_t { nothing, reasoning, message };

  void add(const ChatEvent& event, WallTime now);
  void begin_stream();
  void open(Open kind);
  void close_item();
  void close_reasoning();
  void close_message();
  void add_call(const modelfile::ToolCall& call);
  void end(const ChatEvent& event, WallTime now);
  void emit(std::string_view type, Json fields);
  std::string item_id(std::string_view kind) const;
  size_t item_index() const { return response_["output"].size(); }

  Json response_;
  std::string suffix_;  // of the id, behind "resp_"
  bool shows_log_probs_;
  bool shows_encrypted_reasoning_;
  std::vector<std::string> frames_;  // of the event being written
  int64_t sequence_number_ = 0;
  bool has_begun_ = false;
  Open open_ = Open::nothing;
  std::string text_;  // of the open item, so far
  Json log_probs_ = Json::array();
};

}  // namespace hearth::api
