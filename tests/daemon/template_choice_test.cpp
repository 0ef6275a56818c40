#include "daemon/template_choice.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth;
using namespace hearth::daemon;
using modelfile::Template;

namespace {

const char* const plain_go = "{{ .System }}{{ .Prompt }}";
const char* const tools_go = "{{ .Tools }}{{ range .Messages }}{{ .Content }}{{ end }}";
const char* const round_go =
    "{{ .Tools }}{{ range .Messages }}{{ .ToolCalls }}{{ if eq .Role \"tool\" }}{{ end }}{{ end }}";
const char* const plain_jinja = "{{ messages }}";
const char* const tools_jinja = "{{ tools }}";
const char* const round_jinja = "{{ tools }}{{ m.tool_calls }}{{ m.role == 'tool' }}";
const char* const thinking_jinja = "{{ tools }}<think></think>";

struct Row {
  const char* stored;
  const char* file;
  std::string_view expected;
};

std::string source_of(const TemplateOffer& offer) {
  return choose_template(offer).source;
}

}  // namespace

TEST_CASE("the order of choice between the stored template and the file's") {
  for (const Row& row : std::initializer_list<Row>{
           {nullptr, nullptr, "none"},
           {nullptr, plain_jinja, "file"},
           {plain_go, nullptr, "model"},
           {plain_go, plain_jinja, "model"},
           {plain_go, tools_jinja, "file"},
           {tools_go, tools_jinja, "model"},
           {tools_go, round_jinja, "file"},
           {round_go, tools_jinja, "model"},
           {round_go, round_jinja, "model"},
           {round_go, thinking_jinja, "model"},
           {tools_go, thinking_jinja, "file"},
           {"{% if x %}{% endif %}", thinking_jinja, "model"},
       }) {
    CAPTURE(row.stored ? row.stored : "-", row.file ? row.file : "-");
    TemplateOffer offer;
    std::optional<Template> file;
    if (row.file) file = Template::parse_jinja(row.file);
    if (row.stored) offer.stored = row.stored;
    offer.in_file = file ? &*file : nullptr;
    CHECK(source_of(offer) == row.expected);
    offer.requested = "{{ .Prompt }}";
    CHECK(source_of(offer) == "request");
  }
}

TEST_CASE("what overrules the comparison") {
  const Template file = Template::parse_jinja(plain_jinja);
  TemplateOffer offer;
  offer.stored = plain_go;
  offer.in_file = &file;
  offer.prefers_stored = false;
  CHECK(source_of(offer) == "file");
  const Template able = Template::parse_jinja(round_jinja);
  offer.in_file = &able;
  offer.prefers_stored = true;
  CHECK(source_of(offer) == "model");
  offer.has_renderer = true;
  CHECK(source_of(offer) == "file");
  offer.has_renderer = false;
  offer.architecture = "gptoss";
  offer.stored = "<|start|>{{ .Prompt }}<|end|>";
  CHECK(source_of(offer) == "file");
  offer.prefers_stored.reset();
  offer.architecture = "";
  offer.family = "chatml";
  CHECK(source_of(offer) == "model");
  offer.stored.reset();
  CHECK(source_of(offer) == "family chatml");
}

TEST_CASE("broken templates are named") {
  TemplateOffer offer;
  offer.model = "m:latest";
  offer.file_problem = "template line 3: oops";
  CHECK_THROWS_WITH(choose_template(offer),
                    "the chat template of m:latest cannot be used: template line 3: oops");
  offer.stored = plain_go;
  CHECK(source_of(offer) == "model");
  offer.requested = "{{ if }}";
  try {
    choose_template(offer);
    FAIL();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("what a model can do") {
  using Words = std::vector<std::string>;
  engine::ModelInfo info;
  modelfile::TemplateTraits traits;
  registry::ModelConfig config;
  CHECK(model_capabilities(info, config, false, traits) == Words{"completion"});
  traits.has_tools = traits.has_suffix = traits.has_thinking = true;
  CHECK(model_capabilities(info, config, true, traits) ==
        Words{"completion", "vision", "tools", "insert", "thinking"});
  config.capabilities = {"tools", "completion", "image"};
  info.has_audio = true;
  CHECK(model_capabilities(info, config, false, {}) ==
        Words{"tools", "completion", "image", "audio"});
  info.is_embedding = true;
  info.has_audio = false;
  CHECK(model_capabilities(info, {}, false, traits) == Words{"embedding"});
  info.is_embedding = false;
  info.architecture = "gptoss";
  CHECK(model_capabilities(info, {}, false, {}) == Words{"completion", "thinking"});
}
