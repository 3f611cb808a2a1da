/** Paths of the Node.js and of the VS Code server build that the editor tests drive. */
export function fetchTools(): Promise<{ readonly node: string; readonly serverMain: string }>;
