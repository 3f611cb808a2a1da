/** The whole loop as a person goes through it, in a real VS Code: a config, its verdict, the panels, a sweep over SSH. */
import { cp, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { CodeServer, launchBrowser, newProfile, repository } from '../tools/codeServer.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { failurePicture, forDocumentation, takePictures } from './pictures.ts';
import { Workbench } from './workbench.ts';

let sshd: LoopbackSshd;
let folder: string;
let server: CodeServer;
let browser: Browser;
let profile: BrowserContext;
let workbench: Workbench;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  folder = join(await realpath(await mkdtemp(join(tmpdir(), 'loadline-e2e-'))), 'examples');
  await cp(join(repository, 'examples'), folder, { recursive: true });
  server = await CodeServer.start({
    environment: { LOADLINE_SSH_CONFIG: sshd.configFile },
    settings: {
      'window.autoDetectColorScheme': true,
      'workbench.preferredDarkColorTheme': 'Default Dark Modern',
      'workbench.preferredLightColorTheme': 'Default Light Modern',
      'files.autoSave': 'off',
      'loadline.agent.recordedDevice': 'h200-2026-11-static-batch',
      'loadline.agent.sampleIntervalMs': 200,
    },
  });
  browser = await launchBrowser();
  profile = await newProfile(browser);
  workbench = await Workbench.open(server, profile, folder);
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await failurePicture(workbench, task.name);
});

afterAll(async () => {
  await browser?.close();
  await server?.dispose();
  await sshd?.stop();
  if (folder) await rm(join(folder, '..'), { recursive: true, force: true });
});

describe('a config that does not fit', () => {
  test('is marked on the flag to change, and its lens says why', async () => {
    await workbench.openFile('llama-3.1-8b-rtx-4090.sh');
    await workbench.lens('does not fit RTX 4090').waitFor();
    await workbench.errorMarks().first().waitFor();
  });

  test('a quick fix says its effect; applied, mark and lens follow', async () => {
    await workbench.openQuickFixes('131072');
    await takePictures(workbench, 'diagnostic');
    await workbench.chooseQuickFix('131072', /Set.--max-model-len/);
    await workbench.lens(/fits|tight/).waitFor();
    await workbench.errorMarks().first().waitFor({ state: 'detached' });
    await workbench.undo(workbench.lens('does not fit RTX 4090'));
  });

  test('the calculator opens from the lens, follows the file and writes back what is applied', async () => {
    await workbench.pressLens('does not fit RTX 4090', workbench.tab('Calculator'));
    const panel = workbench.panel();
    await panel.getByText('does not fit').first().waitFor();
    await takePictures(workbench, 'calculator', { waitFor: panel.locator('canvas').first() });
    await panel
      .getByRole('button', { name: /^max-model-len/ })
      .first()
      .click();
    await panel.getByRole('button', { name: 'Apply 1 change' }).click();
    await workbench.lens(/fits|tight/).waitFor();
    await panel
      .getByText(/^(fits|tight)/)
      .first()
      .waitFor();
    await workbench.undo(panel.getByText('does not fit').first());
    await workbench.closeTab('Calculator');
  });
});

describe('a file with two deployments', () => {
  test('the calculator goes to the one that is picked, and to the one that the cursor is in', async () => {
    await workbench.openFile('two-models.compose.yaml');
    await workbench.pressLens('does not fit L40S', workbench.tab('Calculator'));
    const panel = workbench.panel();
    const title = panel.getByRole('heading', { level: 1 });
    await title.filter({ hasText: 'Llama-3.1-8B-Instruct' }).waitFor();
    await panel.getByLabel('Deployment of the file').selectOption({ index: 1 });
    await title.filter({ hasText: 'Qwen2.5-7B-Instruct' }).waitFor();
    await panel.getByLabel('Follow the cursor').check();
    await workbench.clickText('131072');
    await title.filter({ hasText: 'Llama-3.1-8B-Instruct' }).waitFor();
    await workbench.clickText('CODE_CONTEXT');
    await title.filter({ hasText: 'Qwen2.5-7B-Instruct' }).waitFor();
  });

  test('a chart is saved as a picture where one says', async () => {
    await workbench
      .panel()
      .getByRole('button', { name: 'Save Concurrency by context length as PNG' })
      .click();
    await workbench.acceptSuggestedPath();
    await vi.waitFor(async () => {
      const picture = await readFile(join(folder, 'concurrency-by-context-length.png'));
      expect(picture.subarray(1, 4).toString()).toBe('PNG');
    }, 20_000);
  });

  test('a price that is typed is kept in the settings, and is there when the panel is opened again', async () => {
    const price = workbench.panel().locator('[data-price="l40s-48gb"]');
    await price.click();
    await workbench.panel().getByLabel('Price of L40S, US dollars an hour').fill('0.42');
    await workbench.page.keyboard.press('Enter');
    await price.filter({ hasText: '0.42' }).waitFor();
    await workbench.closeTab('Calculator');
    await workbench.command('Loadline: Open Calculator');
    await workbench.panel().locator('[data-price="l40s-48gb"]').filter({ hasText: '0.42' }).waitFor();
    await workbench.closeTab('Calculator');
  });
});

