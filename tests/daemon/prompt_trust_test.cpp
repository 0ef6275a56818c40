// Nobody can write a control token into a prompt: every special token of real vocabularies, sent as
// a user's text through every real template and through everything a template can do to a text.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/gguf/reader.h"
#include "engine/tokenizer/tokenizer.h"
#include "modelfile/prompt_formats.h"
#include "modelfile/template.h"
#include "tests/support/shared.h"

using namespace hearth;
using hearth::testing::shared_path;
using modelfile::RenderedPart;
using modelfile::Template;

namespace {

struct Vocabulary {
  std::string name;
  std::unique_ptr<const engine::Tokenizer> tokenizer;
  std::vector<std::string> specials;
};

struct NamedTemplate {
  std::string name;
  Template chat_template;
};

// Small and large, SentencePiece and byte pairs, with few and with hundreds of special tokens.
std::vector<Vocabulary> vocabularies() {
  std::vector<Vocabulary> all;
  for (const char* file :
       {"llama.cpp/ggml-vocab-llama-spm.gguf", "llama.cpp/ggml-vocab-phi-3.gguf",
        "llama.cpp/ggml-vocab-deepseek-coder.gguf", "llama.cpp/ggml-vocab-falcon.gguf",
        "llama3.2/ggml-vocab-llama-bpe.gguf", "qwen2/ggml-vocab-qwen2.gguf"}) {
    const auto path = shared_path("data/vocabs");
    Vocabulary vocabulary{file, make_tokenizer(engine::GgufFile::open(*path / file)), {}};
    for (engine::TokenId id = 0; id < vocabulary.tokenizer->vocab_size(); ++id) {
      if (vocabulary.tokenizer->is_control(id))
        vocabulary.specials.emplace_back(vocabulary.tokenizer->token_text(id));
    }
    all.push_back(std::move(vocabulary));
  }
  return all;
}

std::vector<NamedTemplate> templates(const std::filesystem::path& data) {
  std::vector<NamedTemplate> all;
  for (const char* folder : {"chat-templates/llama.cpp", "chat-templates/ollama-renderers"}) {
    for (const auto& entry : std::filesystem::directory_iterator(data / folder))
      all.push_back({entry.path().filename(), Template::parse_jinja(read_file(entry.path()))});
  }
  CHECK(all.size() == 73);
  for (const auto& entry : std::filesystem::directory_iterator(data / "ollama/template")) {
    if (entry.path().extension() == ".gotmpl")
      all.push_back({entry.path().filename(), Template::parse_go(read_file(entry.path()))});
  }
  CHECK(all.size() == 73 + 20);
  for (const modelfile::PromptFormat& row : modelfile::prompt_formats())
    all.push_back({std::string(row.name), Template::parse_jinja(row.text)});
  return all;
}

std::vector<engine::TokenId> control_ids(const engine::Tokenizer& tokenizer,
                                         const std::vector<RenderedPart>& parts) {
  std::vector<engine::TextPart> text;
  for (const RenderedPart& part : parts) text.push_back({part.text, part.is_trusted});
  std::vector<engine::TokenId> found;
  for (const engine::TokenId id : tokenizer.encode_parts(text)) {
    if (tokenizer.is_control(id)) found.push_back(id);
  }
  return found;
}

std::string trusted_text(const std::vector<RenderedPart>& parts) {
  std::string text;
  for (const RenderedPart& part : parts) text += part.is_trusted ? part.text : "\x01";
  return text;
}

std::vector<RenderedPart> with_harmless_texts(std::vector<RenderedPart> parts) {
  for (RenderedPart& part : parts) {
    if (!part.is_trusted) part.text = "x";
  }
  return parts;
}

// The text everywhere a person, a document, a tool or a client can put one.
modelfile::RenderContext chat_of(const std::string& text, bool has_more) {
  modelfile::RenderContext context;
  for (const char* role : {"user", "assistant", "user"}) {
    modelfile::Message& message = context.messages.emplace_back();
    message.role = role;
    message.content = text;
  }
  context.bos_token = "<s>";
  context.eos_token = "</s>";
  if (!has_more) return context;
  modelfile::Message system;
  system.role = "system";
  system.content = text;
  context.messages.insert(context.messages.begin(), system);
  context.messages[2].thinking = text;
  modelfile::Json tool = modelfile::Json::parse(
      R"({"type": "function", "function": {"name": "f", "parameters": {"type": "object",
      "properties": {"a": {"type": "string"}}, "required": ["a"]}}})");
  tool["function"]["description"] = text;
  tool["function"]["parameters"]["properties"]["a"]["description"] = text;
  context.tools.push_back(std::move(tool));
  return context;
}

std::string all_of(const Vocabulary& vocabulary) {
  std::string text = "§§";
  for (const std::string& token : vocabulary.specials) text += token + "§§";
  return text;
}

}  // namespace

