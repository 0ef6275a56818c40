// How far an engine's next-token distributions are from those of exact arithmetic: the
// Kullback-Leibler divergence, with a bootstrap interval, for us and for other engines.
//
//     divergence dequantise MODEL.gguf F32.gguf          the same weights as F32: the truth's file
//     divergence record F32.gguf TRUTH --text FILE --isa avx2 --kv-type f32
//     divergence record MODEL.gguf OURS --like TRUTH [--isa amx-precise]
//     llama-perplexity -m MODEL.gguf -f FILE -c 512 --chunks 16 --kl-divergence-base PEER
//     divergence compare TRUTH OURS PEER                 the ratio is the first to each later one
//
// Records have the form llama-perplexity writes: "_logits_", u32 context, u32 vocabulary, u32
// chunks, the tokens as i32, then for every chunk the rows of its positions context/2 to context-2.
// A row is f32 step, f32 least and u16 per token: log probability = least + step * u16, padded to
// an even count. The least is at most 16 below the best. Every chunk begins with the token that
// begins prompts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "engine/kernels/kernels.h"
#include "engine/kv_type.h"
#include "engine/logits.h"
#include "engine/tensor/codec.h"
#include "engine/tokenizer/tokenizer.h"

namespace {

using namespace hearth::engine;
using hearth::Error;
using hearth::ErrorCode;

constexpr std::string_view magic = "_logits_";
constexpr float depth = 16;  // log probabilities further below the best are not told apart
constexpr float steps = 65535;
constexpr int32_t resamples = 2000;
// Neighbouring positions resemble each other: they are drawn together.
constexpr size_t block_positions = 15;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

struct Header {
  uint32_t context = 512;
  uint32_t vocab_size = 0;
  uint32_t chunks = 0;
  std::vector<int32_t> tokens;

  size_t first_row() const { return context / 2; }
  size_t rows_per_chunk() const { return context - 1 - context / 2; }
  size_t row_words() const { return (vocab_size + 1) / 2 * 2 + 4; }
};

template <typename T>
void write_values(std::ofstream& out, const T* values, size_t count) {
  std::vector<char> bytes(count * sizeof(T));
  std::memcpy(bytes.data(), values, bytes.size());
  out.write(bytes.data(), std::ssize(bytes));
}

template <typename T>
bool read_values(std::ifstream& in, T* values, size_t count) {
  std::vector<char> bytes(count * sizeof(T));
  if (!in.read(bytes.data(), std::ssize(bytes))) return false;
  std::memcpy(values, bytes.data(), bytes.size());
  return true;
}

Header read_header(std::ifstream& in, const std::string& path) {
  Header header;
  char mark[8];
  uint32_t numbers[3];
  if (!read_values(in, mark, 8) || std::string_view(mark, 8) != magic ||
      !read_values(in, numbers, 3)) {
    fail(path + ": not a record of log probabilities");
  }
  header.context = numbers[0];
  header.vocab_size = numbers[1];
  header.chunks = numbers[2];
  if (header.context < 4 || header.context > 1U << 20U || header.chunks > 1U << 16U)
    fail(path + ": context or number of chunks out of range");
  header.tokens.resize(size_t{header.context} * header.chunks);
  if (!read_values(in, header.tokens.data(), header.tokens.size())) fail(path + ": cut short");
  return header;
}

struct Arguments {
  std::vector<std::string> words;
  std::string text, like, isa, kv_type = "f16";
  uint32_t context = 512, chunks = 16;
  int32_t threads = 0;
  bool decode_role = false;
};

Arguments parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string word = values[i];
    const auto next = [&] { return i + 1 < count ? std::string(values[++i]) : std::string(); };
    if (word == "--text")
      arguments.text = next();
    else if (word == "--like")
      arguments.like = next();
    else if (word == "--isa")
      arguments.isa = next();
    else if (word == "--kv-type")
      arguments.kv_type = next();
    else if (word == "--context")
      arguments.context = static_cast<uint32_t>(std::stoul(next()));
    else if (word == "--chunks")
      arguments.chunks = static_cast<uint32_t>(std::stoul(next()));
    else if (word == "--threads")
      arguments.threads = std::stoi(next());
    else if (word == "--decode")
      arguments.decode_role = true;
    else
      arguments.words.push_back(word);
  }
  return arguments;
}

