// Files that are wrong on purpose, one fault each: every one must end in a single line that names
// the place.
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "tests/support/gguf_files.h"
#include "tests/support/temp_folder.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

constexpr uint64_t huge = uint64_t{1} << 60;

// Bytes of a file piece by piece, without any of the writer's checks.
class RawFile {
 public:
  explicit RawFile(uint64_t tensors = 0, uint64_t keys = 0, uint32_t version = 3) {
    bytes_ = "GGUF";
    put(version).put(tensors).put(keys);
  }

  template <typename T>
  RawFile& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  RawFile& text(std::string_view value) {
    put(static_cast<uint64_t>(value.size()));
    bytes_.append(value);
    return *this;
  }
  template <typename T>
  RawFile& key(std::string_view name, uint32_t type, T value) {
    return text(name).put(type).put(value);
  }
  RawFile& tensor(std::string_view name, std::vector<uint64_t> shape, uint32_t type = 0,
                  uint64_t offset = 0) {
    text(name).put(static_cast<uint32_t>(shape.size()));
    for (const uint64_t dimension : shape) put(dimension);
    return put(type).put(offset);
  }
  // Up to the data part, and `size` bytes of it.
  RawFile& data(size_t size, size_t alignment = 32) {
    bytes_.append((alignment - bytes_.size() % alignment) % alignment + size, '\0');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  operator std::string() const { return bytes_; }

 private:
  std::string bytes_;
};

struct HostileFile {
  std::string name;
  std::string bytes;
  std::string expected;  // part of the message
};

std::vector<HostileFile> broken_starts() {
  return {
      {"nothing", "", "is empty"},
      {"one byte", "G", "the magic bytes"},
      {"other magic", "ggml" + std::string(100, 'x'), "starts with \"ggml\""},
      {"magic in small letters", "gguf" + std::string(100, '\0'), "starts with \"gguf\""},
      {"control characters as magic", std::string("\n\r\x1b\0", 4), "\\x0a\\x0d\\x1b\\x00"},
      {"magic only", "GGUF", "the version"},
      {"version 0", RawFile(0, 0, 0), "version 0"},
      {"version 1", RawFile(0, 0, 1), "version 1"},
      {"version 4", RawFile(0, 0, 4), "version 4"},
      {"big-endian", RawFile(0, 0, 0x03000000), "big-endian"},
      {"2^60 tensors", RawFile(huge, 0), "the number of tensors is 1152921504606846976"},
      {"2^60 keys", RawFile(0, huge), "the number of metadata keys is 1152921504606846976"},
      {"-1 tensors", RawFile(UINT64_MAX, 0), "the number of tensors is 18446744073709551615"},
      {"one key promised, none there", RawFile(0, 1), "the number of metadata keys is 1"},
  };
}

std::vector<HostileFile> broken_metadata() {
  const auto one_key = [] { return RawFile(0, 1); };
  const std::string padding(64, ' ');
  const auto padded = [&](std::string bytes) { return bytes + padding; };
  return {
      {"empty key", padded(one_key().key("", 4, uint32_t{1})), "empty key"},
      {"key of 2^60 bytes", padded(one_key().put(huge)), "a metadata key"},
      {"key of 65536 bytes", one_key().text(std::string(65536, 'k')),
       "length 65536, at most 65535"},
      {"key twice", RawFile(0, 2).key("a.b", 4, 1).key("a.b", 5, 2), "the key a.b twice"},
      {"key with a line break twice", RawFile(0, 2).key("a\nb", 4, 1).key("a\nb", 4, 1),
       "a\\x0ab twice"},
      {"type 13", padded(one_key().key("a.b", 13, 1)), "the value of a.b has type 13"},
      {"type 2^32-1", padded(one_key().key("a.b", 0xffffffff, 1)), "type 4294967295"},
      {"value cut off", one_key().key("a.b", 10, uint32_t{1}), "inside the value of a.b"},
      {"boolean of 2", padded(one_key().key("a.b", 7, uint8_t{2})), "boolean of 2"},
      {"string of 2^60", padded(one_key().key("a.b", 8, huge)), "the value of a.b"},
      {"string longer than the file", padded(one_key().key("a.b", 8, uint64_t{100})),
       "100 bytes needed"},
      {"array of 2^60", padded(one_key().key("a.b", 9, uint32_t{4}).put(huge)),
       "1152921504606846976 elements"},
      {"array of 2^26 bytes that are not there",
       padded(one_key().key("a.b", 9, uint32_t{0}).put(uint64_t{1} << 26)),
       "67108864 bytes needed"},
      {"array of 2^24 strings that are not there",
       padded(one_key().key("a.b", 9, uint32_t{8}).put(uint64_t{1} << 24)), "the value of a.b"},
      {"array of arrays", padded(one_key().key("a.b", 9, uint32_t{9}).put(uint64_t{1})),
       "array of arrays"},
      {"array of type 99", padded(one_key().key("a.b", 9, uint32_t{99}).put(uint64_t{1})),
       "array of type 99"},
      {"array with a boolean of 255",
       padded(
           one_key().key("a.b", 9, uint32_t{7}).put(uint64_t{2}).put(uint8_t{1}).put(uint8_t{255})),
       "boolean of 255"},
      {"alignment 0", one_key().key(key_alignment, 4, uint32_t{0}), "general.alignment is 0"},
      {"alignment 24", one_key().key(key_alignment, 4, uint32_t{24}), "general.alignment is 24"},
      {"alignment 1", one_key().key(key_alignment, 4, uint32_t{1}), "general.alignment is 1"},
      {"alignment 2^31", one_key().key(key_alignment, 4, uint32_t{1} << 31),
       "general.alignment is 2147483648"},
      {"alignment -32", one_key().key(key_alignment, 11, int64_t{-32}), "general.alignment is -32"},
      {"alignment as text", one_key().key(key_alignment, 8, uint64_t{2}).put('3').put('2'),
       "general.alignment is string"},
  };
}

std::vector<HostileFile> broken_tensors() {
  const std::string long_name(64, 'n');
  return {
      {"no name", RawFile(1).tensor("", {4}).data(64), "empty name"},
      {"name of 64 bytes", RawFile(1).tensor(long_name, {4}).data(64), "length 64, at most 63"},
      {"name of 2^60 bytes", RawFile(1).put(huge).data(64), "a tensor name"},
      {"name twice", RawFile(2).tensor("t", {8}).tensor("t", {8}, 0, 32).data(64),
       "two tensors named t"},
      {"no dimension", RawFile(1).tensor("t", {}).data(64), "tensor t has 0 dimensions"},
      {"five dimensions", RawFile(1).tensor("t", {1, 1, 1, 1, 1}).data(64),
       "tensor t has 5 dimensions"},
      {"2^32-1 dimensions", RawFile(1).text("t").put(0xffffffffu).data(64),
       "4294967295 dimensions"},
      {"zero rows", RawFile(1).tensor("t", {4, 0}).data(64), "dimension 1 is 0"},
      {"zero elements", RawFile(1).tensor("t", {0}).data(64), "dimension 0 is 0"},
      {"-1 elements", RawFile(1).tensor("t", {UINT64_MAX}).data(64),
       "dimension 0 is 18446744073709551615"},
      {"product overflows", RawFile(1).tensor("t", {huge, huge}).data(64),
       "larger than any memory"},
      {"product wraps to zero", RawFile(1).tensor("t", {1ull << 32, 1ull << 32}).data(64),
       "larger than any memory"},
      {"bytes overflow", RawFile(1).tensor("t", {1ull << 62}).data(64), "larger than any memory"},
      {"unknown type", RawFile(1).tensor("t", {4}, 77).data(64), "tensor t has type 77"},
      {"removed type", RawFile(1).tensor("t", {32}, 31).data(64), "removed from the format"},
      {"type of a fork", RawFile(1).tensor("t", {256}, 139).data(640),
       "IQ4_K of the ik_llama.cpp fork"},
      {"half a block", RawFile(1).tensor("t", {128}, 12).data(640), "multiple of 256 for q4_k"},
      {"offset not aligned", RawFile(1).tensor("t", {4}, 0, 16).data(64),
       "offset 16 is not a multiple"},
      {"offset of 2^60", RawFile(1).tensor("t", {4}, 0, huge).data(64),
       "tensor t takes bytes 1152921504606846976"},
      {"offset of 2^64-32", RawFile(1).tensor("t", {16}, 0, UINT64_MAX - 31).data(64),
       "it is cut off or damaged"},
      {"data missing", RawFile(1).tensor("t", {4}), "it is cut off or damaged"},
      {"data cut off", RawFile(1).tensor("t", {17}).data(64), "has only 64"},
      {"overlap", RawFile(2).tensor("a", {16}).tensor("b", {8}, 0, 32).data(64),
       "tensors a and b overlap at byte 32"},
      {"same place", RawFile(2).tensor("a", {8}).tensor("b", {8}).data(64), "overlap at byte 0"},
      {"overlap far apart in the list",
       RawFile(3).tensor("a", {8}, 0, 64).tensor("b", {8}).tensor("c", {24}, 0, 0).data(128),
       "overlap"},
      {"dimension cut off", RawFile(1).text("t").put(1u).put(uint64_t{4}).put(0u).put(0u),
       "ends inside tensor t"},
  };
}

std::vector<HostileFile> broken_parts() {
  return {
      {"one part of three", RawFile(0, 1).key(key_split_count, 2, uint16_t{3}),
       "split.count is 3, but 1 file was given"},
      {"the second part alone", RawFile(0, 1).key(key_split_no, 2, uint16_t{1}),
       "split.no is 1, expected 0"},
      {"another number of tensors", RawFile(0, 1).key(key_split_tensors_count, 5, int32_t{2}),
       "split.tensors.count is 2, but there are 0 tensors"},
      {"split.count as text", RawFile(0, 1).key(key_split_count, 8, uint64_t{0}),
       "split.count is string"},
  };
}

// The message when `action` throws Error{corrupt_data | unsupported}; checks that it is one line of
// sane length.
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK((error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::unsupported));
    CHECK(message.size() < 500);
    for (const char c : message) {
      if (c < ' ' || c > '~') FAIL_CHECK("not printable: " << message);
    }
    return message;
  }
  return "accepted";
}

