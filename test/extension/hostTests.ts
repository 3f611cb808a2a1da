import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { HostRegistry } from '../../src/extension/hosts/hostRegistry.ts';
import { HostsTree } from '../../src/extension/views/hostsTree.ts';
import { contextForTest } from './support.ts';

export function hostTests(): void {
  describe('GPU hosts', () => {
    let storage: string;
    let log: vscode.LogOutputChannel;
    let hosts: HostRegistry;
    before(async () => {
      storage = await mkdtemp(join(tmpdir(), 'loadline-hosts-'));
      log = vscode.window.createOutputChannel('Loadline hosts test', { log: true });
      hosts = new HostRegistry(contextForTest(storage), log);
    });
    after(async () => {
      await hosts.disconnect('this-machine');
      hosts.dispose();
      log.dispose();
      await rm(storage, { recursive: true, force: true });
    });

    const item = async (tree: HostsTree, index: number): Promise<vscode.TreeItem> => {
      const node = (await tree.getChildren())[index];
      assert.ok(node);
      return tree.getTreeItem(node);
    };

    it('begin with this machine, then what was added by hand', async () => {
      const settings = vscode.workspace.getConfiguration('loadline');
      await settings.update('hosts', ['me@gpu.example:2222'], vscode.ConfigurationTarget.Global);
      const tree = new HostsTree(hosts);
      const names = (await tree.getChildren()).map((node) => (node.kind === 'host' ? node.name : ''));
      assert.equal(names[0], 'this-machine');
      assert.ok(names.includes('me@gpu.example:2222'));
      assert.equal((await item(tree, 0)).contextValue, 'host.idle');
      await settings.update('hosts', undefined, vscode.ConfigurationTarget.Global);
      tree.dispose();
    });

    it('are connected with the agent, and say what it found', async () => {
      const tree = new HostsTree(hosts);
      const { probe } = await hosts.connect('this-machine');
      assert.equal(probe.type, 'probe');
      const { contextValue, description, tooltip } = await item(tree, 0);
      assert.equal(contextValue, 'host.connected');
      assert.ok(description);
      assert.match(String(tooltip), /Python 3\./);
      const [root] = await tree.getChildren();
      assert.equal((await tree.getChildren(root)).length, probe.gpus.length);
      tree.dispose();
    });

    it('that fail say why, and can be tried again', async () => {
      const name = 'nobody@host.invalid';
      await assert.rejects(hosts.connect(name));
      await assert.rejects(hosts.connect(name));
    });
  });
}
