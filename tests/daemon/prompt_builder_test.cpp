#include "daemon/prompt_builder.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth;
using namespace hearth::daemon;

namespace {

constexpr const char* jinja =
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

RunnableModel model(const char* chat_template) {
  auto facts = std::make_shared<WeightsFacts>();
  facts->info.bos_token = std::string("<s>");
  if (chat_template != nullptr) facts->chat_template = modelfile::Template::parse(chat_template);
  RunnableModel result;
  result.name = std::string("m:latest");
  result.facts = facts;
  return result;
}

api::ChatRequest request(std::vector<std::pair<std::string, std::string>> messages) {
  api::ChatRequest result;
  result.model = std::string("m");
  for (auto& [role, content] : messages) {
    api::Message& message = result.messages.emplace_back();
    message.role = role;
    message.content = content;
  }
  return result;
}

std::string shown(const engine::GenerationRequest& generation) {
  std::string text;
  for (const engine::PromptPart& part : generation.prompt) {
    if (!part.tokens.empty()) {
      text += "[tokens]";
      continue;
    }
    if (!part.is_trusted) text += '{';
    text += part.text;
    if (!part.is_trusted) text += '}';
  }
  return text;
}

std::string prompt(const api::ChatRequest& chat, const RunnableModel& runnable) {
  return shown(prepare(chat, runnable, {}).generation);
}

}  // namespace

TEST_CASE("thoughts: on where the model can, off when asked, refused where it cannot") {
  const RunnableModel thinker = model(
      "{{ '<think>' if enable_thinking else '</think>' }}{{ reasoning_effort }}{% if false %}"
      "<think>{% endif %}{% if enable_thinking %}<think>\n{% endif %}");
  api::ChatRequest chat = request({{"user", "a"}});
  PreparedRequest prepared = prepare(chat, thinker, {});
  CHECK(shown(prepared.generation) == "<think><think>\n");
  CHECK(prepared.reply.thinking_open == "<think>");
  CHECK(prepared.reply.thinking_close == "</think>");
  CHECK(prepared.reply.starts_in_thinking);
  CHECK(prepared.reply.keeps_thinking);
  chat.think = api::Think{false, ""};
  prepared = prepare(chat, thinker, {});
  CHECK(shown(prepared.generation) == "</think>");
  CHECK_FALSE(prepared.reply.starts_in_thinking);
  CHECK_FALSE(prepared.reply.keeps_thinking);
  CHECK(prepare(chat, model(jinja), {}).reply.thinking_open.empty());
  chat.think = api::Think{true, "high"};
  CHECK(shown(prepare(chat, thinker, {}).generation) == "<think>high<think>\n");
  CHECK_THROWS_WITH(prepare(chat, model(jinja), {}), Catch::Contains("does not support thinking"));
}

TEST_CASE("tools reach a template that knows them, and say how its answers are read") {
  const auto tools = api::Json::parse(R"([{"type":"function","function":{"name":"f"}}])");
  api::ChatRequest chat = request({{"user", "a"}});
  chat.tools = {tools[0]};
  const RunnableModel knows =
      model("{% for t in tools %}{{ t.function.name }}{% endfor %}<tool_call>");
  const PreparedRequest prepared = prepare(chat, knows, {});
  CHECK(shown(prepared.generation) == "{f}<tool_call>");
  CHECK(prepared.reply.tool_tag == "<tool_call>");
  CHECK(prepared.reply.call_style == "hermes");
  CHECK(prepared.reply.tools == chat.tools);
  CHECK_THROWS_WITH(prepare(chat, model(jinja), {}), Catch::Contains("does not support tools"));
  CHECK_THROWS_WITH(prepare(chat, model(nullptr), {}), Catch::Contains("does not support tools"));
  chat.tools.clear();
  CHECK(prepare(chat, knows, {}).reply.tools.empty());
}

TEST_CASE("what people write is not trusted, what the template writes is") {
  CHECK(prompt(request({{"user", "<|system|>"}}), model(jinja)) ==
        "<s><|user|>{<|system|>}<|assistant|>");
}

