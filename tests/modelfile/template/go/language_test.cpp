// The Go template language piece by piece: source, data and what Go's text/template gives.
#include <catch2/catch.hpp>
#include <ctime>

#include "base/error.h"
#include "modelfile/template.h"

using namespace hearth::modelfile;

namespace {

const Json& data() {
  static const Json json = Json::parse(R"({
    "Name": "Ada", "Empty": "", "Zero": 0, "One": 1, "Two": 2, "Half": 0.5, "Big": 1e21, "Yes": true,
    "No": false, "Null": null, "List": ["a", "b", "c"], "None": [], "Numbers": [3, 1, 2],
    "Map": {"z": 1, "a": {"b": "deep"}, "m": [1, "x", null, true]}, "Umlaut": "äöü",
    "Html": "<a href='x'>&\"</a>",
    "Tools": [{"type": "function", "function": {"name": "f", "description": "does <f>", "parameters":
      {"type": "object", "required": ["x"], "properties": {
        "y": {"type": ["string", "null"], "enum": ["p", "q"]}, "x": {"type": "integer", "description": "an x"},
        "o": {"anyOf": [{"type": "array"}, {"type": "object"}, {"type": "array"}]}, "w": {"type": "wild"}}}}}],
    "Messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "", "thinking": "hm",
      "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"y": "<1>", "a": [1, 2.5]}}}]},
      {"role": "tool", "content": "42", "tool_name": "f", "tool_call_id": "c1"}]
  })");
  return json;
}

std::string rendered(const std::string& source) {
  return to_text(Template::parse_go(source).render_json(data()));
}

std::string error_of(const std::string& source, const RenderLimits& limits = {}) {
  try {
    Template::parse_go(source).render_json(data(), limits);
  } catch (const hearth::Error& error) {
    CHECK(error.code() == hearth::ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

struct Case {
  const char* source;
  const char* expected;
};

}  // namespace

TEST_CASE("texts, trimming and comments") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {"plain } text {", "plain } text {"},
           {"a {{- .Name -}} b", "aAdab"},
           {"a \t\r\n {{- .Name }} b", "aAda b"},
           {"a {{ .Name -}} \n\n b", "a Adab"},
           {"{{3}}{{-3}} {{- 3}}", "3-33"},
           {"a {{/* note */}} b", "a  b"},
           {"a {{- /* two\nlines */ -}} b", "ab"},
           {"{{ \"a }} b\" }}", "a }} b"},
           {"{{\n.Name\n}}", "Ada"},
           {"{{- .Name -}}", "Ada"},
       }) {
    CAPTURE(source);
    CHECK(rendered(source) == expected);
  }
}

TEST_CASE("literals and printing") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {R"({{ "q\"\n\t\\\x41\u00e9\101" }})",
            "q\"\n\t\\Aé"
            "A"},
           {"{{ `raw\\n \"` }}", "raw\\n \""},
           {"{{ 'a' }} {{ '\\n' }} {{ 'ä' }}", "97 10 228"},
           {"{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ -7 }} {{ +7 }}",
            "31 5 15 15 1000 -7 7"},
           {"{{ 1.5 }} {{ 1e3 }} {{ .5 }} {{ 1e21 }} {{ 1e-5 }}", "1.5 1000 0.5 1e+21 1e-05"},
           {"{{ true }} {{ false }}", "true false"},
           {"{{ .Name }} {{ .One }} {{ .Half }} {{ .Yes }}", "Ada 1 0.5 true"},
           {"{{ .List }} {{ .Map }}", "[a b c] map[a:map[b:deep] m:[1 x <nil> true] z:1]"},
           {"[{{ .Nothing }}] [{{ .Map.q }}] [{{ .Null }}]", "[] [<no value>] [<no value>]"},
           {"{{ .Map.a.b }} {{ (index .Map \"a\").b }}", "deep deep"},
           {"{{ . | len | print }}", "18"},
       }) {
    CAPTURE(source);
    CHECK(rendered(source) == expected);
  }
}

