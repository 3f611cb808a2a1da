import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { RunPhase } from '../../src/core/sweep/phases.ts';
import { HostRegistry } from '../../src/extension/hosts/hostRegistry.ts';
import { TelemetryPanel } from '../../src/extension/panels/telemetryPanel.ts';
import { recordingEditor } from '../../src/extension/telemetry/recordingEditor.ts';
import type { TelemetryFeed } from '../../src/extension/telemetry/telemetryFeed.ts';
import { TelemetryFeeds } from '../../src/extension/telemetry/telemetryFeeds.ts';
import { TelemetryRecorder } from '../../src/extension/telemetry/telemetryRecorder.ts';
import { TelemetryStatusItem } from '../../src/extension/views/telemetryStatusItem.ts';
import type { ToTelemetry } from '../../src/protocol/panel.ts';
import { readRecording } from '../../src/protocol/telemetryRecording.ts';
import { startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { contextForTest, folder } from './support.ts';

const host = 'this-machine';

export function telemetryTests(): void {
  describe('telemetry', () => {
    let storage: string;
    let log: vscode.LogOutputChannel;
    let hosts: HostRegistry;
    let feeds: TelemetryFeeds;
    const settings = () => vscode.workspace.getConfiguration('loadline');
    before(async () => {
      storage = await mkdtemp(join(tmpdir(), 'loadline-telemetry-'));
      log = vscode.window.createOutputChannel('Loadline telemetry test', { log: true });
      hosts = new HostRegistry(contextForTest(storage), log);
      feeds = new TelemetryFeeds(hosts);
      const device = 'h200-2026-11-static-batch';
      await settings().update('agent.recordedDevice', device, vscode.ConfigurationTarget.Global);
      await settings().update('agent.sampleIntervalMs', 100, vscode.ConfigurationTarget.Global);
    });
    after(async () => {
      feeds.dispose();
      await hosts.disconnect(host);
      hosts.dispose();
      log.dispose();
      for (const name of ['agent.recordedDevice', 'agent.sampleIntervalMs'])
        await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
      await rm(storage, { recursive: true, force: true });
    });

    it('is one feed a host for all who hold it, and starts again with a gap after it was stopped', async () => {
      const [first, second] = [feeds.hold(host, { quietly: false }), feeds.hold(host, { quietly: false })];
      assert.equal(first.feed, second.feed);
      await until(first.feed, ({ lines }) => lines.length > 5);
      assert.equal(first.feed.state.connection, 'live');
      assert.ok((first.feed.state.clockErrorMs ?? Number.POSITIVE_INFINITY) < 1000);
      first.feed.stop();
      await until(first.feed, ({ state }) => state.connection === 'stopped');
      first.feed.start(true);
      await until(first.feed, (feed) => hasGap(feed, 'sampling was stopped'));
      first.release();
      first.release();
      assert.equal(feeds.feeds.length, 1);
      second.release();
      assert.equal(feeds.feeds.length, 0);
    });

    it('says why a host that was disconnected by hand sends no more, and leaves it so', async () => {
      const { feed, release } = feeds.hold(host, { quietly: false });
      await until(feed, ({ state }) => state.connection === 'live');
      await hosts.disconnect(host);
      await until(feed, ({ state }) => state.connection === 'failed' || state.connection === 'stopped');
      assert.equal(hosts.entries().find(({ name }) => name === host)?.state, 'idle');
      release();
      // As after a reload of the window: nobody is asked, nothing is connected.
      const restored = feeds.hold(host, { quietly: true });
      await until(restored.feed, ({ state }) => state.connection === 'failed');
      assert.match(restored.feed.state.message ?? '', /was disconnected/);
      restored.release();
    });

    it('of the busiest GPU stands in the status bar while a host is watched, which it never starts by itself', async () => {
      const shown: string[] = [];
      const item = {
        text: '',
        show: () => shown.push(item.text),
        hide: () => shown.push(''),
        dispose: () => {},
      };
      const status = new TelemetryStatusItem(feeds, item as unknown as vscode.StatusBarItem);
      await hosts.disconnect(host);
      assert.deepEqual([feeds.feeds.length, shown.length], [0, 0]);
      assert.equal(hosts.entries().find(({ name }) => name === host)?.state, 'idle');
      const { feed, release } = feeds.hold(host, { quietly: false });
      await until(feed, () => shown.some((text) => text !== ''));
      const gpu = feed.header?.gpus[0];
      const total = ((gpu?.memoryTotalBytes ?? 0) / 2 ** 30).toFixed(0);
      assert.match(
        shown.find((text) => text !== '') ?? '',
        new RegExp(`^\\$\\(pulse\\) this-machine GPU \\d · recorded · \\d+ % · [\\d.]+/${total} GiB$`),
      );
      release();
      assert.equal(shown.at(-1), '');
      status.dispose();
    });

    it('is sent to the panel while that is seen, not while it is hidden; what was missed is in the next snapshot', async () => {
      const sent: ToTelemetry[] = [];
      const changed = new vscode.EventEmitter<void>();
      let phases: readonly RunPhase[] = [{ fromMs: 1, toMs: null, label: 'warm-up' }];
      const runs = { phases: () => phases, onDidChange: changed.event };
      const page = vscode.window.createWebviewPanel('loadline.telemetry', 'Test', vscode.ViewColumn.One);
      const panel = new TelemetryPanel(
        contextForTest(storage),
        { feeds, runs },
        counting(page, sent),
        [host],
        () => {},
        false,
      );
      const [feed] = feeds.feeds;
      assert.ok(feed);
      await until(feed, () => sent.filter(({ type }) => type === 'delta').length > 3);
      assert.ok(sent[0]?.type === 'snapshot');
      assert.deepEqual(sent[0].hosts[0]?.phases, phases);
      // What a run does is told when it changes, and then alone.
      phases = [{ fromMs: 1, toMs: 2, label: 'warm-up' }];
      const told = sent.length;
      changed.fire();
      changed.fire();
      assert.deepEqual(
        sent
          .slice(told)
          .map((message) => message.type === 'delta' && message.hosts.map((each) => each.phases)),
        [[phases]],
      );
      const hidden = new Promise<void>((resolve) => {
        const listener = page.onDidChangeViewState(() => {
          if (page.visible) return;
          listener.dispose();
          resolve();
        });
      });
      const document = await vscode.workspace.openTextDocument({ content: 'in front of it' });
      await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
      await hidden;
      const [before, seen] = [sent.length, newest(feed)];
      await until(feed, () => newest(feed) > seen + 10);
      assert.equal(sent.length, before);
      page.reveal();
      await until(feed, () => sent.length > before);
      const snapshot = sent[before];
      assert.equal(snapshot?.type, 'snapshot');
      assert.ok(snapshot?.type === 'snapshot' && newestSent(snapshot) > seen + 10);
      panel.dispose();
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      assert.equal(feeds.feeds.length, 0);
    });

    it('goes on by itself after the TCP connection to its host was killed, with the gap and its cause', async () => {
      const sshd = await startLoopbackSshd();
      const config = process.env['LOADLINE_SSH_CONFIG'];
      process.env['LOADLINE_SSH_CONFIG'] = sshd.configFile;
      const states: string[] = [];
      const state = () => hosts.entries().find(({ name }) => name === sshd.alias)?.state ?? '';
      await hosts.refresh();
      const listener = hosts.onDidChange(() => {
        if (states.at(-1) !== state()) states.push(state());
      });
      try {
        const { feed, release } = feeds.hold(sshd.alias, { quietly: false });
        await until(feed, ({ lines }) => lines.some(({ type }) => type === 'telemetry'));
        assert.ok(sshd.dropConnections() > 0);
        await until(feed, ({ state: { connection } }) => connection === 'stale');
        await until(
          feed,
          (each) => each.state.connection === 'live' && hasGap(each, 'the connection was lost'),
        );
        assert.deepEqual(states.slice(0, 3), ['connecting', 'connected', 'failed']);
        // A busy machine may need more than one attempt.
        assert.equal(states.at(-1), 'connected');
        assert.equal(states.includes('idle'), false);
        release();
        await hosts.disconnect(sshd.alias);
        assert.equal(state(), 'idle');
      } finally {
        listener.dispose();
        if (config === undefined) delete process.env['LOADLINE_SSH_CONFIG'];
        else process.env['LOADLINE_SSH_CONFIG'] = config;
        await sshd.stop();
      }
    });

    it('is recorded into the workspace, and the recording opens in the panel’s view', async () => {
      const recorder = new TelemetryRecorder(feeds);
      await recorder.toggle(host);
      const [feed] = feeds.feeds;
      assert.ok(feed);
      const file = vscode.Uri.file(feed.state.recordingFile ?? '');
      assert.match(file.fsPath, /\.loadline.telemetry.\d{4}-[\dT-]+Z-this-machine\.jsonl$/);
      const before = feed.lines.length;
      await until(feed, ({ lines }) => lines.length > before + 8);
      await recorder.toggle(host);
      assert.deepEqual(recorder.hosts, []);
      const { lines, notes, from } = readRecording(
        Buffer.from(await vscode.workspace.fs.readFile(file)).toString(),
      );
      assert.deepEqual(notes, []);
      assert.equal(from.host, host);
      assert.ok(lines.filter(({ type }) => type === 'telemetry').length > 5);
      await vscode.commands.executeCommand('vscode.open', file);
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      assert.ok(input instanceof vscode.TabInputCustom && input.viewType === recordingEditor);
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      recorder.dispose();
      await vscode.workspace.fs.delete(
        vscode.Uri.joinPath(folder('examples').uri, '.loadline', 'telemetry'),
        {
          recursive: true,
        },
      );
    });
  });
}

/** The panel of the editor, which tells what it is sent. */
function counting(panel: vscode.WebviewPanel, sent: ToTelemetry[]): vscode.WebviewPanel {
  const through = <T extends object>(target: T, own: Readonly<Record<string, unknown>>): T =>
    new Proxy(target, {
      get: (_, key) => {
        if (typeof key === 'string' && key in own) return own[key];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set: (_, key, value) => Reflect.set(target, key, value, target),
    });
  const postMessage = (message: ToTelemetry) => {
    sent.push(message);
    return panel.webview.postMessage(message);
  };
  return through(panel, { webview: through(panel.webview, { postMessage }) });
}

/** Ticks that a busy machine missed are gaps too, with another cause. */
function hasGap({ lines }: TelemetryFeed, cause: string): boolean {
  return lines.some((line) => line.type === 'telemetry-gap' && line.cause === cause);
}

function newest({ newest: record }: TelemetryFeed): number {
  return record?.seq ?? -1;
}

function newestSent({ hosts }: Extract<ToTelemetry, { readonly type: 'snapshot' }>): number {
  return hosts[0]?.past?.latest?.seq ?? -1;
}

function until(feed: TelemetryFeed, holds: (feed: TelemetryFeed) => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds(feed)) return resolve();
    const listener = feed.onDidChange(() => {
      if (!holds(feed)) return;
      listener.dispose();
      resolve();
    });
  });
}
