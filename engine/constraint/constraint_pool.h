// What the constraints of one engine share: compiled grammars, the vocabulary as a trie, terminals
// with their masks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/constraint.h"
#include "engine/constraint/matcher.h"
#include "engine/constraint/vocabulary_trie.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {

class ConstraintPool {
 public:
  // `tokenizer` must outlive the pool.
  explicit ConstraintPool(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // Any thread. Compiles, or finds, the grammar, and reads the vocabulary the first time: what
  // takes long is done before the worker needs it. Throws as compile_grammar. Shared: requests
  // with equal grammars use one.
  std::shared_ptr<const Grammar> prepare(const GrammarSource& source);
  // Any thread.
  const VocabularyTrie& trie();
  const Tokenizer& tokenizer() const { return tokenizer_; }

  // Worker only.
  TerminalPool& terminals() { return terminals_; }
  // Tokens in which something stands behind a byte like the last one of `text`: only those can
  // complete it and go on. Worker only.
  struct Through {
    TokenId token = 0;
    size_t reach = 0;  // bytes up to the last such byte
    std::string_view bytes;
  };
  std::span<const Through> tokens_through(std::string_view text);

 private:
  const Tokenizer& tokenizer_;
  std::once_flag reads_vocabulary_;
  std::unique_ptr<const VocabularyTrie> trie_;
  std::mutex mutex_;  // of the next one
  std::deque<std::pair<GrammarSource, std::shared_ptr<const Grammar>>> grammars_;  // shared: see
                                                                                   // prepare()
  TerminalPool terminals_;
  std::map<char, std::vector<Through>> tokens_through_;  // by last byte
};

}  // namespace hearth::engine