describe('hosts', () => {
  test('telemetry of a host over SSH is drawn while it comes, and says that it is a recording', async () => {
    await workbench.openFile('llama-3.1-8b.serve.yaml');
    await workbench.lens('fits H200').waitFor();
    await workbench.showLoadline();
    await workbench.treeItem(/^loopback-gpu/).waitFor();
    await workbench.command('Loadline: Open GPU Telemetry');
    await workbench.choose('loopback-gpu');
    const panel = workbench.panel();
    await panel
      .getByText(/recorded/i)
      .first()
      .waitFor();
    await panel.locator('canvas').first().waitFor();
    await workbench.treeItem(/^loopback-gpu, connected/).waitFor();
    await takePictures(workbench, 'telemetry', { settleMs: 12_000 });
    await workbench.closeTab('GPU Telemetry');
  });
});

describe('a sweep', () => {
  test('goes on when its extension host is killed and its window closed, and every cell is there once when it is opened again', async () => {
    await workbench.openFile('chat.sweep.yaml');
    await workbench.pressLens(/Rehearse/, workbench.tab('(simulated)'));
    await workbench.treeItem(/^concurrency 1, [\d,.]+ tok\/s \(simulated\)/).waitFor({ timeout: 120_000 });
    await takePictures(workbench, 'sweep-running');

    expect(await server.killExtensionHosts()).toBe(1);
    await workbench.close();
    await vi.waitFor(() => expect(sshd.connections()).toEqual([]), { timeout: 60_000, interval: 100 });
    const [run = ''] = await readdir(join(folder, '.loadline', 'runs'));
    const here = join(folder, '.loadline', 'runs', run);
    const there = join(sshd.home, '.cache', 'loadline', 'runs', run);
    const doneWhenClosed = cellsDone(await readFile(join(here, 'journal.jsonl'), 'utf8')).length;
    expect(doneWhenClosed).toBeLessThan(6);
    await vi.waitFor(
      async () => {
        const journal = await readFile(join(there, 'journal.jsonl'), 'utf8');
        expect(cellsDone(journal).length).toBeGreaterThan(doneWhenClosed);
      },
      { timeout: 120_000, interval: 100 },
    );

    workbench = await Workbench.open(server, profile, folder);
    await workbench.showLoadline();
    await workbench.treeItem(/^chat-llama-3.2-1b \(simulated\), completed/).waitFor({ timeout: 180_000 });
    // Its end is told once, with the answer: it stays in the list of notifications when it has left the corner.
    await workbench.command('Notifications: Show Notifications');
    const told = workbench.page.locator('.notifications-center .notification-list-item', {
      hasText: 'largest concurrency',
    });
    await told.first().waitFor();
    expect(await told.count()).toBe(1);
    await workbench.command('Notifications: Hide Notifications');
    const panel = workbench.panel();
    await panel.getByText('largest concurrency').first().waitFor();
    await panel.locator('canvas').first().waitFor();

    const journal = await readFile(join(here, 'journal.jsonl'), 'utf8');
    expect(journal).toBe(await readFile(join(there, 'journal.jsonl'), 'utf8'));
    const records = journal
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number });
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index));
    expect(new Set(cellsDone(journal)).size).toBe(6);
    expect(cellsDone(journal)).toHaveLength(6);
    const results = JSON.parse(await readFile(join(here, 'results.json'), 'utf8')) as RunResults;
    expect(results).toMatchObject({ mode: 'rehearsal', outcome: 'completed' });
    expect(results.cells.map(({ state, trials }) => [state, trials.length])).toEqual(
      Array(6).fill(['done', 1]),
    );
    const left = async () => (await processesOf(sshd.home)).filter(({ command }) => command.includes(run));
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 30_000 });
  }, 600_000);

  // A window that opens takes the two cores that the simulated engine may have: its picture is taken of a run left alone.
  if (forDocumentation)
    test('looks like this in the documentation', async () => {
      await workbench.pressLens(/Rehearse/, workbench.treeItem(/^chat-llama-3.2-1b \(simulated\), running/));
      await expect
        .poll(() => workbench.treeItem(/\(simulated\), completed/).count(), { timeout: 180_000 })
        .toBe(2);
      await workbench.panel().getByText('largest concurrency').first().waitFor();
      await workbench.lens(/Runs on/).waitFor({ state: 'detached' });
      await takePictures(workbench, 'sweep', { waitFor: workbench.panel().locator('canvas').first() });
    });

  test('its report says what was found, and that it was simulated', async () => {
    await workbench.command('Loadline: Open Report');
    if (forDocumentation) await workbench.choose('chat-llama-3.2-1b');
    await workbench.page.locator('.tab.active', { hasText: 'report.md' }).waitFor();
    const report = workbench.panel();
    await report.getByText('Method and checks').first().waitFor();
    await report
      .getByText(/simulated/i)
      .first()
      .waitFor();
    await report.getByText('largest concurrency').first().waitFor();
  });
});

function cellsDone(journal: string): string[] {
  return journal
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { type: string; cell: string })
    .filter(({ type }) => type === 'cell-done')
    .map(({ cell }) => cell);
}
