#include "modelfile/reply/styles.h"

#include <algorithm>

namespace hearth::modelfile::reply {
namespace {

// Names of calls and of arguments are parts of tags, or stand between tags of their own.
std::vector<CallStyle> parameter_styles() {
  return {{.name = "qwen_xml",
           .syntax = Syntax::parameters,
           .open = "<tool_call>",
           .close = "</tool_call>",
           .item_open = "<function=",
           .item_close = "</function>",
           .name_close = ">",
           .key_open = "<parameter=",
           .key_close = ">",
           .value_close = "</parameter>"},
          {.name = "seed",
           .syntax = Syntax::parameters,
           .open = "<seed:tool_call>",
           .close = "</seed:tool_call>",
           .item_open = "<function=",
           .item_close = "</function>",
           .name_close = ">",
           .key_open = "<parameter=",
           .key_close = ">",
           .value_close = "</parameter>"},
          {.name = "glm",
           .syntax = Syntax::parameters,
           .open = "<tool_call>",
           .close = "</tool_call>",
           .key_open = "<arg_key>",
           .key_close = "</arg_key>",
           .value_open = "<arg_value>",
           .value_close = "</arg_value>"},
          {.name = "hunyuan",
           .syntax = Syntax::parameters,
           .open = "<tool_calls:opensource>",
           .close = "</tool_calls:opensource>",
           .item_open = "<tool_call:opensource>",
           .item_close = "</tool_call:opensource>",
           .name_close = "<tool_sep:opensource>",
           .key_open = "<arg_key:opensource>",
           .key_close = "</arg_key:opensource>",
           .value_open = "<arg_value:opensource>",
           .value_close = "</arg_value:opensource>"}};
}

// Names of calls and of arguments are attributes.
std::vector<CallStyle> attribute_styles() {
  return {
      {.name = "minimax",
       .syntax = Syntax::parameters,
       .open = "<minimax:tool_call>",
       .close = "</minimax:tool_call>",
       .item_open = "<invoke name=\"",
       .item_close = "</invoke>",
       .name_close = "\">",
       .key_open = "<parameter name=\"",
       .key_close = "\"",
       .value_open = ">",
       .value_close = "</parameter>"},
      {.name = "minimax_m3",
       .syntax = Syntax::parameters,
       .open = "]<]minimax[>[<tool_call>",
       .close = "]<]minimax[>[</tool_call>",
       .item_open = "]<]minimax[>[<invoke name=\"",
       .item_close = "]<]minimax[>[</invoke>",
       .name_close = "\">",
       .key_open = "]<]minimax[>[<",
       .key_close = ">",
       .value_close = "]<]minimax[>[</{key}>"},
      {.name = "dsml",
       .syntax = Syntax::parameters,
       .open = "<｜DSML｜tool_calls>",
       .close = "</｜DSML｜tool_calls>",
       .item_open = "<｜DSML｜invoke name=\"",
       .item_close = "</｜DSML｜invoke>",
       .name_close = "\">",
       .key_open = "<｜DSML｜parameter name=\"",
       .key_close = "\"",
       .value_open = ">",
       .value_close = "</｜DSML｜parameter>"},
      {.name = "dsml_v32",
       .syntax = Syntax::parameters,
       .open = "<｜DSML｜function_calls>",
       .close = "</｜DSML｜function_calls>",
       .item_open = "<｜DSML｜invoke name=\"",
       .item_close = "</｜DSML｜invoke>",
       .name_close = "\">",
       .key_open = "<｜DSML｜parameter name=\"",
       .key_close = "\"",
       .value_open = ">",
       .value_close = "</｜DSML｜parameter>"},
      {.name = "minicpm",
       .syntax = Syntax::parameters,
       .item_open = "<function name=\"",
       .item_close = "</function>",
       .name_close = "\">",
       .key_open = "<param name=\"",
       .key_close = "\"",
       .value_open = ">",
       .value_close = "</param>"},
  };
}

std::vector<CallStyle> named_json_styles() {
  return {
      {.name = "mistral_args",
       .syntax = Syntax::named_json,
       .open = "[TOOL_CALLS]",
       .name_close = "[ARGS]"},
      {.name = "mistral_id",
       .syntax = Syntax::named_json,
       .open = "[TOOL_CALLS]",
       .name_close = "[CALL_ID]"},
      {.name = "deepseek_v3",
       .syntax = Syntax::named_json,
       .open = "<｜tool▁calls▁begin｜>",
       .close = "<｜tool▁calls▁end｜>",
       .item_open = "<｜tool▁call▁begin｜>",
       .item_close = "<｜tool▁call▁end｜>",
       .name_open = "function<｜tool▁sep｜>",
       .name_close = "\n",
       .layout = {"<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>"}},
      {.name = "deepseek_v31",
       .syntax = Syntax::named_json,
       .open = "<｜tool▁calls▁begin｜>",
       .close = "<｜tool▁calls▁end｜>",
       .item_open = "<｜tool▁call▁begin｜>",
       .item_close = "<｜tool▁call▁end｜>",
       .name_close = "<｜tool▁sep｜>",
       .layout = {"<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>"}},
      {.name = "kimi",
       .syntax = Syntax::named_json,
       .open = "<|tool_calls_section_begin|>",
       .close = "<|tool_calls_section_end|>",
       .item_open = "<|tool_call_begin|>",
       .item_close = "<|tool_call_end|>",
       .name_close = "<|tool_call_argument_begin|>"},
      {.name = "solar",
       .syntax = Syntax::named_json,
       .open = "<|tool_calls|>",
       .close = "<|calls|>",
       .item_open = "<|tool_call:begin|>",
       .item_close = "<|tool_call:end|>",
       .name_open = "<|tool_call:name|>",
       .name_close = "<|tool_call:args|>",
       .layout = {"<|begin|>assistant", "<|content|>", "<|end|>"}},
      {.name = "functionary_v31",
       .syntax = Syntax::named_json,
       .item_open = "<function=",
       .item_close = "</function>",
       .name_close = ">"},
      {.name = "functionary_v32",
       .syntax = Syntax::named_json,
       .item_open = ">>>",
       .name_close = "\n",
       .layout = {">>>all\n"},
       .starts_in = ">>>"},
  };
}

std::vector<CallStyle> json_styles() {
  return {
      {.name = "hermes", .open = "<tool_call>", .close = "</tool_call>"},
      {.name = "mistral", .open = "[TOOL_CALLS]", .is_list = true},
      {.name = "apriel",
       .open = "<tool_calls>",
       .close = "</tool_calls>",
       .is_list = true,
       .layout = {"[END FINAL RESPONSE]"}},
      {.name = "nemotron_v2", .open = "<TOOLCALL>", .close = "</TOOLCALL>", .is_list = true},
      {.name = "toolcall", .open = "<toolcall>", .close = "</toolcall>", .is_list = true},
      {.name = "phi", .open = "<|tool_call|>", .close = "<|/tool_call|>", .is_list = true},
      {.name = "cohere",
       .open = "<|START_ACTION|>",
       .close = "<|END_ACTION|>",
       .name_key = "tool_name",
       .arguments_key = "parameters",
       .is_list = true,
       .layout = {"<|START_TEXT|>", "<|END_TEXT|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"}},
      {.name = "command_r",
       .open = "Action:",
       .name_key = "tool_name",
       .arguments_key = "parameters",
       .is_list = true},
      {.name = "apertus",
       .open = "<|tools_prefix|>",
       .close = "<|tools_suffix|>",
       .name_key = "",
       .is_list = true},
      {.name = "gigachat_v31", .open = "<|function_call|>", .layout = {"<|message_sep|>"}},
      {.name = "gigachat", .open = "function call<|role_sep|>", .layout = {"<|message_sep|>"}},
      {.name = "firefunction", .open = "functools", .is_list = true},
      {.name = "llama3",
       .open = "<|python_tag|>",
       .arguments_key = "parameters",
       .allows_bare = true},
      {.name = "json", .allows_bare = true},
  };
}

std::vector<CallStyle> other_styles() {
  return {
      {.name = "lfm2",
       .syntax = Syntax::pythonic,
       .open = "<|tool_call_start|>",
       .close = "<|tool_call_end|>",
       .quote = "'",
       .allows_bare = true},
      {.name = "olmo3",
       .syntax = Syntax::pythonic,
       .open = "<function_calls>",
       .close = "</function_calls>"},
      {.name = "gemma",
       .syntax = Syntax::key_value,
       .open = "<|tool_call>",
       .close = "<tool_call|>",
       .name_open = "call:",
       .quote = "<|\"|>"},
      {.name = "functiongemma",
       .syntax = Syntax::key_value,
       .open = "<start_function_call>",
       .close = "<end_function_call>",
       .name_open = "call:",
       .quote = "<escape>"},
      {.name = "harmony",
       .syntax = Syntax::messages,
       .open = "<|start|>",
       .header_end = "<|message|>",
       .layout = {"<|end|>", "<|call|>", "<|return|>"}},
      {.name = "glimmer",
       .syntax = Syntax::messages,
       .open = "<|start|>",
       .item_open = "<atem:invoke name=\"",
       .item_close = "</atem:invoke>",
       .name_close = "\">",
       .key_open = "<atem:parameter name=\"",
       .key_close = "\"",
       .value_open = ">",
       .value_close = "</atem:parameter>",
       .header_end = "<|message|>",
       .layout = {"<|eom|>", "<|eot|>"}},
  };
}

}  // namespace

const std::vector<CallStyle>& call_styles() {
  static const std::vector<CallStyle> styles = [] {
    std::vector<CallStyle> all;
    for (const auto& part : {json_styles(), named_json_styles(), parameter_styles(),
                             attribute_styles(), other_styles()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return styles;
}

const CallStyle* style_named(std::string_view name) {
  const auto& all = call_styles();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const CallStyle& style) { return style.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const CallStyle* style_with_tag(std::string_view tag) {
  if (tag.empty() || tag == "{" || tag == "[") return style_named("json");
  const auto& all = call_styles();
  const auto found = std::find_if(all.begin(), all.end(), [tag](const CallStyle& style) {
    return (style.open.empty() ? style.item_open : style.open) == tag;
  });
  return found == all.end() ? nullptr : &*found;
}

OwnTags own_tags(std::string_view tag) {
  OwnTags own;
  // What a template writes before a list of calls may end with the list's bracket.
  own.is_list = tag.ends_with('[') && tag.size() > 1;
  if (own.is_list) tag.remove_suffix(1);
  tag = tag.substr(0, tag.find_last_not_of(" \t\r\n") + 1);
  own.open = tag;
  const bool is_closed = tag.starts_with('<') && !tag.starts_with("<|");
  if (is_closed) own.close = "</" + own.open.substr(1);
  if (tag.ends_with("```json")) own.close = "```";
  return own;
}

CallStyle row_or_own(std::string_view name, std::string_view tag, const OwnTags& own) {
  const CallStyle* row = name.empty() ? style_with_tag(tag) : style_named(name);
  if (row) return *row;
  CallStyle made;
  made.open = own.open;
  made.close = own.close;
  made.is_list = own.is_list;
  return made;
}

std::vector<const CallStyle*> styles_like(const CallStyle& style) {
  std::vector<const CallStyle*> like{&style};
  for (const CallStyle& other : call_styles()) {
    if (other.name != style.name && !style.open.empty() && other.open == style.open)
      like.push_back(&other);
  }
  return like;
}

const std::vector<ThinkingStyle>& thinking_styles() {
  static const std::vector<ThinkingStyle> styles{
      {"<|START_THINKING|>", "<|END_THINKING|>", {"<|START_THINKING|>"}},
      {"<|channel>thought", "<channel|>", {"<|channel>thought"}},
      {"<|inner_prefix|>", "<|inner_suffix|>", {"<|inner_prefix|>"}},
      {"<seed:think>", "</seed:think>", {"<seed:think>"}},
      {"<mm:think>", "</mm:think>", {"<mm:think>"}},
      {"<think:opensource>", "</think:opensource>", {"<think{}>", ":opensource"}},
      {"[THINK]", "[/THINK]", {"[/THINK]"}},
      {"Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]", {"[BEGIN FINAL RESPONSE]"}, false},
      {"<|channel|>analysis<|message|>", "<|end|>", {"<|channel|>", "<|message|>", "analysis"}},
      {" to=self<|message|>", "<|eom|>", {" to=self<|message|>"}},
      {"<|think|>", "<|end|>", {"<|begin|>assistant<|think|>"}},
      {"<think>", "</think>", {"</think>"}, false},
      {"<thought>", "</thought>", {"</thought>"}, false},
  };
  return styles;
}

const std::vector<StyleSign>& style_signs() {
  static const std::vector<StyleSign> signs{
      {"glimmer", {"<atem:"}},
      {"harmony", {"<|channel|>", "<|message|>"}},
      {"gemma", {"<|tool_call>"}},
      {"functiongemma", {"<start_function_call>"}},
      {"deepseek_v3", {"<｜tool▁calls▁begin｜>", "```json"}},
      {"deepseek_v31", {"<｜tool▁calls▁begin｜>"}},
      {"dsml_v32", {"｜DSML｜", "function_calls>"}},
      {"dsml", {"｜DSML｜"}},
      {"kimi", {"<|tool_calls_section_begin|>"}},
      {"cohere", {"<|START_ACTION|>"}},
      {"minimax_m3", {"]<]minimax[>["}},
      {"minimax", {"<minimax:tool_call>"}},
      {"seed", {"<seed:tool_call>"}},
      {"hunyuan", {"<tool_sep", ":opensource"}},
      {"solar", {"<|tool_call:begin|>"}},
      {"apertus", {"<|tools_prefix|>"}},
      {"lfm2", {"<|tool_call_start|>"}},
      {"lfm2", {"<|tool_list_start|>"}},
      {"lfm2", {"List of tools: ["}},
      {"olmo3", {"<function_calls>"}},
      {"mistral_id", {"[TOOL_CALLS]", "[CALL_ID]"}},
      {"mistral_args", {"[TOOL_CALLS]", "[ARGS]"}},
      {"mistral", {"[TOOL_CALLS]"}},
      {"apriel", {"<tool_calls>"}},
      {"nemotron_v2", {"<TOOLCALL>"}},
      {"toolcall", {"<toolcall>"}},
      {"functionary_v32", {">>>${recipient}"}},
      {"minicpm", {"<function name=", "<param name="}},
      {"glm", {"<arg_key>"}},
      {"qwen_xml", {"<function=", "<parameter="}},
      {"functionary_v31", {"<function="}},
      {"hermes", {"<tool_call>"}},
      {"phi", {"<|tool_call|>"}},
      {"gigachat_v31", {"<|function_call|>"}},
      {"gigachat", {"'function call'", "<|role_sep|>"}},
      {"firefunction", {"functools["}},
      {"command_r", {"Action:", "```json"}},
      {"llama3", {"<|python_tag|>"}},
  };
  return signs;
}

}  // namespace hearth::modelfile::reply
