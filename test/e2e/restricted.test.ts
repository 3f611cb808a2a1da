/** A workspace that is not trusted: estimates work, and nothing connects, executes or downloads. */
import { cp, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CodeServer, launchBrowser, newProfile, repository } from '../tools/codeServer.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { failurePicture } from './pictures.ts';
import { Workbench } from './workbench.ts';

let sshd: LoopbackSshd;
let folder: string;
/** Who had connected before the editor was opened: the test's own look whether sshd is up. */
let before: readonly string[];
const heard = async () => (await sshd.log()).match(/^Connection from .*$/gm) ?? [];
let server: CodeServer;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  before = await heard();
  folder = join(await realpath(await mkdtemp(join(tmpdir(), 'loadline-restricted-'))), 'examples');
  await cp(join(repository, 'examples'), folder, { recursive: true });
  server = await CodeServer.start({
    workspaceTrust: true,
    environment: { LOADLINE_SSH_CONFIG: sshd.configFile },
    settings: {
      'security.workspace.trust.startupPrompt': 'never',
      'security.workspace.trust.untrustedFiles': 'open',
      'workbench.colorTheme': 'Default Dark Modern',
    },
  });
  browser = await launchBrowser();
  workbench = await Workbench.open(server, await newProfile(browser), folder);
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

test('the window is in restricted mode', async () => {
  await workbench.page.getByText('Restricted Mode').first().waitFor();
});

test('estimates, quick fixes and the calculator work', async () => {
  await workbench.openFile('llama-3.1-8b-rtx-4090.sh');
  await workbench.lens('does not fit RTX 4090').waitFor();
  await workbench.errorMarks().first().waitFor();
  await workbench.pressLens('does not fit RTX 4090', workbench.tab('Calculator'));
  await workbench.panel().getByText('does not fit').first().waitFor();
  await workbench.closeTab('Calculator');
});

test('the view of GPU hosts lists none, and says what it needs', async () => {
  await workbench.page.getByRole('tab', { name: 'Loadline' }).first().click();
  await workbench.page.getByText('Connecting to hosts needs a trusted workspace').first().waitFor();
  expect(await workbench.treeItem(/This machine/).count()).toBe(0);
});

test('a sweep is not started: what it needs is said, and the host hears nothing', async () => {
  await workbench.openFile('chat.sweep.yaml');
  await workbench.pressLens(/Rehearse/, workbench.page.getByText('need a trusted workspace').first());
  expect(sshd.connections()).toEqual([]);
  expect(await heard()).toEqual(before);
  expect(await readdir(folder)).not.toContain('.loadline');
});
