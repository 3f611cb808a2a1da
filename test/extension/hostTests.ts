import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { GiB } from '../../src/core/units.ts';
import { Estimates } from '../../src/extension/estimates.ts';
import { estimateForHostGpu } from '../../src/extension/hosts/hostCommands.ts';
import { type HostEntry, HostRegistry } from '../../src/extension/hosts/hostRegistry.ts';
import { LiveTargetChoice } from '../../src/extension/hosts/liveTarget.ts';
import { hostItem } from '../../src/extension/views/hostItems.ts';
import { type HostNode, HostsTree } from '../../src/extension/views/hostsTree.ts';
import { probedGpu, probeOf } from '../unit/extension/examples.ts';
import { telemetryHeader } from '../webview/examples.ts';
import { contextForTest, fileIn, show, writeFile } from './support.ts';

const probed: HostEntry = {
  name: 'gpu-01',
  origin: 'ssh-config',
  state: 'connected',
  message: null,
  reason: null,
  isTriedAgain: false,
  probedAtMs: Date.now(),
  probe: probeOf([probedGpu(0, 'NVIDIA H200')], {
    engines: [{ name: 'vllm', version: '0.11.0', path: '/usr/bin/vllm', foundIn: 'path' }],
    processes: [
      {
        gpu: 0,
        processes: [
          { pid: 7, user: 'other', name: 'trainer', memoryBytes: GiB, own: false },
          { pid: 4242, user: 'me', name: 'python3', memoryBytes: 8 * GiB, own: true },
          { pid: 4300, user: 'me', name: 'VLLM::EngineCor', memoryBytes: 4 * GiB, own: true, run: 'r-chat' },
        ],
      },
    ],
    cudaView: {
      visibleDevices: null,
      order: 'pci',
      note: '',
      devices: [
        { ordinal: 0, uuid: 'GPU-0', name: 'NVIDIA H200', totalBytes: 139 * GiB, freeBytes: 130 * GiB },
      ],
    },
  }),
};

/** One host in place of the registry's: no GPU is here to be probed. */
class FakeHosts {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #entry: HostEntry;

  constructor(entry: HostEntry) {
    this.#entry = entry;
  }

  entries(): readonly HostEntry[] {
    return [this.#entry];
  }

  async refresh(): Promise<void> {}

  set(changed: Partial<HostEntry>): void {
    this.#entry = { ...this.#entry, ...changed };
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

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
      assert.equal((await item(tree, 0)).contextValue, 'host.idle.this-machine');
      await settings.update('hosts', undefined, vscode.ConfigurationTarget.Global);
      tree.dispose();
    });

    it('are connected with the agent, and say what it found', async () => {
      const tree = new HostsTree(hosts);
      const { probe } = await hosts.connect('this-machine');
      assert.equal(probe.type, 'probe');
      const { contextValue, description, tooltip } = await item(tree, 0);
      assert.equal(contextValue, 'host.connected.this-machine');
      assert.ok(description);
      assert.match(String(tooltip), /Python 3\./);
      const [root] = await tree.getChildren();
      const kinds = (await tree.getChildren(root)).map(({ kind }) => kind);
      assert.equal(kinds.filter((kind) => kind === 'gpu').length, probe.gpus.length);
      tree.dispose();
    });

    it('are probed again when the view is refreshed', async () => {
      const before = hosts.entries()[0]?.probedAtMs ?? Number.NaN;
      await hosts.probeAgain();
      assert.ok((hosts.entries()[0]?.probedAtMs ?? 0) > before);
    });

    it('have a terminal: ssh with the words of this host and no shell between, or a plain one here', async () => {
      const opened = async (name: string): Promise<vscode.TerminalOptions> => {
        const before = new Set(vscode.window.terminals);
        await vscode.commands.executeCommand('loadline.openHostTerminal', { kind: 'host', name });
        const terminal = vscode.window.terminals.find((each) => !before.has(each));
        assert.ok(terminal);
        terminal.dispose();
        return terminal.creationOptions;
      };
      const { shellPath, shellArgs } = await opened('me@host.invalid:2222');
      assert.equal(shellPath, 'ssh');
      assert.deepEqual(shellArgs?.slice(-6), ['-l', 'me', '-p', '2222', '--', 'host.invalid']);
      assert.equal((await opened('this-machine')).shellPath, undefined);
    });

    it('are taken off the list again where they were added by hand', async () => {
      const settings = () => vscode.workspace.getConfiguration('loadline');
      await settings().update('hosts', ['one.invalid', 'two.invalid'], vscode.ConfigurationTarget.Global);
      await vscode.commands.executeCommand('loadline.removeHost', { kind: 'host', name: 'one.invalid' });
      assert.deepEqual(settings().get('hosts'), ['two.invalid']);
      await settings().update('hosts', undefined, vscode.ConfigurationTarget.Global);
    });

    it('that fail say why, and can be tried again', async () => {
      const name = 'nobody@host.invalid';
      await assert.rejects(hosts.connect(name));
      await assert.rejects(hosts.connect(name));
      await hosts.disconnect(name);
      await assert.rejects(hosts.connect(name, { quietly: true }), /was disconnected/);
    });

