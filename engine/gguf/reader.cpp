// Parsing of the header, checks of where tensors lie, and shards. Limits are those other readers
// apply, so that no file in use is refused: strings 16 MiB, arrays 64 Mi elements (strings 16 Mi),
// four dimensions, names below 64 bytes.
#include "engine/gguf/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"
#include "engine/gguf/keys.h"

namespace hearth::engine {
namespace {

constexpr uint64_t key_bytes_max = 65535;
constexpr uint64_t string_bytes_max = uint64_t{16} << 20;
constexpr uint64_t array_count_max = uint64_t{64} << 20;
constexpr uint64_t string_array_count_max = uint64_t{16} << 20;
constexpr uint64_t tensor_name_bytes_max = 63;
constexpr uint64_t dimension_count_max = 4;
// Below 8 a mapped f32 or f64 would not be aligned for the processor.
constexpr int64_t alignment_min = 8;
constexpr int64_t alignment_max = int64_t{1} << 20;
constexpr int64_t shard_count_max = 1024;
// The shortest possible entries: an entry of metadata is a length, one byte of key, a type and one
// byte of value; a tensor is a length, one byte of name, the number of dimensions, one dimension, a
// type and an offset.
constexpr uint64_t entry_bytes_min = 8 + 1 + 4 + 1;
constexpr uint64_t tensor_bytes_min = 8 + 1 + 4 + 8 + 4 + 8;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::corrupt_data, message);
}

// The magic and the version; throws for whatever is not version 2 or 3 of little-endian GGUF.
uint32_t read_version(ByteReader& reader, std::string_view what) {
  if (reader.remaining() == 0) fail(fmt::format("{} is empty, expected a GGUF file", what));
  const auto magic = reader.take(4, "the magic bytes");
  const std::string_view text(reinterpret_cast<const char*>(magic.data()), magic.size());
  if (text != "GGUF") {
    fail(fmt::format("{} is not a GGUF file: it starts with \"{}\", expected \"GGUF\"", what,
                     printable(text)));
  }
  const auto version = reader.read<uint32_t>("the version");
  if (version != 0 && (version & 0xffffu) == 0) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{} is a big-endian GGUF; hearth reads little-endian files only, convert it with "
            "gguf_convert_endian.py",
            what));
  }
  if (version < 2 || version > 3) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{} has GGUF version {}, expected 2 or 3; {}", what, version,
                            version == 1 ? "convert the model anew" : "update hearth"));
  }
  return version;
}

// A number of things of which each takes at least `bytes_each` of what is left of the file.
uint64_t read_count(ByteReader& reader, std::string_view what, std::string_view field,
                    uint64_t bytes_each) {
  const auto count = reader.read<uint64_t>(field);
  const uint64_t possible = reader.remaining() / bytes_each;
  if (count > possible) {
    fail(fmt::format("{}: {} is {}, but the {} bytes left can hold at most {}", what, field, count,
                     reader.remaining(), possible));
  }
  return count;
}

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> bytes, std::string_view what)
      : bytes_(bytes), reader_(bytes, what), what_(what) {}

  GgufHeader parse();

 private:
  GgufMetadata::Entry read_entry();
  GgufValue read_value(GgufType type, const std::string& field);
  GgufValue read_array(const std::string& field);
  TensorInfo read_tensor();
  void read_shape(TensorInfo& tensor, const std::string& field);
  DType read_type(const std::string& field);
  void check_booleans(std::span<const std::byte> values, const std::string& field);
  void check_size(TensorInfo& tensor, const std::string& field);
  uint64_t read_alignment(const GgufMetadata& metadata);
  std::span<const std::byte> bytes_from(size_t start) const {
    return bytes_.subspan(start, reader_.offset() - start);
  }

  std::span<const std::byte> bytes_;
  ByteReader reader_;
  std::string_view what_;
};

GgufHeader HeaderParser::parse() {
  GgufHeader header;
  header.version = read_version(reader_, what_);
  // The number of tensors stands first; entries of metadata come before them and make the bound
  // tighter below.
  const uint64_t tensor_count =
      read_count(reader_, what_, "the number of tensors", tensor_bytes_min);
  const uint64_t entry_count =
      read_count(reader_, what_, "the number of metadata keys", entry_bytes_min);
  std::vector<GgufMetadata::Entry> entries;
  for (uint64_t i = 0; i < entry_count; ++i) entries.push_back(read_entry());
  header.metadata = GgufMetadata(std::string(what_), std::move(entries));
  header.alignment = read_alignment(header.metadata);
  for (uint64_t i = 0; i < tensor_count; ++i) {
    TensorInfo tensor = read_tensor();
    if (tensor.offset % header.alignment != 0) {
      fail(fmt::format("{}: tensor {}: offset {} is not a multiple of the alignment {}", what_,
                       printable(tensor.name), tensor.offset, header.alignment));
    }
    header.tensors.push_back(tensor);
  }
  const uint64_t end = reader_.offset();
  header.data_offset = (end + header.alignment - 1) / header.alignment * header.alignment;
  return header;
}

