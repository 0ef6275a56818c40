#include "engine/tape/tape.h"

#include "base/check.h"

namespace hearth::engine {

WeightId Tape::add_weight(const Weight& weight) {
  weights_.push_back(weight);
  return static_cast<WeightId>(weights_.size()) - 1;
}

int32_t Tape::add_rope(RopeTable rope) {
  for (size_t i = 0; i < ropes_.size(); ++i) {
    if (ropes_[i] == rope) return static_cast<int32_t>(i);
  }
  ropes_.push_back(std::move(rope));
  return static_cast<int32_t>(ropes_.size()) - 1;
}

int32_t Tape::add_adapter_slot(AdapterSlot slot) {
  adapter_slots_.push_back(std::move(slot));
  return static_cast<int32_t>(adapter_slots_.size()) - 1;
}

int32_t Tape::add_adapter(std::vector<AdapterPart> parts) {
  HEARTH_CHECK(parts.size() == adapter_slots_.size());
  adapters_.push_back(std::move(parts));
  return static_cast<int32_t>(adapters_.size()) - 1;
}

const AdapterPart* Tape::adapter_part(int32_t adapter, int32_t slot) const {
  if (adapter < 0 || slot == no_adapter_slot) return nullptr;
  const AdapterPart& part = adapters_[static_cast<size_t>(adapter)][static_cast<size_t>(slot)];
  return part.a == no_weight ? nullptr : &part;
}

BufferId Tape::add_buffer(const Buffer& buffer) {
  buffers_.push_back(buffer);
  return static_cast<BufferId>(buffers_.size()) - 1;
}

BufferId Tape::get_row(WeightId table, float scale, RowSource source) {
  const BufferId out = add_buffer({weight(table).width, RowSet::step, ColumnKind::f32});
  operations_.emplace_back(GetRow{table, out, scale, source});
  return out;
}

BufferId Tape::rope_angles(int32_t rope) {
  const auto pairs = static_cast<int64_t>(ropes_[static_cast<size_t>(rope)].frequencies.size());
  const BufferId out = add_buffer({2 * pairs, RowSet::step, ColumnKind::f32});
  operations_.emplace_back(RopeAngles{rope, out});
  return out;
}

BufferId Tape::norm(BufferId in, WeightId weight, float epsilon) {
  const Buffer source = buffer(in);
  HEARTH_CHECK(weight == no_weight || this->weight(weight).width == source.width);
  const BufferId out = add_buffer({source.width, source.rows, ColumnKind::f32});
  operations_.emplace_back(Norm{in, out, weight, epsilon, NormKind::rms, no_weight});
  return out;
}

BufferId Tape::layer_norm(BufferId in, WeightId weight, WeightId bias, float epsilon) {
  const Buffer source = buffer(in);
  HEARTH_CHECK(weight == no_weight || this->weight(weight).width == source.width);
  HEARTH_CHECK(bias == no_weight || this->weight(bias).width == source.width);
  const BufferId out = add_buffer({source.width, source.rows, ColumnKind::f32});
  operations_.emplace_back(Norm{in, out, weight, epsilon, NormKind::layer, bias});
  return out;
}

void Tape::head_norm(BufferId buffer, int32_t heads, WeightId weight, float epsilon) {
  const auto head_dim = static_cast<int32_t>(this->weight(weight).width);
  HEARTH_CHECK(this->buffer(buffer).width == int64_t{heads} * head_dim);
  operations_.emplace_back(HeadNorm{buffer, heads, head_dim, weight, epsilon, NormKind::rms});
}

void Tape::head_layer_norm(BufferId buffer, int32_t heads, WeightId weights, float epsilon) {
  const int64_t width = this->buffer(buffer).width;
  HEARTH_CHECK(heads > 0 && width % heads == 0 && weight(weights).width == width);
  operations_.emplace_back(HeadNorm{buffer, heads, static_cast<int32_t>(width / heads), weights,
                                    epsilon, NormKind::layer});
}

BufferId Tape::linear(BufferId in, WeightId weight, WeightId bias, int32_t adapter_slot) {
  const Buffer source = buffer(in);
  const int64_t row_count = this->weight(weight).row_count;
  HEARTH_CHECK(this->weight(weight).width == source.width);
  HEARTH_CHECK(bias == no_weight || this->weight(bias).width == row_count);
  const BufferId out = add_buffer({row_count, source.rows, ColumnKind::f32});
  operations_.emplace_back(Linear{in, out, weight, bias, no_buffer, adapter_slot, no_buffer});
  return out;
}

void Tape::rope(BufferId buffer, BufferId angles, int32_t heads, RopeStyle style) {
  const int64_t width = this->buffer(buffer).width;
  HEARTH_CHECK(heads > 0 && width % heads == 0 && this->buffer(angles).width <= width / heads);
  operations_.emplace_back(Rope{buffer, angles, heads, static_cast<int32_t>(width / heads), style});
}

void Tape::store_kv(BufferId key, BufferId value, CacheSlot slot) {
  operations_.emplace_back(StoreKv{key, value, slot});
}

BufferId Tape::attention(Attention attention, int64_t value_dim) {
  HEARTH_CHECK(attention.heads > 0 && buffer(attention.queries).width % attention.heads == 0);
  attention.out = add_buffer({attention.heads * value_dim, RowSet::step, ColumnKind::f32});
  operations_.emplace_back(attention);
  return attention.out;
}

BufferId Tape::gate(GateKind kind, BufferId a, BufferId b) {
  const Buffer source = buffer(a);
  HEARTH_CHECK(buffer(b).width == source.width && buffer(b).rows == source.rows);
  const BufferId out = add_buffer({source.width, source.rows, ColumnKind::f32});
  operations_.emplace_back(Gate{kind, a, b, out});
  return out;
}

BufferId Tape::activate(GateKind kind, BufferId a) {
  const Buffer source = buffer(a);
  const BufferId out = add_buffer({source.width, source.rows, ColumnKind::f32});
  operations_.emplace_back(Gate{kind, a, no_buffer, out});
  return out;
}

BufferId Tape::moe(Moe moe) {
  const Buffer source = buffer(moe.in);
  HEARTH_CHECK(moe.used > 0 && moe.used <= moe.count && buffer(moe.logits).width == moe.count);
  HEARTH_CHECK(weight(moe.gate.weight).width == source.width &&
               weight(moe.up.weight).width == source.width);
  HEARTH_CHECK(weight(moe.gate.weight).row_count == weight(moe.up.weight).row_count);
  HEARTH_CHECK(weight(moe.down.weight).width * moe.count == weight(moe.up.weight).row_count);
  HEARTH_CHECK(weight(moe.down.weight).row_count == source.width * moe.count);
  moe.out = add_buffer({source.width, source.rows, ColumnKind::f32});
  operations_.emplace_back(moe);
  return moe.out;
}

void Tape::add_to(BufferId x, BufferId y) {
  HEARTH_CHECK(buffer(x).width == buffer(y).width && buffer(x).rows == buffer(y).rows);
  operations_.emplace_back(Add{x, y, x});
}

void Tape::scale(BufferId buffer, float factor) {
  operations_.emplace_back(Scale{buffer, factor});
}

void Tape::scale_by_position(BufferId buffer, float scale, float length) {
  HEARTH_CHECK(length > 0 && this->buffer(buffer).rows == RowSet::step);
  operations_.emplace_back(ScaleByPosition{buffer, scale, length});
}

void Tape::clamp(BufferId buffer, float limit) {
  operations_.emplace_back(Clamp{buffer, limit});
}

void Tape::soft_cap(BufferId buffer, float cap) {
  operations_.emplace_back(SoftCap{buffer, cap});
}

BufferId Tape::select_rows(BufferId in) {
  HEARTH_CHECK(buffer(in).rows == RowSet::step);
  const BufferId out = add_buffer({buffer(in).width, RowSet::output, ColumnKind::f32});
  operations_.emplace_back(SelectRows{in, out});
  return out;
}

void Tape::set_logits(BufferId buffer) {
  HEARTH_CHECK(this->buffer(buffer).rows == RowSet::output);
  logits_ = buffer;
}

void Tape::set_hidden(BufferId buffer) {
  HEARTH_CHECK(this->buffer(buffer).rows == RowSet::output);
  hidden_ = buffer;
}

}  // namespace hearth::engine
