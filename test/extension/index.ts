/** Runs inside the extension host of a real VS Code: in the server build (suite.test.ts) and on a desktop (runElectron.mjs). */
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import { activationTests } from './activationTests.ts';
import { commandLineTests } from './commandLineTests.ts';
import { estimateTests } from './estimateTests.ts';
import { hostTests } from './hostTests.ts';
import { importTests } from './importTests.ts';
import { planTests } from './planTests.ts';
import { runTests } from './runTests.ts';
import { targetTests } from './targetTests.ts';
import { telemetryTests } from './telemetryTests.ts';

/** What is written to LOADLINE_TEST_REPORT, after every test: a suite that hangs has named its test. */
export interface SuiteReport {
  readonly running: string | null;
  readonly passed: readonly string[];
  readonly failed: readonly { readonly title: string; readonly message: string }[];
}

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 90_000, reporter: 'spec', color: false });
  mocha.suite.emit('pre-require', globalThis, 'loadline', mocha);
  for (const tests of [
    activationTests,
    estimateTests,
    targetTests,
    planTests,
    hostTests,
    telemetryTests,
    runTests,
    importTests,
    commandLineTests,
  ])
    tests();

  const passed: string[] = [];
  const failed: { title: string; message: string }[] = [];
  const report = (running: string | null): void => {
    const file = process.env['LOADLINE_TEST_REPORT'];
    if (file) writeFileSync(file, JSON.stringify({ running, passed, failed } satisfies SuiteReport));
  };
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('test', (test) => report(test.fullTitle()))
      .on('pass', (test) => passed.push(test.fullTitle()))
      .on('fail', (test, error: Error) => {
        failed.push({ title: test.fullTitle(), message: error.stack ?? String(error) });
      });
  });
  report(null);
  if (failures > 0) throw new Error(`${failures} failed: ${failed.map(({ title }) => title).join('; ')}`);
}
