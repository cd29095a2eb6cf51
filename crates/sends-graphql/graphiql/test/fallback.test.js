// Page of a build without the bundle, which selects GraphiQL from the CDN or the plain page. The same files from npm
// replace the CDN, and the browser compares them with the hashes in the page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openGraphiql, responseText, runAndWaitFor, startBrowser } from './browser.js';
import { startService } from './service.js';

const screenshots = process.env.SCREENSHOTS;
let service;
let browser;

before(async () => {
  service = await startService(process.env.SERVICE_WITHOUT_BUNDLE);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

function fromNpm(route) {
  const url = new URL(route.request().url());
  const [, name, version, path] = url.pathname.match(/^\/npm\/([^@]+)@([^/]+)\/(.+)$/);
  const folder = `${import.meta.dirname}/node_modules/${name}`;
  assert.equal(JSON.parse(readFileSync(`${folder}/package.json`)).version, version);
  return route.fulfill({
    body: readFileSync(`${folder}/${path}`),
    contentType: path.endsWith('.css') ? 'text/css' : 'text/javascript',
    headers: { 'access-control-allow-origin': '*' },
  });
}

/** Never responds, as behind a firewall that drops packets. */
const neverResponds = () => {};

async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

/** Opens the page, and closes it even if the test fails. */
async function opened(elsewhere, work, options) {
  const page = await openGraphiql(browser, service.origin, { elsewhere, ...options });
  try {
    await work(page);
  } finally {
    await page.context.close();
  }
}

const plainPage = (page) => page.locator('#run').waitFor({ timeout: 10_000 });
const graphiql = (page) => page.locator('.graphiql-query-editor').waitFor();

test('GraphiQL from the CDN runs the first query', () =>
  opened(fromNpm, async ({ page, externalUrls, browserErrors }) => {
    await runAndWaitFor(page, '"isComplete"');
    const answer = await responseText(page);
    assert.ok(answer.includes('"totalCount": 9') && answer.includes('Reading group: the new dates'), answer);
    await screenshot(page, 'fallback');
    assert.deepEqual(
      externalUrls.map((url) => new URL(url).host),
      Array(4).fill('cdn.jsdelivr.net'),
    );
    assert.deepEqual(browserErrors, []);
  }));

test('GraphiQL from the CDN opens a shared query, with and without stored tabs', () =>
  opened(fromNpm, async ({ page }) => {
    for (const query of ['{reasonCodes{code}}', '{upstreamBudget{usedToday}}']) {
      await page.goto(`${service.origin}/graphiql?query=${encodeURIComponent(query)}`);
      await page.locator('.graphiql-query-editor').getByText(query.slice(1, 8)).waitFor();
    }
  }));

test('GraphiQL from the CDN updates the URL when the tab changes', () =>
  opened(fromNpm, async ({ page, browserErrors }) => {
    const query = 'query Shared { upstreamBudget { usedToday } }';
    await page.goto(`${service.origin}/graphiql?${new URLSearchParams({ query })}`);
    await page.getByRole('tab', { name: 'Shared' }).waitFor();
    await runAndWaitFor(page, '"usedToday"');
    assert.equal(new URL(page.url()).searchParams.get('query'), query);
    await page.getByRole('tab', { name: 'Budget' }).click();
    await page.waitForFunction(() => location.search.includes('Budget'));
    assert.deepEqual(browserErrors, []);
  }));

test('GraphiQL from the CDN shows the response on a phone', () =>
  opened(
    fromNpm,
    async ({ page }) => {
      await runAndWaitFor(page, '"isComplete"');
      await screenshot(page, 'fallback-phone');
      const answer = await page.locator('.graphiql-response').boundingBox();
      assert.ok(answer.width >= 350 && answer.height >= 350, JSON.stringify(answer));
    },
    { device: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
  ));

test('a modified file is not run, and the plain page is shown', () =>
  opened(
    (route) =>
      route.fulfill({
        body: 'window.changed = true',
        contentType: 'text/javascript',
        headers: { 'access-control-allow-origin': '*' },
      }),
    async ({ page }) => {
      await plainPage(page);
      assert.equal(await page.evaluate(() => window.changed), undefined);
    },
  ));

test('a single missing file leads to the plain page, without effects of the other files', () =>
  opened(
    (route) => (route.request().url().includes('react-dom') ? route.abort() : fromNpm(route)),
    async ({ page }) => {
      await plainPage(page);
      assert.equal(await page.locator('[href*="jsdelivr"], script[src*="jsdelivr"]').count(), 0);
    },
  ));

test('a rejected connection leads to the plain page immediately', () =>
  opened(undefined, async ({ page }) => {
    await plainPage(page);
    await screenshot(page, 'plain');
  }));

test('an unresponsive connection leads to the plain page after a timeout, and a reload does not wait again', () =>
  opened(neverResponds, async ({ page, externalUrls }) => {
    await page.getByText('Loading GraphiQL').waitFor();
    await screenshot(page, 'loading');
    await plainPage(page);
    await page.locator('#query').fill('{ reasonCodes { name } }');
    const asked = externalUrls.length;
    await page.reload();
    await plainPage(page);
    assert.equal(externalUrls.length, asked);
    assert.equal(await page.locator('#query').inputValue(), '{ reasonCodes { name } }');
  }));

test('the user can cancel the wait for an unresponsive connection', () =>
  opened(neverResponds, async ({ page }) => {
    await page.getByRole('button', { name: 'Use the plain page' }).click();
    await plainPage(page);
  }));

test('a late response does not replace the plain page, and GraphiQL is loaded on request', async () => {
  const late = [];
  let isReachable = false;
  const elsewhere = (route) => (isReachable ? fromNpm(route) : void late.push(route));
  await opened(elsewhere, async ({ page }) => {
    await page.getByRole('button', { name: 'Use the plain page' }).click();
    await plainPage(page);
    await page.locator('#query').fill('{ reasonCodes { name } }');
    await Promise.all(late.map((route) => fromNpm(route).catch(() => {})));
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    assert.equal(await page.locator('#query').inputValue(), '{ reasonCodes { name } }');
    isReachable = true;
    await page.getByRole('button', { name: 'Load GraphiQL' }).click();
    await graphiql(page);
  });
});