TEST_CASE("if, with, range and variables") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {"{{ if .Name }}y{{ end }}{{ if .Empty }}n{{ end }}{{ if .Zero }}n{{ end }}", "y"},
           {"{{ if .None }}a{{ else if .Nothing }}b{{ else if .Yes }}c{{ else }}d{{ end }}", "c"},
           {"{{ with .Map.a }}{{ .b }}{{ else }}n{{ end }}{{ with .Empty }}n{{ else }}{{ .Name "
            "}}{{ end }}",
            "deepAda"},
           {"{{ with .Empty }}a{{ else with .Name }}{{ . }}{{ else }}c{{ end }}", "Ada"},
           {"{{ with $x := .Name }}{{ $x }}{{ . }}{{ end }}", "AdaAda"},
           {"{{ range .List }}<{{ . }}>{{ end }}", "<a><b><c>"},
           {"{{ range $i, $v := .List }}{{ $i }}{{ $v }}{{ $.Name }} {{ end }}",
            "0aAda 1bAda 2cAda "},
           {"{{ range $v := .List }}{{ $v }}{{ end }}", "abc"},
           {"{{ range $k, $v := .Map }}{{ $k }}={{ $v }};{{ end }}",
            "a=map[b:deep];m=[1 x <nil> true];z=1;"},
           {"{{ range .None }}a{{ else }}none{{ end }}{{ range .Null }}a{{ else }}nil{{ end }}",
            "nonenil"},
           {"{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}", "01201"},
           {"{{ range .List }}{{ if eq . \"b\" }}{{ continue }}{{ end }}{{ . }}{{ end }}", "ac"},
           {"{{ range .List }}{{ if eq . \"b\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "a"},
           {"{{ range .List }}{{ range $.Numbers }}{{ break }}{{ end }}{{ . }}{{ end }}", "abc"},
           {"{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"},
           {"{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21"},
           {"{{ $l := \"\" }}{{ range .List }}{{ $l = . }}{{ end }}{{ $l }}", "c"},
           {"{{ $i := 0 }}{{ range $i = .Numbers }}{{ end }}{{ $i }}", "2"},
           {"{{ define \"t\" }}[{{ . }}{{ $ }}]{{ end }}{{ template \"t\" .Name }}{{ template "
            "\"t\" }}",
            "[AdaAda][<no value><no value>]"},
           {"{{ block \"b\" .List }}{{ range . }}{{ . }}{{ end }}{{ end }}", "abc"},
       }) {
    CAPTURE(source);
    CHECK(rendered(source) == expected);
  }
}

TEST_CASE("functions") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {"{{ and .Name .Zero .Nothing }} {{ or .Empty .Zero .Name }} {{ not .Empty }}",
            "0 Ada true"},
           {"{{ or .Yes (index .List 9) }} {{ and .No (index .List 9) }}", "true false"},
           {"{{ .Name | or .Empty }} {{ .One | and 0 }}", "Ada 0"},
           {"{{ eq .Name \"Bob\" \"Ada\" }} {{ eq 1 1 }} {{ eq .Yes true }} {{ eq .Half 0.5 }}",
            "true true true true"},
           {"{{ eq .Nothing \"x\" }} {{ ne .Nothing \"x\" }} {{ eq .Null .Nothing }} {{ eq .Null "
            "nil }}",
            "false true true true"},
           {"{{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt \"b\" \"a\" }} {{ ge 1.5 2.5 }}",
            "true true true true false"},
           {"{{ len .Umlaut }} {{ len .List }} {{ len .Map }} {{ len \"\" }}", "6 3 3 0"},
           {"{{ index .List 1 }} {{ index .Map \"m\" 1 }} {{ index .Name 0 }} {{ index .List }}",
            "b x 65 [a b c]"},
           {"{{ slice .Name 1 }} {{ slice .Name 0 2 }} {{ slice .List 1 3 }} {{ slice .List 3 }}",
            "da Ad [b c] []"},
           {"{{ slice (slice .List 1) 1 }} {{ index (slice .List 1) 0 }} {{ slice .Umlaut 1 3 }}",
            "[c] b ä"},
           {"{{ print \"a\" 1 2 \"b\" 3 true nil }}|{{ println \"a\" 1 }}",
            "a1 2b3 true <nil>|a 1\n"},
           {"{{ .Name | printf \"%s-%s\" \"x\" }}", "x-Ada"},
           {"{{ html .Html }} {{ js \"<'\\\"\" }} {{ urlquery \"a b&c\" }}",
            "&lt;a href=&#39;x&#39;&gt;&amp;&#34;&lt;/a&gt; \\u003C\\'\\\" a+b%26c"},
           {"{{ json .Map }} {{ json .Null }} {{ json .Html }}",
            "{\"a\":{\"b\":\"deep\"},\"m\":[1,\"x\",null,true],\"z\":1} null "
            "\"\\u003ca href='x'\\u003e\\u0026\\\"\\u003c/a\\u003e\""},
           {"{{ json .Big }} {{ json .Half }} {{ json \"\\x01\\b\" }}", "1e+21 0.5 \"\\u0001\\b\""},
           {"{{ range .Numbers }}{{ if gt . 1 }}{{ . }}{{ end }}{{ end }}", "32"},
       }) {
    CAPTURE(source);
    CHECK(rendered(source) == expected);
  }
}