GgufMetadata::Entry HeaderParser::read_entry() {
  const std::string_view key = reader_.read_string("a metadata key", key_bytes_max);
  const std::string field = "the value of " + printable(key);
  const auto type = static_cast<GgufType>(reader_.read<uint32_t>(field));
  return {key, read_value(type, field)};
}

GgufValue HeaderParser::read_value(GgufType type, const std::string& field) {
  if (type == GgufType::array) return read_array(field);
  const size_t start = reader_.offset();
  if (type == GgufType::string) {
    reader_.read_string(field, string_bytes_max);
  } else if (const auto size = size_bytes(type)) {
    const auto bytes = reader_.take(static_cast<uint64_t>(*size), field);
    if (type == GgufType::boolean) check_booleans(bytes, field);
  } else {
    fail(fmt::format("{}: {} has type {}, expected 0 to 12", what_, field,
                     static_cast<uint32_t>(type)));
  }
  return GgufValue(type, type, 1, bytes_from(start));
}

GgufValue HeaderParser::read_array(const std::string& field) {
  const auto type = static_cast<GgufType>(reader_.read<uint32_t>(field));
  const auto size = size_bytes(type);
  if (!size && type != GgufType::string) {
    const bool nested = type == GgufType::array;
    throw Error(
        nested ? ErrorCode::unsupported : ErrorCode::corrupt_data,
        fmt::format("{}: {} is an array of {}, expected numbers, booleans or strings", what_, field,
                    nested ? "arrays" : fmt::format("type {}", static_cast<uint32_t>(type))));
  }
  const auto count = reader_.read<uint64_t>(field);
  const uint64_t count_max = size ? array_count_max : string_array_count_max;
  if (count > count_max) {
    fail(fmt::format("{}: {} has {} elements, at most {} allowed", what_, field, count, count_max));
  }
  const size_t start = reader_.offset();
  if (size) {
    const auto bytes = reader_.take(count * static_cast<uint64_t>(*size), field);
    if (type == GgufType::boolean) check_booleans(bytes, field);
  } else {
    for (uint64_t i = 0; i < count; ++i) reader_.read_string(field, string_bytes_max);
  }
  return GgufValue(GgufType::array, type, static_cast<int64_t>(count), bytes_from(start));
}

void HeaderParser::check_booleans(std::span<const std::byte> values, const std::string& field) {
  const auto wrong = std::find_if(values.begin(), values.end(),
                                  [](std::byte value) { return value > std::byte{1}; });
  if (wrong != values.end()) {
    fail(fmt::format("{}: {} is a boolean of {}, expected 0 or 1", what_, field,
                     std::to_integer<int>(*wrong)));
  }
}

uint64_t HeaderParser::read_alignment(const GgufMetadata& metadata) {
  const int64_t alignment = metadata.find_int(key_alignment).value_or(32);
  const bool is_power_of_two = alignment > 0 && (alignment & (alignment - 1)) == 0;
  if (!is_power_of_two || alignment < alignment_min || alignment > alignment_max) {
    fail(fmt::format("{}: {} is {}, expected a power of two from {} to {}", what_, key_alignment,
                     alignment, alignment_min, alignment_max));
  }
  return static_cast<uint64_t>(alignment);
}

TensorInfo HeaderParser::read_tensor() {
  TensorInfo tensor;
  tensor.name = reader_.read_string("a tensor name", tensor_name_bytes_max);
  if (tensor.name.empty()) fail(fmt::format("{}: a tensor has an empty name", what_));
  const std::string field = "tensor " + printable(tensor.name);
  read_shape(tensor, field);
  tensor.type = read_type(field);
  tensor.offset = reader_.read<uint64_t>(field);
  check_size(tensor, field);
  return tensor;
}

void HeaderParser::read_shape(TensorInfo& tensor, const std::string& field) {
  const auto count = reader_.read<uint32_t>(field);
  if (count == 0 || count > dimension_count_max) {
    fail(fmt::format("{}: {} has {} dimensions, expected 1 to {}", what_, field, count,
                     dimension_count_max));
  }
  tensor.dimension_count = static_cast<int>(count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto dimension = reader_.read<uint64_t>(field);
    if (dimension == 0 || dimension > static_cast<uint64_t>(INT64_MAX)) {
      fail(fmt::format(
          "{}: {}: dimension {} is {}, expected 1 or more and a tensor that fits in memory", what_,
          field, i, dimension));
    }
    tensor.shape[i] = static_cast<int64_t>(dimension);
  }
}

