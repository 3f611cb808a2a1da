import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { repository } from '../tools/codeServer.ts';
import type { Workbench } from './workbench.ts';

/** The pictures of the README are made anew with LOADLINE_PICTURES=1; otherwise they go where they disturb nothing. */
export const forDocumentation = Boolean(process.env['LOADLINE_PICTURES']);
const folder = join(repository, forDocumentation ? 'docs/images' : '.cache/pictures');

export interface PictureOptions {
  /** Must be seen before. */
  readonly waitFor?: Locator;
  /** Lets live charts fill before a picture of them is taken for the documentation. */
  readonly settleMs?: number;
}

/** The window in the dark and the light theme: `<name>-dark.png`, `<name>-light.png`. */
export async function takePictures(
  workbench: Workbench,
  name: string,
  { waitFor, settleMs = 0 }: PictureOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await waitFor?.waitFor();
  const { page } = workbench;
  await workbench.hideNotifications();
  if (forDocumentation) await page.waitForTimeout(settleMs);
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`.monaco-workbench.${scheme === 'dark' ? 'vs-dark' : 'vs'}`).waitFor();
    await page.screenshot({ path: join(folder, `${name}-${scheme}.png`), animations: 'disabled' });
  }
}

/** What stood on the screen when a test failed: `.cache/pictures/failed-….png`. */
export async function failurePicture({ page }: Workbench, test: string): Promise<void> {
  const name = test.replace(/\W+/g, '-').slice(0, 60);
  if (!page.isClosed())
    await page.screenshot({ path: join(repository, '.cache/pictures', `failed-${name}.png`) });
}
