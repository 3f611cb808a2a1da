export type Ssh2 = typeof import('ssh2');

/** ssh2, read and evaluated on the first connection only. Node's own loader gives a CommonJS module as `default`. */
export async function loadSsh2(): Promise<Ssh2> {
  const module: Ssh2 & { readonly default?: Ssh2 } = await import('ssh2');
  return module.default ?? module;
}
