// Texts made to be slow, through every algorithm: time must follow their length.
#include "engine/tokenizer/vocab_tokenizer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "engine/gguf/reader.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/processor_time.h"
#include "tests/support/shared.h"

namespace hearth::engine {
namespace {

// One vocabulary per algorithm, and those whose words are longest.
constexpr const char* vocabularies[] = {
    "oracle/tokenizers/vocabs/rwkv.gguf",
    "oracle/tokenizers/vocabs/ugm.gguf",
    "oracle/tokenizers/vocabs/wpm.gguf",
    "oracle/tokenizers/vocabs/spm.gguf",
    "oracle/tokenizers/vocabs/bpe-superbpe.gguf",
    "data/vocabs/llama.cpp/ggml-vocab-llama-spm.gguf",
    "data/vocabs/llama.cpp/ggml-vocab-gpt-2.gguf",
    "data/models/tinystories-656k/tinystories-656k-f32.gguf",
};

constexpr const char* units[] = {"a",   " ",  "\n", "7",   "\U0001F999",
                                 "the", "a ", "<s", "<s>", "\xFF"};

std::string repeated(const std::string& unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text + "b";
}

}  // namespace

TEST_CASE("text without end takes no quadratic time", "[tokenizer]") {
  for (const char* file : vocabularies) {
    const auto path = testing::shared_path(file);
    if (!path) {
      WARN("skipped: shared data is absent");
      return;
    }
    const auto tokenizer = make_tokenizer(GgufFile::open(*path));
    for (const std::string unit : units) {
      INFO(file << " \"" << unit << "\"");
      CHECK(testing::is_nearly_linear(testing::hostile_bytes, [&](size_t bytes) {
        const std::string text = repeated(unit, bytes);
        return [&tokenizer, text] {
          tokenizer->decode(tokenizer->encode(text, Specials::parse), true);
        };
      }));
    }
  }
}

}  // namespace hearth::engine