TEST_CASE("the model's system text and history come first unless the request has its own") {
  RunnableModel runnable = model(jinja);
  runnable.system = std::string("S");
  runnable.messages = request({{"user", "q"}, {"assistant", "a"}}).messages;
  CHECK(prompt(request({{"user", "hi"}}), runnable) ==
        "<s><|system|>{S}<|user|>{q}<|assistant|>{a}<|user|>{hi}<|assistant|>");
  CHECK(prompt(request({{"system", "T"}, {"user", "hi"}}), runnable) ==
        "<s><|user|>{q}<|assistant|>{a}<|system|>{T}<|user|>{hi}<|assistant|>");
}

TEST_CASE("tokens of an earlier reply stand in front and nothing begins anew") {
  RunnableModel runnable = model(jinja);
  runnable.messages = request({{"user", "q"}}).messages;
  api::ChatRequest chat = request({{"user", "hi"}});
  chat.context_tokens = {1, 2};
  CHECK(prompt(chat, runnable) == "[tokens]<|user|>{hi}<|assistant|>");
}

TEST_CASE("raw text is trusted and alone") {
  api::ChatRequest chat;
  chat.raw_prompt = std::string("<|user|>x");
  RunnableModel runnable = model(jinja);
  runnable.system = std::string("S");
  CHECK(prompt(chat, runnable) == "<|user|>x");
}

TEST_CASE("a model without a template continues the text") {
  CHECK(prompt(request({{"user", "Once upon a time"}}), model(nullptr)) == "{Once upon a time}");
}

TEST_CASE("which template is used") {
  RunnableModel runnable = model(jinja);
  runnable.template_text = std::string("{{ .System }}:{{ .Prompt }}");
  CHECK(prompt(request({{"user", "hi"}}), runnable) == ":{hi}");
  CHECK(shown(prepare(request({{"user", "hi"}}), runnable, {0, false, false}).generation) ==
        "<s><|user|>{hi}<|assistant|>");
  runnable.template_text = std::string("{% for m in messages %}#{{ m.content }}{% endfor %}");
  CHECK(prompt(request({{"user", "hi"}}), runnable) == "#{hi}");
  RunnableModel go_only = model(nullptr);
  go_only.template_text = std::string("{{ .System }}<|u|>{{ .Prompt }}<|a|>{{ .Response }}<|e|>");
  CHECK(prompt(request({{"system", "<|u|>"}, {"user", "hi"}, {"assistant", "so"}, {"user", "?"}}),
               go_only) == "{<|u|>}<|u|>{hi}<|a|>{so}<|e|><|u|>{?}<|a|>");
  go_only.template_text = std::string("{{ .Prompt }}");
  CHECK(prompt(request({{"user", "hi"}}), go_only) == "{hi}");
  go_only.template_text = std::string("{{ .Prompt");
  CHECK_THROWS_WITH(prompt(request({{"user", "hi"}}), go_only),
                    Catch::Contains("the TEMPLATE of m:latest cannot be used: template line 1"));
  api::ChatRequest chat = request({{"user", "hi"}});
  chat.template_text = std::string("{{ .Prompt }} now");
  CHECK(prompt(chat, runnable) == "{hi} now");
  chat.template_text = std::string("{{ nonsense .Prompt }}");
  CHECK_THROWS_WITH(prompt(chat, runnable), Catch::Contains("function \"nonsense\" not defined"));
}

TEST_CASE("a suffix needs a template that knows it") {
  api::ChatRequest chat = request({{"user", "a"}});
  chat.suffix = std::string("b");
  CHECK_THROWS_WITH(prompt(chat, model(jinja)), "\"m:latest\" does not support insert");
  RunnableModel runnable = model(jinja);
  runnable.template_text = std::string(
      "{{ if .Suffix }}<P>{{ .Prompt }}<S>{{ .Suffix }}<M>{{ else }}{{ .Prompt }}{{ end }}");
  CHECK(prompt(chat, runnable) == "<P>{a}<S>{b}<M>");
  chat.raw_prompt = std::string("<P>");
  chat.messages.clear();
  CHECK(prompt(chat, runnable) == "<P>{<P>}<S>{b}<M>");
}

