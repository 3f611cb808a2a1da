import { fileURLToPath } from 'node:url';

/** The path of a document on this machine. */
export function pathOf(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    // A file URI of another machine (`file://host/…`) has no path here.
    return undefined;
  }
}
