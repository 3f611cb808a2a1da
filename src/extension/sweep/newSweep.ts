/** A commented sweep plan from the deployment at the cursor, written beside its file and opened. */
import { basename, dirname, join } from 'node:path';
import { l10n, Uri, window, workspace } from 'vscode';
import type { DocumentEstimate } from '../../protocol/lsp.ts';
import { recipePlan } from '../../text/recipes/recipe.ts';
import { recipes } from '../../text/recipes/recipes.ts';
import { deploymentAt } from '../deploymentAt.ts';
import type { Estimates } from '../estimates.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';

export async function newSweep(estimates: Estimates, hosts: HostRegistry): Promise<void> {
  const editor = window.activeTextEditor;
  const document = editor?.document;
  const found = document === undefined ? [] : await estimates.of(document.uri.toString()).catch(() => []);
  const deployment = deploymentAt(found, editor?.selection.active.line ?? 0) ?? found[0];
  const chosen = await window.showQuickPick(
    recipes.map((recipe) => ({
      label: recipe.question,
      description: recipe.sweeps,
      detail: recipe.asks,
      recipe,
    })),
    { title: l10n.t('New Sweep'), placeHolder: l10n.t('What is the run to answer?') },
  );
  if (chosen === undefined) return;
  const folder = folderFor(document?.uri);
  if (folder === undefined) {
    throw new Error(l10n.t('Open a folder first: the plan is written beside the file that it is for.'));
  }
  const source = document?.uri.scheme === 'file' ? basename(document.uri.fsPath) : undefined;
  const { recipe } = chosen;
  const base = slug(source?.replace(/(\.serve|\.compose|\.kubernetes)?\.[^.]+$/, '') ?? 'new');
  const request = deployment?.request ?? null;
  const connected = hosts.entries().find(({ state }) => state === 'connected')?.name;
  const text = recipePlan(recipe, {
    source: source ?? l10n.t('a recipe'),
    name: `${base}-${recipe.question}`.slice(0, 80),
    deployment: request?.deployment ?? null,
    gpu: request?.device.id ?? null,
    gpuCount: request?.gpuCount ?? 1,
    contextTokens: contextTokens(deployment),
    hosts: [connected ?? 'this-machine'],
  });
  const uri = await freeUri(folder, `${base}.${recipe.question}`);
  await workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  await window.showTextDocument(uri);
  if (found.length > 0 && request === null) {
    void window.showWarningMessage(
      l10n.t('Nothing is known of the model at the cursor: the plan begins with a small one in its place.'),
    );
  }
}

function folderFor(uri: Uri | undefined): string | undefined {
  return uri?.scheme === 'file' ? dirname(uri.fsPath) : workspace.workspaceFolders?.[0]?.uri.fsPath;
}

function contextTokens(deployment: DocumentEstimate | undefined): number | null {
  const estimate = deployment?.estimate;
  return estimate !== undefined && 'kv' in estimate && estimate.kv.maxModelLen > 0
    ? estimate.kv.maxModelLen
    : null;
}

/** What a plan may be called. */
function slug(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return plain === '' ? 'new' : plain.slice(0, 60);
}

/** A name that no file has yet. */
async function freeUri(folder: string, name: string): Promise<Uri> {
  for (let count = 1; ; count++) {
    const uri = Uri.file(join(folder, `${name}${count === 1 ? '' : `-${count}`}.sweep.yaml`));
    const taken = await Promise.resolve(workspace.fs.stat(uri)).then(
      () => true,
      () => false,
    );
    if (!taken) return uri;
  }
}
