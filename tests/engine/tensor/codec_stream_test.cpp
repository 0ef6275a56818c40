#include <sys/mman.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/mapped_file.h"
#include "engine/tensor/codec.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

UniqueFd memory_file(std::span<const std::byte> content = {}) {
  UniqueFd fd(::memfd_create("codec_stream_test", 0));
  write_all(fd.get(), content, "memory file");
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

}  // namespace

TEST_CASE("a stream longer than one chunk is encoded and decoded as a whole") {
  std::vector<float> values((size_t{1} << 18) + 512);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i % 255) - 127);
  const UniqueFd source = memory_file(std::as_bytes(std::span(values)));
  const UniqueFd blocks = memory_file();
  const UniqueFd back = memory_file();
  encode_stream(DType::f16, source.get(), blocks.get());
  ::lseek(blocks.get(), 0, SEEK_SET);
  decode_stream(DType::f16, blocks.get(), back.get());
  const MappedFile result = MappedFile::from_fd(back.get(), "result");
  REQUIRE(result.bytes().size() == values.size() * sizeof(float));
  CHECK(std::memcmp(result.bytes().data(), values.data(), result.bytes().size()) == 0);
}

TEST_CASE("a stream that ends inside a block is refused") {
  const std::vector<std::byte> part(145);
  const UniqueFd source = memory_file(part);
  const UniqueFd sink = memory_file();
  CHECK_THROWS_WITH(decode_stream(DType::q4_k, source.get(), sink.get()),
                    Catch::Contains("1 bytes into a block of 144"));
  ::lseek(source.get(), 0, SEEK_SET);
  CHECK_THROWS_WITH(encode_stream(DType::q4_k, source.get(), sink.get()),
                    Catch::Contains("256 floats"));
}
