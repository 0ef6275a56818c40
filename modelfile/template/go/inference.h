// What a Go template tells about the model behind it: how thoughts and tool calls are written, and
// so what a reply must be searched for.
#pragma once

#include <string>

#include "modelfile/template/go/ast.h"

namespace hearth::modelfile::go {

struct ThinkingTags {
  std::string open;  // "<think>"; empty when nothing could be inferred
  std::string close;
};

// The texts around .Thinking inside of a range over .Messages.
ThinkingTags infer_thinking_tags(const Program& program);

// The first text of the first branch on .ToolCalls, up to its first brace; "{" when calls are bare
// JSON, empty when there is no such branch.
std::string infer_tool_call_tag(const Program& program);

}  // namespace hearth::modelfile::go
