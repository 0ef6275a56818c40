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
  std::vector<int32_t> prompt_tokens = {512};  // -p: one figure each
  int32_t decode_tokens = 128;                 // -n: steps per decode figure; 0: no decode figures
  std::vector<int32_t> streams = {1, 8, 32};   // -b: sequences decoding together, one figure each
  int32_t threads = 0;                         // -t; 0: as Engine chooses
  std::string isa;  // kernel table by name; empty: the best of this machine
  KvType kv_type = KvType::f16;
  bool keeps_mapped = false;  // weights stay in the mapped file, as where memory is short
  bool measures_limits = true;
  bool as_json = false;
};

// Runs every figure once after a warm-up and returns the report, ready to be written: a table for
// people, or one JSON object with the keys load_s, prompt [{n, tokens_per_s, ...}], decode
// [{streams, tokens_per_s, ...}], peak_rss_bytes, weights {tile_bytes, row_bytes, mapped_bytes},
// limits {read_bytes_per_s, int8_ops_per_s, bf16_ops_per_s}, isa, threads. Takes minutes for large
// models. Throws Error{invalid_argument} for counts that are not positive or an unknown isa, and as
// ModelRunner::load.
std::string run_bench(const BenchOptions& options);

}  // namespace hearth::engine
