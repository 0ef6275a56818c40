#include "engine/models/expert_layer.h"

namespace hearth::engine {
namespace {

void emit_shared(Emission& e, size_t layer, BufferId in, Moe& moe) {
  if (!e.loader.has(layer_tensor(layer, "ffn_up_shexp.weight"))) return;
  const int64_t hidden = e.parameters.experts.shared_feed_forward_length;
  const BufferId gate = emit_linear(e, in, layer_tensor(layer, "ffn_gate_shexp"), hidden);
  const BufferId up = emit_linear(e, in, layer_tensor(layer, "ffn_up_shexp"), hidden);
  const BufferId values = e.tape.gate(e.architecture.gate, gate, up);
  moe.shared =
      emit_linear(e, values, layer_tensor(layer, "ffn_down_shexp"), e.tape.buffer(in).width);
  const std::string shared_gate = layer_tensor(layer, "ffn_gate_inp_shexp");
  if (e.loader.has(shared_gate + ".weight")) moe.shared_gate = emit_linear(e, in, shared_gate, 1);
}

}  // namespace

BufferId emit_experts(Emission& e, size_t layer, BufferId in) {
  const ExpertParameters& experts = e.parameters.experts;
  const int64_t width = e.tape.buffer(in).width;
  const int64_t hidden = experts.feed_forward_length;
  const std::string gate = layer_tensor(layer, "ffn_gate_exps");
  Moe moe;
  moe.in = in;
  moe.logits = emit_linear(e, in, layer_tensor(layer, "ffn_gate_inp"), experts.count);
  moe.gate = e.loader.experts(gate, width, hidden, experts.count);
  moe.up = e.loader.experts(layer_tensor(layer, "ffn_up_exps"), width, hidden, experts.count);
  moe.down = e.loader.experts(layer_tensor(layer, "ffn_down_exps"), hidden, width, experts.count);
  e.loader.expect_same_columns(moe.gate.weight, moe.up.weight, gate);
  moe.count = experts.count;
  moe.used = experts.used;
  moe.gating = e.architecture.expert_gating;
  moe.renormalizes = e.architecture.renormalizes_experts;
  moe.activation = e.architecture.gate;
  emit_shared(e, layer, in, moe);
  return e.tape.moe(moe);
}

}  // namespace hearth::engine
