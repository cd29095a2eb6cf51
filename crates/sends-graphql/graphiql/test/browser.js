// Chromium, and a page in it that may reach the service and nothing else.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const programs = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// Tall, since an editor writes only the lines that can be seen into the document.
const viewport = { width: 1500, height: 1250 };

export function startBrowser() {
  return chromium.launch({
    executablePath: programs.find((path) => path && existsSync(path)),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/**
 * Opens `path` in a profile of its own. Requests to other hosts are answered by `elsewhere` if it is given, and refused
 * otherwise; `strangers` lists them. `complaints` lists the errors that the browser reports. `device` overrides the
 * options of Playwright's context.
 */
export async function openGraphiql(browser, origin, options = {}) {
  const { path = '/graphiql', elsewhere, colorScheme = 'light', device } = options;
  const context = await browser.newContext({ viewport, colorScheme, ...device });
  const page = await context.newPage();
  const strangers = [];
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await context.route(
    (url) => url.origin !== origin && url.protocol.startsWith('http'),
    (route) => {
      strangers.push(route.request().url());
      return elsewhere ? elsewhere(route) : route.abort();
    },
  );
  await page.goto(origin + path);
  return { page, context, strangers, complaints };
}

/** The text in the response editor, whichever editor it is. */
export async function responseText(page) {
  const text = await page.locator('.graphiql-response').innerText();
  return text.replaceAll('\u00a0', ' ');
}

export async function runAndWaitFor(page, wanted) {
  await page.getByRole('button', { name: /Execute query/ }).click();
  await page.waitForFunction(
    (text) => document.querySelector('.graphiql-response')?.innerText.replaceAll('\u00a0', ' ').includes(text),
    wanted,
    { timeout: 10_000 },
  );
}
