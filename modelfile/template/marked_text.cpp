#include "modelfile/template/marked_text.h"

#include <algorithm>

namespace hearth::modelfile {

MarkedText::MarkedText(std::string bytes, bool is_trusted) : bytes_(std::move(bytes)) {
  if (!bytes_.empty()) runs_.push_back({bytes_.size(), is_trusted});
}

bool MarkedText::is_all_trusted() const {
  return std::all_of(runs_.begin(), runs_.end(), [](const Run& run) { return run.is_trusted; });
}

bool MarkedText::is_trusted_at(size_t offset) const {
  for (const Run& run : runs_) {
    if (offset < run.size_bytes) return run.is_trusted;
    offset -= run.size_bytes;
  }
  return true;
}

void MarkedText::append(std::string_view bytes, bool is_trusted) {
  if (bytes.empty()) return;
  bytes_ += bytes;
  if (!runs_.empty() && runs_.back().is_trusted == is_trusted) {
    runs_.back().size_bytes += bytes.size();
  } else {
    runs_.push_back({bytes.size(), is_trusted});
  }
}

void MarkedText::append(const MarkedText& other) {
  size_t offset = 0;
  for (const Run& run : other.runs_) {
    append(std::string_view(other.bytes_).substr(offset, run.size_bytes), run.is_trusted);
    offset += run.size_bytes;
  }
}

MarkedText MarkedText::slice(size_t offset, size_t count) const {
  MarkedText result;
  offset = std::min(offset, size());
  const size_t end = offset + std::min(count, size() - offset);
  size_t start = 0;
  for (const Run& run : runs_) {
    const size_t from = std::max(start, offset);
    const size_t to = std::min(start + run.size_bytes, end);
    if (from < to) result.append(std::string_view(bytes_).substr(from, to - from), run.is_trusted);
    start += run.size_bytes;
    if (start >= end) break;
  }
  return result;
}

MarkedText MarkedText::mapped(const std::function<std::string(std::string_view)>& change) const {
  MarkedText result;
  size_t offset = 0;
  for (const Run& run : runs_) {
    result.append(change(std::string_view(bytes_).substr(offset, run.size_bytes)), run.is_trusted);
    offset += run.size_bytes;
  }
  return result;
}

std::vector<RenderedPart> MarkedText::to_parts() const {
  std::vector<RenderedPart> parts;
  size_t offset = 0;
  for (const Run& run : runs_) {
    parts.push_back({bytes_.substr(offset, run.size_bytes), run.is_trusted});
    offset += run.size_bytes;
  }
  return parts;
}

}  // namespace hearth::modelfile
