#include "engine/models/dense_decoder.h"

#include "engine/models/attention.h"
#include "engine/models/feed_forward.h"
#include "engine/models/score_head.h"

namespace hearth::engine {
namespace {

struct Embedding {
  WeightId table = no_weight;
  BufferId x = no_buffer;
};

Embedding emit_embedding(Emission& e) {
  const int64_t width = e.parameters.embedding_length;
  Embedding embedding;
  embedding.table = e.loader.table("token_embd.weight", width);
  embedding.x = e.tape.get_row(embedding.table, e.parameters.embedding_scale);
  if (e.architecture.has_position_table) {
    const WeightId positions =
        e.loader.matrix("position_embd.weight", width, e.parameters.context_length);
    e.tape.add_to(embedding.x, e.tape.get_row(positions, 1.0F, RowSource::position));
  }
  if (e.loader.has("token_embd_norm.weight"))
    embedding.x = emit_norm(e, embedding.x, "token_embd_norm");
  return embedding;
}

// What a branch reads.
BufferId branch_input(Emission& e, BufferId x, const std::string& norm) {
  return e.architecture.norm_placement == NormPlacement::after ? x : emit_norm(e, x, norm);
}

// x += branch
void add_branch(Emission& e, BufferId x, BufferId branch, const std::string& post_norm) {
  if (e.architecture.norm_placement != NormPlacement::before)
    branch = emit_norm(e, branch, post_norm);
  if (e.parameters.residual_scale != 1.0F) e.tape.scale(branch, e.parameters.residual_scale);
  e.tape.add_to(x, branch);
}

bool is_parallel(const Emission& e, size_t layer) {
  switch (e.architecture.parallel) {
    case Parallel::no:
      return false;
    case Parallel::yes:
      return true;
    case Parallel::without_ffn_norm:
      return !e.loader.has(layer_tensor(layer, "ffn_norm.weight"));
    case Parallel::as_key:
      break;
  }
  return e.parameters.is_parallel;
}

// Inputs of both branches. A sequential layer's feed-forward reads what attention leaves, so it has
// none here.
struct BranchInputs {
  BufferId attention = no_buffer;
  BufferId feed_forward = no_buffer;
};

BranchInputs emit_branch_inputs(Emission& e, size_t layer, BufferId x) {
  const std::string norm = layer_tensor(layer, "attn_norm");
  BranchInputs inputs;
  inputs.attention = branch_input(e, x, norm);
  if (!is_parallel(e, layer)) return inputs;
  const std::string own = layer_tensor(layer, e.architecture.feed_forward_norm);
  inputs.feed_forward = e.loader.has(own + ".weight") ? branch_input(e, x, own) : inputs.attention;
  // Where attention has a second norm, the first is the feed-forward's.
  const std::string second = layer_tensor(layer, "attn_norm_2");
  if (e.loader.has(second + ".weight")) inputs.attention = branch_input(e, x, second);
  return inputs;
}

// The residual stream behind a layer. In the last one only the wanted rows go on.
BufferId emit_layer(Emission& e, size_t layer, BufferId x, const Ropes& ropes) {
  BranchInputs inputs = emit_branch_inputs(e, layer, x);
  BufferId seen = emit_attention(e, layer, inputs.attention, ropes);
  if (e.is_last(layer)) {
    seen = e.tape.select_rows(seen);
    x = e.tape.select_rows(x);
    if (inputs.feed_forward != no_buffer)
      inputs.feed_forward = e.tape.select_rows(inputs.feed_forward);
  }
  add_branch(e, x, emit_attention_output(e, layer, seen),
             layer_tensor(layer, "post_attention_norm"));
  if (inputs.feed_forward == no_buffer) {
    inputs.feed_forward = branch_input(e, x, layer_tensor(layer, e.architecture.feed_forward_norm));
  }
  add_branch(e, x, emit_feed_forward(e, layer, inputs.feed_forward),
             layer_tensor(layer, "post_ffw_norm"));
  return x;
}

// Projections that sentence embedding models put behind the pooling. They are linear without a
// bias, so the mean of the projected rows is the projected mean.
void emit_embedding_head(Emission& e, BufferId hidden) {
  BufferId x = hidden;
  for (const char* tensor : {"dense_2.weight", "dense_3.weight"}) {
    const WeightId weight = e.loader.optional_table(tensor, e.tape.buffer(x).width);
    if (weight != no_weight) x = e.tape.linear(x, weight, no_weight, no_adapter_slot);
  }
  if (x != hidden) e.tape.set_logits(x);
}

// Files without an output matrix use the table of tokens as one.
void emit_vocabulary_head(Emission& e, BufferId hidden, WeightId table) {
  WeightId head = e.loader.optional_table("output.weight", e.parameters.embedding_length);
  if (head == no_weight) head = table;
  const WeightId bias = e.loader.optional_vector("output.bias", e.tape.weight(head).row_count);
  const BufferId logits = e.tape.linear(hidden, head, bias, no_adapter_slot);
  if (e.parameters.logit_factor != 1.0F) e.tape.scale(logits, e.parameters.logit_factor);
  if (e.parameters.final_soft_cap > 0) e.tape.soft_cap(logits, e.parameters.final_soft_cap);
  e.tape.set_logits(logits);
}

}  // namespace

void emit_dense_decoder(Emission& e) {
  const Embedding embedding = emit_embedding(e);
  const Ropes ropes = emit_ropes(e);
  BufferId x = embedding.x;
  for (size_t layer = 0; layer < e.parameters.layers.size(); ++layer)
    x = emit_layer(e, layer, x, ropes);
  const BufferId hidden = emit_norm(e, x, "output_norm");
  e.tape.set_hidden(hidden);
  if (e.parameters.pooling == Pooling::rank) {
    emit_score_head(hidden, e.loader, e.tape);
  } else if (e.architecture.is_bidirectional) {
    emit_embedding_head(e, hidden);
  } else {
    emit_vocabulary_head(e, hidden, embedding.table);
  }
}

}  // namespace hearth::engine