TEST_CASE("printf") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {R"({{ printf "%s|%d|%v|%q|%t|%%" .Name 7 .List "a\"b" true }})",
            "Ada|7|[a b c]|\"a\\\"b\"|true|%"},
           {R"({{ printf "a%*s." 3 "" }})", "a   ."},
           {R"({{ printf "%5s|%-5s|%05d|%+d|%.2f|%.1s" "a" "b" 42 7 1.005 "xyz" }})",
            "    a|b    |00042|+7|1.00|x"},
           {R"({{ printf "%x %X %c %o %b %e" 255 255 65 8 5 12345.678 }})",
            "ff FF A 10 101 1.234568e+04"},
           {R"({{ printf "%d" "x" }} {{ printf "%s" }} {{ printf "%s" "a" "b" }})",
            "%!d(string=x) %!s(MISSING) a%!(EXTRA string=b)"},
           {R"({{ printf "%s" 5 }} {{ printf "%v" nil }} {{ printf "%!" }})",
            "%!s(int=5) <nil> %!!(MISSING)"},
       }) {
    CAPTURE(source);
    CHECK(rendered(source) == expected);
  }
}

TEST_CASE("messages, tools and calls") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {"{{ range .Messages }}{{ .Role }}:{{ .Content }} {{ end }}",
            "user:hi assistant: tool:42 "},
           {"{{ (index .Messages 1).Thinking }} {{ (index .Messages 2).ToolName }} {{ (index "
            ".Messages 2).ToolCallID }}",
            "hm f c1"},
           {"{{ range (index .Messages 1).ToolCalls }}{{ .ID }} {{ .Function.Index }} {{ "
            ".Function.Name }} "
            "{{ .Function.Arguments }} {{ json .Function.Arguments }}{{ end }}",
            "c1 0 f {\"a\":[1,2.5],\"y\":\"\\u003c1\\u003e\"} "
            "{\"a\":[1,2.5],\"y\":\"\\u003c1\\u003e\"}"},
           {"{{ .Tools }}",
            "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"does "
            "\\u003cf\\u003e\","
            "\"parameters\":{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{"
            "\"o\":{\"anyOf\":[{\"type\":\"array\"},{\"type\":\"object\"},{\"type\":\"array\"}]},"
            "\"w\":{\"type\":\"wild\"},"
            "\"x\":{\"type\":\"integer\",\"description\":\"an x\"},"
            "\"y\":{\"type\":[\"string\",\"null\"],\"enum\":[\"p\",\"q\"]}}}}}]"},
           {"{{ range .Tools }}{{ .Function.Name }}({{ range $n, $p := "
            ".Function.Parameters.Properties }}"
            "{{ $n }}: {{ $p.Type }} {{ toTypeScriptType $p }}, {{ end }}){{ end }}",
            "f(o: <no value> any[] | Record<string, any>, w: wild any, x: integer number, "
            "y: [string null] string | null, )"},
           {"{{ range .Tools }}{{ json . }}{{ break }}{{ end }}{{ eq (len (slice $.Messages 2)) 1 "
            "}}",
            nullptr},
       }) {
    CAPTURE(source);
    if (expected)
      CHECK(rendered(source) == expected);
    else
      CHECK(rendered(source).ends_with("}true"));
  }
}

