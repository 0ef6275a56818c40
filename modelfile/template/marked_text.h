// Text that remembers, stretch by stretch, whether a template wrote it (trusted) or it came from a
// message, a tool or a document. Every operation a template can do to a string is made of append
// and slice, so the marks survive.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "modelfile/template.h"

namespace hearth::modelfile {

// A value type. Bytes are UTF-8 (repaired where they enter); runs border on code points.
class MarkedText {
 public:
  struct Run {
    size_t size_bytes;
    bool is_trusted;
  };

  MarkedText() = default;
  MarkedText(std::string bytes, bool is_trusted);

  const std::string& bytes() const { return bytes_; }
  const std::vector<Run>& runs() const {
    return runs_;
  }  // neighbours differ in trust; none is empty
  size_t size() const { return bytes_.size(); }
  bool is_empty() const { return bytes_.empty(); }
  bool is_all_trusted() const;
  bool is_trusted_at(size_t offset) const;

  void append(std::string_view bytes, bool is_trusted);
  void append(const MarkedText& other);
  // Bytes [offset, offset + count), cut at the end.
  MarkedText slice(size_t offset, size_t count) const;
  // The same stretches with each one's bytes changed by `change`.
  MarkedText mapped(const std::function<std::string(std::string_view)>& change) const;

  std::vector<RenderedPart> to_parts() const;

 private:
  std::string bytes_;
  std::vector<Run> runs_;
};

}  // namespace hearth::modelfile
