#include "engine/constraint/constraint_pool.h"

namespace hearth::engine {
namespace {

constexpr size_t grammars_max = 64;

}  // namespace

// Shared: see the header.
std::shared_ptr<const Grammar> ConstraintPool::prepare(const GrammarSource& source) {
  trie();
  {
    std::lock_guard lock(mutex_);
    for (const auto& [known, grammar] : grammars_) {
      if (known == source) return grammar;
    }
  }
  auto grammar = compile_grammar(source);
  std::lock_guard lock(mutex_);
  if (grammars_.size() == grammars_max) grammars_.pop_back();
  grammars_.emplace_front(source, grammar);
  return grammar;
}

const VocabularyTrie& ConstraintPool::trie() {
  std::call_once(reads_vocabulary_,
                 [this] { trie_ = std::make_unique<const VocabularyTrie>(tokenizer_); });
  return *trie_;
}

std::span<const ConstraintPool::Through> ConstraintPool::tokens_through(std::string_view text) {
  const auto [place, is_new] = tokens_through_.try_emplace(text.back());
  if (is_new) {
    for (const auto& [bytes, token] : trie().texts()) {
      if (bytes.size() < 2) continue;
      const size_t last = bytes.rfind(text.back(), bytes.size() - 2);
      if (last != bytes.npos) place->second.push_back({token, last + 1, bytes});
    }
  }
  return place->second;
}

}  // namespace hearth::engine
