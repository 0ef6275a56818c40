#include "engine/tokenizer/pre_tokenizer.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/processor_time.h"

namespace hearth::engine {
namespace {

std::string words(std::string_view rule, std::string_view text) {
  const PreTokenizerRow* row = find_pre_tokenizer(rule);
  REQUIRE(row != nullptr);
  std::string list;
  uint32_t begin = 0;
  for (const uint32_t end : PreTokenizer(row->stages).split(text)) {
    list.append("[").append(text.substr(begin, end - begin)).append("]");
    begin = end;
  }
  return list;
}

}  // namespace

TEST_CASE("every row compiles, has its own name and loses nothing", "[tokenizer]") {
  const std::string text =
      "It's 12345,  ABCdef\r\n\n \u4e16\u754c\u00e9 <|x|>\t(\u0661\u0662) \U0001F999!! ";
  std::set<std::string_view> names;
  for (const auto& row : pre_tokenizer_rows()) {
    CHECK(names.insert(row.name).second);
    const auto ends = PreTokenizer(row.stages).split(text);
    REQUIRE_FALSE(ends.empty());
    CHECK(ends.back() == text.size());
    CHECK(std::set<uint32_t>(ends.begin(), ends.end()).size() == ends.size());
  }
  CHECK(find_pre_tokenizer("no such rule") == nullptr);
}

TEST_CASE("the rules of well-known names", "[tokenizer]") {
  CHECK(words("gpt-2", "we'll go  now 123") == "[we]['ll][ go][ ][ now][ 123]");
  CHECK(words("llama-bpe", "We'LL go  12345\n\n x") == "[We]['LL][ go][ ][ ][123][45][\n\n][ x]");
  CHECK(words("qwen2", "ab 12") == "[ab][ ][1][2]");
  CHECK(words("gpt-4o", "HTMLParser isOK's") == "[HTMLParser][ is][OK's]");
  CHECK(words("starcoder", "a12 b") == "[a][1][2][ b]");
  CHECK(words("superbpe", "a 12345678 b") == "[a ][12][345][678][ b]");
  CHECK(words("tiny_aya", "x 1234567, 1234ab") == "[x][ ][1][234][567][,][ ][123][4][ab]");
  CHECK(words("afmoe", "1234567x") == "[1][234][567][x]");
  CHECK(words("exaone-moe", "to be, or  not") == "[to be][,][ or][ ][ not]");
  CHECK(words("jais-2", "a" + std::string(7, ' ') + "b") == "[a][    ][  ][ b]");
  CHECK(words("youtu", "\uac00\uac01a1") == "[\uac00\uac01][a][1]");
  CHECK(words("laguna", "a\n\nb 12") == "[a][\n\n][b][ ][1][2]");
  CHECK(words("bloom", "a b, (c") == "[a][ b][, (][c]");
}

TEST_CASE("no rule takes quadratic time", "[tokenizer]") {
  std::set<const SplitStage*> seen;
  for (const auto& row : pre_tokenizer_rows()) {
    if (!seen.insert(row.stages.data()).second) continue;
    const PreTokenizer pre_tokenizer(row.stages);
    for (const std::string unit : {"a", "A", " ", "\n", "\r\n", " \n", "7", ".", "'s", "a b ", "!a",
                                   "\u0301", "\u3000", "\u4e16", "\U0001F999", "  a"}) {
      INFO(row.name << " \"" << unit << "\"");
      CHECK(testing::is_nearly_linear(testing::hostile_bytes, [&](size_t bytes) {
        std::string text;
        while (text.size() < bytes) text += unit;
        return [&pre_tokenizer, text = text + "b"] { pre_tokenizer.split(text); };
      }));
    }
  }
}

TEST_CASE("runs of spaces in powers of two keep their line breaks", "[tokenizer]") {
  CHECK(words("jais-2", "a" + std::string(9, ' ') + "\n \n  b") ==
        "[a][" + std::string(9, ' ') + "\n \n][ ][ b]");
  CHECK(words("jais-2", "!\n \n b") == "[!\n][ \n][ b]");
  CHECK(words("jais-2", "!\n" + std::string(5, ' ') + "b") == "[!\n][    ][ b]");
}

TEST_CASE("white space is Unicode's, not the matcher's", "[tokenizer]") {
  // U+180E is no white space, U+3000 is.
  CHECK(words("gpt-2", "a\u180Eb") == "[a][\u180E][b]");
  CHECK(words("llama-bpe", "a\u180E\u180E b") == "[a][\u180E\u180E][ b]");
  CHECK(words("gpt-2", "a\u3000\u3000b") == "[a][\u3000][\u3000][b]");
}

}  // namespace hearth::engine