// A small valid file without padding at its end.
std::string valid_file() {
  static const std::vector<std::byte> data(288);
  GgufWriter writer;
  writer.add(key_architecture, "llama");
  writer.add("llama.block_count", uint32_t{1});
  writer.add_array("llama.scales", std::vector<float>{1.0f, 2.0f});
  writer.add_strings(key_tokenizer_tokens, std::vector<std::string>{"a", "b", ""});
  const int64_t wide[] = {256, 2};
  writer.add_tensor("a.weight", DType::q4_k, wide, data);
  writer.add_tensor("b.weight", DType::f32, std::span(wide + 1, 1), std::span(data).first(8));
  const std::string bytes = writer.file_bytes();
  return bytes.substr(0, bytes.size() - 24);
}

}  // namespace

TEST_CASE("every fault of a file is refused in one line that names the place") {
  for (const auto& group : {broken_starts(), broken_metadata(), broken_tensors(), broken_parts()}) {
    for (const HostileFile& file : group) {
      INFO(file.name);
      CHECK_THAT(refusal([&] { testing::open_gguf(file.bytes); }),
                 Catch::StartsWith("test.gguf") && Catch::Contains(file.expected));
    }
  }
}

TEST_CASE("a file is refused wherever it is cut off") {
  const std::string whole = valid_file();
  CHECK_NOTHROW(testing::open_gguf(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size << " of " << whole.size() << " bytes");
    CHECK(refusal([&] { testing::open_gguf(whole.substr(0, size)); }) != "accepted");
  }
}

