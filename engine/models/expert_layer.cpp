#include "engine/models/expert_layer.h"

#include <string>

namespace hearth::engine {
namespace {

class ExpertLayer {
 public:
  ExpertLayer(const ArchitectureRow& architecture, const ExpertParameters& parameters, size_t layer,
              WeightLoader& loader, Tape& tape)
      : architecture_(architecture),
        parameters_(parameters),
        prefix_("blk." + std::to_string(layer) + "."),
        loader_(loader),
        tape_(tape) {}

  BufferId emit(BufferId in) {
    const int64_t width = tape_.buffer(in).width;
    const int64_t hidden = parameters_.feed_forward_length;
    Moe moe;
    moe.in = in;
    moe.logits = linear("ffn_gate_inp", in, parameters_.count);
    moe.gate = loader_.experts(prefix_ + "ffn_gate_exps", width, hidden, parameters_.count);
    moe.up = loader_.experts(prefix_ + "ffn_up_exps", width, hidden, parameters_.count);
    moe.down = loader_.experts(prefix_ + "ffn_down_exps", hidden, width, parameters_.count);
    loader_.expect_same_columns(moe.gate.weight, moe.up.weight, prefix_ + "ffn_gate_exps");
    moe.count = parameters_.count;
    moe.used = parameters_.used;
    moe.gating = architecture_.expert_gating;
    moe.renormalizes = architecture_.renormalizes_experts;
    moe.activation = architecture_.gate;
    emit_shared(in, moe);
    return tape_.moe(moe);
  }

 private:
  void emit_shared(BufferId in, Moe& moe) {
    if (!loader_.has(prefix_ + "ffn_up_shexp.weight")) return;
    const int64_t hidden = parameters_.shared_feed_forward_length;
    const BufferId gate = linear("ffn_gate_shexp", in, hidden);
    const BufferId up = linear("ffn_up_shexp", in, hidden);
    const BufferId values = tape_.gate(architecture_.gate, gate, up);
    moe.shared = linear("ffn_down_shexp", values, tape_.buffer(in).width);
    if (loader_.has(prefix_ + "ffn_gate_inp_shexp.weight"))
      moe.shared_gate = linear("ffn_gate_inp_shexp", in, 1);
  }

  BufferId linear(std::string_view part, BufferId in, int64_t rows) {
    const std::string tensor = prefix_ + std::string(part);
    const int64_t width = tape_.buffer(in).width;
    const WeightId weight = loader_.matrix(tensor + ".weight", width, rows);
    const WeightId bias = loader_.optional_vector(tensor + ".bias", rows);
    return tape_.linear(in, weight, bias, tape_.add_adapter_slot({tensor, width, rows}));
  }

  const ArchitectureRow& architecture_;
  const ExpertParameters& parameters_;
  std::string prefix_;
  WeightLoader& loader_;
  Tape& tape_;
};

}  // namespace

BufferId emit_experts(const ArchitectureRow& architecture, const ExpertParameters& parameters,
                      size_t layer, BufferId in, WeightLoader& loader, Tape& tape) {
  return ExpertLayer(architecture, parameters, layer, loader, tape).emit(in);
}

}  // namespace hearth::engine
