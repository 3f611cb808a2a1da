import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { HostRegistry } from '../../src/extension/hosts/hostRegistry.ts';
import { recordingEditor } from '../../src/extension/telemetry/recordingEditor.ts';
import type { TelemetryFeed } from '../../src/extension/telemetry/telemetryFeed.ts';
import { TelemetryFeeds } from '../../src/extension/telemetry/telemetryFeeds.ts';
import { TelemetryRecorder } from '../../src/extension/telemetry/telemetryRecorder.ts';
import { readRecording } from '../../src/protocol/telemetryRecording.ts';
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
      await until(first.feed, ({ lines }) => lines.some(({ type }) => type === 'telemetry-gap'));
      const gap = first.feed.lines.find((line) => line.type === 'telemetry-gap');
      assert.equal(gap?.cause, 'sampling was stopped');
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
