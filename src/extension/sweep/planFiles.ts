import type { DocumentFilter, TextDocument } from 'vscode';

/** Sweep plans, wherever they are. */
export const planSelector: DocumentFilter = { pattern: '**/*.sweep.{yaml,yml}' };

export function isPlan({ uri }: TextDocument): boolean {
  return /\.sweep\.ya?ml$/.test(uri.path);
}

/** Of documents that show a plan expanded. */
export const previewScheme = 'loadline-cells';
