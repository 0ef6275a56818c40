#include "modelfile/reply_parser.h"

#include <algorithm>
#include <array>

#include "modelfile/reply/reader.h"
#include "modelfile/reply/styles.h"

namespace hearth::modelfile {
namespace {

using reply::CallStyle;
using reply::Syntax;

// Output parsers that models' configurations name, and what they read.
struct ParserRow {
  std::string_view parser;
  std::string_view call_style;
  std::string_view thinking_open;
};

constexpr std::array<ParserRow, 27> parser_rows{{
    {"harmony", "harmony", "<|channel|>analysis<|message|>"},
    {"qwen3", "hermes", ""},
    {"qwen3-thinking", "hermes", "<think>"},
    {"qwen3-coder", "qwen_xml", ""},
    {"qwen3.5", "qwen_xml", "<think>"},
    {"ornith", "qwen_xml", "<think>"},
    {"qwen3-vl-instruct", "hermes", ""},
    {"qwen3-vl-thinking", "hermes", "<think>"},
    {"deepseek3", "deepseek_v31", "<think>"},
    {"cogito", "deepseek_v3", "<think>"},
    {"ministral", "mistral_args", "[THINK]"},
    {"glm-4.7", "glm", "<think>"},
    {"glm-ocr", "glm", ""},
    {"gemma4", "gemma", "<|channel>thought"},
    {"gemma4-no-thinking", "gemma", "<|channel>thought"},
    {"functiongemma", "functiongemma", ""},
    {"lfm2", "lfm2", ""},
    {"lfm2-thinking", "lfm2", "<think>"},
    {"olmo3", "olmo3", ""},
    {"olmo3-think", "", "<think>"},
    {"nemotron-3-nano", "qwen_xml", "<think>"},
    {"nemotron-3.5-nano", "qwen_xml", "<think>"},
    {"cohere", "cohere", "<|START_THINKING|>"},
    {"laguna", "glm", "<think>"},
    {"poolside-v1", "glm", "<think>"},
    {"glimmer", "glimmer", " to=self<|message|>"},
    {"passthrough", "", ""},
}};

const ParserRow* find_parser(std::string_view parser) {
  const auto* found = std::find_if(parser_rows.begin(), parser_rows.end(),
                                   [parser](const ParserRow& row) { return row.parser == parser; });
  return found == parser_rows.end() ? nullptr : found;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

std::string find_call_style(std::string_view template_text) {
  for (const reply::StyleSign& sign : reply::style_signs()) {
    const bool has_all =
        std::all_of(sign.parts.begin(), sign.parts.end(),
                    [&](std::string_view part) { return has(template_text, part); });
    if (has_all) return std::string(sign.style);
  }
  return "json";
}

std::string call_style_of_parser(std::string_view parser) {
  const ParserRow* row = find_parser(parser);
  return row ? std::string(row->call_style) : std::string();
}

std::string tool_tag_of_style(std::string_view call_style) {
  const CallStyle* style = reply::style_named(call_style);
  if (!style || style->name == "json") return "{";
  return std::string(style->open.empty() ? style->item_open : style->open);
}

ThinkingTags find_thinking_tags(std::string_view template_text) {
  for (const reply::ThinkingStyle& style : reply::thinking_styles()) {
    const bool is_there =
        std::all_of(style.signs.begin(), style.signs.end(),
                    [&](std::string_view part) { return has(template_text, part); });
    if (is_there) return {std::string(style.open), std::string(style.close)};
  }
  return {};
}

ThinkingTags thinking_tags_of_parser(std::string_view parser) {
  const ParserRow* row = find_parser(parser);
  if (!row || row->thinking_open.empty()) return {};
  for (const reply::ThinkingStyle& style : reply::thinking_styles()) {
    if (style.open == row->thinking_open)
      return {std::string(style.open), std::string(style.close)};
  }
  return {};
}

std::vector<std::string> markers(const ReplyStyle& style) {
  std::vector<std::string> all{style.thinking_open, style.thinking_close};
  const reply::OwnTags own = reply::own_tags(style.tool_tag);
  const CallStyle row = reply::row_or_own(style.call_style, style.tool_tag, own);
  const bool has_messages = row.syntax == Syntax::messages;
  all.insert(all.end(), row.layout.begin(), row.layout.end());
  if (has_messages) all.insert(all.end(), {"<|channel|>", "<|constrain|>"});
  if (!style.tools.empty()) all.push_back(style.tool_tag);
  if (has_messages || !style.tools.empty()) {
    for (const std::string_view text :
         {row.open, row.close, row.item_open, row.item_close, row.name_open, row.name_close,
          row.key_open, row.key_close, row.value_open, row.value_close, row.quote, row.header_end})
      all.emplace_back(text);
    if (row.open == "[TOOL_CALLS]") all.insert(all.end(), {"[ARGS]", "[CALL_ID]"});
  }
  // Some tags are a token and a word: "<|channel>thought".
  std::vector<std::string> parts;
  for (const std::string& text : all) {
    const size_t end = text.find('>');
    if (text.starts_with('<') && end + 1 < text.size()) parts.push_back(text.substr(0, end + 1));
    const size_t last = text.rfind('<');
    if (last != std::string::npos && last > 0) parts.push_back(text.substr(last));
  }
  all.insert(all.end(), parts.begin(), parts.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  all.erase(std::remove(all.begin(), all.end(), std::string()), all.end());
  return all;
}

ReplyParser::ReplyParser(const ReplyStyle& style) {
  const CallStyle* row = reply::style_named(style.call_style);
  reader_ = row && row->syntax == Syntax::messages ? reply::make_message_reader(style)
                                                   : reply::make_tagged_reader(style);
}

ReplyParser::ReplyParser(ReplyParser&&) noexcept = default;
ReplyParser& ReplyParser::operator=(ReplyParser&&) noexcept = default;
ReplyParser::~ReplyParser() = default;

ReplyPiece ReplyParser::push(std::string_view text) {
  return reader_->push(text);
}

ReplyPiece ReplyParser::finish() {
  return reader_->finish();
}

}  // namespace hearth::modelfile
