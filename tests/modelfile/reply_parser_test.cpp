// Whole answers in every style: what they mean, and that it does not depend on how they were cut.
// The answers are data: tests/cases/replies/replies.json.
#include "modelfile/reply_parser.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "modelfile/reply/styles.h"
#include "modelfile/template.h"
#include "tests/support/reply_subject.h"
#include "tests/support/shared.h"

using namespace hearth::modelfile;
using hearth::testing::mutated_reply;
using hearth::testing::parse_reply;
using hearth::testing::parse_reply_by_bytes;
using hearth::testing::ParsedReply;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const Json& data() {
  static const Json parsed =
      Json::parse(read_file(HEARTH_SOURCE_DIR "/tests/cases/replies/replies.json"));
  return parsed;
}

std::vector<Tool> tools() {
  return {data()["tools"].begin(), data()["tools"].end()};
}

ReplyStyle style_of(const Json& item) {
  ReplyStyle style;
  style.call_style = item["style"];
  style.tools = tools();
  if (item.contains("thinking_tags")) {
    style.thinking_open = item["thinking_tags"][0];
    style.thinking_close = item["thinking_tags"][1];
  }
  style.starts_in_thinking = item.value("starts_in_thinking", false);
  return style;
}

ReplyStyle hermes() {
  ReplyStyle style;
  style.call_style = "hermes";
  style.tools = tools();
  return style;
}

}  // namespace

TEST_CASE("replies: recorded answers in every style, however they are cut") {
  std::vector<std::string> unread;
  for (const auto& row : reply::call_styles()) unread.emplace_back(row.name);
  for (const Json& item : data()["cases"]) {
    const ReplyStyle style = style_of(item);
    const std::string text = item["text"];
    INFO(style.call_style << ": " << item["name"] << ": " << text);
    unread.erase(std::remove(unread.begin(), unread.end(), style.call_style), unread.end());
    const ParsedReply whole = parse_reply(style, text, {});
    CHECK(whole.content == item.value("content", ""));
    CHECK(whole.thinking == item.value("thinking", ""));
    CHECK(whole.calls == item.value("calls", Json::array()));
    CHECK(whole.warnings.size() == item.value("warnings", size_t{0}));
    bool is_equal = parse_reply_by_bytes(style, text) == whole;
    for (size_t cut = 1; cut < text.size(); ++cut)
      is_equal = is_equal && parse_reply(style, text, {cut}) == whole;
    CHECK(is_equal);
    if (!whole.warnings.empty()) continue;
    for (const std::string& marker : markers(style))
      CHECK((marker.size() < 5 || whole.content.find(marker) == std::string::npos));
  }
  // The only row that others do not read in part.
  CHECK(unread == std::vector<std::string>{"toolcall"});
}

TEST_CASE("replies: damaged answers lose nothing and depend on no cut") {
  std::vector<std::string> seeds;
  std::vector<ReplyStyle> styles;
  for (const Json& item : data()["cases"]) {
    seeds.push_back(item["text"]);
    styles.push_back(style_of(item));
  }
  const char* wanted = std::getenv("HEARTH_MUTATIONS");
  const uint64_t count = wanted ? std::strtoull(wanted, nullptr, 10) / 10 : 2000;
  int failures = 0;
  for (uint64_t number = 0; number < count; ++number) {
    const std::string text = mutated_reply(seeds, number);
    const ReplyStyle& style = styles[number % styles.size()];
    const ParsedReply whole = parse_reply(style, text, {});
    const bool is_equal = parse_reply_by_bytes(style, text) == whole &&
                          parse_reply(style, text, {number % (text.size() + 1)}) == whole;
    // A line end is put between the parts of thoughts, which are few.
    const bool is_no_longer = whole.content.size() + whole.thinking.size() <= text.size() + 8;
    INFO(style.call_style << ": mutation " << number << ": " << text);
    CHECK((is_equal && is_no_longer));
    if (!is_equal && ++failures > 9) break;
  }
}

