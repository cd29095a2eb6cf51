// Chromium with pages that can connect only to the service.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const programs = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// The viewport is high, since an editor renders only visible lines.
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
 * Opens `path` with a new browser profile. `elsewhere` handles requests to other hosts, which are otherwise aborted.
 * `externalUrls` lists their URLs, and `browserErrors` lists the errors that the browser reports. `device` overrides
 * the options of Playwright's context.
 */
export async function openGraphiql(browser, origin, options = {}) {
  const { path = '/graphiql', elsewhere, colorScheme = 'light', device } = options;
  const context = await browser.newContext({ viewport, colorScheme, ...device });
  const page = await context.newPage();
  const externalUrls = [];
  const browserErrors = [];
  page.on('pageerror', (error) => browserErrors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') browserErrors.push(message.text());
  });
  await context.route(
    (url) => url.origin !== origin && url.protocol.startsWith('http'),
    (route) => {
      externalUrls.push(route.request().url());
      return elsewhere ? elsewhere(route) : route.abort();
    },
  );
  await page.goto(origin + path);
  return { page, context, externalUrls, browserErrors };
}

/** Returns the text of the response editor. */
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
