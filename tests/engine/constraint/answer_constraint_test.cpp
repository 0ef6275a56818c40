// Masks against the definition: a token is possible exactly when the grammar can take its bytes.
#include "engine/constraint/answer_constraint.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/constraint/grammar.h"
#include "engine/gguf/reader.h"
#include "engine/sampler/sampler.h"
#include "tests/support/engine_subject.h"
#include "tests/support/shared.h"
#include "tests/support/speaking_model.h"

namespace hearth::engine {
namespace {

using hearth::testing::shared_path;

std::unique_ptr<const Tokenizer> speaking_tokenizer() {
  return make_tokenizer(hearth::testing::open_gguf(hearth::testing::SpeakingModel({}).bytes()));
}

bool has(std::span<const uint64_t> words, TokenId token) {
  return (words[static_cast<size_t>(token) / 64] >> (token % 64) & 1) != 0;
}

std::string piece(const Tokenizer& tokenizer, TokenId token) {
  std::string text;
  tokenizer.append_piece(text, token, false);
  return text;
}

struct Row {
  GrammarSource source;
  std::vector<std::string> prefixes;
};

GrammarSource schema(std::string text) {
  return {GrammarKind::json_schema, std::move(text), false};
}
GrammarSource gbnf(std::string text) {
  return {GrammarKind::gbnf, std::move(text), false};
}

const Row rows[] = {
    {{},
     {"", "{", "{\"", "{\"ab", "{\"a\\", "{\"a\\u0", "{\"\xC3", "{\"a\":", "{\"a\": [1, ",
      "{\"a\":1", "{\"a\":{}", "{}", "{\"a\":\"x\"", "{\n"}},
    {schema(R"({"type": "string", "minLength": 3, "maxLength": 6})"),
     {"", "\"", "\"a", "\"abc", "\"abcde", "\"abcdef", "\"ab\\", "\"\xE2\x82"}},
    {schema(R"({"type": "string", "minLength": 2})"), {"\"", "\"a", "\"ab"}},
    {schema(
         R"({"type": "array", "items": {"type": "integer", "minimum": 7, "maximum": 1234}, "maxItems": 3})"),
     {"", "[", "[1", "[12", "[123", "[1234", "[7, 8, 9"}},
    {schema(
         R"({"type": "object", "properties": {"name": {"type": "string", "pattern": "^[A-Z][a-z]{1,20}$"},
                "kind": {"enum": ["one", "once", "two"]}}, "required": ["kind"]})"),
     {"", "{", "{\"", "{\"k", "{\"kind\": \"on", "{\"name\":\"A", "{\"name\":\"Ab",
      "{\"kind\": \"one\""}},
    {gbnf("root ::= ([a-z]+ \" \")* [0-9]{2,30} (\"x\" | \"xy\" | \"\xC3\xA9\")"),
     {"", "a", "abc ", "1", "12", "12x", "1234567890123456789012345678"}},
    {gbnf("root ::= a \"b\" | c\na ::= \"(\" a \")\" | \"x\"\nc ::= \"(\" c \"]\" | \"x\" \"c\""),
     {"", "(", "((", "((x", "((x)", "((x))", "((xc]"}},
    {{GrammarKind::regex, "(ab|a)*c{2,5}.?", false}, {"", "a", "abab", "abcc", "ccccc"}},
};

