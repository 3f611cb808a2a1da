export type Program = 'python3' | 'sshd' | 'ssh' | 'chromium' | 'gcc';
export function ensurePrograms(names: readonly Program[]): Program[];
export function programPath(name: Program): string | undefined;
export function oldestAndNewestPython(): { readonly path: string; readonly version: readonly number[] }[];
