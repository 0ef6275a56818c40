// Cuts text into the words that byte-level BPE encodes one by one. Which cuts are made is named by
// tokenizer.ggml.pre; the names and their rules are rows of a table in pre_tokenizer_rules.cpp.
// Rules are regular expressions run by PCRE2, compiled to machine code where the system allows it.
// All of them take time proportional to the text; a limit on the matcher's work makes sure of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

// One stage works on every piece the stages before left: its matches become pieces, and so does
// what lies between them.
struct SplitStage {
  enum class Kind : uint8_t {
    regex,         // `\s` and `\S` mean Unicode White_Space; there is no `\d` and `\w`
    digit_groups,  // runs of ASCII digits in groups of three counted from the right; the rest stays
                   // whole
    digit_pieces,  // pieces that are nothing but ASCII digits, grouped the same way
  };
  Kind kind = Kind::regex;
  std::string_view pattern;
};

// What the spelling of tokens is made of.
enum class Alphabet : uint8_t {
  bytes,       // every byte as a printable character
  characters,  // text as it is, with U+2581 for spaces
};

// What a name in tokenizer.ggml.pre stands for.
struct PreTokenizerRow {
  std::string_view name;
  std::span<const SplitStage> stages;
  bool adds_bos = false;        // where the file has no tokenizer.ggml.add_bos_token
  bool ignores_merges = false;  // a word that is a token is taken as it is
  bool cleans_spaces = false;   // decoding removes spaces before punctuation
  Alphabet alphabet = Alphabet::bytes;
};

std::span<const PreTokenizerRow> pre_tokenizer_rows();
// Null when there is no such name.
const PreTokenizerRow* find_pre_tokenizer(std::string_view name);

// Immutable and thread-safe.
class PreTokenizer {
 public:
  // Throws Error{internal} when a pattern does not compile.
  explicit PreTokenizer(std::span<const SplitStage> stages);
  PreTokenizer(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // The ends of the words, ascending; the last is text.size(). `text` must be valid UTF-8, not
  // empty, and below 2 GiB.
  std::vector<uint32_t> split(std::string_view text) const;

 private:
  class Regex;

  std::vector<SplitStage::Kind> kinds_;
  std::vector<Regex>
      regexes_;  // one per stage; empty for the stages that are no regular expression
};

}  // namespace hearth::engine
