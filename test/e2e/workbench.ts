/** VS Code's window as a person uses it: what is seen and pressed, by names that stand on the screen. */
import type { BrowserContext, FrameLocator, Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { CodeServer } from '../tools/codeServer.ts';

export class Workbench {
  private constructor(readonly page: Page) {}

  static async open(server: CodeServer, context: BrowserContext, folder: string): Promise<Workbench> {
    const page = await context.newPage();
    // A window that is left or loaded anew may ask whether to.
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(server.url(folder));
    const workbench = new Workbench(page);
    await page.locator('.monaco-workbench .explorer-viewlet, .monaco-workbench .pane-body').first().waitFor();
    await page.getByRole('tab', { name: 'Loadline' }).first().waitFor();
    return workbench;
  }

  /** Opens a file of the workspace and waits until its editor is there. */
  async openFile(name: string): Promise<void> {
    await until(this.page.locator(`.tab.active[data-resource-name="${name}"]`), async () => {
      await this.#type('Control+P', name);
      await this.choose(name);
    });
  }

  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    await this.#type('F1', `>${title}`);
    await this.choose(title);
  }

  /** Into the list that a key opens: pressed again until it is there. */
  async #type(key: string, text: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    await this.pressFor(key, input);
    await input.fill(text);
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

  /** Opens the list that an item of the status bar opens, and gives its box. */
  async pressStatus(text: string): Promise<Locator> {
    const input = this.page.locator('.quick-input-widget input[type="text"]').first();
    await until(input, () => this.page.locator('.statusbar-item', { hasText: text }).first().click());
    return input;
  }

  /** Presses a key until what it opens is there. */
  async pressFor(key: string, opens: Locator): Promise<void> {
    await until(opens, () => this.page.keyboard.press(key));
  }

  /** Rests the pointer on a text of the editor until what that opens is there: a text that moves under it has lost it. */
  async rest(text: string | RegExp, opens: Locator): Promise<void> {
    await until(opens, async () => {
      await this.page.mouse.move(0, 0);
      await this.page.locator('.view-line span', { hasText: text }).first().hover();
    });
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
    await untilDone(async () => {
      if ((await this.quickFixes().count()) === 0) await this.openQuickFixes(text);
      await this.quickFixes().filter({ hasText: title }).first().click({ timeout: patienceMs });
    });
  }

  private quickFixes(): Locator {
    return this.page.locator('.action-widget .monaco-list-row');
  }

  /** Takes the changes of the text editor back until what stood there before is there again. */
  async undo(before: Locator): Promise<void> {
    await until(before, async () => {
      await this.page.locator('.editor-group-container .monaco-editor .view-lines').first().click();
      await this.page.keyboard.press('Control+Z');
      await this.page.keyboard.press('Control+Home');
    });
  }

  async closeTab(title: string): Promise<void> {
    const tab = this.tab(title);
    await untilDone(async () => {
      if ((await tab.count()) > 0) await tab.click({ button: 'middle', timeout: patienceMs });
      await tab.waitFor({ state: 'detached', timeout: patienceMs });
    });
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
    await untilDone(async () => {
      while ((await toasts.count()) > 0) {
        // One that goes by itself while it is pointed at is as well gone.
        await toasts.first().hover({ timeout: patienceMs });
        await toasts.first().locator('.codicon-notifications-clear').click({ timeout: patienceMs });
      }
    });
  }

  /** As a person does: the window may save its state first. */
  async close(): Promise<void> {
    const closed = this.page.waitForEvent('close');
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

/** How long a busy workbench may take for what was pressed. */
const patienceMs = 20_000;
const tries = 4;

/** Does what opens something until it is there: a workbench that is busy loses a press now and then. */
function until(opened: Locator, open: () => Promise<void>): Promise<void> {
  return untilDone(async () => {
    if (await opened.isVisible()) return;
    await open();
    await opened.waitFor({ timeout: patienceMs });
  });
}

/** Does it again where it fails: what is pressed may go, or be drawn anew, between a look and the press. */
async function untilDone(act: () => Promise<void>): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      await act();
      return;
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}
