/** What a weight is for. `attention` is every token mixer: attention, latent attention, state spaces, convolutions. */
export const PARAMETER_KINDS = [
  'embedding',
  'positionEmbedding',
  'attention',
  'mlp',
  'routedExperts',
  'sharedExperts',
  'router',
  'norms',
  'head',
  'vision',
  'audio',
  'other',
] as const;

export type ParameterKind = (typeof PARAMETER_KINDS)[number];
