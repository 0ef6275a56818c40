// The constraint of one answer while it is written: thoughts and free text first where the spec
// allows them, then the grammar. Says which tokens can come next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/constraint.h"
#include "engine/constraint/constraint_pool.h"
#include "engine/constraint/matcher.h"
#include "engine/constraint/text_search.h"
#include "engine/constraint/token_masks.h"
#include "engine/token_id.h"

namespace hearth::engine {

// Belongs to one sequence; used by the engine worker only.
class AnswerConstraint {
 public:
  // `pool` must outlive this. Throws as compile_grammar.
  AnswerConstraint(const ConstraintSpec& spec, ConstraintPool& pool);

  // A bit per token that can come next; empty: every one. Valid until the next call. Throws
  // Error{unsupported} where no token of the vocabulary goes on with the answer, and as
  // Matcher::step.
  std::span<const uint64_t> allowed();
  // The token that was chosen, of those allowed; not one that ends the answer.
  void accept(TokenId token);
  // Nothing can come any more but the end.
  bool is_complete();

 private:
  enum class Phase : uint8_t {
    opening,   // thoughts or not: nobody knows yet
    thinking,  // until thoughts_close
    blanks,    // behind the thoughts, before the grammar
    free,      // until free_until
    bound,     // the grammar decides
  };
  // Everything that changes. In `opening` both ways are followed.
  struct Place {
    Phase phase = Phase::bound;
    uint32_t opened = 0;  // bytes of thoughts_open
    uint32_t blanks = 0;  // that were skipped
    uint32_t found = 0;   // bytes of what is searched
    bool may_open = false;
    Matcher::State state = Matcher::dead;
  };

  bool is_dead(const Place& place) const;
  bool is_free() const;
  bool has_found_tag(const Place& place) const;
  Place behind_thoughts() const;
  Place step(Place place, uint8_t byte);
  Place step_opening(Place place, uint8_t byte);
  Place step_blank(Place place, uint8_t byte);
  Place step_all(Place place, std::string_view bytes);
  Place step_control(const Place& place, std::string_view said);
  void walk(const Place& from);
  void allow_controls();
  void allow_end();
  void allow_free(bool may_end);
  bool allow_close();

  ConstraintSpec spec_;
  std::shared_ptr<const Grammar> grammar_;  // shared: see compile_grammar
  ConstraintPool& pool_;
  const VocabularyTrie& trie_;
  Matcher matcher_;
  TokenMasks masks_;
  TextSearch close_;
  TextSearch until_;
  Place place_;
  int64_t thoughts_tokens_ = 0;
  std::vector<uint64_t> words_;
  std::string piece_;
};

}  // namespace hearth::engine
