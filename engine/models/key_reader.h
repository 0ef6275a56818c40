// Reads the metadata keys of one architecture, "<architecture>.<suffix>", and refuses what cannot
// be in words that name the key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/gguf/metadata.h"
#include "engine/models/architecture.h"

namespace hearth::engine {

// Everything throws Error{corrupt_data} for a value outside its range.
class KeyReader {
 public:
  KeyReader(const GgufMetadata& metadata, const ArchitectureRow& architecture)
      : metadata_(metadata), architecture_(architecture) {}

  std::string key(std::string_view suffix) const;
  bool has(std::string_view suffix) const { return metadata_.find(key(suffix)) != nullptr; }

  int64_t require(std::string_view suffix, int64_t low, int64_t high) const;
  int64_t integer(std::string_view suffix, int64_t otherwise, int64_t low, int64_t high) const;
  // A number above `low`, at most 1e12.
  double number(std::string_view suffix, double otherwise, double low) const;
  // `otherwise` where the file does not give one, unless `presence` says it must.
  double scale(std::string_view suffix, double otherwise, Presence presence) const;
  bool flag(std::string_view suffix, bool otherwise) const;
  std::string_view text(std::string_view suffix, std::string_view otherwise) const;
  // One value for each of `count` layers, 1 to `high`. The key must be there.
  std::vector<int64_t> per_layer(std::string_view suffix, int64_t count, int64_t high) const;

  [[noreturn]] void fail(ErrorCode code, std::string_view suffix, const std::string& what) const;

  const GgufMetadata& metadata() const { return metadata_; }
  const ArchitectureRow& architecture() const { return architecture_; }

 private:
  const GgufMetadata& metadata_;
  const ArchitectureRow& architecture_;
};

}  // namespace hearth::engine