TEST_CASE("replies: content is not held back longer than it may be a call") {
  ReplyParser parser(hermes());
  CHECK(parser.push("Hello").content == "Hello");
  CHECK(parser.push(" wor").content == " wor");
  CHECK(parser.push("ld <").content == "ld");
  CHECK(parser.push("b>").content == " <b>");
  CHECK(parser.push("<tool_call>{\"name\": \"ping\", \"arguments\": {").tool_calls.empty());
  CHECK(parser.push("}}").tool_calls.size() == 1);
}

TEST_CASE("replies: thoughts that nobody wants are left out") {
  ReplyStyle style = hermes();
  style.thinking_open = "<think>";
  style.thinking_close = "</think>";
  style.keeps_thinking = false;
  const ParsedReply parsed = parse_reply(style, "<think>a</think>b", {});
  CHECK(parsed.thinking.empty());
  CHECK(parsed.content == "b");
}

TEST_CASE("replies: without tools a tag is text") {
  ReplyParser parser(ReplyStyle{});
  CHECK(parser.push("<tool_call>{").content == "<tool_call>{");
  CHECK(parser.finish().content.empty());
}

TEST_CASE("replies: tags that no row has stand before JSON") {
  ReplyStyle style;
  style.tools = tools();
  style.tool_tag = "<call>";
  const std::string call = R"({"name": "add", "arguments": {"a": 1}})";
  CHECK(parse_reply(style, "<call>" + call + "</call>", {}).calls.size() == 1);
  CHECK(parse_reply(style, "<call>" + call + "</call>", {}).content.empty());
  style.tool_tag = "Action: ```json\n[";
  CHECK(parse_reply(style, "Action: ```json\n[" + call + "]```", {}).calls.size() == 1);
}

TEST_CASE("replies: names that a family changes are those of the tools") {
  ReplyStyle style = hermes();
  style.tools.push_back(Json::parse(R"({"function": {"name": "my-tool.x"}})"));
  const ParsedReply parsed =
      parse_reply(style, R"(<tool_call>{"name": "my_tool_x", "arguments": {}})", {});
  REQUIRE(parsed.calls.size() == 1);
  CHECK(parsed.calls[0]["name"] == "my-tool.x");
}

TEST_CASE("replies: a long call is read in time that its length justifies") {
  const std::string value(300'000, 'x');
  const std::string text =
      R"(<tool_call>{"name": "get_weather", "arguments": {"location": ")" + value + "\"}}";
  std::vector<size_t> cuts;
  for (size_t cut = 500; cut < text.size(); cut += 500) cuts.push_back(cut);
  CHECK(parse_reply(hermes(), text, cuts).calls.size() == 1);
}

TEST_CASE("replies: parsers that models name") {
  CHECK(call_style_of_parser("qwen3-coder") == "qwen_xml");
  CHECK(call_style_of_parser("nobody").empty());
  CHECK(thinking_tags_of_parser("ministral").close == "[/THINK]");
  CHECK(thinking_tags_of_parser("qwen3").open.empty());
}

TEST_CASE("replies: the style is what the template writes") {
  CHECK(find_call_style("{% if tools %}<tool_call>{% endif %}") == "hermes");
  CHECK(find_call_style("{% if tool_calls %}[TOOL_CALLS] [{% endif %}") == "mistral");
  CHECK(find_call_style("{{ tools | tojson }}") == "json");
  CHECK(tool_tag_of_style("hermes") == "<tool_call>");
  CHECK(tool_tag_of_style("json") == "{");
  CHECK(find_thinking_tags("{{ x.split('</think>') }}").open == "<think>");
  CHECK(find_thinking_tags("{{ x }}").open.empty());
}