TEST_CASE("dates are those of the day") {
  std::tm local{};
  local.tm_year = 125;
  local.tm_mon = 2;
  local.tm_mday = 1;
  local.tm_hour = 12;
  local.tm_isdst = -1;
  const auto now = std::chrono::system_clock::from_time_t(std::mktime(&local));
  CHECK(
      to_text(Template::parse_go("{{ currentDate }} {{ currentDate \"2006\" }} {{ yesterdayDate }}")
                  .render_json(data(), {}, now)) == "2025-03-01 2025-03-01 2025-02-28");
}

TEST_CASE("mistakes name the line and the reason") {
  for (const auto& [source, expected] : std::initializer_list<Case>{
           {"a\n{{ .Name", "template line 2: expected }} before the end of the template"},
           {"{{ if .X }}\n", "template line 2: expected {{end}} before the end of the template"},
           {"a{{ end }}", "template line 1: unexpected {{end}}"},
           {"{{ else }}", "template line 1: unexpected {{else}}"},
           {"{{ nothing .X }}", "template line 1: function \"nothing\" not defined"},
           {"{{ $x }}", "template line 1: undefined variable $x"},
           {"{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}", "template line 1: undefined variable $x"},
           {"{{ break }}", "template line 1: {{break}} outside of {{range}}"},
           {"{{ range .L }}{{ define \"x\" }}{{ break }}{{ end }}{{ end }}",
            "outside of {{range}}"},
           {"{{ }}", "missing value for command"},
           {"{{ .Name | }}", "missing value for command"},
           {"{{ \"a }}", "a string is not closed"},
           {"{{ `a }}", "a raw string is not closed"},
           {"{{/* a }}", "a comment is not closed"},
           {"{{ 'ab' }}", "a character constant is not closed"},
           {"{{ \"\\q\" }}", "unknown escape"},
           {"{{ 1x }}", "bad number '1x'"},
           {"{{ 99999999999999999999x }}", "bad number"},
           {"{{ ( .Name }}", "expected )"},
           {"{{ .Name ) }}", "unexpected ')'"},
           {"{{ # }}", "unexpected character '#'"},
           {"{{ .Name | 1 }}", "takes no argument"},
           {"{{ template \"no\" }}", "template \"no\" not defined"},
           {"{{ template .Name }}", "expected a name"},
           {"\n\n{{ .Name.First }}", "template line 3: can't evaluate field First in type string"},
           {"{{ .Nothing.First }}", "nil pointer evaluating interface {}.First"},
           {"{{ range .Messages }}{{ .Nope }}{{ end }}",
            "can't evaluate field Nope in type *api.Message"},
           {"{{ index .List 3 }}", "index out of range: 3"},
           {"{{ index .List -1 }}", "index out of range: -1"},
           {"{{ index .List \"a\" }}", "cannot index slice/array with type string"},
           {"{{ index .One 1 }}", "can't index item of type int"},
           {"{{ index .Nothing 1 }}", "index of untyped nil"},
           {"{{ slice .List 2 1 }}", "invalid slice index: 2 > 1"},
           {"{{ slice .Name 0 9 }}", "index out of range: 9"},
           {"{{ slice .Name 0 1 2 }}", "cannot 3-index slice a string"},
           {"{{ slice .One 1 }}", "can't slice item of type int"},
           {"{{ len .One }}", "len of type int"},
           {"{{ len .Nothing }}", "len of nil pointer"},
           {"{{ eq 1 \"1\" }}", "incompatible types for comparison"},
           {"{{ eq 1 }}", "missing argument for comparison"},
           {"{{ eq .List .List }}", "non-comparable type"},
           {"{{ lt .Yes .No }}", "invalid type for comparison"},
           {"{{ lt .Nothing 1 }}", "invalid type for comparison"},
           {"{{ ne 1 }}", "wrong number of arguments for ne: want 2 got 1"},
           {"{{ not }}", "wrong number of arguments for not"},
           {"{{ and }}", "wrong number of arguments for and"},
           {"{{ len (and) }}", "wrong number of arguments for and"},
           {"{{ .Name 1 }}", "can't give argument to non-function Name"},
           {"{{ 1 | .Name }}", "can't give argument to non-function Name"},
           {"{{ nil }}", "nil is not a command"},
           {"{{ call .Name }}", "call needs a function"},
           {"{{ printf .One }}", "expected string"},
           {"{{ range .Yes }}{{ end }}", "range can't iterate over a value of type bool"},
           {"{{ 1.A }}", "bad number"},
           {"{{ \"a\".A }}", "unexpected .A behind a value"},
       }) {
    CAPTURE(source);
    const std::string error = error_of(source);
    CAPTURE(error);
    CHECK(error.find(expected) != std::string::npos);
    CHECK(error.find("template line ") == 0);
  }
}

