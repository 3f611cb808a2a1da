import { describe, expect, it } from 'vitest';
import { tensorPlace } from '../../../src/core/model/tensorNames.ts';

const model = { layers: 61, tiedEmbeddings: false };

describe('tensorPlace', () => {
  it.each([
    ['model.embed_tokens.weight', 'embedding'],
    ['transformer.wte.weight', 'embedding'],
    ['wte.weight', 'embedding'],
    ['gpt_neox.embed_in.weight', 'embedding'],
    ['transformer.word_embeddings.weight', 'embedding'],
    ['backbone.embeddings.weight', 'embedding'],
    ['language_model.model.embed_tokens.weight', 'embedding'],
    ['transformer.wpe.weight', 'positionEmbedding'],
    ['model.decoder.embed_positions.weight', 'positionEmbedding'],
    ['lm_head.weight', 'head'],
    ['language_model.lm_head.weight', 'head'],
    ['embed_out.weight', 'head'],
    ['output.weight', 'head'],
    ['model.layers.0.self_attn.q_proj.weight', 'attention'],
    ['model.layers.0.self_attn.o_proj.weight_scale_inv', 'attention'],
    ['model.layers.0.self_attn.kv_a_proj_with_mqa.weight', 'attention'],
    ['transformer.h.3.attn.c_attn.weight', 'attention'],
    ['transformer.h.3.self_attention.query_key_value.weight', 'attention'],
    ['gpt_neox.layers.5.attention.dense.bias', 'attention'],
    ['model.layers.4.linear_attn.A_log', 'attention'],
    ['backbone.layers.4.mixer.in_proj.weight', 'attention'],
    ['model.layers.1.mamba.conv1d.weight', 'attention'],
    ['layers.0.attention.wq.weight', 'attention'],
    ['model.layers.0.mlp.gate_proj.qweight', 'mlp'],
    ['transformer.h.3.mlp.dense_h_to_4h.weight', 'mlp'],
    ['model.decoder.layers.1.fc1.weight', 'mlp'],
    ['layers.0.feed_forward.w1.weight', 'mlp'],
    ['model.layers.3.mlp.experts.17.up_proj.weight', 'routedExperts'],
    ['model.layers.3.block_sparse_moe.experts.3.w2.weight', 'routedExperts'],
    ['model.layers.3.mlp.experts.gate_up_proj_blocks', 'routedExperts'],
    ['model.layers.3.mlp.shared_experts.up_proj.weight', 'sharedExperts'],
    ['model.layers.3.mlp.shared_expert_gate.weight', 'sharedExperts'],
    ['model.layers.3.mlp.gate.weight', 'router'],
    ['model.layers.3.mlp.gate.e_score_correction_bias', 'router'],
    ['model.layers.3.mlp.router.weight', 'router'],
    ['model.norm.weight', 'norms'],
    ['model.layers.3.post_attention_layernorm.weight', 'norms'],
    ['model.layers.3.self_attn.q_norm.weight', 'norms'],
    ['transformer.h.0.ln_1.bias', 'norms'],
    ['transformer.ln_f.weight', 'norms'],
    ['model.visual.blocks.70.attn.qkv.weight', 'vision'],
    ['vision_tower.vision_model.encoder.layers.99.self_attn.q_proj.weight', 'vision'],
    ['multi_modal_projector.linear_1.weight', 'vision'],
    ['audio_tower.layers.0.fc1.weight', 'audio'],
    ['something.else', 'other'],
    ['blk.3.ffn_gate_exps.weight', 'routedExperts'],
    ['blk.3.ffn_gate_inp.weight', 'router'],
    ['blk.3.attn_q.weight', 'attention'],
    ['blk.3.attn_norm.weight', 'norms'],
    ['blk.3.ffn_down.weight', 'mlp'],
    ['token_embd.weight', 'embedding'],
    ['output_norm.weight', 'norms'],
  ])('%s is %s', (name, kind) => {
    expect(tensorPlace(name, model)).toEqual({ kind });
  });

  it.each([
    ['model.layers.61.self_attn.q_a_proj.weight', 'draft-layers'],
    ['model.layers.61.embed_tokens.weight', 'draft-layers'],
    ['model.layers.61.shared_head.head.weight', 'draft-layers'],
    ['mtp.layers.0.mlp.down_proj.weight', 'draft-layers'],
    ['model.mtp.fc.weight', 'draft-layers'],
    ['model.layers.3.self_attn.rotary_emb.inv_freq', 'rotary-buffers'],
    ['rope_freqs.weight', 'rotary-buffers'],
    ['optimizer.state.0.exp_avg', 'optimizer'],
  ])('%s is left in the file: %s', (name, reason) => {
    expect(tensorPlace(name, model)).toEqual({ notLoaded: reason });
  });

  it('leaves a tied head, and only that', () => {
    const tied = { layers: 2, tiedEmbeddings: true };
    expect(tensorPlace('lm_head.weight', tied)).toEqual({ notLoaded: 'tied-head' });
    expect(tensorPlace('model.embed_tokens.weight', tied)).toEqual({ kind: 'embedding' });
  });
});