void dequantise(const std::string& from, const std::string& to) {
  const GgufFile file = GgufFile::open(from);
  GgufWriter writer;
  for (const GgufMetadata::Entry& entry : file.metadata().entries())
    if (entry.key != "general.file_type") writer.add(entry.key, entry.value);
  std::vector<std::vector<float>> values;
  for (const TensorInfo& tensor : file.tensors()) {
    std::vector<float>& decoded = values.emplace_back(static_cast<size_t>(tensor.value_count()));
    decode(tensor.type, tensor.data, decoded);
    writer.add_tensor(tensor.name, DType::f32,
                      std::span(tensor.shape).first(static_cast<size_t>(tensor.dimension_count)),
                      std::as_bytes(std::span(decoded)));
  }
  writer.write(std::filesystem::path(to));
}

Header header_for(const Arguments& arguments, const Tokenizer& tokenizer) {
  Header header;
  if (!arguments.like.empty()) {
    std::ifstream like(arguments.like, std::ios::binary);
    header = read_header(like, arguments.like);
    if (header.vocab_size != static_cast<uint32_t>(tokenizer.vocab_size()))
      fail(arguments.like + ": another vocabulary");
    return header;
  }
  header.context = arguments.context;
  header.chunks = arguments.chunks;
  header.vocab_size = static_cast<uint32_t>(tokenizer.vocab_size());
  const std::string text = hearth::read_file(arguments.text);
  const TextPart part{text, true};
  header.tokens = tokenizer.encode_prompt({&part, 1});
  const size_t wanted = size_t{header.context} * header.chunks;
  if (header.tokens.size() < wanted)
    fail(fmt::format("{}: {} tokens, {} needed", arguments.text, header.tokens.size(), wanted));
  header.tokens.resize(wanted);
  return header;
}

// One row as it is stored.
void pack(std::span<const float> logits, std::span<uint16_t> row) {
  const float best = *std::max_element(logits.begin(), logits.end());
  const float least = std::max(*std::min_element(logits.begin(), logits.end()), best - depth);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - double{best});
  const auto log_sum = static_cast<float>(std::log(sum));
  const float head[2] = {(best - least) / steps, least - best - log_sum};
  std::memcpy(row.data(), head, sizeof(head));
  for (size_t i = 0; i < logits.size(); ++i) {
    const float above = std::max(logits[i] - least, 0.0F);
    row[4 + i] = head[0] > 0 ? static_cast<uint16_t>(std::lround(above / head[0])) : uint16_t{0};
  }
}

void record(const Arguments& arguments) {
  const std::string& out_path = arguments.words[2];
  const GgufFile file = GgufFile::open(arguments.words[1]);
  const auto tokenizer = make_tokenizer(file);
  const Header header = header_for(arguments, *tokenizer);
  LogitsOptions options;
  options.kernels = find_kernels(arguments.isa.c_str());
  if (options.kernels == nullptr) fail("--isa: this machine has no kernels " + arguments.isa);
  options.kv_type = kv_type_from_name(arguments.kv_type).value_or(KvType::f16);
  options.decode_role = arguments.decode_role;
  options.threads = arguments.threads;
  options.context = header.context;
  std::vector<TokenId> tokens(header.tokens.begin(), header.tokens.end());
  if (tokenizer->adds_bos()) {
    for (size_t i = 0; i < tokens.size(); i += header.context) tokens[i] = header.tokens[0];
  }
  std::ofstream out(out_path, std::ios::binary);
  write_values(out, magic.data(), magic.size());
  const uint32_t numbers[3] = {header.context, header.vocab_size, header.chunks};
  write_values(out, numbers, 3);
  write_values(out, header.tokens.data(), header.tokens.size());
  std::vector<uint16_t> row(header.row_words());
  size_t position = 0;
  evaluate_logits(file, tokens, options, [&](std::span<const float> rows, int64_t vocab_size) {
    const auto width = static_cast<size_t>(vocab_size);
    for (size_t first = 0; first < rows.size(); first += width, ++position) {
      const size_t index = position % header.context;
      if (index < header.first_row() || index + 1 >= header.context) continue;
      pack(rows.subspan(first, width), row);
      write_values(out, row.data(), row.size());
    }
  });
  if (!out.flush()) fail("cannot write " + out_path);
}

// Log probabilities of one record, row by row.
class Rows {
 public:
  explicit Rows(const std::string& path)
      : path_(path),
        in_(path, std::ios::binary),
        header_(read_header(in_, path)),
        words_(header_.row_words()) {}

  const Header& header() const { return header_; }
  const std::string& path() const { return path_; }

  void read(std::vector<float>& values) {
    if (!read_values(in_, words_.data(), words_.size())) fail(path_ + ": cut short");
    float head[2];
    std::memcpy(head, words_.data(), sizeof(head));
    values.resize(header_.vocab_size);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = head[1] + head[0] * static_cast<float>(words_[4 + i]);
  }

