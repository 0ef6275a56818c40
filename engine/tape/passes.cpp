#include "engine/tape/passes.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/check.h"
#include "engine/tape/column_stride.h"
#include "engine/tensor/dtype.h"

namespace hearth::engine {
namespace {

struct Access {
  BufferId buffer;
  bool write;
};

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// What only a fused epilogue reads is in no buffer.
void append_linear(std::vector<Access>& accesses, const Linear& linear, bool is_gated) {
  accesses.push_back({linear.in, false});
  if (!is_gated)
    accesses.push_back({linear.add_to == no_buffer ? linear.out : linear.add_to, true});
  if (linear.prompt_in != no_buffer) accesses.push_back({linear.prompt_in, false});
  if (linear.adapter_in != no_buffer) accesses.push_back({linear.adapter_in, false});
}

void append_group(std::vector<Access>& accesses, const LinearGroup& group) {
  for (int32_t i = 0; i < group.part_count; ++i)
    append_linear(accesses, group.parts[static_cast<size_t>(i)], group.has_gate);
  if (group.has_gate) accesses.push_back({group.gate.out, true});
}

// Every buffer an operation touches; one that is changed in place counts as written.
std::vector<Access> buffers_of(const Operation& operation) {
  std::vector<Access> a;
  const auto reads = [&a](BufferId id) { a.push_back({id, false}); };
  const auto writes = [&a](BufferId id) { a.push_back({id, true}); };
  std::visit(Overloaded{
                 [&](const GetRow& op) { writes(op.out); },
                 [&](const RopeAngles& op) { writes(op.out); },
                 [&](const Norm& op) { reads(op.in), writes(op.out); },
                 [&](const HeadNorm& op) { writes(op.buffer); },
                 [&](const Rope& op) { reads(op.angles), writes(op.buffer); },
                 [&](const StoreKv& op) { reads(op.key), reads(op.value); },
                 [&](const Attention& op) { reads(op.queries), writes(op.out); },
                 [&](const Linear& op) { append_linear(a, op, false); },
                 [&](const Gate& op) {
                   reads(op.a), writes(op.out);
                   if (op.b != no_buffer) reads(op.b);
                 },
                 [&](const Add& op) { reads(op.a), reads(op.b), writes(op.out); },
                 [&](const Scale& op) { writes(op.buffer); },
                 [&](const SoftCap& op) { writes(op.buffer); },
                 [&](const SelectRows& op) { reads(op.in), writes(op.out); },
                 [&](const PrepareColumn& op) { reads(op.in), writes(op.out); },
                 [&](const LinearGroup& op) { append_group(a, op); },
                 [&](const AdapterDown& op) { reads(op.in), writes(op.out); },
                 [&](const Moe& op) {
                   writes(op.out), writes(op.logits), reads(op.in);
                   if (op.prompt_in != no_buffer) reads(op.prompt_in);
                   if (op.shared != no_buffer) reads(op.shared);
                   if (op.shared_gate != no_buffer) reads(op.shared_gate);
                 },
                 [&](const ScaleByPosition& op) { writes(op.buffer); },
                 [&](const Clamp& op) { writes(op.buffer); },
             },
             operation);
  return a;
}

RegionKind kind_of(const Operation& operation) {
  if (std::holds_alternative<Linear>(operation) || std::holds_alternative<LinearGroup>(operation)) {
    return RegionKind::linear;
  }
  if (std::holds_alternative<Moe>(operation)) return RegionKind::moe;
  return std::holds_alternative<Attention>(operation) ? RegionKind::attention : RegionKind::rows;
}

// The rows an operation runs over: those of what it writes. Only store_kv writes no buffer, and it
// runs over the step.
RowSet rows_of(const Tape& tape, const Operation& operation) {
  for (const Access& access : buffers_of(operation)) {
    if (access.write) return tape.buffer(access.buffer).rows;
  }
  return RowSet::step;
}

// Takes the linears from `index` on that read the same value into one group; returns how many.
size_t take_group(const std::vector<Operation>& operations, size_t index, LinearGroup& group) {
  size_t taken = 0;
  while (index + taken < operations.size() && group.part_count < LinearGroup::parts_max) {
    const Linear* linear = std::get_if<Linear>(&operations[index + taken]);
    if (linear == nullptr || (taken > 0 && linear->in != group.parts[0].in)) break;
    group.parts[static_cast<size_t>(group.part_count++)] = *linear;
    ++taken;
  }
  return taken;
}

// How often operations touch each buffer.
std::vector<int32_t> count_accesses(const Tape& tape) {
  std::vector<int32_t> counts(tape.buffers().size(), 0);
  for (const Operation& operation : tape.operations()) {
    for (const Access& access : buffers_of(operation)) ++counts[static_cast<size_t>(access.buffer)];
  }
  return counts;
}

// Whether a buffer is written by one operation, read by another one, and that is all.
bool has_one_reader(const Tape& tape, const std::vector<int32_t>& accesses, BufferId buffer) {
  if (buffer == tape.logits() || buffer == tape.hidden()) return false;
  return accesses[static_cast<size_t>(buffer)] == 2;
}

// Folds the operation behind a group into it when it is the group's gate or residual addition, and
// nothing else reads what it works on.
bool take_epilogue(const Tape& tape, const std::vector<int32_t>& accesses,
                   const Operation& operation, LinearGroup& group) {
  if (const Gate* gate = std::get_if<Gate>(&operation)) {
    if (group.part_count != 2 || gate->a != group.parts[0].out || gate->b != group.parts[1].out)
      return false;
    if (!has_one_reader(tape, accesses, gate->a) || !has_one_reader(tape, accesses, gate->b))
      return false;
    group.has_gate = true;
    group.gate = *gate;
    return true;
  }
  const Add* add = std::get_if<Add>(&operation);
  Linear& last = group.parts[static_cast<size_t>(group.part_count - 1)];
  if (add == nullptr || add->out != add->a || add->b != last.out || add->a == last.in) return false;
  if (tape.buffer(add->a).rows != tape.buffer(last.out).rows ||
      !has_one_reader(tape, accesses, last.out))
    return false;
  last.add_to = add->a;
  return true;
}

// Values of the largest A that any adapter has for a slot; 0: none has one.
int64_t largest_rank(const Tape& tape, int32_t slot) {
  int64_t rank = 0;
  for (size_t adapter = 0; adapter < tape.adapters().size(); ++adapter) {
    const AdapterPart* part = tape.adapter_part(static_cast<int32_t>(adapter), slot);
    if (part != nullptr) rank = std::max(rank, tape.weight(part->a).row_count);
  }
  return rank;
}

using SlotBuffers = std::map<int32_t, BufferId>;

// The AdapterDown of every linear from `index` on that reads the same value.
void append_adapter_downs(Tape& tape, const std::vector<Operation>& source, size_t index,
                          std::vector<Operation>& result, SlotBuffers& outputs) {
  const BufferId in = std::get<Linear>(source[index]).in;
  for (; index < source.size(); ++index) {
    const Linear* linear = std::get_if<Linear>(&source[index]);
    if (linear == nullptr || linear->in != in) return;
    const int64_t rank = largest_rank(tape, linear->adapter_slot);
    if (rank == 0) continue;
    const BufferId out = tape.add_buffer({rank, tape.buffer(in).rows, ColumnKind::f32});
    result.emplace_back(AdapterDown{in, out, linear->adapter_slot});
    outputs[linear->adapter_slot] = out;
  }
}

struct Lifetime {
  int32_t first = std::numeric_limits<int32_t>::max();
  int32_t last = -1;
};

std::vector<Lifetime> lifetimes_of(const Tape& tape, const std::vector<Region>& regions) {
  std::vector<Lifetime> lifetimes(tape.buffers().size());
  for (size_t r = 0; r < regions.size(); ++r) {
    for (int32_t i = 0; i < regions[r].operation_count; ++i) {
      const Operation& operation =
          tape.operations()[static_cast<size_t>(regions[r].first_operation + i)];
      for (const Access& access : buffers_of(operation)) {
        Lifetime& lifetime = lifetimes[static_cast<size_t>(access.buffer)];
        lifetime.first = std::min(lifetime.first, static_cast<int32_t>(r));
        lifetime.last = static_cast<int32_t>(r);
      }
    }
  }
  return lifetimes;
}

struct Block {
  int64_t offset;
  int64_t size;
};

// The lowest offset at which `size` bytes overlap none of `taken`.
int64_t first_gap(std::vector<Block> taken, int64_t size) {
  std::sort(taken.begin(), taken.end(),
            [](const Block& a, const Block& b) { return a.offset < b.offset; });
  int64_t offset = 0;
  for (const Block& block : taken) {
    if (offset + size <= block.offset) break;
    offset = std::max(offset, block.offset + block.size);
  }
  return offset;
}

}  // namespace

void insert_adapters(Tape& tape) {
  if (tape.adapters().empty()) return;
  const std::vector<Operation> source = tape.operations();
  std::vector<Operation> result;
  SlotBuffers outputs;
  for (size_t i = 0; i < source.size(); ++i) {
    // In front of all linears of one value, so that they can still become one group.
    const Linear* before = i > 0 ? std::get_if<Linear>(&source[i - 1]) : nullptr;
    const Linear* first = std::get_if<Linear>(&source[i]);
    if (first != nullptr && (before == nullptr || before->in != first->in)) {
      append_adapter_downs(tape, source, i, result, outputs);
    }
    result.push_back(source[i]);
    if (Linear* linear = std::get_if<Linear>(&result.back())) {
      const auto output = outputs.find(linear->adapter_slot);
      if (output != outputs.end()) linear->adapter_in = output->second;
    }
  }
  tape.replace_operations(std::move(result));
}

const FormatKernels* format_of(const KernelTable& kernels, const Weight& weight) {
  const bool is_fine = weight.is_fine && kernels.fine != nullptr;
  return find_format(is_fine ? *kernels.fine : kernels, weight.type);
}

void choose_precision(Tape& tape, const KernelTable& kernels) {
  if (kernels.fine == nullptr) return;
  const auto is_fine = [](const Weight& weight) {
    const DTypeInfo& type = info(weight.type);
    return 8 * type.block_bytes > 6 * type.block_values;
  };
  int64_t fine = 0;
  int64_t all = 0;
  for (const Weight& weight : tape.weights()) {
    if (weight.row_count == 1) continue;
    all += weight.width * weight.row_count;
    if (is_fine(weight)) fine += weight.width * weight.row_count;
  }
  for (size_t i = 0; i < tape.weights().size(); ++i) {
    const auto id = static_cast<WeightId>(i);
    tape.set_fine(id, is_fine(tape.weight(id)) && 2 * fine >= all);
  }
}

void prepare_columns(Tape& tape, const KernelTable& kernels) {
  const std::vector<Operation> source = tape.operations();
  std::vector<Operation> result;
  // Columns of values as they are now, with the place of the operation that makes them.
  struct Column {
    BufferId buffer;
    size_t operation;
  };
  std::map<std::pair<BufferId, ColumnKind>, Column> columns;
  const auto column_of = [&](BufferId in, ColumnKind kind, RowRole role) {
    if (kind == ColumnKind::f32) return in;
    const auto [found, inserted] = columns.try_emplace({in, kind});
    Column& column = found->second;
    if (inserted) {
      const Buffer& values = tape.buffer(in);
      column = {tape.add_buffer({values.width, values.rows, kind}), result.size()};
      result.emplace_back(PrepareColumn{in, column.buffer, role});
    } else {
      PrepareColumn& made = std::get<PrepareColumn>(result[column.operation]);
      if (made.role != role) made.role = RowRole::both;
    }
    return column.buffer;
  };
  const auto prepare = [&](BufferId& in, BufferId& prompt_in, WeightId weight) {
    const FormatKernels* format = format_of(kernels, tape.weight(weight));
    HEARTH_CHECK(format != nullptr);
    const BufferId values = in;
    if (format->prompt_column == format->column) {
      in = column_of(values, format->column, RowRole::both);
      return;
    }
    in = column_of(values, format->column, RowRole::decode);
    prompt_in = column_of(values, format->prompt_column, RowRole::prompt);
  };
  for (Operation operation : source) {
    if (Linear* linear = std::get_if<Linear>(&operation)) {
      prepare(linear->in, linear->prompt_in, linear->weight);
    }
    if (Moe* moe = std::get_if<Moe>(&operation)) {
      // Two matrices that read different columns share those of the decode role.
      const BufferId values = moe->in;
      const FormatKernels* gate = format_of(kernels, tape.weight(moe->gate.weight));
      const FormatKernels* up = format_of(kernels, tape.weight(moe->up.weight));
      if (gate->prompt_column != up->prompt_column) {
        moe->in = column_of(values, up->column, RowRole::both);
      } else {
        prepare(moe->in, moe->prompt_in, moe->up.weight);
      }
    }
    for (const Access& access : buffers_of(operation)) {
      if (!access.write) continue;
      std::erase_if(columns, [&](const auto& made) { return made.first.first == access.buffer; });
    }
    result.push_back(operation);
  }
  tape.replace_operations(std::move(result));
}

void fuse(Tape& tape) {
  const std::vector<Operation>& source = tape.operations();
  const std::vector<int32_t> accesses = count_accesses(tape);
  std::vector<Operation> result;
  for (size_t i = 0; i < source.size();) {
    LinearGroup group;
    const size_t taken = take_group(source, i, group);
    if (taken == 0) {
      result.push_back(source[i++]);
      continue;
    }
    i += taken;
    if (i < source.size() && take_epilogue(tape, accesses, source[i], group)) ++i;
    result.emplace_back(group);
  }
  tape.replace_operations(std::move(result));
}

std::vector<Region> split_regions(const Tape& tape) {
  std::vector<Region> regions;
  for (size_t i = 0; i < tape.operations().size(); ++i) {
    const Operation& operation = tape.operations()[i];
    const RegionKind kind = kind_of(operation);
    const RowSet rows = rows_of(tape, operation);
    const bool joins = !regions.empty() && kind == RegionKind::rows &&
                       regions.back().kind == RegionKind::rows && regions.back().rows == rows;
    if (joins) {
      ++regions.back().operation_count;
    } else {
      regions.push_back({kind, rows, static_cast<int32_t>(i), 1});
    }
  }
  return regions;
}

size_t regions_before(const Tape& tape, const std::vector<Region>& regions, BufferId buffer) {
  size_t count = 0;
  for (size_t r = 0; r < regions.size(); ++r) {
    for (int32_t i = 0; i < regions[r].operation_count; ++i) {
      const auto index = static_cast<size_t>(regions[r].first_operation + i);
      for (const Access& access : buffers_of(tape.operations()[index])) {
        if (access.write && access.buffer == buffer) count = r + 1;
      }
    }
  }
  return count;
}

BufferPlan plan_buffers(const Tape& tape, const std::vector<Region>& regions,
                        const KernelTable& kernels, const BufferSizes& sizes) {
  const std::vector<Lifetime> lifetimes = lifetimes_of(tape, regions);
  BufferPlan plan;
  plan.places.resize(tape.buffers().size());
  std::vector<int64_t> bytes(tape.buffers().size(), 0);
  for (size_t b = 0; b < plan.places.size(); ++b) {
    if (lifetimes[b].last < 0 || static_cast<BufferId>(b) == tape.logits()) continue;
    const Buffer& buffer = tape.buffers()[b];
    const int64_t rows = buffer.rows == RowSet::step ? sizes.step_rows : sizes.output_rows;
    plan.places[b].stride_bytes = column_stride(kernels.column_bytes(buffer.kind, buffer.width));
    bytes[b] = plan.places[b].stride_bytes * rows;
    std::vector<Block> taken;
    for (size_t other = 0; other < b; ++other) {
      const bool apart =
          lifetimes[other].last < lifetimes[b].first || lifetimes[b].last < lifetimes[other].first;
      if (bytes[other] > 0 && !apart)
        taken.push_back({plan.places[other].offset_bytes, bytes[other]});
    }
    plan.places[b].offset_bytes = first_gap(std::move(taken), bytes[b]);
    plan.size_bytes = std::max(plan.size_bytes, plan.places[b].offset_bytes + bytes[b]);
  }
  return plan;
}

}  // namespace hearth::engine
