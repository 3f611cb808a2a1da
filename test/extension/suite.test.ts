/** The suite of index.ts inside VS Code's server build, on a workspace with two folders. */
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CodeServer,
  launchBrowser,
  newProfile,
  repository,
  runInExtensionHost,
} from '../tools/codeServer.ts';
import type { SuiteReport } from './index.ts';

const suiteWithinMs = 420_000;
let work: string;
let server: CodeServer;
let browser: Browser;

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'loadline-extension-')));
  server = await CodeServer.start({ environment: { LOADLINE_TEST_REPORT: join(work, 'report.json') } });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.dispose();
  if (work) await rm(work, { recursive: true, force: true });
});

test(
  'the extension works in the extension host of a real VS Code',
  async () => {
    const workspace = join(work, 'both.code-workspace');
    await cp(join(repository, 'examples'), join(work, 'examples'), { recursive: true });
    await mkdir(join(work, 'other'));
    await writeFile(workspace, JSON.stringify({ folders: [{ path: 'examples' }, { path: 'other' }] }));
    const tests = join(repository, 'dist', 'test', 'extension.js');
    const profile = await newProfile(browser);
    const { code, output } = await runInExtensionHost(server, profile, workspace, tests, suiteWithinMs);
    const text = await readFile(join(work, 'report.json'), 'utf8').catch(() => null);
    expect(text, `no test was started; the window said:\n${output.slice(-60).join('\n')}`).not.toBeNull();
    const { running, passed, failed } = JSON.parse(text ?? '') as SuiteReport;
    for (const title of passed) console.log(`✓ ${title}`);
    expect({ running, failed }).toEqual({ running: null, failed: [] });
    expect(passed.length).toBeGreaterThan(10);
    expect(code).toBe(0);
  },
  suiteWithinMs + 60_000,
);
