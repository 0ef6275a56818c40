// See commands.h.
#include "engine/runner/commands.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/backend/thread_count.h"
#include "engine/embedding.h"
#include "engine/engine/prompt.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/kernels/kernels.h"
#include "engine/kv_type.h"
#include "engine/logits.h"
#include "engine/quantize.h"
#include "engine/runner/sample_command.h"
#include "engine/tensor/codec.h"
#include "engine/tensor/dtype.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {
namespace {

const KernelTable* kernels_named(const std::string& isa, bool is_precise) {
  const KernelTable* table = find_kernels(isa.c_str(), is_precise);
  if (table != nullptr) return table;
  std::string names;
  const KernelTables all = available_kernels();
  for (int32_t i = 0; i < all.count; ++i)
    names += fmt::format("{}{}", i > 0 ? ", " : "", all.tables[i]->name);
  throw Error(ErrorCode::invalid_argument,
              fmt::format("instruction set \"{}\": this machine has {}", isa, names));
}

KvType kv_type_named(const std::string& name) {
  if (const std::optional<KvType> type = kv_type_from_name(name)) return *type;
  throw Error(ErrorCode::unsupported,
              fmt::format("cache type \"{}\": expected {}", name, kv_type_choices()));
}

std::vector<TokenId> parse_tokens(std::string_view text) {
  std::vector<TokenId> tokens;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, end);
    TokenId token = 0;
    const auto [rest, problem] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (problem != std::errc() || rest != word.data() + word.size()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("--tokens: \"{}\" is not a token id", word));
    }
    tokens.push_back(token);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return tokens;
}

// The file and scale of "FILE[:SCALE]". A colon that no number follows belongs to the file's name.
std::pair<std::string, float> parse_lora(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1.0F};
  float scale = 1.0F;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data() + colon + 1, end, scale);
  if (problem != std::errc() || rest != end) return {text, 1.0F};
  return {text.substr(0, colon), scale};
}

bool is_embedding_model(const GgufFile& file) {
  const std::string_view architecture = file.metadata().require_string(key_architecture);
  return file.metadata().find(arch_key(architecture, suffix_pooling_type)) != nullptr;
}

// The pooled vector, then the rows of all tokens.
void write_embedding(const GgufFile& file, const std::vector<TokenId>& tokens,
                     const LogitsOptions& options, int out, const std::string& name) {
  EmbeddingOptions embedding;
  embedding.kernels = options.kernels;
  embedding.kv_type = options.kv_type;
  embedding.threads = options.threads;
  embedding.batch = options.batch;
  embedding.with_rows = true;
  const EmbeddedInput input = embed_inputs(file, {&tokens, 1}, embedding).front();
  write_all(out, std::as_bytes(std::span(input.vector)), name);
  write_all(out, std::as_bytes(std::span(input.rows)), name);
}

