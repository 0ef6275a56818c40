#include "tests/fuzz/exercise.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/model_info.h"
#include "engine/model_info_json.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/gguf_files.h"
#include "tests/support/model_harness.h"

namespace hearth::fuzz {
namespace {

using namespace engine;

// Reads every value in every way there is.
void read_all_values(const GgufMetadata& metadata) {
  size_t total = 0;
  for (const auto& [key, value] : metadata.entries()) {
    total +=
        value.as_int().has_value() + value.as_float().has_value() + value.as_bool().has_value();
    total += value.as_string().value_or("").size();
    if (const auto values = value.as_ints()) total += values->size();
    if (const auto values = value.as_floats()) total += values->size();
    if (const auto values = value.as_bools()) total += values->size();
    if (const auto values = value.as_strings()) {
      for (const std::string_view text : *values) total += text.size();
    }
    total += value.type_name().size() + (metadata.find(key) != nullptr);
  }
  if (total == 0 && !metadata.entries().empty()) throw std::logic_error("values vanished");
}

void describe(int fd) {
  const int fds[] = {fd};
  const ModelInfo model = read_model_info(fds, "mutation");
  if (cache_value_count(model, 4096) < 0) throw std::logic_error("negative cache size");
  static_cast<void>(read_model_metadata(fds, "mutation", MetadataArrays::full).dump());
}

std::vector<TokenId> tokenize(const GgufFile& file) {
  const auto tokenizer = make_tokenizer(file);
  const TextPart parts[] = {{"<s><|im_start|>", true}, {"ab abc \n\xff<s>A", false}};
  std::vector<TokenId> ids = tokenizer->encode_prompt(parts);
  static_cast<void>(tokenizer->encode("a b\u2581ab 123", Specials::parse));
  static_cast<void>(tokenizer->decode(ids, true));
  for (TokenId id = 0; id < std::min<int64_t>(tokenizer->vocab_size(), 64); ++id) {
    std::string text;
    tokenizer->append_piece(text, id, id % 2 == 0);
  }
  return ids;
}

void run_step(const GgufFile& file, const KernelTable& kernels, Outcome& outcome) {
  testing::ModelHarness::Options options;
  options.kernels = &kernels;
  options.step_tokens_max = 4;
  options.pages = 1;
  testing::ModelHarness harness(file, options);
  outcome.depth = Depth::loaded;
  const TokenId last = static_cast<TokenId>(harness.vocab_size() - 1);
  const TokenId tokens[] = {0, last, 0};
  const int32_t sequence = harness.add_sequence();
  static_cast<void>(harness.run({{sequence, tokens, Role::prompt}}));
  static_cast<void>(harness.run({{sequence, std::span(tokens).first(1), Role::decode}}));
  outcome.depth = Depth::ran;
}

// Each table of the machine gets its share of the files.
const KernelTable& kernels_for(std::string_view bytes) {
  const KernelTables tables = available_kernels();
  return *tables.tables[std::hash<std::string_view>()(bytes) % static_cast<size_t>(tables.count)];
}

void check_message(const std::string& message) {
  const bool is_one_line =
      std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; });
  // All missing tensors are listed in one message, so it may be long, but not without limit.
  if (message.empty() || !is_one_line || message.size() > 4000) {
    throw std::logic_error("not one printable line: " + message);
  }
}

template <typename Action>
void attempt(Outcome& outcome, Depth reached, const Action& action) {
  try {
    action();
    outcome.depth = std::max(outcome.depth, reached);
  } catch (const Error& error) {
    check_message(error.what());
    if (outcome.complaint.empty()) outcome.complaint = error.what();
  }
}

}  // namespace

Outcome exercise_gguf(std::string_view bytes) {
  Outcome outcome;
  const UniqueFd fd = testing::memory_file(bytes);
  attempt(outcome, Depth::opened, [&] {
    const int fds[] = {fd.get()};
    const GgufFile file = GgufFile::from_fds(fds, "mutation");
    outcome.depth = Depth::opened;
    read_all_values(file.metadata());
    attempt(outcome, Depth::has_info, [&] { describe(fd.get()); });
    attempt(outcome, Depth::has_tokenizer, [&] { static_cast<void>(tokenize(file)); });
    attempt(outcome, Depth::ran, [&] { run_step(file, kernels_for(bytes), outcome); });
  });
  return outcome;
}

}  // namespace hearth::fuzz
