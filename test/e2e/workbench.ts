/** VS Code's window as a person uses it: what is seen and pressed, by names that stand on the screen. */
import type { BrowserContext, FrameLocator, Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { CodeServer } from '../tools/codeServer.ts';

export class Workbench {
  private constructor(readonly page: Page) {}

  static async open(server: CodeServer, context: BrowserContext, folder: string): Promise<Workbench> {
    const page = await context.newPage();
    await page.goto(server.url(folder));
    const workbench = new Workbench(page);
    await page.locator('.monaco-workbench .explorer-viewlet, .monaco-workbench .pane-body').first().waitFor();
    await page.getByRole('tab', { name: 'Loadline' }).first().waitFor();
    return workbench;
  }

  /** Opens a file of the workspace and waits until its editor is there. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget input');
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  }

  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  }

  /** Chooses an entry of the list that a command has opened. */
  async choose(text: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
  }

  /** Saves where the dialog that is open proposes. */
  async acceptSuggestedPath(): Promise<void> {
    await this.page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
  }

  /** The side bar with GPU Hosts and Runs. */
  async showLoadline(): Promise<void> {
    const tab = this.page.getByRole('tab', { name: 'Loadline' }).first();
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
    await this.page.getByRole('treeitem', { name: /This machine/ }).waitFor();
  }

  /** A code lens by a part of its text. */
  lens(text: string | RegExp): Locator {
    return this.page.locator('.codelens-decoration > *', { hasText: text }).first();
  }

  /** Presses a lens until what it opens is there: one that is drawn anew under the pointer swallows a press. */
  async pressLens(text: string | RegExp, opens: Locator): Promise<void> {
    await until(opens, () => this.lens(text).click());
  }

  tab(title: string): Locator {
    return this.page.locator('.tab', { hasText: title });
  }

  /** The red wave under what is wrong. */
  errorMarks(): Locator {
    return this.page.locator('.squiggly-error');
  }

  treeItem(name: string | RegExp): Locator {
    return this.page.getByRole('treeitem', { name });
  }

  /** The page of the webview that is seen, inside the editor's two frames. */
  panel(): FrameLocator {
    return this.page
      .locator('iframe.webview.ready')
      .filter({ visible: true })
      .last()
      .contentFrame()
      .frameLocator('iframe#active-frame');
  }

  /** Puts the cursor on a text of the editor. */
  async clickText(text: string): Promise<void> {
    await this.page.locator('.view-line span', { hasText: text }).last().click({ force: true });
  }

  /** Puts the cursor on a text of the editor and opens the quick fixes there; marks that are drawn anew may close them. */
  async openQuickFixes(text: string): Promise<void> {
    await until(this.quickFixes().first(), async () => {
      // By force: at a second try the cursor is drawn over the text.
      await this.clickText(text);
      await this.page.keyboard.press('Control+.');
    });
  }

  async chooseQuickFix(text: string, title: RegExp): Promise<void> {
    if ((await this.quickFixes().count()) === 0) await this.openQuickFixes(text);
    await this.quickFixes().filter({ hasText: title }).first().click();
  }

  private quickFixes(): Locator {
    return this.page.locator('.action-widget .monaco-list-row');
  }

  /** Takes the last change of the text editor back. */
  async undo(): Promise<void> {
    await this.page.locator('.editor-group-container .monaco-editor .view-lines').first().click();
    await this.page.keyboard.press('Control+Z');
    await this.page.keyboard.press('Control+Home');
  }

  async closeTab(title: string): Promise<void> {
    const tab = this.tab(title);
    await tab.click({ button: 'middle' });
    await tab.waitFor({ state: 'detached' });
  }

  /** Reloads the window once it has stored that this tab is open: VS Code in a browser does so when idle, every few seconds. */
  async reloadWith(title: string): Promise<void> {
    const stored = async () => expect(await this.page.evaluate(storedEditors)).toContain(title);
    await vi.waitFor(stored, { timeout: 60_000, interval: 250 });
    await this.page.reload();
  }

  /** What has been said and read must not stand in a picture. */
  async hideNotifications(): Promise<void> {
    const toasts = this.page.locator('.notification-toast');
    for (let left = await toasts.count(); left > 0; left = await toasts.count()) {
      await toasts.first().hover();
      await toasts.first().locator('.codicon-notifications-clear').click();
    }
  }

  /** As a person does: the window may save its state first. */
  async close(): Promise<void> {
    const closed = this.page.waitForEvent('close');
    this.page.on('dialog', (dialog) => void dialog.accept());
    await this.page.close({ runBeforeUnload: true });
    await closed;
  }
}

/** Runs in the page: what VS Code's databases there hold of the editors that are open. */
async function storedEditors(): Promise<string> {
  const read = (name: string) =>
    new Promise<string>((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const database = opening.result;
        const reading = database
          .transaction('ItemTable')
          .objectStore('ItemTable')
          .get('memento/workbench.parts.editor');
        reading.onerror = () => reject(reading.error);
        reading.onsuccess = () => {
          database.close();
          resolve(String(reading.result));
        };
      };
    });
  const names = (await indexedDB.databases()).flatMap(({ name }) =>
    name?.includes('-state-db-') ? [name] : [],
  );
  return (await Promise.all(names.map(read))).join();
}

/** Does what opens something until it is there: a workbench that is busy loses a press now and then. */
async function until(opened: Locator, open: () => Promise<void>): Promise<void> {
  for (let left = 8; ; left--) {
    await open();
    try {
      await opened.waitFor({ timeout: 8_000 });
      return;
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}