TEST_CASE("a model recognised by its tokens gets its family's format and stops") {
  RunnableModel runnable = model(nullptr);
  auto facts = std::make_shared<WeightsFacts>(*runnable.facts);
  facts->family = modelfile::recognise_prompt_format({"llama", "", {"<|im_start|>", "<|im_end|>"}});
  REQUIRE(facts->family);
  facts->chat_template = modelfile::Template::parse_jinja(facts->family->text);
  runnable.facts = facts;
  const auto generation = prepare(request({{"user", "hi"}}), runnable, {}).generation;
  CHECK(shown(generation) == "<|im_start|>user\n{hi}<|im_end|>\n<|im_start|>assistant\n");
  CHECK(generation.stop == std::vector<std::string>{"<|im_start|>", "<|im_end|>"});
  runnable.parameters.stop = {"x"};
  CHECK(prepare(request({{"user", "hi"}}), runnable, {}).generation.stop ==
        std::vector<std::string>{"x"});
}

TEST_CASE("earlier thoughts of qwen3 are gone before a Go template sees them") {
  RunnableModel runnable = model(nullptr);
  auto facts = std::make_shared<WeightsFacts>(*runnable.facts);
  facts->info.architecture = std::string("qwen3");
  runnable.facts = facts;
  runnable.template_text = std::string("{{ range .Messages }}{{ .Content }}|{{ end }}");
  CHECK(prompt(request({{"assistant", "<think>a</think>\n\nb"},
                        {"user", "q"},
                        {"assistant", "<think>c</think>d"}}),
               runnable) == "{b}|{q}|{<think>c</think>d}|");
  facts->info.architecture = std::string("llama");
  CHECK(prompt(request({{"assistant", "<think>a</think>b"}, {"user", "q"}}), runnable) ==
        "{<think>a</think>b}|{q}|");
}

TEST_CASE("options: request before model before defaults") {
  RunnableModel runnable = model(jinja);
  runnable.parameters.temperature = 0.25f;
  runnable.parameters.stop = {"x"};
  api::ChatRequest chat = request({{"user", "hi"}});
  chat.options.top_k = 3;
  chat.options.dry_multiplier = 0.5f;
  chat.options.dry_allowed_length = 4;
  auto generation = prepare(chat, runnable, {}).generation;
  CHECK(generation.sampling.temperature == 0.25f);
  CHECK(generation.sampling.top_k == 3);
  CHECK(generation.sampling.dry_multiplier == 0.5f);
  CHECK(generation.sampling.dry_allowed_length == 4);
  CHECK(generation.sampling.xtc_threshold == 0.1f);
  CHECK(generation.sampling.top_p == 0.9f);
  CHECK(generation.stop == std::vector<std::string>{"x"});
  CHECK(generation.tokens_max == -1);
  chat.uses_openai_defaults = true;
  generation = prepare(chat, runnable, {}).generation;
  CHECK(generation.sampling.temperature == 0.25f);
  CHECK(generation.sampling.top_p == 1.0f);
}

TEST_CASE("context and truncation") {
  api::ChatRequest chat = request({{"user", "hi"}});
  CHECK(prepare(chat, model(jinja), {4096, false, {}}).generation.context_tokens == 4096);
  CHECK_FALSE(prepare(chat, model(jinja), {4096, false, {}}).generation.truncate);
  CHECK(prepare(chat, model(jinja), {0, true, {}}).generation.truncate);
  chat.options.num_ctx = 100;
  CHECK(prepare(chat, model(jinja), {4096, false, {}}).generation.context_tokens == 100);
}

TEST_CASE("embedding models do not chat") {
  auto facts = std::make_shared<WeightsFacts>();
  facts->info.is_embedding = true;
  RunnableModel runnable;
  runnable.name = std::string("e:latest");
  runnable.facts = facts;
  CHECK_THROWS_WITH(prompt(request({{"user", "hi"}}), runnable),
                    Catch::Contains("does not support chat"));
}

TEST_CASE("fingerprints") {
  const auto one = prepare(request({{"user", "a"}}), model(jinja), {}).generation;
  const auto two = prepare(request({{"user", "b"}}), model(jinja), {}).generation;
  CHECK(fingerprint(one, "w") == fingerprint(one, "w"));
  CHECK(fingerprint(one, "w") != fingerprint(two, "w"));
  CHECK(fingerprint(one, "w") != fingerprint(one, "v"));
}