    it('show each GPU with what runs on it, and the engines that were found', async () => {
      const shown = new FakeHosts(probed);
      const tree = new HostsTree(shown as unknown as HostRegistry);
      const [root] = await tree.getChildren();
      const children = await tree.getChildren(root);
      const words = (nodes: readonly HostNode[]) =>
        nodes.map((node) => {
          const { label, description } = tree.getTreeItem(node);
          return `${label} | ${description}`;
        });
      assert.deepEqual(words(children), ['0: H200 | 9.00/140 GiB', 'vLLM 0.11.0 | path · /usr/bin/vllm']);
      assert.deepEqual(words(await tree.getChildren(children[0])), [
        'python3 | yours · me · 8.00 GiB · PID 4242',
        'VLLM::EngineCor | Loadline run r-chat · me · 4.00 GiB · PID 4300',
        'trainer | other · 1.00 GiB · PID 7',
      ]);
      tree.dispose();
      shown.dispose();
    });

    it('say of a GPU that CUDA programs do not see it, and why', async () => {
      const { probe } = probed;
      assert.ok(probe?.cudaView);
      const cudaView = { ...probe.cudaView, visibleDevices: '1', devices: [] };
      const shown = new FakeHosts({ ...probed, probe: { ...probe, cudaView } });
      const tree = new HostsTree(shown as unknown as HostRegistry);
      const [root] = await tree.getChildren();
      const [gpu] = await tree.getChildren(root);
      assert.ok(gpu);
      const { description, tooltip } = tree.getTreeItem(gpu);
      assert.equal(description, '9.00/140 GiB · hidden from CUDA');
      assert.match(String(tooltip), /CUDA_VISIBLE_DEVICES=1/);
      tree.dispose();
      shown.dispose();
    });

    it('that are watched show what runs on a GPU now, and as the probe found it once they are lost', async () => {
      const shown = new FakeHosts(probed);
      const trainer = { pid: 9, user: 'other', name: 'trainer', memoryBytes: GiB, own: false };
      const feed = {
        host: 'gpu-01',
        header: telemetryHeader(1, { gpus: [probedGpu(0, 'NVIDIA H200')] }),
        newest: null,
        isLive: true,
        processes: () => [trainer],
      };
      const watching = { feeds: [feed], onDidChange: () => ({ dispose: () => {} }) };
      const tree = new HostsTree(shown as unknown as HostRegistry, watching);
      const [root] = await tree.getChildren();
      const [gpu] = await tree.getChildren(root);
      const labels = async () => (await tree.getChildren(gpu)).map((node) => tree.getTreeItem(node).label);
      assert.deepEqual(await labels(), ['trainer']);
      feed.isLive = false;
      assert.equal((await labels()).length, 3);
      tree.dispose();
      shown.dispose();
    });

    it('that failed say at a glance what it was, and all of it to who listens', () => {
      const message = 'gpu-01 (10.0.0.1:22) took the connection but does not speak.';
      const failed: HostEntry = { ...probed, state: 'failed', reason: 'timeout', message };
      const item = hostItem('gpu-01', failed);
      assert.equal(item.description, 'does not answer');
      assert.ok(String(item.tooltip).startsWith(message));
      assert.equal(item.accessibilityInformation?.label, `gpu-01, ${message}, does not answer`);
      assert.equal(
        hostItem('gpu-01', { ...failed, reason: 'lost', isTriedAgain: true }).description,
        'connection lost · tried again',
      );
      assert.equal(hostItem('gpu-01', probed).accessibilityInformation?.label, 'gpu-01, connected, 1 × H200');
    });

    it('are a target of estimates until they are disconnected: memory and engine version are theirs', async () => {
      const shown = new FakeHosts(probed);
      // Its client writes to the log until the server's process has ended: it stays with the window.
      const serverLog = vscode.window.createOutputChannel('Loadline live target test', { log: true });
      const estimates = new Estimates(contextForTest(storage), serverLog);
      const choice = new LiveTargetChoice(shown, (target) => void estimates.setLiveTarget(target));
      const uri = await writeFile(
        fileIn('other', 'live.sh'),
        'vllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192\n',
      );
      await show(uri);
      const first = async () => (await estimates.of(uri.toString()))[0];
      const tree = new HostsTree(shown as unknown as HostRegistry);
      const [root] = await tree.getChildren();
      const [gpu] = await tree.getChildren(root);
      assert.ok(gpu && tree.getTreeItem(gpu).contextValue === 'gpu.target');
      assert.throws(
        () => estimateForHostGpu(choice, { ...gpu, host: 'another' }),
        /Connect to the host first/,
      );
      estimateForHostGpu(choice, gpu);
      tree.dispose();
      const live = await first();
      assert.equal(live?.target.live?.host, 'gpu-01');
      assert.equal(live?.request?.freeBytes, 130 * GiB);
      assert.ok(live && 'kv' in live.estimate && live.estimate.engineVersion === '0.11.0');
      shown.set({ state: 'failed' });
      assert.equal((await first())?.target.live?.host, 'gpu-01');
      shown.set({ state: 'idle' });
      assert.equal((await first())?.target.live, null);
      choice.dispose();
      estimates.dispose();
      shown.dispose();
    });
  });
}
