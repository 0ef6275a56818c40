// What an answer must look like: a grammar, and from where on it decides.
// Pure: nothing of a model is needed, so that the daemon refuses a schema that cannot be bound
// before anything is loaded (docs/structured-output.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

enum class GrammarKind : uint8_t {
  json_object,  // any JSON object; the text is not looked at
  json_schema,  // JSON Schema, draft 2020-12
  gbnf,         // the dialect of llama.cpp
  regex,        // of the whole answer
  tag,          // exactly the text; where it is a control token of the vocabulary, that token too
  anything,     // the answer is free, only its thoughts are looked after
};

struct GrammarSource {
  GrammarKind kind = GrammarKind::json_object;
  std::string text;
  // Keywords of a schema that cannot be bound are left out instead of refused.
  bool is_best_effort = false;
  // Of GBNF: rules that the text uses and does not define, described by grammars of their own. Each
  // has the name of its rule.
  std::vector<GrammarSource> parts = {};
  std::string name = {};

  bool operator==(const GrammarSource&) const = default;
};

struct ConstraintSpec {
  // When the answer begins with this (blanks before it do not count), it is free until
  // thoughts_close; empty: never.
  std::string thoughts_open;
  std::string thoughts_close;
  bool starts_in_thoughts = false;  // the prompt ended with thoughts_open
  // Not empty: behind the thoughts the answer is free until this was written, and from there the
  // grammar decides. Such an answer may also end before.
  std::string free_until;
  GrammarSource grammar;
  // Behind so many tokens of thoughts they are brought to their end; negative: they may go on.
  int64_t thoughts_tokens_max = -1;

  bool operator==(const ConstraintSpec&) const = default;
};

// Immutable; may be used by several threads at once.
struct Grammar;

// Throws Error{invalid_argument} with the JSON path or the line of what is wrong,
// Error{unsupported} naming the keyword that cannot be bound and its path, or the limit that a
// grammar exceeds. Time and memory are bounded for any text. `warnings` gets what best effort left
// out, one line each; may be null. Shared by the sequences that use it and the caches of both
// programs.
std::shared_ptr<const Grammar> compile_grammar(const GrammarSource& source,
                                               std::vector<std::string>* warnings = nullptr);

// Whether the grammar accepts the whole text. Throws Error{unsupported} for a grammar too ambiguous
// to be followed.
bool matches(const Grammar& grammar, std::string_view text);

// Why it does not: where the text leaves the grammar, or that it ends too early. Empty: it matches.
std::string mismatch(const Grammar& grammar, std::string_view text);

}  // namespace hearth::engine
