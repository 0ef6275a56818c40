#include "engine/gguf/writer.h"

#include <unistd.h>
#include <catch2/catch.hpp>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "tests/support/gguf_files.h"
#include "tests/support/shared.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

void check_same(const GgufFile& a, const GgufFile& b) {
  REQUIRE(a.metadata().entries().size() == b.metadata().entries().size());
  for (size_t i = 0; i < a.metadata().entries().size(); ++i) {
    const auto& [key, value] = a.metadata().entries()[i];
    const auto& [other_key, other] = b.metadata().entries()[i];
    INFO(key);
    CHECK(key == other_key);
    CHECK(value.type() == other.type());
    CHECK(value.element_type() == other.element_type());
    CHECK(value.count() == other.count());
    CHECK(std::equal(value.bytes().begin(), value.bytes().end(), other.bytes().begin(),
                     other.bytes().end()));
  }
  REQUIRE(a.tensors().size() == b.tensors().size());
  for (size_t i = 0; i < a.tensors().size(); ++i) {
    const TensorInfo& tensor = a.tensors()[i];
    const TensorInfo& other = b.tensors()[i];
    INFO(tensor.name);
    CHECK(tensor.name == other.name);
    CHECK(tensor.type == other.type);
    CHECK(tensor.shape == other.shape);
    CHECK(tensor.dimension_count == other.dimension_count);
    CHECK(std::equal(tensor.data.begin(), tensor.data.end(), other.data.begin(), other.data.end()));
  }
}

std::string copy_of(const GgufFile& file) {
  GgufWriter writer;
  for (const auto& [key, value] : file.metadata().entries()) writer.add(key, value);
  for (const TensorInfo& tensor : file.tensors()) {
    writer.add_tensor(tensor.name, tensor.type,
                      std::span(tensor.shape).first(static_cast<size_t>(tensor.dimension_count)),
                      tensor.data);
  }
  return writer.file_bytes();
}

}  // namespace

TEST_CASE("metadata of every type is read as it was written") {
  GgufWriter writer;
  writer.add("u8", uint8_t{255});
  writer.add("i8", int8_t{-128});
  writer.add("u16", uint16_t{65535});
  writer.add("i16", int16_t{-32768});
  writer.add("u32", uint32_t{4294967295u});
  writer.add("i32", std::numeric_limits<int32_t>::min());
  writer.add("u64", std::numeric_limits<uint64_t>::max());
  writer.add("i64", std::numeric_limits<int64_t>::min());
  writer.add("f32", 0.1f);
  writer.add("f64", 0.1);
  writer.add("yes", true);
  writer.add("text", "a\nb");
  writer.add("empty", "");
  writer.add_array("numbers", std::vector<int16_t>{-1, 0, 1});
  writer.add_array("none", std::vector<float>{});
  writer.add_strings("words", std::vector<std::string>{"", "one", "two"});
  const std::string bytes = writer.file_bytes();
  const GgufFile file = testing::open_gguf(bytes);
  const GgufMetadata& metadata = file.metadata();
  CHECK(metadata.require_int("u8") == 255);
  CHECK(metadata.require_int("i8") == -128);
  CHECK(metadata.require_int("u16") == 65535);
  CHECK(metadata.require_int("i16") == -32768);
  CHECK(metadata.require_int("u32") == 4294967295);
  CHECK(metadata.require_int("i32") == std::numeric_limits<int32_t>::min());
  CHECK_THROWS_WITH(metadata.require_int("u64"),
                    Catch::Contains("u64 is u64, expected an integer"));
  CHECK(metadata.require_int("i64") == std::numeric_limits<int64_t>::min());
  CHECK(metadata.require_float("f32") == static_cast<double>(0.1f));
  CHECK(metadata.require_float("f64") == 0.1);
  CHECK(metadata.require_bool("yes"));
  CHECK(metadata.require_string("text") == "a\nb");
  CHECK(metadata.require_string("empty").empty());
  CHECK(metadata.require_ints("numbers") == std::vector<int64_t>{-1, 0, 1});
  CHECK(metadata.find_floats("none")->empty());
  CHECK(metadata.require_strings("words") == std::vector<std::string_view>{"", "one", "two"});
  CHECK(copy_of(file) == bytes);
}

