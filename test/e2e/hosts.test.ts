/** A host of the SSH configuration from the first connection until nothing of Loadline is left: a real sshd, a real VS Code. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { fingerprint } from '../../src/remote/knownHosts.ts';
import { CodeServer, launchBrowser, newProfile } from '../tools/codeServer.ts';
import { generateKey, type LoopbackSshd, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { failurePicture } from './pictures.ts';
import { Workbench } from './workbench.ts';

let sshd: LoopbackSshd;
let folder: string;
let server: CodeServer;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  sshd = await startLoopbackSshd();
  await writeFile(sshd.knownHosts, '');
  folder = await realpath(await mkdtemp(join(tmpdir(), 'loadline-hosts-')));
  server = await CodeServer.start({
    environment: { LOADLINE_SSH_CONFIG: sshd.configFile, XDG_STATE_HOME: join(folder, 'state') },
    settings: {
      'loadline.agent.recordedDevice': 'h200-2026-11-static-batch',
      'loadline.agent.sampleIntervalMs': 200,
    },
  });
  browser = await launchBrowser();
  workbench = await Workbench.open(server, await newProfile(browser), folder);
  await workbench.showLoadline();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await failurePicture(workbench, task.name);
});

afterAll(async () => {
  await browser?.close();
  await server?.dispose();
  await sshd?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const dialog = () => workbench.page.locator('.monaco-dialog-box');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const home = () => join(sshd.home, '.cache', 'loadline');

async function shownFingerprint(): Promise<string> {
  const [, blob = ''] = (await sshd.hostKey()).split(' ');
  return fingerprint(Buffer.from(blob, 'base64'));
}

async function connect(): Promise<void> {
  await workbench.command('Loadline: Connect to GPU Host');
  await workbench.choose('loopback-gpu');
  await dialog()
    .getByText(await shownFingerprint())
    .waitFor();
}

test('is connected once its key was accepted', async () => {
  await connect();
  await press('Trust This Key and Connect');
  await workbench.treeItem(/^loopback-gpu, connected/).waitFor();
  expect(existsSync(home())).toBe(true);
});

test('is left without a trace when the agent is removed: no folder, no connection', async () => {
  await workbench.command('Loadline: Remove Agent from GPU Host');
  await workbench.choose('loopback-gpu');
  await press('Remove');
  await workbench.treeItem(/^loopback-gpu, not connected/).waitFor();
  await vi.waitFor(() => expect(sshd.connections()).toEqual([]), { timeout: 60_000, interval: 100 });
  expect(existsSync(home())).toBe(false);
});

test('is asked about again when its key was forgotten, which is shown before', async () => {
  await workbench.command('Loadline: Forget Host Key');
  await workbench.choose('loopback-gpu');
  await dialog()
    .getByText(await shownFingerprint())
    .waitFor();
  await press('Forget Key');
  await dialog().waitFor({ state: 'detached' });
  await connect();
  await press('Cancel');
  await workbench.treeItem(/^loopback-gpu, .*(trust|key|accept)/i).waitFor();
});

test('is asked for the passphrase of its key, which is kept only where one says so, in the secret storage alone', async () => {
  const [key, passphrase] = [join(sshd.folder, 'locked'), 'a quite unlikely passphrase'];
  generateKey(key, 'ed25519', passphrase);
  await sshd.authorize(await readFile(`${key}.pub`, 'utf8'));
  const config = await readFile(sshd.configFile, 'utf8');
  await writeFile(sshd.configFile, config.replace(/IdentityFile .*/, `IdentityFile ${key}`));
  const widget = workbench.page.locator('.quick-input-widget');
  const box = widget.locator('input[type="password"]');
  const answer = async (text: string) => {
    await box.waitFor();
    await expect.poll(() => box.inputValue(), { timeout: 30_000 }).toBe('');
    await box.fill(text);
    await workbench.page.keyboard.press('Enter');
  };
  const connected = () => workbench.treeItem(/^loopback-gpu, connected/).waitFor();
  const again = async () => {
    await workbench.command('Loadline: Disconnect from GPU Host');
    await workbench.choose('loopback-gpu');
    await workbench.treeItem(/^loopback-gpu, not connected/).waitFor();
    await workbench.command('Loadline: Connect to GPU Host');
    await workbench.choose('loopback-gpu');
  };

  await connect();
  await press('Trust This Key and Connect');
  await answer('not the right one');
  await answer(passphrase);
  await connected();
  await again();
  await box.waitFor();
  await widget.getByRole('button', { name: 'Remember in the secret storage' }).click();
  await answer(passphrase);
  await connected();
  await again();
  await connected();

  expect(await server.filesWith(passphrase)).toEqual([]);
  await workbench.command('Loadline: Forget Remembered Passwords');
  await widget
    .getByRole('checkbox', { name: `passphrase:${key}` })
    .first()
    .check();
  await widget.getByRole('button', { name: 'OK' }).click();
  await again();
  await box.waitFor();
  await workbench.page.keyboard.press('Escape');
  await workbench.treeItem(/^loopback-gpu, .*cancelled/).waitFor();
}, 240_000);

test('is watched again after the window was reloaded, without being asked for', async () => {
  await workbench.command('Loadline: Open GPU Telemetry');
  await workbench.choose('This machine');
  const live = () => workbench.panel().getByText(/this-machine: live/);
  await live().waitFor();
  await workbench.reloadWith('GPU Telemetry');
  await workbench.tab('GPU Telemetry').waitFor();
  await live().waitFor();
  await workbench.panel().locator('.tile').first().waitFor();
});
