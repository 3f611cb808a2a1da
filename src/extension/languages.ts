/** Languages of documents that may hold a deployment. The server looks at each and is silent where there is none. */
export const languages: ReadonlySet<string> = new Set([
  'yaml',
  'dockercompose',
  'shellscript',
  'json',
  'jsonc',
]);
