// How a chat goes through a Go template: joined turns, one run or one per exchange, where an answer
// goes on, fill in the middle, thinking.
#include "modelfile/template/go/render.h"

#include <catch2/catch.hpp>

#include "modelfile/template.h"
#include "modelfile/template/marked_text.h"

using namespace hearth::modelfile;

namespace {

Message message(std::string role, std::string content) {
  Message result;
  result.role = std::move(role);
  result.content = std::move(content);
  return result;
}

std::string prompt(const char* source, const RenderContext& context) {
  return to_text(Template::parse_go(source).render(context));
}

using Turns = std::vector<std::pair<std::string, std::string>>;

std::string turns_prompt(const char* source, const Turns& turns) {
  RenderContext context;
  for (const auto& [role, content] : turns) context.messages.push_back(message(role, content));
  return prompt(source, context);
}

constexpr const char* legacy =
    "{{ if .System }}S:{{ .System }} {{ end }}{{ if .Prompt }}P:{{ .Prompt }} {{ end }}R:{{ "
    ".Response }}<end> ";

}  // namespace

TEST_CASE("templates that know messages run once, neighbours of one role joined") {
  constexpr const char* source =
      "{{ .System }}|{{ range .Messages }}{{ .Role }}={{ .Content }};{{ end }}{{ .Response }}!";
  CHECK(turns_prompt(
            source,
            {{"system", "a"}, {"system", "b"}, {"user", "c"}, {"user", "d"}, {"system", "e"}}) ==
        "a\n\nb\n\ne|system=a\n\nb;user=c\n\nd;system=e;!");
  CHECK(turns_prompt(source, {{"tool", "1"}, {"tool", "2"}}) == "|tool=1;tool=2;!");
}

TEST_CASE("joined turns keep the calls of both") {
  RenderContext context;
  for (const char* name : {"f", "g"}) {
    context.messages.push_back(message("assistant", name));
    context.messages.back().tool_calls.push_back({"", name, Json::object()});
  }
  CHECK(
      prompt("{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Index }}{{ .Function.Name }}"
             "{{ .Function.Arguments }} {{ end }}{{ end }}",
             context) == "0f{} 1g{} ");
}

TEST_CASE("older templates run once per exchange and end where the answer begins") {
  CHECK(turns_prompt(legacy, {{"user", "hi"}}) == "P:hi R:");
  CHECK(turns_prompt(legacy, {{"system", "s"}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}}) ==
        "S:s P:a R:b<end> P:c R:");
  CHECK(turns_prompt(legacy, {{"user", "a"}, {"assistant", "b"}}) == "P:a R:b");
  CHECK(turns_prompt(legacy, {{"user", "a"}, {"system", "s"}, {"user", "c"}}) ==
        "P:a R:<end> S:s P:c R:");
  CHECK(turns_prompt(legacy, {}) == "R:");
}

TEST_CASE("the answer goes on behind the first use of .Response, also inside of a block") {
  CHECK(turns_prompt("{{ if .Prompt }}U {{ .Prompt }} A {{ .Response }} E{{ else }}x{{ end }} Z",
                     {{"user", "hi"}}) == "U hi A ");
  CHECK(turns_prompt("{{ if .Response }}has{{ end }}{{ .Prompt }}: {{ print .Response }} tail",
                     {{"user", "q"}, {"assistant", "so"}}) == "hasq: so");
}

TEST_CASE("a template that names neither messages nor response gets the response at its end") {
  CHECK(turns_prompt("{{ .System }}>{{ .Prompt }}",
                     {{"user", "a"}, {"assistant", "b"}, {"user", "c"}}) == ">ab>c");
  CHECK(turns_prompt("{{ .Prompt }}", {{"user", "hi"}}) == "hi");
}

TEST_CASE("a prompt with a suffix asks for what stands between") {
  constexpr const char* source =
      "{{ if .Suffix }}<PRE>{{ .Prompt }}<SUF>{{ .Suffix }}<MID>{{ else }}{{ range .Messages }}{{ "
      ".Content }}{{ end }}{{ end }}";
  RenderContext context;
  context.messages.push_back(message("user", "def f("));
  CHECK(prompt(source, context) == "def f(");
  context.suffix = "return 1<MID>";
  CHECK(Template::parse_go(source).render(context) ==
        std::vector<RenderedPart>{{"<PRE>", true},
                                  {"def f(", false},
                                  {"<SUF>", true},
                                  {"return 1<MID>", false},
                                  {"<MID>", true}});
}

TEST_CASE("what is known about thinking") {
  constexpr const char* source =
      "{{ .IsThinkSet }} {{ .Think }} {{ .ThinkLevel }}{{ range .Messages }}{{ end }}";
  RenderContext context;
  CHECK(prompt(source, context) == "false false ");
  context.enable_thinking = false;
  CHECK(prompt(source, context) == "true false ");
  context.enable_thinking = true;
  context.reasoning_effort = "high";
  CHECK(prompt(source, context) == "true true high");
  context.enable_thinking.reset();
  CHECK(prompt(source, context) == "true true high");
}

TEST_CASE("roles are trusted when everybody knows them, contents never") {
  RenderContext context;
  context.messages.push_back(message("user", "<|b|>"));
  context.messages.push_back(message("end|><|start", ""));
  CHECK(Template::parse_go("{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}")
            .render(context) == std::vector<RenderedPart>{{"<|user|>", true},
                                                          {"<|b|>", false},
                                                          {"<|", true},
                                                          {"end|><|start", false},
                                                          {"|>", true}});
}

TEST_CASE("contents of parts, arguments as text, odd tools and odd messages") {
  const Json context = Json::parse(R"({"messages": [5, {"role": "user", "content":
      [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]},
      {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\": 1}"}}, 7]}],
      "tools": [1, {"type": "function"}]})");
  CHECK(to_text(Template::parse_go(
                    "{{ range .Messages }}{{ .Content }}{{ range .ToolCalls }}{{ .Function.Name }}"
                    "{{ .Function.Arguments }}{{ end }}{{ end }}{{ len .Tools }}")
                    .render_json(context)) == "abf{\"a\":1}{}2");
}