DType HeaderParser::read_type(const std::string& field) {
  const auto id = reader_.read<uint32_t>(field);
  if (const DTypeInfo* row = find_dtype(id)) return row->type;
  const std::string description = describe_foreign_dtype(id);
  throw Error(ErrorCode::unsupported,
              fmt::format("{}: {} has type {}, {}", what_, field, id,
                          description.empty() ? "which hearth does not know"
                                              : "which hearth cannot read: " + description));
}

void HeaderParser::check_size(TensorInfo& tensor, const std::string& field) {
  const DTypeInfo& row = info(tensor.type);
  if (tensor.shape[0] % row.block_values != 0) {
    fail(fmt::format("{}: {}: rows of {} elements, expected a multiple of {} for {}", what_, field,
                     tensor.shape[0], row.block_values, row.name));
  }
  int64_t count = tensor.shape[0] / row.block_values;
  bool overflows =
      __builtin_mul_overflow(count, static_cast<int64_t>(row.block_bytes), &tensor.size_bytes);
  for (int i = 1; i < 4; ++i) {
    overflows =
        overflows || __builtin_mul_overflow(tensor.size_bytes, tensor.shape[static_cast<size_t>(i)],
                                            &tensor.size_bytes);
  }
  int64_t values = 1;
  for (const int64_t dimension : tensor.shape) {
    overflows = overflows || __builtin_mul_overflow(values, dimension, &values);
  }
  if (overflows) {
    fail(fmt::format("{}: {}: shape {} is larger than any memory", what_, field,
                     fmt::format("[{}, {}, {}, {}]", tensor.shape[0], tensor.shape[1],
                                 tensor.shape[2], tensor.shape[3])));
  }
}

// Every tensor inside the file and none on top of another. Gaps are allowed.
void check_layout(const GgufHeader& header, uint64_t file_bytes, std::string_view what) {
  const uint64_t data_bytes = file_bytes > header.data_offset ? file_bytes - header.data_offset : 0;
  std::vector<const TensorInfo*> by_offset;
  by_offset.reserve(header.tensors.size());
  for (const TensorInfo& tensor : header.tensors) {
    const auto size = static_cast<uint64_t>(tensor.size_bytes);
    if (tensor.offset > data_bytes || size > data_bytes - tensor.offset) {
      fail(fmt::format(
          "{}: tensor {} takes bytes {} to {} of the data, but the file has only {}; it is cut off "
          "or "
          "damaged",
          what, printable(tensor.name), tensor.offset, tensor.offset + size, data_bytes));
    }
    by_offset.push_back(&tensor);
  }
  std::sort(by_offset.begin(), by_offset.end(),
            [](const TensorInfo* a, const TensorInfo* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const TensorInfo& before = *by_offset[i - 1];
    if (before.offset + static_cast<uint64_t>(before.size_bytes) > by_offset[i]->offset) {
      fail(fmt::format("{}: tensors {} and {} overlap at byte {} of the data", what,
                       printable(before.name), printable(by_offset[i]->name),
                       by_offset[i]->offset));
    }
  }
}

struct ShardName {
  std::string prefix;
  int64_t number;  // from 1
  int64_t count;
};

// "prefix-00001-of-00003.gguf" taken apart; absent for any other name.
std::optional<ShardName> parse_shard_name(const std::string& name) {
  constexpr size_t tail_size = std::string_view("-00001-of-00003.gguf").size();
  if (name.size() <= tail_size) return std::nullopt;
  const std::string tail = name.substr(name.size() - tail_size);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || tail.substr(15) != ".gguf" ||
      !std::all_of(tail.begin() + 1, tail.begin() + 6, is_digit) ||
      !std::all_of(tail.begin() + 10, tail.begin() + 15, is_digit)) {
    return std::nullopt;
  }
  return ShardName{name.substr(0, name.size() - tail_size), std::stoll(tail.substr(1, 5)),
                   std::stoll(tail.substr(10, 5))};
}

std::string shard_file_name(const ShardName& name, int64_t number) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", name.prefix, number, name.count);
}

// The split.* keys of one shard against its place among `count`.
void check_split_keys(const GgufMetadata& metadata, int64_t shard, int64_t count,
                      std::string_view what) {
  const int64_t declared = metadata.find_int(key_split_count).value_or(1);
  if (declared != count) {
    fail(fmt::format("{}: {} is {}, but {} file{} given", what, key_split_count, declared, count,
                     count == 1 ? " was" : "s were"));
  }
  const int64_t number = metadata.find_int(key_split_no).value_or(0);
  if (number != shard) {
    fail(fmt::format("{}: {} is {}, expected {}; the parts are in the wrong order or mixed up",
                     what, key_split_no, number, shard));
  }
}

}  // namespace

GgufHeader GgufHeader::parse(std::span<const std::byte> bytes, std::string_view what) {
  return HeaderParser(bytes, what).parse();
}