 private:
  std::string path_;
  std::ifstream in_;
  Header header_;
  std::vector<uint16_t> words_;
};

double divergence(const std::vector<float>& truth, const std::vector<float>& other) {
  double sum = 0;
  for (size_t i = 0; i < truth.size(); ++i)
    sum += std::exp(double{truth[i]}) * (double{truth[i]} - double{other[i]});
  return sum;
}

size_t best_of(const std::vector<float>& values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

struct Distance {
  std::string path;
  std::vector<double> blocks;  // sums over block_positions positions each
  double mean = 0;
  double same_best = 0;  // share of positions whose likeliest token is the truth's
};

// The 2.5th and the 97.5th percentile of `statistic(weights)`, weights being how often each block
// was drawn.
template <typename Statistic>
std::pair<double, double> interval(size_t blocks, const Statistic& statistic) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<size_t> draw(0, blocks - 1);
  std::vector<double> results;
  for (int32_t i = 0; i < resamples; ++i) {
    std::vector<double> weights(blocks, 0);
    for (size_t j = 0; j < blocks; ++j) weights[draw(random)] += 1;
    results.push_back(statistic(weights));
  }
  std::sort(results.begin(), results.end());
  return {results[resamples / 40], results[resamples - 1 - resamples / 40]};
}

double weighted(const std::vector<double>& blocks, const std::vector<double>& weights) {
  double sum = 0;
  for (size_t i = 0; i < blocks.size(); ++i) sum += blocks[i] * weights[i];
  return sum;
}

void print_distances(const std::vector<Distance>& distances, size_t positions) {
  const Distance& ours = distances.front();
  for (const Distance& distance : distances) {
    const auto [low, high] = interval(distance.blocks.size(), [&](const auto& weights) {
      return weighted(distance.blocks, weights) / static_cast<double>(positions);
    });
    fmt::print("{}: {:.6g} nats (95 %: {:.6g} to {:.6g}), same likeliest token {:.2f} %",
               distance.path, distance.mean, low, high, 100 * distance.same_best);
    if (&distance != &ours) {
      const auto [least, most] = interval(distance.blocks.size(), [&](const auto& weights) {
        return weighted(ours.blocks, weights) / weighted(distance.blocks, weights);
      });
      fmt::print("; {} is {:.3f} x this (95 %: {:.3f} to {:.3f})", ours.path,
                 ours.mean / distance.mean, least, most);
    }
    fmt::print("\n");
  }
}

void compare(const std::vector<std::string>& paths) {
  Rows truth(paths[0]);
  std::vector<Rows> others;
  std::vector<Distance> distances;
  for (size_t i = 1; i < paths.size(); ++i) {
    others.emplace_back(paths[i]);
    distances.push_back({paths[i], {}, 0, 0});
    const Header& header = others.back().header();
    if (header.tokens != truth.header().tokens || header.vocab_size != truth.header().vocab_size)
      fail(paths[i] + ": other tokens than " + paths[0]);
  }
  const size_t positions = truth.header().rows_per_chunk() * truth.header().chunks;
  std::vector<float> expected, found;
  for (size_t position = 0; position < positions; ++position) {
    truth.read(expected);
    for (size_t i = 0; i < others.size(); ++i) {
      others[i].read(found);
      const double value = divergence(expected, found);
      if (position % block_positions == 0) distances[i].blocks.push_back(0);
      distances[i].blocks.back() += value;
      distances[i].mean += value / static_cast<double>(positions);
      distances[i].same_best +=
          (best_of(expected) == best_of(found) ? 1.0 : 0.0) / static_cast<double>(positions);
    }
  }
  fmt::print("{} positions, divergence from {}\n", positions, paths[0]);
  print_distances(distances, positions);
}

int run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words;
  const std::string command = words.empty() ? "" : words[0];
  if (command == "dequantise" && words.size() == 3) {
    dequantise(words[1], words[2]);
  } else if (command == "record" && words.size() == 3 &&
             arguments.text.empty() != arguments.like.empty()) {
    record(arguments);
  } else if (command == "compare" && words.size() >= 3) {
    compare({words.begin() + 1, words.end()});
  } else {
    fmt::print(
        stderr,
        "usage: divergence dequantise MODEL F32 | record MODEL OUT --text FILE|--like RECORD "
        "[--context 512] [--chunks 16] [--isa X] [--kv-type T] [--threads N] [--decode] | compare "
        "TRUTH "
        "OURS [PEER...]\n");
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** values) {
  try {
    return run(parse(count, values));
  } catch (const std::exception& error) {
    fmt::print(stderr, "divergence: {}\n", error.what());
    return 1;
  }
}