namespace {

struct KnownTemplate {
  const char* file;
  const char* style;
  const char* thinking_open;
};

const std::vector<KnownTemplate> known_templates{
    {"llama.cpp/Apertus-8B-Instruct", "apertus", "<|inner_prefix|>"},
    {"llama.cpp/Apriel-1.6-15b-Thinker-fixed", "apriel", "Here are my reasoning steps:"},
    {"llama.cpp/Bielik-11B-v3.0-Instruct", "hermes", "<think>"},
    {"llama.cpp/ByteDance-Seed-OSS", "seed", "<seed:think>"},
    {"llama.cpp/Cohere2MoE", "cohere", "<|START_THINKING|>"},
    {"llama.cpp/CohereForAI-c4ai-command-r-plus-tool_use", "command_r", ""},
    {"llama.cpp/CohereForAI-c4ai-command-r7b-12-2024-tool_use", "cohere", "<|START_THINKING|>"},
    {"llama.cpp/GLM-4.6", "glm", "<think>"},
    {"llama.cpp/GLM-4.7-Flash", "glm", "<think>"},
    {"llama.cpp/GigaChat3-10B-A1.8B", "gigachat", ""},
    {"llama.cpp/GigaChat3.1-10B-A1.8B", "gigachat_v31", ""},
    {"llama.cpp/Kimi-K2-Instruct", "kimi", ""},
    {"llama.cpp/Kimi-K2-Thinking", "kimi", "<think>"},
    {"llama.cpp/LFM2-8B-A1B", "lfm2", ""},
    {"llama.cpp/LFM2.5-8B-A1B", "lfm2", "<think>"},
    {"llama.cpp/LFM2.5-Instruct", "lfm2", "<think>"},
    {"llama.cpp/MiMo-VL", "hermes", ""},
    {"llama.cpp/MiniMax-M2", "minimax", "<think>"},
    {"llama.cpp/MiniMax-M3", "minimax_m3", "<mm:think>"},
    {"llama.cpp/Mistral-Small-3.2-24B-Instruct-2506", "mistral_id", ""},
    {"llama.cpp/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen_xml", "<think>"},
    {"llama.cpp/NVIDIA-Nemotron-Nano-v2", "nemotron_v2", "<think>"},
    {"llama.cpp/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "hermes", ""},
    {"llama.cpp/Qwen-QwQ-32B", "hermes", "<think>"},
    {"llama.cpp/Qwen-Qwen2.5-7B-Instruct", "hermes", ""},
    {"llama.cpp/Qwen-Qwen3-0.6B", "hermes", "<think>"},
    {"llama.cpp/Qwen3-Coder", "qwen_xml", ""},
    {"llama.cpp/Qwen3.5-4B", "qwen_xml", "<think>"},
    {"llama.cpp/Reka-Edge", "hermes", "<think>"},
    {"llama.cpp/StepFun3.5-Flash", "qwen_xml", "<think>"},
    {"llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek_v3", "<think>"},
    {"llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek_v3", "<think>"},
    {"llama.cpp/deepseek-ai-DeepSeek-V3.1", "deepseek_v31", "<think>"},
    {"llama.cpp/deepseek-ai-DeepSeek-V3.2", "dsml_v32", "<think>"},
    {"llama.cpp/deepseek-ai-DeepSeek-V4", "dsml", "<think>"},
    {"llama.cpp/deepseek-ai-DeepSeek-V4-Flash-0731", "dsml", "<think>"},
    {"llama.cpp/fireworks-ai-llama-3-firefunction-v2", "firefunction", ""},
    {"llama.cpp/google-gemma-4-31B-it", "gemma", "<|channel>thought"},
    {"llama.cpp/google-gemma-4-31B-it-interleaved", "gemma", "<|channel>thought"},
    {"llama.cpp/ibm-granite-granite-3.3-2B-Instruct", "phi", "<think>"},
    {"llama.cpp/ibm-granite-granite-4.0", "hermes", ""},
    {"llama.cpp/llama-cpp-deepseek-r1", "deepseek_v3", "<think>"},
    {"llama.cpp/meetkai-functionary-medium-v3.1", "functionary_v31", ""},
    {"llama.cpp/meetkai-functionary-medium-v3.2", "functionary_v32", ""},
    {"llama.cpp/meta-llama-Llama-3.1-8B-Instruct", "llama3", ""},
    {"llama.cpp/meta-llama-Llama-3.2-3B-Instruct", "json", ""},
    {"llama.cpp/meta-llama-Llama-3.3-70B-Instruct", "llama3", ""},
    {"llama.cpp/mistralai-Ministral-3-14B-Reasoning-2512", "mistral_args", "[THINK]"},
    {"llama.cpp/mistralai-Mistral-Nemo-Instruct-2407", "mistral", ""},
    {"llama.cpp/moonshotai-Kimi-K2", "kimi", ""},
    {"llama.cpp/openai-gpt-oss-120b", "harmony", "<|channel|>analysis<|message|>"},
    {"llama.cpp/openbmb-MiniCPM5-1B", "minicpm", "<think>"},
    {"llama.cpp/poolside-Laguna-S-2.1", "glm", "<think>"},
    {"llama.cpp/poolside-Laguna-XS.2", "glm", "<think>"},
    {"llama.cpp/tencent-Hy3", "hunyuan", "<think:opensource>"},
    {"llama.cpp/unsloth-Apriel-1.5", "apriel", "Here are my reasoning steps:"},
    {"llama.cpp/unsloth-mistral-Devstral-Small-2507", "mistral_args", ""},
    {"llama.cpp/upstage-Solar-Open-100B", "solar", "<|think|>"},
    {"ollama-renderers/gemma4_31b_chat_template", "gemma", "<|channel>thought"},
    {"ollama-renderers/glimmer_chat_template", "glimmer", " to=self<|message|>"},
    {"ollama-renderers/laguna_v8_chat_template", "glm", "<think>"},
    {"ollama-renderers/nemotron35_chat_template", "qwen_xml", "<think>"},
    {"ollama-renderers/qwen38_chat_template", "qwen_xml", "<think>"},
};

// What the template writes for a call, as an answer to the prompt before it; empty where it writes
// none, or changes what stands before.
std::string written_call(const Template& chat_template) {
  RenderContext context;
  context.tools = tools();
  context.bos_token = "<s>";
  context.eos_token = "</s>";
  Message& question = context.messages.emplace_back();
  question.role = "user";
  question.content = "How is the weather?";
  try {
    const std::string prompt = to_text(chat_template.render(context));
    Message& answer = context.messages.emplace_back();
    answer.role = "assistant";
    answer.tool_calls.push_back(
        {"abc123def", "get_weather", Json::parse(R"({"location": "Paris, France", "days": 2})")});
    context.add_generation_prompt = false;
    const std::string all = to_text(chat_template.render(context));
    size_t same = 0;
    while (same < std::min(prompt.size(), all.size()) && prompt[same] == all[same]) ++same;
    // The prompt may end with a tag that is another one here.
    if (same < prompt.size()) same = std::min(same, all.rfind('<', same));
    const bool has_call = all.find("Paris", same) != std::string::npos;
    return has_call ? all.substr(same) : std::string();
  } catch (const hearth::Error&) {
    return {};
  }
}

}  // namespace

TEST_CASE("replies: every real template has its style, and its calls are read back") {
  const auto folder = hearth::testing::shared_path("data/chat-templates");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  size_t read_back = 0;
  for (const KnownTemplate& known : known_templates) {
    INFO(known.file);
    std::filesystem::path path = *folder / (std::string(known.file) + ".jinja");
    if (!std::filesystem::exists(path)) path = *folder / (std::string(known.file) + ".jinja2");
    const Template chat_template = Template::parse_jinja(read_file(path));
    const TemplateTraits& traits = chat_template.traits();
    CHECK(traits.has_tools);
    CHECK(traits.call_style == known.style);
    CHECK(traits.thinking_open == known.thinking_open);
    const std::string written = written_call(chat_template);
    if (written.empty()) continue;
    ReplyStyle style;
    style.call_style = traits.call_style;
    style.tools = tools();
    const ParsedReply parsed = parse_reply(style, written, {});
    INFO(written);
    // Some templates sort the arguments.
    CHECK(nlohmann::json::parse(parsed.calls.dump()) == nlohmann::json::parse(R"([
      {"name": "get_weather", "arguments": {"location": "Paris, France", "days": 2}}])"));
    ++read_back;
  }
  CHECK(read_back >= 40);
}