TEST_CASE("random bytes are refused") {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes =
        round % 2 == 0 ? std::string(RawFile(random() % 4, random() % 4)) : std::string();
    const size_t size = 64 + random() % 400;
    while (bytes.size() < size) bytes += static_cast<char>(random());
    // No key, no tensor: whatever follows is data, and the file is fine.
    if (bytes.substr(8, 16) == std::string(16, '\0')) continue;
    CHECK(refusal([&] { testing::open_gguf(bytes); }) != "accepted");
  }
}

TEST_CASE("a header without its data can be parsed, and says how far it got when it is cut") {
  const std::string whole = valid_file();
  const auto bytes = std::as_bytes(std::span(whole));
  const GgufHeader header = GgufHeader::parse(bytes.first(bytes.size() - 100), "part");
  CHECK(header.tensors.size() == 2);
  CHECK(header.tensors[0].data.empty());
  CHECK_THROWS_WITH(GgufHeader::parse(bytes.first(100), "part"), Catch::Contains("part: "));
}

TEST_CASE("parts that do not belong together are refused") {
  const testing::TempFolder folder;
  const auto part = [](uint16_t number, uint16_t count, std::string_view tensor) {
    static const std::vector<std::byte> data(32);
    GgufWriter writer;
    writer.add(key_split_no, number);
    writer.add(key_split_count, count);
    writer.add(key_split_tensors_count, int32_t{2});
    const int64_t shape[] = {8};
    writer.add_tensor(tensor, DType::f32, shape, data);
    return writer;
  };
  const auto first = folder.path() / "m-00001-of-00002.gguf";
  const auto second = folder.path() / "m-00002-of-00002.gguf";
  part(0, 2, "a").write(first);
  CHECK_THROWS_WITH(GgufFile::open(first), Catch::Contains("m-00002-of-00002.gguf"));
  part(1, 2, "b").write(second);
  const GgufFile file = GgufFile::open(first);
  CHECK(file.shard_count() == 2);
  CHECK(file.find_tensor("b")->shard == 1);
  CHECK_THROWS_WITH(GgufFile::open(second),
                    Catch::Contains("give the first part, m-00001-of-00002.gguf"));
  part(1, 2, "a").write(second);
  CHECK_THROWS_WITH(GgufFile::open(first), Catch::Contains("two tensors named a"));
  part(0, 2, "b").write(second);
  CHECK_THROWS_WITH(GgufFile::open(first), Catch::Contains("(part 2): split.no is 0, expected 1"));
  part(1, 3, "b").write(second);
  CHECK_THROWS_WITH(GgufFile::open(first),
                    Catch::Contains("split.count is 3, but 2 files were given"));
}

TEST_CASE("a million keys and a million tensors take seconds at most") {
  const auto started = std::chrono::steady_clock::now();
  const uint64_t count = 1000000;
  RawFile keys(0, count);
  for (uint64_t i = 0; i < count; ++i) keys.key("key." + std::to_string(i), 4, 1);
  CHECK(testing::open_gguf(keys.bytes()).metadata().require_int("key.999999") == 1);
  RawFile tensors(count, 0);
  for (uint64_t i = 0; i < count; ++i)
    tensors.tensor("t" + std::to_string(i), {8}, 0, (count - 1 - i) * 32);
  tensors.data(count * 32);
  CHECK(testing::open_gguf(tensors.bytes()).find_tensor("t0")->offset == (count - 1) * 32);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
  CHECK(elapsed.count() < 60);
}
