import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { type Panel, type PanelServer, servePanels } from './panelServer.ts';
import { type EditorTheme, type ThemeName, themes } from './themes.ts';

/** The extension host, faked: it answers `ready` with the scripted messages and keeps what the panel posts. */
interface FakeHost {
  readonly onReady: readonly unknown[];
  readonly posted: { type: string }[];
}
declare global {
  interface Window {
    __loadlineFake: FakeHost;
    /** Breaches of the content security policy. */
    __policyBreaches: string[];
  }
}

export interface PanelOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
}

/** One panel in a real browser. */
export class PanelPage {
  private constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
    private readonly errors: string[],
  ) {}

  static async open(
    browser: Browser,
    server: PanelServer,
    panel: Panel,
    onReady: readonly unknown[],
    { theme = 'dark', width = 1100, height = 800 }: PanelOptions = {},
  ): Promise<PanelPage> {
    const context = await browser.newContext({ viewport: { width, height } });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await page.addInitScript(fakeEditor, { onReady, theme: themes[theme] as EditorTheme });
    await page.goto(server.url(panel, theme));
    await page.waitForFunction(() => window.__loadlineFake.posted.some(({ type }) => type === 'ready'));
    const opened = new PanelPage(page, context, errors);
    await opened.drawn();
    return opened;
  }

  /** Resolves when every queued chart has been drawn: so many frames hold more charts than any panel has. */
  async drawn(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let frame = 0; frame < 18; frame++) await new Promise((next) => requestAnimationFrame(next));
    });
  }

  async send(message: unknown): Promise<void> {
    await this.page.evaluate((data) => window.postMessage(data, '*'), message);
    await this.drawn();
  }

  posted(): Promise<readonly { type: string }[]> {
    return this.page.evaluate(() => window.__loadlineFake.posted);
  }

  async setTheme(theme: ThemeName): Promise<void> {
    await this.page.evaluate(({ bodyClasses, variables }) => {
      document.body.className = bodyClasses.join(' ');
      const { style } = document.documentElement;
      style.cssText = '';
      for (const [name, value] of Object.entries(variables)) style.setProperty(`--vscode-${name}`, value);
    }, themes[theme] as EditorTheme);
    await this.drawn();
  }

  /** Distinct colours of a canvas: a blank one has one. */
  colours(selector: string): Promise<number> {
    return this.page.evaluate((canvasSelector) => {
      const canvas = document.querySelector<HTMLCanvasElement>(canvasSelector);
      const context = canvas?.getContext('2d');
      if (!canvas || !context || canvas.width === 0) return 0;
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }, selector);
  }

  /** Whether anything is painted with a colour, and how much: opaque pixels within `tolerance` of it. */
  pixelsOf(selector: string, hex: string): Promise<number> {
    return this.page.evaluate(
      ({ canvasSelector, colour }) => {
        const canvas = document.querySelector<HTMLCanvasElement>(canvasSelector);
        const context = canvas?.getContext('2d');
        if (!canvas || !context || canvas.width === 0) return 0;
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
        let found = 0;
        for (let at = 0; at < data.length; at += 4)
          if (data[at + 3] === 255 && wanted.every((part, i) => Math.abs((data[at + i] ?? 0) - part) < 6))
            found++;
        return found;
      },
      { canvasSelector: selector, colour: hex },
    );
  }

  /** Rules of WCAG A and AA that the page breaks, with where. */
  async violations(): Promise<readonly string[]> {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    // Run in a world that the page's own policy does not bind.
    await this.page.evaluate(axe);
    return this.page.evaluate(async () => {
      const { axe } = window as unknown as {
        axe: {
          run(
            root: Document,
            options: object,
          ): Promise<{ violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[] }>;
        };
      };
      const { violations } = await axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
      );
    });
  }

  /** How far the page is wider than its window, in pixels. */
  overflow(): Promise<number> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
  }

  /** Nothing was thrown, logged as an error or refused by the policy; then the page goes. */
  async close(): Promise<void> {
    const breaches = await this.page.evaluate(() => window.__policyBreaches);
    await this.context.close();
    expect(this.errors).toEqual([]);
    expect(breaches).toEqual([]);
  }
}

/** Runs in the page before anything else. The kept state lives over a reload, as VS Code's does. */
function fakeEditor({ onReady, theme }: { onReady: readonly unknown[]; theme: EditorTheme }): void {
  const key = 'fake-editor-state';
  window.__policyBreaches = [];
  document.addEventListener('securitypolicyviolation', (event) =>
    window.__policyBreaches.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`),
  );
  const fake: FakeHost = { onReady, posted: [] };
  window.__loadlineFake = fake;
  const style = () => {
    for (const [name, value] of Object.entries(theme.variables))
      document.documentElement.style.setProperty(`--vscode-${name}`, value);
  };
  if (document.documentElement) style();
  else
    new MutationObserver((_, observer) => {
      if (!document.documentElement) return;
      observer.disconnect();
      style();
    }).observe(document, { childList: true });
  const api = {
    postMessage(message: { type: string }) {
      fake.posted.push(message);
      if (message.type === 'ready') for (const answer of onReady) window.postMessage(answer, '*');
    },
    getState: () => JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined,
    setState: (state: unknown) => sessionStorage.setItem(key, JSON.stringify(state)),
  };
  Object.assign(window, { acquireVsCodeApi: () => api });
}

/** Browser and server of a suite; `LOADLINE_CHROMIUM` names another browser. */
export async function startPanels(): Promise<{
  readonly server: PanelServer;
  open(panel: Panel, onReady: readonly unknown[], options?: PanelOptions): Promise<PanelPage>;
  stop(): Promise<void>;
}> {
  const server = await servePanels();
  const browser = await chromium.launch({
    executablePath: process.env['LOADLINE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  return {
    server,
    open: (panel, onReady, options) => PanelPage.open(browser, server, panel, onReady, options),
    async stop() {
      await browser.close();
      await server.close();
    },
  };
}
