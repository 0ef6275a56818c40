// The inspection commands of hearth-runner (docs/hacking.md). Plain data on standard output, one
// line on standard error and an exit code other than 0 when something cannot be done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hearth::engine {

struct LogitsCommand {
  std::filesystem::path model;
  std::string tokens;         // "1,2,3"
  std::filesystem::path out;  // raw little-endian float32 [tokens, vocab]
  std::string kv_type = "f16";
  std::string isa;
  bool is_precise = false;  // the kernel table that rounds least
  int32_t threads = 0;
  int32_t batch = 512;
  bool decode_role = false;
  std::string lora;  // "FILE" or "FILE:SCALE"; empty: none
};

struct EmbedCommand {
  std::filesystem::path model;
  std::string tokens;   // "1,2,3;4,5": inputs; empty: one text per line of standard input
  std::string pooling;  // empty: as the model says
  std::string isa;
  bool is_precise = false;  // the kernel table that rounds least
  int32_t threads = 0;
  int32_t batch = 512;
  bool normalize = false;
  bool truncate = false;
};

// All throw Error with the line to print.
// One line per input: the vector's values, separated by spaces; without pooling one line per token.
void run_embed(const EmbedCommand& command);
void run_logits(const LogitsCommand& command);
void run_tokenize(const std::filesystem::path& model, bool parses_specials);
// `exact`: nothing is tidied, also where the vocabulary asks for it.
void run_detokenize(const std::filesystem::path& model, bool exact);
// One sampler on logits given as JSON on standard input. `model` may be empty.
void run_sample(const std::filesystem::path& model);
// `direction`: "decode" (blocks to float32) or "encode".
void run_codec(const std::string& type, const std::string& direction);

struct QuantizeCommand {
  std::filesystem::path model;
  std::filesystem::path out;
  std::string type;  // "q4_k_m"
  int32_t threads = 0;
};

// `out` appears when it is complete.
void run_quantize(const QuantizeCommand& command);

// What runners find on this computer, as one line of JSON: kernel tables and the one that `isa`
// (empty: none asked for) chooses, processors, threads, devices, sandbox; with `measures`, which
// takes about two seconds, also how fast memory and kernels are. Ends the process.
[[noreturn]] void run_machine(const std::string& isa, bool is_precise, bool measures,
                              const std::filesystem::path& plugin_folder);

}  // namespace hearth::engine