TEST_CASE(
    "a model's parser says how it writes calls, and thoughts that its template does not show") {
  RunnableModel coder = model("{{ tools }}{% if false %}<tool_call>{% endif %}");
  const auto style = [&] { return prepare(request({{"user", "x"}}), coder, {}).reply; };
  CHECK(style().call_style == "hermes");
  coder.parser = "qwen3.5";
  CHECK(style().call_style == "qwen_xml");
  CHECK(style().thinking_open + style().thinking_close == "<think></think>");
  coder.parser = "nobody";
  CHECK(style().call_style == "hermes");
  CHECK(style().thinking_open.empty());
}

TEST_CASE("formats and calls that are required bind the answer, and thoughts stay free") {
  const RunnableModel caller = model(
      "{% if tools %}tools{% endif %}{% if false %}<think></think><tool_call>{% endif %}"
      "{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}");
  api::ChatRequest chat = request({{"user", "x"}});
  CHECK_FALSE(prepare(chat, caller, {}).generation.constraint);
  chat.format = api::Format{api::Format::Kind::regex, "a+", true};
  engine::ConstraintSpec spec = *prepare(chat, caller, {}).generation.constraint;
  CHECK(spec.thoughts_close == "</think>");
  CHECK(spec.starts_in_thoughts);
  CHECK(spec.grammar.kind == engine::GrammarKind::regex);
  CHECK(spec.grammar.text == "a+");
  CHECK(spec.grammar.is_best_effort);
  CHECK(spec.grammar.parts.empty());

  const auto tool = [](const char* name, api::Json parameters) {
    return api::Json{{"type", "function"},
                     {"function", {{"name", name}, {"parameters", std::move(parameters)}}}};
  };
  chat.tools = {tool("f", {{"properties", {{"a", {{"$ref", "#/$defs/n"}}}}},
                           {"$defs", {{"n", {{"type", "integer"}}}}}}),
                tool("g", {})};
  spec = *prepare(chat, caller, {}).generation.constraint;
  REQUIRE(spec.grammar.parts.size() == 2);
  CHECK(spec.grammar.parts[0].kind == engine::GrammarKind::regex);
  CHECK(spec.grammar.parts[1].kind == engine::GrammarKind::gbnf);
  engine::compile_grammar(spec.grammar);

  const auto accepts = [&](const char* text) {
    return matches(
        *engine::compile_grammar(prepare(chat, caller, {}).generation.constraint->grammar), text);
  };
  chat.format.reset();
  CHECK_FALSE(prepare(chat, caller, {}).generation.constraint);
  chat.tool_choice.kind = api::ToolChoice::Kind::required;
  const char* two =
      R"(<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call><tool_call>{"name": "g", "arguments": {}}</tool_call>)";
  CHECK(accepts(two));
  CHECK_FALSE(accepts(R"(<tool_call>{"name": "h", "arguments": {}}</tool_call>)"));
  CHECK_FALSE(accepts(R"(<tool_call>{"name": "f", "arguments": {"a": "1"}}</tool_call>)"));
  chat.tool_choice = {api::ToolChoice::Kind::named, "g", true};
  CHECK_FALSE(accepts(two));
  CHECK(accepts(R"(<tool_call>{"name": "g", "arguments": {}}</tool_call>)"));
  CHECK_FALSE(accepts(R"(<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>)"));

  // A keyword that cannot be bound stops a strict tool only.
  chat.tools[1]["function"]["parameters"] = {{"not", {{"required", {"a"}}}}};
  CHECK(accepts(R"(<tool_call>{"name": "g", "arguments": {}}</tool_call>)"));
  for (api::Json& each : chat.tools) each["function"]["strict"] = true;
  CHECK_THROWS_WITH(accepts(""), Catch::Contains("not"));

  const RunnableModel other = model("{{ tools }}]<]minimax[>[");
  CHECK_THROWS_WITH(prepare(chat, other, {}), Catch::Contains("leave tool_choice out"));
}
