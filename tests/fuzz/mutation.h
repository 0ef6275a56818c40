// Deterministic damage to GGUF files, without libFuzzer: the same number gives the same file.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::fuzz {

// Mutation `number` of one of the seeds. Half of them damage bytes of the header (bits, counts,
// cuts, copies); the other half write a well-formed file again with other values, types, shapes or
// without some keys and tensors, and so get past the reader into tokenizer and model loading.
std::string mutate(const std::vector<std::string>& seeds, uint64_t number);

}  // namespace hearth::fuzz