TEST_CASE("no special token gets through a real template") {
  const auto data = shared_path("data");
  if (!data) {
    WARN("skipped: shared data is absent");
    return;
  }
  const std::vector<NamedTemplate> all = templates(*data);
  size_t rendered = 0;
  size_t same_frame = 0;
  for (const Vocabulary& vocabulary : vocabularies()) {
    CAPTURE(vocabulary.name);
    REQUIRE(!vocabulary.specials.empty());
    const std::string forged = all_of(vocabulary);
    for (const NamedTemplate& entry : all) {
      CAPTURE(entry.name);
      for (const bool has_more : {false, true}) {
        std::vector<RenderedPart> parts;
        std::vector<RenderedPart> plain;
        try {
          parts = entry.chat_template.render(chat_of(forged, has_more));
          plain = entry.chat_template.render(chat_of("§§x§§", has_more));
        } catch (const Error&) {
          continue;  // a template that refuses this chat
        }
        ++rendered;
        same_frame += trusted_text(parts) == trusted_text(plain) ? 1 : 0;
        if (trusted_text(parts).find("§§") != std::string::npos) FAIL_CHECK("a text is trusted");
        if (control_ids(*vocabulary.tokenizer, parts) !=
            control_ids(*vocabulary.tokenizer, with_harmless_texts(parts)))
          FAIL_CHECK("a special token got through");
      }
    }
  }
  // What the template writes is the same around harmless texts, except in templates that look into
  // the texts (thoughts, tool calls).
  CAPTURE(rendered, same_frame);
  CHECK(rendered > 6 * all.size());
  CHECK(same_frame > rendered * 9 / 10);
}

TEST_CASE("no special token gets through what a template does to a text") {
  const auto data = shared_path("data");
  if (!data) {
    WARN("skipped: shared data is absent");
    return;
  }
  const std::string text = "{% set t = messages[0].content %}";
  std::vector<NamedTemplate> uses;
  for (const char* use : {"t",
                          "t|trim",
                          "t|upper|lower",
                          "t|replace('§§', '')",
                          "t.replace('§', '')",
                          "t|tojson",
                          "t|tojson|replace('\"', '')",
                          "t.split('§§')|join",
                          "t.split('§§')|join('')",
                          "t.split('§')|map('trim')|join",
                          "t[2:]",
                          "t[:-2]",
                          "t[::-1][::-1]",
                          "t|list|join",
                          "t ~ t",
                          "t + t",
                          "'' ~ t",
                          "'%s' % t",
                          "'{}'.format(t)",
                          "'%s%s' % (t, t)",
                          "[t]|join",
                          "[t]|string",
                          "{'a': t}|string",
                          "t|indent(2)",
                          "t|safe",
                          "t|e|replace('&lt;', '<')|replace('&gt;', '>')",
                          "t|capitalize",
                          "t.strip('§')",
                          "t.lstrip()",
                          "t|default('')",
                          "t|string",
                          "t * 2",
                          "t|first ~ t[1:]",
                          "t.partition('§')|join",
                          "t|center(9000)",
                          "t|truncate(9000)",
                          "messages|tojson",
                          "t|pprint"}) {
    uses.push_back({use, Template::parse_jinja(text + "{{ " + use + " }}")});
  }
  const std::string go_text = "{{ $t := (index .Messages 0).Content }}";
  for (const char* use :
       {"$t", "print $t", "println $t $t", "printf \"%s\" $t", "printf \"%v%s\" $t $t", "printf $t",
        "printf \"%q\" $t", "printf \"%-9000s\" $t", "slice $t 2", "$t | print | printf \"%s\"",
        "json $t", "html $t", "js $t", "or \"\" $t", "and 1 $t", "json .Messages",
        "index .Messages 0 | json", ".Messages"}) {
    uses.push_back({use, Template::parse_go(go_text + "{{ " + use + " }}")});
  }
  for (const Vocabulary& vocabulary : vocabularies()) {
    CAPTURE(vocabulary.name);
    const std::string forged = all_of(vocabulary);
    for (const NamedTemplate& use : uses) {
      CAPTURE(use.name);
      const auto parts = use.chat_template.render(chat_of(forged, false));
      CHECK(control_ids(*vocabulary.tokenizer, parts).empty());
    }
    // Half of a token by the template, half by the person.
    for (const std::string& token : vocabulary.specials) {
      const size_t half = token.size() / 2;
      const modelfile::Json context{
          {"a", token.substr(0, half)}, {"b", token.substr(half)}, {"t", token}};
      const std::string first = "{{ a }}" + token.substr(half);
      const std::string second = token.substr(0, half) + "{{ b }}";
      for (const std::string& source : {first, second, std::string("{{ a }}{{ b }}")}) {
        if (control_ids(*vocabulary.tokenizer, Template::parse_jinja(source).render_json(
                                                   context)) != std::vector<engine::TokenId>{})
          FAIL_CHECK(source + " became " + token);
      }
    }
  }
}