// "1,2;3" is two inputs.
std::vector<std::vector<TokenId>> parse_inputs(std::string_view text) {
  std::vector<std::vector<TokenId>> inputs;
  while (!text.empty()) {
    const size_t end = std::min(text.find(';'), text.size());
    inputs.push_back(parse_tokens(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return inputs;
}

// Lines of standard input, each with what the model expects around an input.
std::vector<std::vector<TokenId>> read_inputs(const GgufFile& file) {
  const auto tokenizer = make_tokenizer(file);
  std::vector<std::vector<TokenId>> inputs;
  for (std::string line; std::getline(std::cin, line);) {
    const PromptPart part{line, false, {}};
    inputs.push_back(tokenize_input(*tokenizer, {&part, 1}));
  }
  return inputs;
}

UniqueFd create_file(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd) return fd;
  throw Error(ErrorCode::forbidden,
              fmt::format("cannot create {}: {}", path.string(), std::strerror(errno)));
}

}  // namespace

void run_logits(const LogitsCommand& command) {
  LogitsOptions options;
  options.kernels = kernels_named(command.isa, command.is_precise);
  options.kv_type = kv_type_named(command.kv_type);
  options.threads = command.threads;
  options.batch = command.batch;
  options.decode_role = command.decode_role;
  const std::vector<TokenId> tokens = parse_tokens(command.tokens);
  const GgufFile file = GgufFile::open(command.model);
  std::optional<GgufFile> adapter;
  if (!command.lora.empty()) {
    const auto [path, scale] = parse_lora(command.lora);
    adapter = GgufFile::open(path);
    options.adapter = AdapterFile{&*adapter, scale};
  }
  const UniqueFd out = create_file(command.out);
  const std::string name = command.out.string();
  if (is_embedding_model(file)) {
    write_embedding(file, tokens, options, out.get(), name);
    return;
  }
  evaluate_logits(file, tokens, options, [&](std::span<const float> rows, int64_t) {
    write_all(out.get(), std::as_bytes(rows), name);
  });
}

void run_embed(const EmbedCommand& command) {
  EmbeddingOptions options;
  options.kernels = kernels_named(command.isa, command.is_precise);
  options.threads = command.threads;
  options.batch = command.batch;
  options.normalize = command.normalize;
  options.truncate = command.truncate;
  if (!command.pooling.empty()) {
    options.pooling = pooling_from(command.pooling);
    if (!options.pooling) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("--pooling: \"{}\" is none of none, mean, cls, last and rank",
                              command.pooling));
    }
  }
  const GgufFile file = GgufFile::open(command.model);
  const std::vector<std::vector<TokenId>> inputs =
      command.tokens.empty() ? read_inputs(file) : parse_inputs(command.tokens);
  std::string text;
  for (const EmbeddedInput& input : embed_inputs(file, inputs, options)) {
    for (size_t i = 0; i < input.vector.size(); ++i) {
      const bool ends_row = (static_cast<int64_t>(i) + 1) % input.width == 0;
      fmt::format_to(std::back_inserter(text), "{:.9g}{}", input.vector[i], ends_row ? '\n' : ' ');
    }
  }
  write_all(STDOUT_FILENO, std::as_bytes(std::span(text)), "standard output");
}

void run_tokenize(const std::filesystem::path& model, bool parses_specials) {
  const auto tokenizer = make_tokenizer(GgufFile::open(model));
  tokenize_stream(*tokenizer, parses_specials ? Specials::parse : Specials::as_text, STDIN_FILENO,
                  STDOUT_FILENO);
}

void run_detokenize(const std::filesystem::path& model, bool exact) {
  const auto tokenizer = make_tokenizer(GgufFile::open(model));
  detokenize_stream(*tokenizer, exact ? Tidying::none : Tidying::by_vocabulary, STDIN_FILENO,
                    STDOUT_FILENO);
}

void run_sample(const std::filesystem::path& model) {
  const auto tokenizer = model.empty() ? nullptr : make_tokenizer(GgufFile::open(model));
  const std::string answer = answer_sample_request(read_file("/dev/stdin"), tokenizer.get()) + "\n";
  write_all(STDOUT_FILENO, std::as_bytes(std::span(answer)), "the answer");
}

void run_quantize(const QuantizeCommand& command) {
  const Mixture* mixture = find_mixture(command.type);
  if (mixture == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--type: \"{}\" is none of {}", command.type, mixture_names()));
  }
  const GgufFile file = GgufFile::open(command.model);
  const std::filesystem::path unfinished = command.out.string() + ".unfinished";
  const UniqueFd out = create_file(unfinished);
  const int32_t threads = command.threads > 0 ? command.threads : default_thread_count();
  try {
    quantize_model(file, mixture, threads, out.get());
  } catch (...) {  // adds the clean-up and rethrows
    ::unlink(unfinished.c_str());
    throw;
  }
  std::filesystem::rename(unfinished, command.out);
}

void run_codec(const std::string& type, const std::string& direction) {
  const std::optional<DType> dtype = dtype_from_name(type);
  if (!dtype)
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--type: \"{}\" is not a tensor type", type));
  if (direction == "decode") return decode_stream(*dtype, STDIN_FILENO, STDOUT_FILENO);
  if (direction == "encode") return encode_stream(*dtype, STDIN_FILENO, STDOUT_FILENO);
  throw Error(ErrorCode::invalid_argument,
              fmt::format("\"{}\": expected decode or encode", direction));
}

}  // namespace hearth::engine