void check_masks(const Tokenizer& tokenizer, int32_t stride) {
  ConstraintPool pool(tokenizer);
  for (const Row& row : rows) {
    const auto grammar = compile_grammar(row.source);
    Matcher matcher(grammar->program, pool.terminals());
    TokenMasks masks(pool.trie(), matcher);
    for (const std::string& prefix : row.prefixes) {
      INFO(row.source.text << " behind " << prefix);
      const Matcher::State state = matcher.advance(matcher.start(), prefix);
      REQUIRE(state != Matcher::dead);
      const std::span<const uint64_t> words = masks.of(state);
      int64_t wrong = 0;
      for (TokenId token = 0; token < tokenizer.vocab_size(); token += stride) {
        bool expected = false;
        if (tokenizer.is_end_of_generation(token)) {
          expected = matcher.can_end(state);
        } else if (!tokenizer.is_control(token)) {
          const std::string text = piece(tokenizer, token);
          expected = !text.empty() && matcher.advance(state, text) != Matcher::dead;
        }
        if (has(words, token) != expected) ++wrong;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("answer constraint: masks are what the grammar says, token by token") {
  check_masks(*speaking_tokenizer(), 1);
}

TEST_CASE("answer constraint: masks of a large vocabulary") {
  const auto path = shared_path("data/vocabs/llama3.2/ggml-vocab-llama-bpe.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  check_masks(*make_tokenizer(GgufFile::open(*path)), 37);
}

// Writes with random logits through the real sampler until the constraint is complete.
std::string write(AnswerConstraint& constraint, const Tokenizer& tokenizer, uint32_t seed,
                  int32_t tokens_max, bool& is_complete) {
  std::mt19937 random(seed);
  SamplingOptions options;
  options.seed = seed;
  Sampler sampler(options, tokenizer.vocab_size(), 100);
  std::vector<float> logits(static_cast<size_t>(tokenizer.vocab_size()));
  std::string text;
  is_complete = false;
  for (int32_t i = 0; i < tokens_max; ++i) {
    for (float& logit : logits) logit = static_cast<float>(random() >> 8) * 1e-6F;
    const TokenId token = sampler.sample(logits, nullptr, constraint.allowed());
    is_complete = tokenizer.is_end_of_generation(token);
    if (is_complete) break;
    tokenizer.append_piece(text, token, true);
    constraint.accept(token);
    is_complete = constraint.is_complete();
    if (is_complete) break;
  }
  return text;
}

TEST_CASE("answer constraint: what is written matches") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  int32_t complete = 0;
  for (const Row& row : rows) {
    const auto grammar = compile_grammar(row.source);
    for (uint32_t seed = 0; seed < 20; ++seed) {
      AnswerConstraint constraint({"", "", false, "", row.source}, pool);
      bool is_complete = false;
      const std::string text = write(constraint, *tokenizer, seed, 300, is_complete);
      INFO(row.source.text << " wrote " << text);
      if (is_complete) CHECK(matches(*grammar, text));
      complete += is_complete ? 1 : 0;
    }
  }
  CHECK(complete > 60);
}

class Writer {
 public:
  Writer(const Tokenizer& tokenizer, ConstraintPool& pool, const ConstraintSpec& spec)
      : tokenizer_(tokenizer), constraint_(spec, pool) {}

  // False where the mask forbids a byte of the text.
  bool write(std::string_view text) {
    for (const char byte : text) {
      const auto token = static_cast<TokenId>(3 + static_cast<uint8_t>(byte));  // byte tokens
      const std::span<const uint64_t> words = constraint_.allowed();
      if (!words.empty() && !has(words, token)) return false;
      constraint_.accept(token);
    }
    return true;
  }
  bool can_end() {
    const std::span<const uint64_t> words = constraint_.allowed();
    return words.empty() || has(words, *tokenizer_.eos());
  }
  bool is_complete() { return constraint_.is_complete(); }

 private:
  const Tokenizer& tokenizer_;
  AnswerConstraint constraint_;
};

TEST_CASE("answer constraint: thoughts are free, the answer is bound") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  const GrammarSource digits = gbnf("root ::= [0-9]{2}");
  const ConstraintSpec optional{"<t>", "</t>", false, "", digits};
  const ConstraintSpec open{"<t>", "</t>", true, "", digits};
  const auto writes = [&](const ConstraintSpec& spec, std::string_view text) {
    Writer writer(*tokenizer, pool, spec);
    return writer.write(text);
  };
  CHECK(writes(optional, "12"));
  CHECK(writes(optional, "<t>any {} thing</t>12"));
  CHECK(writes(optional, "\n <t></t></t>\n\n12") == false);
  CHECK(writes(optional, "\n <t><</t>\n\n12"));
  CHECK_FALSE(writes(optional, "<t>x</t>x"));
  CHECK_FALSE(writes(optional, "<x"));
  CHECK_FALSE(writes(optional, "1<t>"));
  CHECK_FALSE(writes(optional, "123"));
  CHECK_FALSE(writes(optional, std::string(40, ' ')));
  CHECK(writes(open, "free</t>12"));
  CHECK_FALSE(writes(open, "free</t>" + std::string(40, '\n')));
  Writer writer(*tokenizer, pool, open);
  CHECK_FALSE(writer.can_end());
  CHECK(writer.write("12</t"));
  CHECK_FALSE(writer.can_end());
  CHECK(writer.write(">12"));
  CHECK(writer.is_complete());
}

TEST_CASE("answer constraint: control tokens come where a grammar has a tag, and nowhere else") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  const TokenId control = *tokenizer->bos();
  REQUIRE(tokenizer->is_control(control));
  std::string name;
  tokenizer->append_piece(name, control, true);
  const auto token_of = [&](char letter) {
    TokenId token = 0;
    while (piece(*tokenizer, token) != std::string(1, letter)) ++token;
    return token;
  };

  GrammarSource tagged = gbnf("root ::= tag \"a\" tag");
  tagged.parts = {{GrammarKind::tag, name, false, {}, "tag"}};
  AnswerConstraint bound({"", "", false, "", tagged}, pool);
  CHECK(has(bound.allowed(), control));
  bound.accept(control);
  CHECK_FALSE(has(bound.allowed(), control));
  bound.accept(token_of('a'));
  CHECK(has(bound.allowed(), control));
  bound.accept(control);
  CHECK(bound.is_complete());
  // Its name as text is the same.
  Writer writer(*tokenizer, pool, {"", "", false, "", tagged});
  CHECK(writer.write(name + "a" + name));
  CHECK(writer.is_complete());

  AnswerConstraint text({"", "", false, "", gbnf("root ::= [^x]*")}, pool);
  CHECK_FALSE(has(text.allowed(), control));

  // Thoughts that begin with the same token, or a call at once.
  const ConstraintSpec either{name + "t", name + "e", false, "", tagged};
  AnswerConstraint thinks(either, pool);
  CHECK(has(thinks.allowed(), control));
  thinks.accept(control);
  CHECK(has(thinks.allowed(), token_of('t')));
  CHECK(has(thinks.allowed(), token_of('a')));
  thinks.accept(token_of('t'));
  thinks.accept(control);
  thinks.accept(token_of('e'));
  CHECK(has(thinks.allowed(), control));
  CHECK_FALSE(has(thinks.allowed(), token_of('a')));
  thinks.accept(control);
  thinks.accept(token_of('a'));
  thinks.accept(control);
  CHECK(thinks.is_complete());
}

TEST_CASE("answer constraint: thoughts that took their tokens are closed, and the answer is free") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  ConstraintSpec spec{"<t>", "</t>", false, "", {GrammarKind::anything, ""}, 4};
  const auto writes = [&](std::string_view text) {
    Writer writer(*tokenizer, pool, spec);
    return writer.write(text) && writer.can_end();
  };
  CHECK(writes("no thoughts at all"));
  CHECK(writes("<t>abcd</t>free text"));
  CHECK(writes("<t>ab</t>free text"));
  CHECK(writes("<t>abc</t>free text"));
  CHECK_FALSE(writes("<t>abc<</t>"));  // what was begun is gone on with
  CHECK_FALSE(writes("<t>abcde</t>"));
  CHECK_FALSE(writes("<t>abcd</t"));
  spec.starts_in_thoughts = true;
  CHECK(writes("abcd</t>"));
  CHECK_FALSE(writes("abcdef"));
  spec.grammar = gbnf("root ::= [0-9]{2}");
  CHECK(writes("abcd</t>12"));
  CHECK_FALSE(writes("abcd</t>x"));
}

TEST_CASE("answer constraint: free until a tag, then bound") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  const ConstraintSpec spec{"<t>", "</t>", false, "<call>", gbnf("root ::= \"go\" \"</call>\"")};
  Writer free(*tokenizer, pool, spec);
  CHECK(free.write("just text <cal and no call"));
  CHECK(free.can_end());
  Writer calls(*tokenizer, pool, spec);
  CHECK(calls.write("<t>hm <call></t>ok <<call>g"));
  CHECK_FALSE(calls.can_end());
  CHECK_FALSE(calls.write("x"));
  CHECK(calls.write("o</call>"));
  CHECK(calls.is_complete());
  Writer at_once(*tokenizer, pool, spec);
  CHECK(at_once.write("<call>go</call>"));
  CHECK(at_once.is_complete());
}

