import type { KnownModelEntry } from './entry.ts';

function gpt2(n_embd: number, n_layer: number, n_head: number): KnownModelEntry['config'] {
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    n_embd,
    n_layer,
    n_head,
    n_positions: 1024,
    vocab_size: 50_257,
  };
}

export const gpt2Models: readonly KnownModelEntry[] = [
  { id: 'openai-community/gpt2', config: gpt2(768, 12, 12) },
  { id: 'openai-community/gpt2-medium', config: gpt2(1024, 24, 16) },
  { id: 'openai-community/gpt2-large', config: gpt2(1280, 36, 20) },
  { id: 'openai-community/gpt2-xl', config: gpt2(1600, 48, 25) },
];
