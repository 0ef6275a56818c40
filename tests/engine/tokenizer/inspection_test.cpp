#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/file.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/engine/tokenizer/test_vocabulary.h"

namespace hearth::engine {
namespace {

std::unique_ptr<const Tokenizer> small_tokenizer() {
  const auto builder = spm_vocabulary({"\u2581", "a", "b", "\u2581a"});
  return make_tokenizer(builder.build());
}

// Runs `work` between two pipes; the texts here are far smaller than what a pipe holds.
template <typename Work>
std::string through_pipes(std::string_view input, const Work& work) {
  int in[2];
  int out[2];
  REQUIRE(::pipe(in) == 0);
  REQUIRE(::pipe(out) == 0);
  const UniqueFd in_read(in[0]);
  UniqueFd in_write(in[1]);
  const UniqueFd out_read(out[0]);
  write_all(in_write.get(), std::as_bytes(std::span(input)), "test");
  in_write.reset();
  work(in_read.get(), out[1]);
  ::close(out[1]);
  std::string result(1000, '\0');
  const ssize_t count = ::read(out_read.get(), result.data(), result.size());
  result.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return result;
}

}  // namespace

TEST_CASE("tokenize and detokenize are inverse", "[tokenizer]") {
  const auto tokenizer = small_tokenizer();
  const auto tokenize = [&](Specials specials) {
    return [&, specials](int in, int out) { tokenize_stream(*tokenizer, specials, in, out); };
  };
  const auto detokenize = [&](int in, int out) {
    detokenize_stream(*tokenizer, Tidying::by_vocabulary, in, out);
  };
  CHECK(through_pipes("ab a", tokenize(Specials::as_text)) == "7\n6\n7\n");
  CHECK(through_pipes("a<s>", tokenize(Specials::parse)) == "7\n1\n");
  CHECK(through_pipes("7\n6, 7\n", detokenize) == "ab a");
  CHECK(through_pipes("", detokenize).empty());
  CHECK_THROWS_WITH(through_pipes("7 x", detokenize), Catch::Contains("byte 2"));
  CHECK_THROWS_WITH(through_pipes("7x", detokenize), Catch::Contains("not a token id"));
  CHECK_THROWS_WITH(through_pipes("8", detokenize), Catch::Contains("expected 0 to 7"));
  CHECK_THROWS_WITH(through_pipes("-1", detokenize), Catch::Contains("expected 0 to 7"));
}

}  // namespace hearth::engine