TEST_CASE("answer constraint: what is wrong with a spec is said") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  CHECK_THROWS_AS(AnswerConstraint({"<t>", "", false, "", {}}, pool), Error);
  CHECK_THROWS_AS(AnswerConstraint({"", "", true, "", {}}, pool), Error);
}

TEST_CASE("answer constraint: a long answer forgets old states") {
  const auto tokenizer = speaking_tokenizer();
  ConstraintPool pool(*tokenizer);
  Writer writer(*tokenizer, pool, {"", "", false, "", gbnf("root ::= \"(\" root \")\" | \"x\"")});
  for (int i = 0; i < 6000; ++i) REQUIRE(writer.write("("));
  REQUIRE(writer.write("x"));
  for (int i = 0; i < 6000; ++i) REQUIRE(writer.write(")"));
  CHECK(writer.is_complete());
}

TEST_CASE("answer constraint: engines write what is asked, with and without guesses") {
  GenerationRequest request;
  request.prompt = {{"abc abc abc", true, {}}};
  request.tokens_max = 200;
  request.sampling.temperature = 1.5F;
  ConstraintSpec spec;
  spec.grammar = schema(R"({"type": "object", "properties": {"a": {"type": "integer"},
      "b": {"enum": ["abc", "abcd"]}, "c": {"type": "array", "items": {"type": "boolean"}, "maxItems": 5}},
      "required": ["a", "b", "c"]})");
  request.constraint = spec;
  const auto grammar = compile_grammar(spec.grammar);
  EngineOptions options = hearth::testing::small_steps();
  options.threads = 1;
  std::vector<std::string> plain;
  for (const Speculation ways : {Speculation::off, Speculation::lookup}) {
    options.speculation = ways;
    options.checks_all_guesses = true;
    hearth::testing::Subject subject(hearth::testing::SpeakingModelOptions{}, options);
    for (RequestId id = 1; id <= 12; ++id) {
      request.id = id;
      request.sampling.seed = static_cast<int64_t>(id);
      subject.engine->submit(request);
    }
    for (RequestId id = 1; id <= 12; ++id) {
      const auto answer = subject.answers.wait(id);
      INFO(answer.text << " " << answer.last.message);
      REQUIRE(answer.last.finish == FinishReason::stop);
      CHECK(mismatch(*grammar, answer.text) == "");
      if (ways == Speculation::off) {
        plain.push_back(answer.text);
      } else {
        CHECK(answer.text == plain[id - 1]);
      }
    }
  }
}

}  // namespace
}  // namespace hearth::engine
