import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { extensionId, fileIn, show } from './support.ts';

interface Contributes {
  readonly commands: readonly { readonly command: string }[];
  readonly configuration: readonly {
    readonly properties: Readonly<Record<string, { readonly default: unknown }>>;
  }[];
  readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
}

export function activationTests(): void {
  describe('activation', () => {
    const contributes = (): Contributes =>
      vscode.extensions.getExtension(extensionId)?.packageJSON.contributes;

    it('comes with the first document of a language that may hold a deployment', async () => {
      await show(fileIn('examples', 'llama-3.1-8b.serve.yaml'));
      const extension = vscode.extensions.getExtension(extensionId);
      await extension?.activate();
      assert.equal(extension?.isActive, true);
    });

    it('registers the commands that the manifest declares, and no others', async () => {
      const declared = contributes().commands.map(({ command }) => command);
      const views = Object.values(contributes().views).flatMap((list) => list.map(({ id }) => id));
      // VS Code makes commands of its own for each view: loadline.hosts.focus …
      const ofViews = (command: string): boolean => views.some((id) => command.startsWith(`${id}.`));
      const registered = (await vscode.commands.getCommands(true)).filter(
        (command) => command.startsWith('loadline.') && !ofViews(command),
      );
      assert.deepEqual(registered.sort(), [...declared].sort());
    });

    it('has the settings that the manifest declares, with their defaults', () => {
      for (const { properties } of contributes().configuration)
        for (const [name, { default: value }] of Object.entries(properties))
          assert.deepEqual(vscode.workspace.getConfiguration().inspect(name)?.defaultValue, value, name);
    });

    it('opens each panel in an editor tab', async () => {
      await vscode.commands.executeCommand('loadline.openCalculator');
      await tab('Calculator');
      await vscode.commands.executeCommand('loadline.openTelemetry', { name: 'this-machine' });
      await tab('GPU Telemetry');
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    });
  });
}

/** Resolves as soon as a tab of that name is there. */
function tab(label: string): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      const labels = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map((each) => each.label));
      if (!labels.includes(label)) return;
      listener.dispose();
      resolve();
    };
    const listener = vscode.window.tabGroups.onDidChangeTabs(check);
    check();
  });
}
