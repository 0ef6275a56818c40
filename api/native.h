// The native dialect, /api/*: JSON bodies to neutral types and back.
// Readers throw Error{invalid_argument} naming the field, and Error{unsupported} for fields of
// features that this version does not have. Writers give one line of JSON without the line break.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/create.h"
#include "api/embed_types.h"
#include "api/reply_writer.h"
#include "api/store.h"
#include "api/types.h"

namespace hearth::api {

ChatRequest read_native_generate(std::string_view body);
ChatRequest read_native_chat(std::string_view body);
EmbedRequest read_native_embed(std::string_view body);
EmbedRequest read_native_embeddings(std::string_view body);  // the old endpoint, one prompt
TokenizeRequest read_native_tokenize(std::string_view body);
DetokenizeRequest read_native_detokenize(std::string_view body);
ShowRequest read_native_show(std::string_view body);
CopyRequest read_native_copy(std::string_view body);
DeleteRequest read_native_delete(std::string_view body);
CreateRequest read_native_create(std::string_view body);
TransferRequest read_native_transfer(std::string_view body);
GcRequest read_native_gc(std::string_view body);
VerifyRequest read_native_verify(std::string_view body);
ImportRequest read_native_import(std::string_view body);

std::string write_native_version();
std::string write_native_status();  // that there is no cloud
std::string write_native_embed(const EmbedRequest& request, const EmbedReply& reply);
std::string write_native_embeddings(const EmbedReply& reply);
std::string write_native_tokenize(const std::string& model, const std::vector<int32_t>& tokens);
std::string write_native_detokenize(const std::string& model, std::string_view text);
// What _debug_render_only is answered with.
std::string write_native_rendered(const ChatRequest& request, std::string_view prompt,
                                  WallTime now);
std::string write_health(std::string_view status);
std::string write_native_tags(const std::vector<ModelSummary>& models);
std::string write_native_ps(const std::vector<RunningModel>& models);
std::string write_native_show(const ModelDescription& model);
std::string write_native_progress(const ProgressEvent& event);

// {role, content, thinking?, tool_calls?, ...}; `what` names it in messages ("messages[0].").
Message read_native_message(const Json& value, std::string_view what);
Json write_native_message(const Message& message);

// Writers of answers: chunks of /api/generate and /api/chat.
class NativeGenerateWriter : public ReplyWriter {
 public:
  explicit NativeGenerateWriter(std::string model) : model_(std::move(model)) {}
  Dialect dialect() const override { return Dialect::native; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(const WholeAnswer& answer, WallTime now) override;

 private:
  std::string line(const ChatEvent& event, WallTime now) const;

  std::string model_;
};

class NativeChatWriter : public ReplyWriter {
 public:
  explicit NativeChatWriter(std::string model) : model_(std::move(model)) {}
  Dialect dialect() const override { return Dialect::native; }
  std::vector<std::string> frames(const ChatEvent& event, WallTime now) override;
  std::string whole(const WholeAnswer& answer, WallTime now) override;

 private:
  std::string line(const ChatEvent& event, WallTime now);

  std::string model_;
  size_t call_count_ = 0;
};

}  // namespace hearth::api
