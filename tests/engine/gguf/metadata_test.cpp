#include "engine/gguf/metadata.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "engine/gguf/writer.h"
#include "tests/support/gguf_files.h"

using namespace hearth;
using namespace hearth::engine;

TEST_CASE("a value of the wrong kind is an error that names key, expected and found") {
  GgufWriter writer;
  writer.add("llama.block_count", "three");
  writer.add("llama.rope.freq_base", NAN);
  writer.add("llama.flag", uint32_t{2});
  writer.add_array("scores", std::vector<float>{1.0f, NAN});
  writer.add_array("heads", std::vector<uint32_t>{4, 2});
  writer.add("one", uint64_t{7});
  const GgufFile file = testing::open_gguf(writer.file_bytes());
  const GgufMetadata& metadata = file.metadata();
  CHECK_THROWS_WITH(metadata.find_int("llama.block_count"),
                    "test.gguf: llama.block_count is string, expected an integer");
  CHECK_THROWS_WITH(metadata.find_float("llama.rope.freq_base"),
                    "test.gguf: llama.rope.freq_base is f32 nan, expected a finite number");
  CHECK_THROWS_WITH(metadata.find_bool("llama.flag"),
                    "test.gguf: llama.flag is u32 2, expected a boolean");
  CHECK_THROWS_WITH(metadata.find_floats("scores"),
                    Catch::Contains("scores holds a value that is not a number"));
  CHECK_THROWS_WITH(metadata.find_int("heads"), Catch::Contains("array of u32 (2)"));
  CHECK_THROWS_WITH(metadata.find_strings("heads"), Catch::Contains("expected strings"));
  CHECK_THROWS_WITH(metadata.require_bool("gone"),
                    "test.gguf: gone is missing, expected a boolean");
  CHECK_THROWS_WITH(metadata.require_int_between("one", 1, 6),
                    "test.gguf: one is 7, expected 1 to 6");
  CHECK(metadata.require_int_between("one", 1, 7) == 7);
}

TEST_CASE("a value per layer comes from one number or from an array that is long enough") {
  GgufWriter writer;
  writer.add("one", uint32_t{7});
  writer.add_array("each", std::vector<uint32_t>{4, 2, 1});
  const GgufFile file = testing::open_gguf(writer.file_bytes());
  CHECK(file.metadata().find_ints_per_layer("one", 3) == std::vector<int64_t>{7, 7, 7});
  CHECK(file.metadata().find_ints_per_layer("each", 2) == std::vector<int64_t>{4, 2});
  CHECK(!file.metadata().find_ints_per_layer("none", 2));
  CHECK_THROWS_WITH(file.metadata().find_ints_per_layer("each", 4),
                    Catch::Contains("4 values, one per layer"));
  CHECK_THROWS_WITH(file.metadata().find_ints_per_layer("one", -1), Catch::Contains("-1 layers"));
  CHECK_THROWS_WITH(file.metadata().find_ints_per_layer("one", int64_t{1} << 60),
                    Catch::Contains("layers"));
}

TEST_CASE("text of a file is made fit for one line") {
  CHECK(printable("blk.0.attn_q") == "blk.0.attn_q");
  CHECK(printable(std::string_view("a\n\0\xff", 4)) == "a\\x0a\\x00\\xff");
  CHECK(printable(std::string(1000, 'x')).size() == 99);
}