GgufFile GgufFile::open(const std::filesystem::path& path) {
  std::vector<MappedFile> shards;
  const auto name = parse_shard_name(path.filename().string());
  if (!name || name->count <= 1) {
    shards.push_back(MappedFile::open(path));
    return from_mappings(std::move(shards), path.string());
  }
  if (name->count > shard_count_max) {
    throw Error(ErrorCode::unsupported, fmt::format("{}: {} parts, at most {} allowed",
                                                    path.string(), name->count, shard_count_max));
  }
  if (name->number != 1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} is part {} of {}; give the first part, {}", path.string(),
                            name->number, name->count, shard_file_name(*name, 1)));
  }
  for (int64_t number = 1; number <= name->count; ++number) {
    shards.push_back(MappedFile::open(path.parent_path() / shard_file_name(*name, number)));
  }
  return from_mappings(std::move(shards), path.string());
}

GgufFile GgufFile::from_fds(std::span<const int> fds, std::string_view what) {
  HEARTH_CHECK(!fds.empty());
  std::vector<MappedFile> shards;
  shards.reserve(fds.size());
  for (const int fd : fds) shards.push_back(MappedFile::from_fd(fd, what));
  return from_mappings(std::move(shards), what);
}

GgufFile GgufFile::from_mappings(std::vector<MappedFile> shards, std::string_view what) {
  GgufFile file;
  file.shards_ = std::move(shards);
  const auto count = static_cast<int64_t>(file.shards_.size());
  for (int64_t shard = 0; shard < count; ++shard) {
    const std::string shard_what =
        count == 1 ? std::string(what) : fmt::format("{} (part {})", what, shard + 1);
    GgufHeader header =
        GgufHeader::parse(file.shards_[static_cast<size_t>(shard)].bytes(), shard_what);
    check_split_keys(header.metadata, shard, count, shard_what);
    file.add_shard(std::move(header), static_cast<int>(shard), shard_what);
  }
  const auto declared = file.metadata().find_int(key_split_tensors_count);
  if (declared && *declared != static_cast<int64_t>(file.tensors_.size())) {
    fail(fmt::format("{}: {} is {}, but there are {} tensors", what, key_split_tensors_count,
                     *declared, file.tensors_.size()));
  }
  file.index_tensors();
  return file;
}

void GgufFile::add_shard(GgufHeader header, int shard, std::string_view what) {
  const std::span<const std::byte> bytes = shards_[static_cast<size_t>(shard)].bytes();
  check_layout(header, bytes.size(), what);
  for (TensorInfo tensor : header.tensors) {
    tensor.shard = shard;
    tensor.data =
        bytes.subspan(header.data_offset + tensor.offset, static_cast<size_t>(tensor.size_bytes));
    tensors_.push_back(tensor);
  }
  header.tensors.clear();
  if (shard == 0) first_ = std::move(header);
}

void GgufFile::index_tensors() {
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::sort(by_name_.begin(), by_name_.end(),
            [this](uint32_t a, uint32_t b) { return tensors_[a].name < tensors_[b].name; });
  for (size_t i = 1; i < by_name_.size(); ++i) {
    const std::string_view name = tensors_[by_name_[i]].name;
    if (name == tensors_[by_name_[i - 1]].name) {
      fail(fmt::format("{}: there are two tensors named {}", what(), printable(name)));
    }
  }
}

const TensorInfo* GgufFile::find_tensor(std::string_view name) const {
  const auto position = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](uint32_t index, std::string_view wanted) { return tensors_[index].name < wanted; });
  if (position == by_name_.end() || tensors_[*position].name != name) return nullptr;
  return &tensors_[*position];
}

const MappedFile& GgufFile::shard_of(std::span<const std::byte> mapped) const {
  const auto has_it = [mapped](const MappedFile& shard) {
    const std::span<const std::byte> bytes = shard.bytes();
    return mapped.data() >= bytes.data() &&
           mapped.data() + mapped.size() <= bytes.data() + bytes.size();
  };
  const auto found = std::find_if(shards_.begin(), shards_.end(), has_it);
  HEARTH_CHECK(found != shards_.end());
  return *found;
}

void GgufFile::read(std::span<const std::byte> mapped, std::byte* out) const {
  const MappedFile& shard = shard_of(mapped);
  shard.read(static_cast<uint64_t>(mapped.data() - shard.bytes().data()), {out, mapped.size()},
             what());
}

void GgufFile::forget(std::span<const std::byte> mapped) const {
  const MappedFile& shard = shard_of(mapped);
  shard.forget(static_cast<uint64_t>(mapped.data() - shard.bytes().data()), mapped.size());
}

uint64_t GgufFile::file_size_bytes() const {
  uint64_t total = 0;
  for (const MappedFile& shard : shards_) total += shard.bytes().size();
  return total;
}

}  // namespace hearth::engine
