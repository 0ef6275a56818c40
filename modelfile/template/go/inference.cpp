#include "modelfile/template/go/inference.h"

#include <algorithm>

namespace hearth::modelfile::go {
namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  const size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(spaces) - first + 1));
}

bool mentions(const Pipeline& pipeline, std::string_view name) {
  const auto in_operand = [&](const Operand& operand) {
    if (operand.pipeline && mentions(*operand.pipeline, name)) return true;
    return std::find(operand.path.begin(), operand.path.end(), name) != operand.path.end();
  };
  return std::any_of(pipeline.commands.begin(), pipeline.commands.end(), [&](const Command& one) {
    return std::any_of(one.operands.begin(), one.operands.end(), in_operand);
  });
}

// Later uses win: the condition around a thought comes before the thought itself.
class ThinkingSearch {
 public:
  void visit(const NodeList& nodes, bool in_messages) {
    for (const Node& node : nodes) {
      if (in_messages && mentions(node.pipeline, "Thinking")) take(nodes);
      const bool loops = node.kind == NodeKind::loop;
      visit(node.body, loops ? mentions(node.pipeline, "Messages") : in_messages);
      visit(node.else_body, loops ? mentions(node.pipeline, "Messages") : in_messages);
    }
  }

  ThinkingTags tags;

 private:
  void take(const NodeList& nodes) {
    if (nodes.front().kind == NodeKind::text)
      tags.open = trimmed(nodes.front().text.text()->bytes());
    if (nodes.back().kind == NodeKind::text)
      tags.close = trimmed(nodes.back().text.text()->bytes());
  }
};

const Node* find_tool_branch(const NodeList& nodes) {
  for (const Node& node : nodes) {
    if (node.kind == NodeKind::branch && mentions(node.pipeline, "ToolCalls")) return &node;
    if (const Node* found = find_tool_branch(node.body)) return found;
    if (const Node* found = find_tool_branch(node.else_body)) return found;
  }
  return nullptr;
}

std::string first_text(const NodeList& nodes) {
  for (const Node& node : nodes) {
    std::string text =
        node.kind == NodeKind::text ? trimmed(node.text.text()->bytes()) : first_text(node.body);
    if (text.empty()) text = first_text(node.else_body);
    if (!text.empty()) return text;
  }
  return {};
}

}  // namespace

ThinkingTags infer_thinking_tags(const Program& program) {
  ThinkingSearch search;
  search.visit(program.body, false);
  if (search.tags.open.empty() || search.tags.close.empty()) return {};
  return search.tags;
}

std::string infer_tool_call_tag(const Program& program) {
  const Node* branch = find_tool_branch(program.body);
  if (!branch) return {};
  const std::string text = first_text(branch->body);
  const std::string tag = trimmed(std::string_view(text).substr(0, text.find('{')));
  return tag.empty() ? "{" : tag;
}

}  // namespace hearth::modelfile::go
