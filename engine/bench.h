// Speed of one model on this machine, beside the machine's own measured limits: what `hearth-runner
// bench` prints. Drives ModelRunner directly with random tokens: no tokenizer, no sampling, no
// HTTP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/kernels/kernels.h"

namespace hearth::engine {

struct BenchOptions {
  std::filesystem::path model;
  std::vector<int32_t> prompt_tokens = {512};  // -p: one figure each; 0: none
  int32_t decode_tokens = 128;                 // -n: steps per decode figure; 0: no decode figures
  std::vector<int32_t> streams = {1, 8, 32};   // -b: sequences decoding together, one figure each
  int32_t threads = 0;                         // -t; 0: as Engine chooses
  std::string isa;          // kernel table by name; empty: the best of this machine
  bool is_precise = false;  // the table of these instructions that rounds least
  KvType kv_type = KvType::f16;
  bool keeps_mapped = false;  // weights stay in the mapped file, as where memory is short
  bool measures_limits = true;
  // The logits of every timed run are computed again in another way, outside the time, and a run
  // whose logits differ is an error.
  bool checks_logits = true;
  bool as_json = false;
};

// Runs every figure once after a warm-up and returns the report, ready to be written: a table for
// people, or one JSON object with the keys load_s, prompt [{n, tokens_per_s, ops_share, logits,
// check_error}], decode [{streams, tokens_per_s, read_share, logits, check_error}], file_bytes,
// token_bytes (weights that one token reads), loaded_rss_bytes, peak_rss_bytes, weights
// {tile_bytes, row_bytes, mapped_bytes}, limits {read_bytes_per_s, int8_ops_per_s, bf16_ops_per_s},
// isa, threads. `logits` stands for the bits of the logits: runs of one program, model and set of
// kernels give the same. Takes minutes for large models. Throws Error{invalid_argument} for counts
// out of range or an unknown isa, Error{internal} when the logits of a timed run are
// wrong, and as ModelRunner::load.
std::string run_bench(const BenchOptions& options);

}  // namespace hearth::engine
