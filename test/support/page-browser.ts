import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

export interface OpenPage {
  readonly page: Page;
  /** Errors in the console, refused resources, exceptions. */
  readonly complaints: string[];
  /** Addresses asked for outside the server. */
  readonly foreign: string[];
}

/** A real Chromium, whose pages know nothing of each other. */
export class PageBrowser {
  readonly #browser: Browser;
  readonly #pages: Page[] = [];

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
    return new PageBrowser(browser);
  }

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** `isClockMoved`: the test lets the page's time go faster, by `page.clock.fastForward`. */
  async open(address: string, { isClockMoved = false } = {}): Promise<OpenPage> {
    const page = await this.#browser.newPage({ viewport: { width: 1440, height: 1000 } });
    this.#pages.push(page);
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
    for (const page of this.#pages.splice(0)) await page.close();
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
