#include "modelfile/template/go/inference.h"

#include <catch2/catch.hpp>

using namespace hearth::modelfile::go;

namespace {

std::string tags(const char* source) {
  const ThinkingTags found = infer_thinking_tags(parse_template(source));
  return found.open + "," + found.close;
}

std::string tool_tag(const char* source) {
  return infer_tool_call_tag(parse_template(source));
}

}  // namespace

TEST_CASE("thoughts stand between the texts around .Thinking") {
  CHECK(tags("{{ range .Messages }}<a>{{ if .Thinking }}\n<think>\n{{ .Thinking }}</think>\n{{ end "
             "}}b{{ end }}") == "<think>,</think>");
  CHECK(tags("{{- range $i, $_ := $.Messages }}{{ if and .Thinking (eq .Role \"assistant\") }}"
             "<t>{{ .Thinking }}</t>{{ end }}{{ end }}") == "<t>,</t>");
  CHECK(tags("{{ .Thinking }}{{ range .Tools }}<t>{{ .Thinking }}</t>{{ end }}") == ",");
  CHECK(tags("{{ range .Messages }}{{ .Thinking }}{{ end }}") == ",");
  CHECK(tags("{{ range .Messages }}{{ .Content }}{{ end }}") == ",");
}

TEST_CASE("tool calls begin with the first text of their branch") {
  CHECK(tool_tag("{{ range .Messages }}{{ if .ToolCalls }}<tool_call>\n{{ range .ToolCalls "
                 "}}{\"name\": 1}{{ end }}"
                 "</tool_call>{{ end }}{{ end }}") == "<tool_call>");
  CHECK(tool_tag("{{ if .Content }}x{{ else if .ToolCalls }} {{ range .ToolCalls }}[TOOL_CALLS] "
                 "[{{ .ID }}{{ end }}{{ end }}"
                 "{{ .Messages }}") == "[TOOL_CALLS] [");
  CHECK(tool_tag(
            "{{ if .ToolCalls }}{{ range .ToolCalls }} {\"name\": {{ .ID }}}{{ end }}{{ end }}") ==
        "{");
  CHECK(tool_tag("{{ if .ToolCalls }}{{ .ToolCalls }}{{ end }}") == "{");
  CHECK(tool_tag("{{ if .Tools }}<tools>{{ end }}").empty());
}
