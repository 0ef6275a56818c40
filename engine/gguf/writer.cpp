#include "engine/gguf/writer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/metadata.h"

namespace hearth::engine {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

template <typename T>
void append(std::string& target, T value) {
  target.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_text(std::string& target, std::string_view text) {
  append(target, static_cast<uint64_t>(text.size()));
  target.append(text);
}

void append_bytes(std::string& target, std::span<const std::byte> bytes) {
  target.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

void GgufWriter::start_entry(std::string_view key, GgufType type) {
  if (key.empty() || key.size() > 65535)
    fail(fmt::format("a key of {} bytes, expected 1 to 65535", key.size()));
  if (!keys_.emplace(key).second) fail(fmt::format("the key {} is there already", printable(key)));
  append_text(entries_, key);
  append(entries_, type);
}

void GgufWriter::add_encoded(std::string_view key, GgufType type,
                             std::span<const std::byte> bytes) {
  add(key, GgufValue(type, type, 1, bytes));
}

void GgufWriter::add_encoded_array(std::string_view key, GgufType type, uint64_t count,
                                   std::span<const std::byte> bytes) {
  add(key, GgufValue(GgufType::array, type, static_cast<int64_t>(count), bytes));
}

void GgufWriter::add(std::string_view key, const GgufValue& value) {
  if (key == key_alignment) use_alignment(value.as_int().value_or(0));
  start_entry(key, value.type());
  if (value.is_array()) {
    append(entries_, value.element_type());
    append(entries_, static_cast<uint64_t>(value.count()));
  }
  append_bytes(entries_, value.bytes());
}

void GgufWriter::add(std::string_view key, std::string_view text) {
  start_entry(key, GgufType::string);
  append_text(entries_, text);
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string> texts) {
  start_entry(key, GgufType::array);
  append(entries_, GgufType::string);
  append(entries_, static_cast<uint64_t>(texts.size()));
  for (const std::string& text : texts) append_text(entries_, text);
}

void GgufWriter::set_alignment(uint32_t alignment) {
  add(key_alignment, alignment);
}

void GgufWriter::use_alignment(int64_t alignment) {
  if (alignment < 8 || alignment > (1 << 20) || (alignment & (alignment - 1)) != 0) {
    fail(fmt::format("alignment {}, expected a power of two from 8 to 1048576", alignment));
  }
  alignment_ = static_cast<uint64_t>(alignment);
  place_tensors();
}

uint64_t GgufWriter::padding_after(uint64_t size_bytes) const {
  return (alignment_ - size_bytes % alignment_) % alignment_;
}

void GgufWriter::place_tensors() {
  uint64_t offset = 0;
  for (PlannedTensor& tensor : tensors_) {
    tensor.offset = offset;
    offset += tensor.size_bytes + padding_after(tensor.size_bytes);
  }
}

void GgufWriter::add_tensor(std::string_view name, DType type, std::span<const int64_t> shape,
                            std::span<const std::byte> data) {
  if (name.empty() || name.size() > 63)
    fail(
        fmt::format("tensor name {} has {} bytes, expected 1 to 63", printable(name), name.size()));
  if (shape.empty() || shape.size() > 4)
    fail(
        fmt::format("tensor {} has {} dimensions, expected 1 to 4", printable(name), shape.size()));
  const DTypeInfo& row = info(type);
  if (shape[0] % row.block_values != 0) {
    fail(fmt::format("tensor {} has rows of {} elements, expected a multiple of {} for {}",
                     printable(name), shape[0], row.block_values, row.name));
  }
  int64_t size = shape[0] / row.block_values * row.block_bytes;
  for (const int64_t dimension : shape) {
    if (dimension < 1)
      fail(fmt::format("tensor {} has a dimension of {}", printable(name), dimension));
  }
  for (const int64_t dimension : shape.subspan(1)) {
    if (__builtin_mul_overflow(size, dimension, &size))
      fail(fmt::format("tensor {} is larger than any memory", printable(name)));
  }
  if (!data.empty() && data.size() != static_cast<size_t>(size)) {
    fail(fmt::format("tensor {} has {} bytes of data, expected {}", printable(name), data.size(),
                     size));
  }
  if (!tensor_names_.emplace(name).second)
    fail(fmt::format("there is a tensor {} already", printable(name)));
  uint64_t offset = 0;
  if (!tensors_.empty()) {
    const PlannedTensor& last = tensors_.back();
    offset = last.offset + last.size_bytes + padding_after(last.size_bytes);
  }
  tensors_.push_back({std::string(name),
                      type,
                      {shape.begin(), shape.end()},
                      data,
                      offset,
                      static_cast<uint64_t>(size)});
}

std::string GgufWriter::header_bytes() const {
  std::string header = "GGUF";
  append(header, uint32_t{3});
  append(header, static_cast<uint64_t>(tensors_.size()));
  append(header, static_cast<uint64_t>(keys_.size()));
  header += entries_;
  for (const PlannedTensor& tensor : tensors_) {
    append_text(header, tensor.name);
    append(header, static_cast<uint32_t>(tensor.shape.size()));
    for (const int64_t dimension : tensor.shape) append(header, static_cast<uint64_t>(dimension));
    append(header, tensor.type);
    append(header, tensor.offset);
  }
  if (!tensors_.empty()) header.append(padding_after(header.size()), '\0');
  return header;
}

std::string GgufWriter::file_bytes() const {
  std::string file = header_bytes();
  for (const PlannedTensor& tensor : tensors_) {
    if (tensor.data.empty()) fail(fmt::format("tensor {} has no data", printable(tensor.name)));
    append_bytes(file, tensor.data);
    file.append(padding_after(tensor.size_bytes), '\0');
  }
  return file;
}

void GgufWriter::write(int fd, std::string_view what) const {
  GgufStream stream(*this, fd, what);
  for (const PlannedTensor& tensor : tensors_) stream.write_tensor(tensor.data);
  stream.finish();
}

void GgufWriter::write(const std::filesystem::path& path) const {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd)
    throw Error(ErrorCode::internal,
                fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  write(fd.get(), path.string());
}

GgufStream::GgufStream(const GgufWriter& writer, int fd, std::string_view what)
    : writer_(writer), fd_(fd), what_(what) {
  const std::string header = writer.header_bytes();
  write_all(fd_, std::as_bytes(std::span(header)), what_);
}

void GgufStream::write_tensor(std::span<const std::byte> data) {
  if (written_ == writer_.tensors_.size())
    fail(fmt::format("{}: all {} tensors are written", what_, written_));
  const auto& tensor = writer_.tensors_[written_];
  if (data.size() != tensor.size_bytes) {
    fail(fmt::format("{}: tensor {} got {} bytes, expected {}", what_, printable(tensor.name),
                     data.size(), tensor.size_bytes));
  }
  write_all(fd_, data, what_);
  const std::vector<std::byte> padding(writer_.padding_after(tensor.size_bytes));
  write_all(fd_, padding, what_);
  ++written_;
}

void GgufStream::finish() const {
  if (written_ != writer_.tensors_.size()) {
    fail(fmt::format("{}: {} of {} tensors written", what_, written_, writer_.tensors_.size()));
  }
}

}  // namespace hearth::engine
