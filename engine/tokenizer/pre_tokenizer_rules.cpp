// The rules behind the names in tokenizer.ggml.pre. They are facts of the published tokenizers; a
// new name is a row.
#include <array>

#include "engine/tokenizer/pre_tokenizer.h"

namespace hearth::engine {
namespace {

using enum SplitStage::Kind;
using enum Alphabet;

#define HEARTH_CONTRACTION "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define HEARTH_SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
// As llama.cpp reads "upper" and "lower": only the ASCII letters have a case, marks are no letters.
#define HEARTH_UPPER "[^\\P{L}a-z]"
#define HEARTH_LOWER "[^\\P{L}A-Z]"
#define HEARTH_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define HEARTH_CAMEL_CASE(CONTRACTION)                                   \
  "[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "*" HEARTH_LOWER "+" CONTRACTION \
  "|[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "+" HEARTH_LOWER "*" CONTRACTION
// The same with the classes the vocabularies were trained with: marks belong to letters.
#define HEARTH_TRUE_UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define HEARTH_TRUE_LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define HEARTH_TRUE_CAMEL_CASE                                                            \
  "[^\\r\\n\\p{L}\\p{N}]?" HEARTH_TRUE_UPPER "*" HEARTH_TRUE_LOWER "+" HEARTH_CONTRACTION \
  "?"                                                                                     \
  "|[^\\r\\n\\p{L}\\p{N}]?" HEARTH_TRUE_UPPER "+" HEARTH_TRUE_LOWER "*" HEARTH_CONTRACTION "?"
// Letters with case as one old vocabulary lists them: without the mathematical alphabets.
#define HEARTH_CASED "(?:(?![\\x{1D400}-\\x{1D7FF}])[\\p{Lu}\\p{Ll}\\p{Lt}])++"
#define HEARTH_DEEPSEEK_PUNCTUATION \
  "[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+"

constexpr SplitStage gpt2[] = {{regex, HEARTH_GPT2}};
constexpr SplitStage llama3[] = {
    {regex, HEARTH_CONTRACTION
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES}};
constexpr SplitStage qwen2[] = {
    {regex, HEARTH_CONTRACTION
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES}};
constexpr SplitStage qwen35[] = {{regex, HEARTH_CONTRACTION
                                  "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| "
                                  "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES}};
constexpr SplitStage bailingmoe[] = {
    {regex, HEARTH_CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                               "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}};
constexpr SplitStage seed_coder[] = {
    {regex, HEARTH_CONTRACTION
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" HEARTH_SPACES}};
constexpr SplitStage starcoder[] = {{regex, "\\p{N}"}, {regex, HEARTH_GPT2}};
constexpr SplitStage gpt4o[] = {
    {regex, HEARTH_CAMEL_CASE(HEARTH_CONTRACTION
                              "?") "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES}};
constexpr SplitStage tekken[] = {
    {regex, HEARTH_CAMEL_CASE("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES}};
// Letters are not divided by case; Han is kept apart from other letters.
constexpr SplitStage kimi_k2[] = {
    {regex, "\\p{Han}+|[^\\r\\n\\p{L}\\p{N}]?[^\\P{L}\\p{Han}]+" HEARTH_CONTRACTION
            "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES}};
// In the last stage ~ is no symbol, as llama.cpp has it.
constexpr SplitStage deepseek3[] = {
    {regex, "\\p{N}{1,3}"},
    {regex, "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"},
    {regex,
     "[!\"#$%&'()*+,\\-./"
     ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|(?:[^\\r\\n\\p{L}\\p{P}\\p{S}]|~)?[\\p{L}\\p{M}]+|"
     " ?(?:(?!~)[\\p{P}\\p{S}])++[\\r\\n]*|" HEARTH_SPACES}};
constexpr SplitStage deepseek_llm[] = {
    {regex, "[\\r\\n]"},
    {regex, "\\s?" HEARTH_CASED},
    {regex, "\\s?" HEARTH_DEEPSEEK_PUNCTUATION},
    {regex, "(?<!\\s)\\s+$"},
    {regex, "[\\x{4E00}-\\x{9FA5}\\x{0800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"},
    {regex, "\\p{N}+"}};
constexpr SplitStage deepseek_coder[] = {
    {regex, "[\\r\\n]"},
    {regex, "\\s?\\p{L}+"},
    {regex, "\\s?\\p{P}+"},
    {regex, "[\\x{4E00}-\\x{9FA5}\\x{0800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"},
    {regex, "\\p{N}"}};
constexpr SplitStage falcon[] = {
    {regex, "[\\p{P}$+<=>^~|`]+"}, {regex, HEARTH_GPT2}, {regex, "[0-9][0-9][0-9]"}};
constexpr SplitStage plain[] = {{regex, "[\\p{P}$+<=>^~|]+"},
                                {regex, HEARTH_GPT2},
                                {regex, "\\p{N}+"},
                                {regex, "[0-9][0-9][0-9]"}};
constexpr SplitStage bloom[] = {
    {regex, " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{0964}\\x{06D4}\\x{060C})]+"}};
constexpr SplitStage viking[] = {bloom[0], {regex, "\\p{N}"}};
constexpr SplitStage superbpe[] = {{regex, "\\p{N}+"}, {digit_groups, ""}};
constexpr SplitStage gpt4o_marks[] = {
    {regex, HEARTH_TRUE_CAMEL_CASE "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES}};
// Digits in threes from the right, unless a letter follows them.
constexpr SplitStage tiny_aya[] = {
    {regex, "(?<![0-9])[0-9]++(?![\\p{L}\\p{M}\\p{N}_])"}, {digit_pieces, ""}, gpt4o_marks[0]};
constexpr SplitStage youtu[] = {
    {regex,
     "[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+"
     "|[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}"
     "\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+"
     "|[\\x{3105}-\\x{312F}]+|[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"},
    {regex, HEARTH_TRUE_CAMEL_CASE "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES}};
// Runs of spaces in powers of two. Behind a cut inside a run no line break can follow in it: not
// looking for one again keeps the time linear.
constexpr SplitStage jais2[] = {
    {regex, HEARTH_CONTRACTION
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
     "|(?:(?<!\\s)|(?<=[\\r\\n]))\\s*[\\r\\n]+"
     "|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)"
     "|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s"}};
constexpr SplitStage minicpm5[] = {
    {regex, "\\p{N}{1,3}"},
    {regex, HEARTH_CONTRACTION
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES}};
// Words may hold single spaces.
constexpr SplitStage exaone_moe[] = {{regex, HEARTH_CONTRACTION
                                      "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}\\p{M}*+(?: "
                                      "?+\\p{L}\\p{M}*+)*+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?"
                                      "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}};
constexpr SplitStage afmoe[] = {
    {digit_groups, ""},
    {regex,
     "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{309F}"
     "\\x{30A0}-\\x{30FF}\\x{FF65}-\\x{FF9F}\\x{2F00}-\\x{2FDF}\\x{0E40}-\\x{0E7F}"
     "\\x{0E80}-\\x{0EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}"
     "\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+"},
    deepseek3[2]};
constexpr SplitStage lines[] = {{regex, "[^\\n]+|[\\n]+"}};
constexpr SplitStage laguna[] = {lines[0], qwen2[0]};
constexpr SplitStage chameleon[] = {{regex, "<sentinel:[0-9]+>"},      {regex, "IMGIMG[A-I]{1,4}Z"},
                                    {regex, "[\\t\\n]|    |  "},       {regex, "\\p{N}"},
                                    {regex, "[\\p{P}!-/:-@\\[-`{-~]"}, {regex, HEARTH_GPT2}};

constexpr PreTokenizerRow rows[] = {
    // name, stages, adds_bos, ignores_merges, cleans_spaces, alphabet
    {"default", plain, false, false, true},
    {"llama3", llama3, true, true, true},
    {"llama-v3", llama3, true, true, true},
    {"llama-bpe", llama3, true, true, true},
    {"falcon3", llama3, true, true, true},
    {"falcon-h1", llama3, true, true, true},
    {"pixtral", llama3, true, true, true},
    {"midm-2.0", llama3, true, true, true},
    {"lfm2", llama3, true, true, true},
    {"jina-v5-nano", llama3, true, true, true},
    {"dbrx", llama3, false, false, true},
    {"smaug-bpe", llama3, false, false, true},
    {"chatglm-bpe", llama3, false, false, true},
    {"glm4", llama3, false, false, true},
    {"qwen2", qwen2, false, false, false},
    {"deepseek-r1-qwen", qwen2, false, false, false},
    {"kormo", qwen2, false, false, false},
    {"f2llmv2", qwen2, false, false, false},
    {"megrez", qwen2, false, false, false},
    {"stablelm2", qwen2, false, false, true},
    {"hunyuan", qwen2, false, false, false},
    {"solar-open", qwen2, false, false, false},
    {"grok-2", qwen2, false, false, false},
    {"qwen35", qwen35, false, false, false},
    {"bailingmoe", bailingmoe, false, false, false},
    {"bailingmoe2", bailingmoe, false, false, false},
    {"llada-moe", bailingmoe, false, false, false},
    {"seed-coder", seed_coder, false, false, false},
    {"gpt-2", gpt2, false, false, true},
    {"phi-2", gpt2, false, false, true},
    {"mpt", gpt2, false, false, true},
    {"olmo", gpt2, false, false, true},
    {"jais", gpt2, false, false, true},
    {"jina-es", gpt2, false, false, true},
    {"jina-de", gpt2, false, false, true},
    {"jina-v1-en", gpt2, false, false, true},
    {"jina-v2-code", gpt2, false, false, true},
    {"jina-v2-es", gpt2, false, false, true},
    {"jina-v2-de", gpt2, false, false, true},
    {"gigachat", gpt2, false, false, true},
    {"a.x-4.0", gpt2, false, false, true},
    {"mellum", gpt2, false, false, true},
    {"modern-bert", gpt2, false, false, true},
    {"exaone4", gpt2, false, false, true},
    {"roberta-bpe", gpt2, false, false, true},
    {"trillion", gpt2, false, false, false},
    {"granite-docling", gpt2, false, false, false},
    {"starcoder", starcoder, false, false, true},
    {"refact", starcoder, false, false, true},
    {"command-r", starcoder, false, false, false},
    {"smollm", starcoder, false, false, false},
    {"codeshell", starcoder, false, false, true},
    {"exaone", starcoder, false, false, true},
    {"minerva-7b", starcoder, false, false, true},
    {"mellum2", starcoder, false, false, true},
    {"gpt-4o", gpt4o, false, false, false},
    {"llama4", gpt4o, false, false, false},
    {"kanana2", gpt4o, false, false, false},
    {"talkie", gpt4o, false, false, false},
    {"minimax-m2", gpt4o, false, false, false},
    {"tekken", tekken, true, true, false},
    {"kimi-k2", kimi_k2, false, false, false},
    {"deepseek-v3", deepseek3, false, false, false},
    {"hunyuan-dense", deepseek3, false, false, false},
    {"joyai-llm", deepseek3, false, false, false},
    {"deepseek-llm", deepseek_llm, false, false, false},
    {"deepseek-coder", deepseek_coder, false, false, false},
    {"falcon", falcon, false, false, true},
    {"bloom", bloom, false, false, true},
    {"gpt3-finnish", bloom, false, false, true},
    {"poro-chat", bloom, false, false, false},
    {"viking", viking, false, false, false},
    {"superbpe", superbpe, false, false, false},
    {"chameleon", chameleon, true, false, false},
    {"jais-2", jais2, false, false, true},
    {"youtu", youtu, false, true, false},
    {"minicpm5", minicpm5, false, true, true},
    {"exaone-moe", exaone_moe, false, false, true},
    {"afmoe", afmoe, false, false, false},
    {"laguna", laguna, false, false, false},
    {"tiny_aya", tiny_aya, false, false, false},
    {"cohere2moe", tiny_aya, false, false, false},
    {"granite-embed-multi-97m", gpt4o_marks, false, true, false},
    {"inkling", gpt4o_marks, false, false, false},
    {"gemma4", lines, true, false, false, characters},
    {"granite-embed-multi-311m", lines, true, false, false, characters},
    {"sarvam-moe", lines, false, false, false, characters},
};

}  // namespace

std::span<const PreTokenizerRow> pre_tokenizer_rows() {
  return rows;
}

const PreTokenizerRow* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizerRow& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace hearth::engine
