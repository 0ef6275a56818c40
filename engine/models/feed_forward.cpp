#include "engine/models/feed_forward.h"

#include "engine/models/expert_layer.h"

namespace hearth::engine {
namespace {

BufferId emit_hidden(Emission& e, size_t layer, BufferId in) {
  const int64_t length = e.layer(layer).feed_forward_length;
  const GateKind kind = e.architecture.gate;
  const std::string up = layer_tensor(layer, "ffn_up");
  switch (e.architecture.feed_forward) {
    case FeedForward::plain:
      return e.tape.activate(kind, emit_linear(e, in, up, length));
    case FeedForward::fused: {
      const BufferId gate = emit_linear_part(e, in, up, {0, length, 2 * length});
      return e.tape.gate(kind, gate, emit_linear_part(e, in, up, {length, length, 2 * length}));
    }
    case FeedForward::gated:
      break;
  }
  const BufferId gate = emit_linear(e, in, layer_tensor(layer, "ffn_gate"), length);
  return e.tape.gate(kind, gate, emit_linear(e, in, up, length));
}

}  // namespace

BufferId emit_feed_forward(Emission& e, size_t layer, BufferId in) {
  if (e.parameters.experts.count > 0) return emit_experts(e, layer, in);
  BufferId hidden = emit_hidden(e, layer, in);
  if (e.architecture.has_sub_norms)
    hidden = emit_norm(e, hidden, layer_tensor(layer, "ffn_sub_norm"));
  return emit_linear(e, hidden, layer_tensor(layer, "ffn_down"), e.parameters.embedding_length);
}

}  // namespace hearth::engine
