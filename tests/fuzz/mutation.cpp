#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "tests/support/gguf_files.h"

namespace hearth::fuzz {
namespace {

using namespace engine;

constexpr uint64_t interesting[] = {
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    13,
    31,
    32,
    36,
    63,
    64,
    127,
    128,
    255,
    256,
    257,
    4096,
    32767,
    65535,
    65536,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    uint64_t{1} << 40,
    uint64_t{1} << 60,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // 0..bound-1
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : engine_() % bound; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  uint64_t interesting_number() {
    const uint64_t value = interesting[below(std::size(interesting))];
    return one_in(4) ? value + below(5) - 2 : value;
  }

 private:
  std::mt19937_64 engine_;
};

template <typename T>
void overwrite(std::string& bytes, size_t offset, T value) {
  if (offset + sizeof(T) <= bytes.size()) std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

// One damage somewhere in the first `header_size` bytes.
void damage_bytes(std::string& bytes, size_t header_size, Random& random) {
  if (bytes.empty()) return;
  const size_t at = random.below(std::min(header_size, bytes.size()));
  const size_t length = 1 + random.below(16);
  switch (random.below(9)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      break;
    case 1:
      bytes[at] = static_cast<char>(random.interesting_number());
      break;
    case 2:
      overwrite(bytes, at, static_cast<uint32_t>(random.interesting_number()));
      break;
    case 3:
      overwrite(bytes, at, random.interesting_number());
      break;
    case 4:
      bytes.resize(at);
      break;
    case 5:
      bytes.erase(at, length);
      break;
    case 6:
      bytes.insert(at, length, static_cast<char>(random.below(256)));
      break;
    case 7:
      bytes.insert(random.below(bytes.size()), bytes.substr(at, length * 4));
      break;
    default: {
      const size_t from = random.below(std::min(header_size, bytes.size()));
      const std::string piece = bytes.substr(from, length);
      bytes.replace(at, std::min(piece.size(), bytes.size() - at), piece);
    }
  }
}

// A well-formed file made from another one with a few facts changed.
class Rewriter {
 public:
  Rewriter(const GgufFile& file, Random& random) : file_(file), random_(random) {}

  std::string bytes() {
    const size_t entry_count = file_.metadata().entries().size();
    const size_t tensor_count = file_.tensors().size();
    const bool changes_tensors = random_.one_in(3);
    const size_t victim = random_.below(changes_tensors ? tensor_count : entry_count);
    const size_t second = random_.one_in(2) ? random_.below(entry_count) : entry_count;
    for (size_t i = 0; i < entry_count; ++i) {
      const auto& [key, value] = file_.metadata().entries()[i];
      if ((i == victim && !changes_tensors) || i == second) {
        change_entry(key, value);
      } else {
        writer_.add(key, value);
      }
    }
    for (size_t i = 0; i < tensor_count; ++i)
      add_tensor(file_.tensors()[i], changes_tensors && i == victim);
    return writer_.file_bytes();
  }

 private:
  void change_entry(std::string_view key, const GgufValue& value);
  void change_array(std::string_view key, const GgufValue& value);
  void add_tensor(const TensorInfo& tensor, bool is_victim);

  const GgufFile& file_;
  Random& random_;
  GgufWriter writer_;
  std::deque<std::vector<std::byte>> data_;
};

void Rewriter::change_entry(std::string_view key, const GgufValue& value) {
  if (key == "general.alignment") return writer_.add(key, value);
  if (value.is_array() && !random_.one_in(4)) return change_array(key, value);
  switch (random_.below(8)) {
    case 0:
      return;  // the key is gone
    case 1:
      return writer_.add(key, static_cast<uint32_t>(random_.interesting_number()));
    case 2:
      return writer_.add(key, static_cast<int64_t>(random_.interesting_number()));
    case 3:
      return writer_.add(key, static_cast<float>(random_.interesting_number()));
    case 4: {
      constexpr float odd[] = {0.0f,
                               -0.0f,
                               -1.0f,
                               1e-38f,
                               3e38f,
                               __builtin_inff(),
                               -__builtin_inff(),
                               __builtin_nanf("")};
      return writer_.add(key, odd[random_.below(std::size(odd))]);
    }
    case 5:
      return writer_.add(
          key, random_.one_in(2) ? std::string(random_.below(300), '\xe2') : std::string("yarn"));
    case 6:
      return writer_.add_array(
          key, std::vector<int32_t>(random_.below(5),
                                    static_cast<int32_t>(random_.interesting_number())));
    default: {
      std::vector<std::byte> bytes(value.bytes().begin(), value.bytes().end());
      // The value's own bytes; lengths of strings stay as they are, so that the writer's file is
      // well-formed.
      const size_t first = value.type() == GgufType::string ? 8 : 0;
      if (bytes.size() > first && value.type() != GgufType::boolean && !value.is_array()) {
        bytes[first + random_.below(bytes.size() - first)] =
            static_cast<std::byte>(random_.below(256));
      }
      return writer_.add(key, GgufValue(value.type(), value.element_type(), value.count(), bytes));
    }
  }
}

// Longer, shorter, other elements, elements twice.
void Rewriter::change_array(std::string_view key, const GgufValue& value) {
  if (const auto texts = value.as_strings()) {
    std::vector<std::string> changed(texts->begin(), texts->end());
    for (uint64_t changes = 1 + random_.below(3); changes > 0 && !changed.empty(); --changes) {
      std::string& text = changed[random_.below(changed.size())];
      switch (random_.below(6)) {
        case 0:
          text.clear();
          break;
        case 1:
          text = changed[random_.below(changed.size())];
          break;
        case 2:
          text += static_cast<char>(random_.below(256));
          break;
        case 3:
          text = std::string(random_.below(2000), 'a');
          break;
        case 4:
          changed.resize(random_.below(changed.size() + 1));
          break;
        default:
          changed.push_back(
              std::string(1 + random_.below(3), static_cast<char>(random_.below(256))));
      }
    }
    return writer_.add_strings(key, changed);
  }
  if (const auto numbers = value.as_floats()) {
    std::vector<float> changed(numbers->begin(), numbers->end());
    if (random_.one_in(3)) changed.resize(random_.below(changed.size() + 3));
    if (!changed.empty())
      changed[random_.below(changed.size())] = static_cast<float>(random_.interesting_number());
    if (value.element_type() == GgufType::f32) return writer_.add_array(key, changed);
    std::vector<int32_t> integers;
    for (const float number : changed)
      integers.push_back(number > -1e9f && number < 1e9f ? static_cast<int32_t>(number) : -1);
    return writer_.add_array(key, integers);
  }
  writer_.add(key, value);
}

void Rewriter::add_tensor(const TensorInfo& tensor, bool is_victim) {
  std::string name(tensor.name);
  DType type = tensor.type;
  std::vector<int64_t> shape(tensor.shape.begin(), tensor.shape.begin() + tensor.dimension_count);
  if (is_victim) {
    switch (random_.below(6)) {
      case 0:
        return;  // the tensor is gone
      case 1:
        name += "x";
        break;
      case 2:
        type = dtype_table[random_.below(std::size(dtype_table))].type;
        break;
      case 3:
        shape.back() = 1 + static_cast<int64_t>(random_.below(70));
        break;
      case 4:
        shape[0] = 1 + static_cast<int64_t>(random_.below(600));
        break;
      default:
        if (shape.size() < 4) shape.push_back(1 + static_cast<int64_t>(random_.below(3)));
    }
  }
  if (shape[0] % info(type).block_values != 0) shape[0] = info(type).block_values;
  int64_t size = row_bytes(type, shape[0]);
  for (size_t i = 1; i < shape.size(); ++i) size *= shape[i];
  data_.emplace_back(tensor.data.begin(), tensor.data.end());
  data_.back().resize(static_cast<size_t>(size), std::byte{0x5a});
  if (random_.one_in(50)) data_.back()[random_.below(data_.back().size())] = std::byte{0xff};
  writer_.add_tensor(name, type, shape, data_.back());
}

}  // namespace

std::string mutate(const std::vector<std::string>& seeds, uint64_t number) {
  Random random(number * 0x9e3779b97f4a7c15 + 1);
  const std::string& seed = seeds[random.below(seeds.size())];
  const auto bytes = std::as_bytes(std::span(seed));
  if (number % 2 == 0) {
    std::string damaged = seed;
    const size_t header_size = GgufHeader::parse(bytes, "seed").data_offset;
    for (uint64_t count = 1 + random.below(3); count > 0; --count)
      damage_bytes(damaged, header_size, random);
    return damaged;
  }
  const GgufFile file = testing::open_gguf(seed, "seed");
  return Rewriter(file, random).bytes();
}

}  // namespace hearth::fuzz