TEST_CASE("Go templates that loop, grow or nest without end are stopped") {
  RenderLimits limits;
  limits.time_max = std::chrono::milliseconds(500);
  limits.output_bytes_max = 1 << 20;
  const auto stops = [&](const std::string& source, std::string_view why) {
    CAPTURE(source.substr(0, 100));
    const std::string error = error_of(source, limits);
    CAPTURE(error);
    CHECK(error.find(why) != std::string::npos);
  };
  stops("{{ range 999999999 }}{{ end }}", "longer than");
  stops("{{ range 9999 }}{{ range 9999 }}{{ range 9999 }}{{ end }}{{ end }}{{ end }}",
        "longer than");
  stops("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}", "calls itself");
  stops("{{ $s := \"xxxxxxxxxxxxxxxx\" }}{{ range 100 }}{{ $s = print $s $s }}{{ end }}",
        "more than");
  stops("{{ range 9999999 }}0123456789012345678901234567890123456789{{ end }}", "more than");
  stops("{{ printf \"%99999999d\" 1 }}", "too wide");
  stops("{{ range 99999 }}{{ printf \"%999999d\" 1 }}{{ end }}", "more than");
  for (const std::string& piece :
       {std::string("("), std::string("{{ if 1 }}"), std::string("not (")}) {
    std::string source = piece[0] == '{' ? "" : "{{ ";
    for (int i = 0; i < 100000; ++i) source += piece;
    stops(source + " 1 }}", "nested too deeply");
  }
}

TEST_CASE("Go marks of trust survive every way of handling a text") {
  const Json context{{"messages", {{{"role", "user"}, {"content", " <|x|> Hello, World <|x|> "}}}}};
  for (const char* use : {"$c",
                          "slice $c 1",
                          "slice $c 0 5",
                          "print $c",
                          "print 1 $c",
                          "println $c",
                          "printf \"%s\" $c",
                          "printf \"%40s\" $c",
                          "printf \"%q\" $c",
                          "printf \"%v\" $c",
                          "printf \"%.9s\" $c",
                          "printf $c",
                          "printf \"%d\" $c",
                          "json $c",
                          "json .Messages",
                          "html $c",
                          "js $c",
                          "urlquery $c",
                          "$c | print",
                          "$c | printf \"%s-%s\" $c",
                          "or \"\" $c",
                          "and 1 $c",
                          "index .Messages 0 | json",
                          ".Messages",
                          "slice .Messages 0 | print",
                          "(index .Messages 0).Content"}) {
    CAPTURE(use);
    const std::string source =
        std::string("{{ $c := (index .Messages 0).Content }}{{ ") + use + " }}";
    std::string trusted;
    bool has_untrusted = false;
    for (const RenderedPart& part : Template::parse_go(source).render_json(context)) {
      if (part.is_trusted) trusted += part.text + "\x01";
      has_untrusted = has_untrusted || !part.is_trusted;
    }
    CAPTURE(trusted);
    for (const char* piece : {"<|", "|>", "x", "ello", "lt;"})
      CHECK(trusted.find(piece) == std::string::npos);
    CHECK(has_untrusted);
  }
}
