import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Uri } from 'vscode';
import type { AgentArchive } from '../remote/agentDeployment.ts';

/** The agent as it was shipped with this extension. */
export async function readAgentArchive(extensionUri: Uri): Promise<AgentArchive> {
  const bytes = await readFile(Uri.joinPath(extensionUri, 'dist', 'loadline-agent.pyz').fsPath);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
