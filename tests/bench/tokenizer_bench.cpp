// How fast text becomes tokens and comes back: tokenizer_bench TEXT MODEL.gguf... prints megabytes
// per second of processor time for each vocabulary, the best of a few rounds.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/gguf/reader.h"
#include "engine/tokenizer/tokenizer.h"

namespace {

using namespace hearth::engine;

template <typename Work>
double megabytes_per_second(size_t bytes, const Work& work) {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const std::clock_t start = std::clock();
    work();
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = std::max(best, static_cast<double>(bytes) / 1e6 / seconds);
  }
  return best;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    fmt::print(stderr, "usage: tokenizer_bench TEXT MODEL.gguf...\n");
    return 2;
  }
  const std::string text = hearth::read_file(arguments[1]);
  for (int i = 2; i < count; ++i) {
    const auto tokenizer = make_tokenizer(GgufFile::open(arguments[i]));
    std::vector<TokenId> ids;
    std::string back;
    const double encoded = megabytes_per_second(
        text.size(), [&] { ids = tokenizer->encode(text, Specials::as_text); });
    const double decoded = megabytes_per_second(
        text.size(), [&] { back = tokenizer->decode(ids, true, Tidying::none); });
    const bool is_same = back == text || back == " " + text;
    fmt::print("encode {:6.1f} MB/s  decode {:6.1f} MB/s  {:8} tokens  {}  {}\n", encoded, decoded,
               ids.size(), is_same ? "same text  " : "other text", arguments[i]);
  }
}
