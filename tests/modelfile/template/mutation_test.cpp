// Damaged templates: cut, with bytes changed, doubled, moved. Whatever stands in them, both parsers
// and both interpreters end soon, with a text or with an error that names a line.
// HEARTH_MUTATIONS=100000 runs longer (docs/hacking.md).
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "modelfile/template.h"
#include "tests/support/shared.h"
#include "tests/support/template_mutation.h"

using namespace hearth::modelfile;
using hearth::testing::exercise_template;
using hearth::testing::mutated_template;
using hearth::testing::shared_path;

namespace {

// A little of everything, so that the test says something without the shared data too.
const std::vector<std::string>& own_seeds() {
  static const std::vector<std::string> seeds{
      "{%- for m in messages if m.role != 'x' %}{{ '<|' ~ m['role'] ~ '|>' }}{{ "
      "m.content|trim|replace('a', 'b') }}"
      "{% else %}{{ raise_exception('none') }}{% endfor %}{% set ns = namespace(a=[1, 2.5, none], "
      "b={'k': x[1:-1:2]}) %}",
      "{% macro f(a, b=1) %}{{ a * b if b is defined and b > 0 else loop.index }}{% endmacro %}{{ "
      "f('x', b=3) }}"
      "{% for i in range(3) recursive %}{{ i }}{% endfor %}{{ messages|tojson(indent=2) }}{{ "
      "'%5.2f' % 3.14 }}",
      "{{- $s := \"\" }}{{ range $i, $m := .Messages }}{{ if eq $m.Role \"user\" }}{{ $s = printf "
      "\"%s-%5d\" $m.Content $i }}"
      "{{ else if and $m.ToolCalls (gt (len $.Messages) 1) }}{{ range .ToolCalls }}{{ json "
      ".Function.Arguments }}{{ end }}"
      "{{ else }}{{ continue }}{{ end }}{{ slice $m.Content 0 1 }}{{ end }}{{ with .Tools }}{{ . "
      "}}{{ end }}{{ .Response }}",
      "{{ define \"t\" }}{{ . }}{{ end }}{{ template \"t\" .System }}{{ if .Suffix }}<PRE>{{ "
      ".Prompt }}<SUF>{{ .Suffix }}"
      "{{ end }}{{/* note */ -}} {{ index .Messages 0 | json | html }}{{ block \"b\" 1 }}{{ 0x1F "
      "}}{{ end }}"};
  return seeds;
}

std::vector<std::string> all_seeds() {
  std::vector<std::string> seeds = own_seeds();
  for (const char* folder : {"data/chat-templates/llama.cpp", "data/ollama/template"}) {
    const auto path = shared_path(folder);
    if (!path) continue;
    for (const auto& entry : std::filesystem::directory_iterator(*path)) {
      if (entry.path().extension() == ".jinja" || entry.path().extension() == ".gotmpl")
        seeds.push_back(hearth::read_file(entry.path()));
    }
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

}  // namespace

TEST_CASE("damaged templates end soon and never crash") {
  const char* const wanted = std::getenv("HEARTH_MUTATIONS");
  const uint64_t count = wanted ? std::strtoull(wanted, nullptr, 10) : 4000;
  const std::vector<std::string> seeds = all_seeds();
  size_t parsed = 0;
  for (uint64_t number = 0; number < count; ++number) {
    const std::string source = mutated_template(seeds, number);
    CAPTURE(number, source);
    const auto start = std::chrono::steady_clock::now();
    const std::string complaint = exercise_template(source, parsed);
    if (!complaint.empty()) FAIL_CHECK(complaint);
    if (std::chrono::steady_clock::now() - start > std::chrono::seconds(10)) FAIL_CHECK("too slow");
  }
  CHECK(parsed > count / 20);
}

TEST_CASE("every prefix of a template is a text or an error") {
  size_t parsed = 0;
  for (const std::string& seed : own_seeds()) {
    for (size_t size = 0; size <= seed.size(); ++size) {
      const std::string complaint = exercise_template(seed.substr(0, size), parsed);
      CAPTURE(seed.substr(0, size));
      if (!complaint.empty()) FAIL_CHECK(complaint);
    }
  }
  CHECK(parsed >= 8);
}
