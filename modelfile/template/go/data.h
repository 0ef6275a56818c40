// What a Go template sees: the chat as Ollama hands it over.
#pragma once

#include <string>
#include <vector>

#include "modelfile/template.h"
#include "modelfile/template/go/value.h"

namespace hearth::modelfile::go {

// One turn, with the marks of trust already on it.
struct Turn {
  MarkedText role;
  MarkedText content;
  MarkedText thinking;
  Json tool_calls = Json::array();  // {"id", "function": {"name", "arguments"}}
  MarkedText tool_name;
  MarkedText tool_call_id;
};

// A whole chat. Neighbouring turns of one role (except tool) are joined by a blank line.
struct Chat {
  MarkedText system;  // all system turns, joined the same way; they stay in `turns` too
  std::vector<Turn> turns;
  Json tools = Json::array();
  MarkedText prompt;  // text of the last user turn
  MarkedText suffix;
  bool has_think = false;
  bool think = false;
  MarkedText think_level;
};

// From the variables of a Jinja template (context_json).
Chat read_chat(const Json& context);

// The root of the data: Messages, Tools, System, Response ...
Value chat_data(const Chat& chat, Heap& heap);
// Prompt and Suffix of a fill-in-the-middle request.
Value infill_data(const Chat& chat, Heap& heap);
// One exchange, for templates that know no messages.
struct Exchange {
  MarkedText system;
  MarkedText prompt;
  MarkedText response;

  bool is_pending() const { return !prompt.is_empty() || !response.is_empty(); }
};
Value exchange_data(const Exchange& exchange, const Chat& chat, Heap& heap);
// Data given under the names that templates use (System, Prompt, Messages ...).
Value named_data(const Json& context, Heap& heap);

}  // namespace hearth::modelfile::go