TEST_CASE("every file of the oracle survives reading and writing") {
  const auto folder = testing::shared_path("oracle");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() != ".gguf" || entry.file_size() > (8u << 20)) continue;
    INFO(entry.path());
    const GgufFile file = GgufFile::open(entry.path());
    check_same(file, testing::open_gguf(copy_of(file)));
    ++count;
  }
  CHECK(count > 100);
}

TEST_CASE("tensors are aligned as the file says") {
  const std::vector<std::byte> data(20, std::byte{7});
  for (const uint32_t alignment : {8u, 32u, 4096u}) {
    GgufWriter writer;
    const int64_t shape[] = {5};
    writer.add_tensor("a", DType::f32, shape, data);
    writer.add_tensor("b", DType::f32, shape, data);
    writer.set_alignment(alignment);
    const GgufFile file = testing::open_gguf(writer.file_bytes());
    CHECK(file.alignment() == alignment);
    CHECK(file.find_tensor("b")->offset % alignment == 0);
    CHECK(file.find_tensor("b")->data[19] == std::byte{7});
  }
}

TEST_CASE("a file on disk and a stream hold the same bytes") {
  const std::vector<std::byte> data(34, std::byte{1});
  GgufWriter writer;
  writer.add(key_architecture, "llama");
  const int64_t shape[] = {32, 1};
  writer.add_tensor("blk.0.attn_q.weight", DType::q8_0, shape, data);
  const auto path =
      std::filesystem::temp_directory_path() / ("hearth_writer_test_" + std::to_string(::getpid()));
  writer.write(path);
  CHECK(read_file(path) == writer.file_bytes());
  std::filesystem::remove(path);

  const UniqueFd fd = testing::memory_file("");
  GgufStream stream(writer, fd.get(), "stream");
  CHECK_THROWS_WITH(stream.finish(), Catch::Contains("0 of 1 tensors"));
  CHECK_THROWS_WITH(stream.write_tensor(std::span(data).first(33)),
                    Catch::Contains("33 bytes, expected 34"));
  stream.write_tensor(data);
  stream.finish();
  CHECK_THROWS_WITH(stream.write_tensor(data), Catch::Contains("all 1 tensors"));
}

TEST_CASE("the writer refuses what no reader would accept") {
  GgufWriter writer;
  writer.add("key", 1);
  CHECK_THROWS_WITH(writer.add("key", 2), Catch::Contains("key is there already"));
  CHECK_THROWS_WITH(writer.add("", 2), Catch::Contains("0 bytes"));
  CHECK_THROWS_WITH(writer.set_alignment(24), Catch::Contains("alignment 24"));
  const int64_t shape[] = {33};
  CHECK_THROWS_WITH(writer.add_tensor("t", DType::q8_0, shape), Catch::Contains("multiple of 32"));
  CHECK_THROWS_WITH(writer.add_tensor(std::string(64, 'x'), DType::f32, shape),
                    Catch::Contains("64 bytes"));
  CHECK_THROWS_WITH(writer.add_tensor("t", DType::f32, {}), Catch::Contains("0 dimensions"));
  const int64_t huge[] = {int64_t{1} << 40, int64_t{1} << 40};
  CHECK_THROWS_WITH(writer.add_tensor("t", DType::f32, huge),
                    Catch::Contains("larger than any memory"));
  writer.add_tensor("t", DType::f32, shape);
  CHECK_THROWS_WITH(writer.add_tensor("t", DType::f32, shape),
                    Catch::Contains("a tensor t already"));
  CHECK_THROWS_WITH(writer.file_bytes(), Catch::Contains("t has no data"));
}
