import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface OpenPage {
  readonly page: Page;
  /** Errors in the console, refused resources, exceptions. */
  readonly complaints: string[];
  /** Addresses asked for outside the server. */
  readonly foreign: string[];
}

/** A real Chromium, whose pages share a cache. */
export class PageBrowser {
  readonly #browser: Browser;
  readonly #context: BrowserContext;

  static async start(): Promise<PageBrowser> {
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return new PageBrowser(
      browser,
      await browser.newContext({ viewport: { width: 1440, height: 1000 } }),
    );
  }

  private constructor(browser: Browser, context: BrowserContext) {
    this.#browser = browser;
    this.#context = context;
  }

  /** `isClockMoved`: the test lets the page's time go faster, by `page.clock.fastForward`. */
  async open(address: string, { isClockMoved = false } = {}): Promise<OpenPage> {
    const page = await this.#context.newPage();
    if (isClockMoved) await page.clock.install();
    const complaints: string[] = [];
    const foreign: string[] = [];
    page.on('console', (message) => {
      const isComplaint = message.type() === 'error' || message.type() === 'warning';
      if (isComplaint) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(address) && !/^(data|blob):/.test(url)) foreign.push(url);
    });
    await page.goto(address);
    return { page, complaints, foreign };
  }

  async closePages(): Promise<void> {
    await this.#context.clearCookies();
    for (const page of this.#context.pages()) await page.close();
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
