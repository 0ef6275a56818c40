// What grammars cost: microseconds to compile, and per token for the mask and for choosing, while
// answers are written with random logits through the real sampler.
//   constraint_bench VOCAB.gguf                  a table of schemas and grammars
//   constraint_bench VOCAB.gguf SCHEMAS N        N answers under each schema of a JSON list, as
//   JSON
//                                                lines {schema, text, finished}
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/constraint.h"
#include "engine/constraint/answer_constraint.h"
#include "engine/gguf/reader.h"
#include "engine/sampler/random.h"
#include "engine/sampler/sampler.h"
#include "engine/tokenizer/tokenizer.h"

namespace {

using namespace hearth::engine;
using Json = nlohmann::ordered_json;

// Processor time of this thread.
double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

// Random logits that favour what ends things: otherwise every string is as long as it may be.
class Writer {
 public:
  explicit Writer(const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), bias_(static_cast<size_t>(tokenizer.vocab_size()), 0) {
    std::string piece;
    for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
      piece.clear();
      if (!tokenizer.is_control(id)) tokenizer.append_piece(piece, id, false);
      if (piece.find_first_of("\"}]") != piece.npos) bias_[static_cast<size_t>(id)] = 6;
      if (tokenizer.is_end_of_generation(id)) bias_[static_cast<size_t>(id)] = 12;
    }
  }

  struct Result {
    std::string text;
    bool is_finished = false;
    std::vector<double> mask_us;
    std::vector<double> sample_us;
  };

  Result write(const ConstraintSpec& spec, ConstraintPool& pool, uint64_t seed, int tokens_max) {
    Result result;
    AnswerConstraint constraint(spec, pool);
    SamplingOptions options;
    options.seed = static_cast<int64_t>(seed);
    Sampler sampler(options, tokenizer_.vocab_size(), 4096);
    std::vector<float> logits(bias_.size());
    for (int i = 0; i < tokens_max && !result.is_finished; ++i) {
      for (size_t k = 0; k < logits.size(); ++k)
        logits[k] = bias_[k] + static_cast<float>(random_bits(seed * 4096 + i, k) >> 40) / 2e6F;
      const double begin = now_us();
      const std::span<const uint64_t> allowed = constraint.allowed();
      const double middle = now_us();
      const TokenId token = sampler.sample(logits, nullptr, allowed);
      result.sample_us.push_back(now_us() - middle);
      result.is_finished = tokenizer_.is_end_of_generation(token);
      double accept = 0;
      if (!result.is_finished) {
        tokenizer_.append_piece(result.text, token, false);
        const double before = now_us();
        constraint.accept(token);
        accept = now_us() - before;
        result.is_finished = constraint.is_complete();
      }
      result.mask_us.push_back(middle - begin + accept);
    }
    return result;
  }

 private:
  const Tokenizer& tokenizer_;
  std::vector<float> bias_;
};

struct Row {
  const char* name;
  GrammarSource source;
};

const Row rows[] = {
    {"json object", {}},
    {"person",
     {GrammarKind::json_schema,
      R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,
      "maximum":150},"email":{"type":"string","format":"email"},"tags":{"type":"array","items":{"type":"string"}},
      "address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string","maxLength":80}},
      "required":["street","city"]}},"required":["name","age","tags","address"]})",
      false}},
    {"long strings",
     {GrammarKind::json_schema,
      R"({"type":"array","items":{"type":"string","minLength":200,"maxLength":1000},"minItems":3})",
      false}},
    {"tree",
     {GrammarKind::json_schema,
      R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"number"},
      "kids":{"type":"array","items":{"$ref":"#/$defs/n"}}},"required":["v","kids"]}}})",
      false}},
    {"gbnf words", {GrammarKind::gbnf, "root ::= ([a-zA-Z]+ [ ,.])+", false}},
};

double share(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(p * static_cast<double>(values.size())))];
}

void print_table(const Tokenizer& tokenizer, Writer& writer) {
  ConstraintPool pool(tokenizer);
  double begin = now_us();
  pool.trie();
  fmt::print("vocabulary of {} tokens read in {:.1f} ms\n", tokenizer.vocab_size(),
             (now_us() - begin) / 1000);
  fmt::print("{:14} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "microseconds", "compile",
             "first", "mean", "p99", "max", "sampling");
  for (const Row& row : rows) {
    begin = now_us();
    compile_grammar(row.source);
    const double compile = now_us() - begin;
    const ConstraintSpec spec{"", "", false, "", row.source};
    std::vector<double> masks;
    std::vector<double> samples;
    double first = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const Writer::Result result = writer.write(spec, pool, seed, 200);
      if (seed == 1) first = share(result.mask_us, 1);
      if (seed <= 4) continue;  // the steady state
      masks.insert(masks.end(), result.mask_us.begin(), result.mask_us.end());
      samples.insert(samples.end(), result.sample_us.begin(), result.sample_us.end());
    }
    double mean = 0;
    for (const double us : masks) mean += us / static_cast<double>(masks.size());
    fmt::print("{:14} {:10.0f} {:10.0f} {:10.1f} {:10.1f} {:10.1f} {:10.1f}\n", row.name, compile,
               first, mean, share(masks, 0.99), share(masks, 1), share(samples, 0.5));
  }
}

void print_answers(const Tokenizer& tokenizer, Writer& writer, const char* path, int count) {
  ConstraintPool pool(tokenizer);
  std::ifstream file(path);
  uint64_t seed = 1;
  for (const Json& schema : Json::parse(file)) {
    const ConstraintSpec spec{"", "", false, "", {GrammarKind::json_schema, schema.dump(), false}};
    for (int i = 0; i < count; ++i) {
      const Writer::Result result = writer.write(spec, pool, seed++, 150);
      const Json line{{"schema", schema}, {"text", result.text}, {"finished", result.is_finished}};
      fmt::print("{}\n", line.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 && count != 4) {
    fmt::print(stderr, "constraint_bench VOCAB.gguf [SCHEMAS.json N]\n");
    return 2;
  }
  const auto tokenizer = make_tokenizer(GgufFile::open(arguments[1]));
  Writer writer(*tokenizer);
  if (count == 2) {
    print_table(*tokenizer, writer);
  } else {
    print_answers(*tokenizer, writer, arguments[2], std::stoi(arguments[3]));
  }
}
