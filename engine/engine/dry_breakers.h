// The strings that end repetitions for DRY, as tokens of a vocabulary. Finding them looks at every
// token, so an engine keeps what it has found.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/sampler/dry.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {

// Null for no strings; empty ones are ignored.
std::shared_ptr<const DryBreakers> find_breakers(const Tokenizer& tokenizer,
                                                 const std::vector<std::string>& strings);

// Used by the engine worker only. Breakers are shared by the sequences that asked for the same.
class DryBreakerCache {
 public:
  // `tokenizer` must outlive the cache.
  explicit DryBreakerCache(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  std::shared_ptr<const DryBreakers> get(const std::vector<std::string>& strings);

 private:
  const Tokenizer& tokenizer_;
  // Shared: sequences outlive the place in the cache.
  std::map<std::vector<std::string>, std::shared_ptr<const DryBreakers>> found_;
};

}  // namespace hearth::engine
