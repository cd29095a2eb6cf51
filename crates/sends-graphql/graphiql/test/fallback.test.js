// The page of a build without the bundle decides between GraphiQL from the content delivery network, which npm's copies
// of the same files stand in for, and the plain page. The browser checks the copies against the hashes in the page.

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

/** Never answers, as behind a firewall that drops packets. */
const hanging = () => {};

async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

/** Opens the page, and closes it whatever comes of it. */
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

test('with the network it is GraphiQL and runs the first query', () =>
  opened(fromNpm, async ({ page, strangers, complaints }) => {
    await runAndWaitFor(page, '"isComplete"');
    const answer = await responseText(page);
    assert.ok(answer.includes('"totalCount": 9') && answer.includes('Reading group: the new dates'), answer);
    await screenshot(page, 'fallback');
    assert.deepEqual(
      strangers.map((url) => new URL(url).host),
      Array(4).fill('cdn.jsdelivr.net'),
    );
    assert.deepEqual(complaints, []);
  }));

test('with the network a shared query is open in GraphiQL, on a first visit and on a later one', () =>
  opened(fromNpm, async ({ page }) => {
    for (const query of ['{reasonCodes{code}}', '{upstreamBudget{usedToday}}']) {
      await page.goto(`${service.origin}/graphiql?query=${encodeURIComponent(query)}`);
      await page.locator('.graphiql-query-editor').getByText(query.slice(1, 8)).waitFor();
    }
  }));

test('with the network the address follows the tab', () =>
  opened(fromNpm, async ({ page, complaints }) => {
    const query = 'query Shared { upstreamBudget { usedToday } }';
    await page.goto(`${service.origin}/graphiql?${new URLSearchParams({ query })}`);
    await page.getByRole('tab', { name: 'Shared' }).waitFor();
    await runAndWaitFor(page, '"usedToday"');
    assert.equal(new URL(page.url()).searchParams.get('query'), query);
    await page.getByRole('tab', { name: 'Budget' }).click();
    await page.waitForFunction(() => location.search.includes('Budget'));
    assert.deepEqual(complaints, []);
  }));

test('with the network the answer has room on a phone', () =>
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

test('a changed file does not run, and the plain page is there', () =>
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

test('one missing file is enough for the plain page, and the others leave no trace in it', () =>
  opened(
    (route) => (route.request().url().includes('react-dom') ? route.abort() : fromNpm(route)),
    async ({ page }) => {
      await plainPage(page);
      assert.equal(await page.locator('[href*="jsdelivr"], script[src*="jsdelivr"]').count(), 0);
    },
  ));

test('a refused connection leads to the plain page at once', () =>
  opened(undefined, async ({ page }) => {
    await plainPage(page);
    await screenshot(page, 'plain');
  }));

test('a connection that hangs leads to the plain page by itself, and a reload does not wait again', () =>
  opened(hanging, async ({ page, strangers }) => {
    await page.getByText('Loading GraphiQL').waitFor();
    await screenshot(page, 'loading');
    await plainPage(page);
    await page.locator('#query').fill('{ reasonCodes { name } }');
    const asked = strangers.length;
    await page.reload();
    await plainPage(page);
    assert.equal(strangers.length, asked);
    assert.equal(await page.locator('#query').inputValue(), '{ reasonCodes { name } }');
  }));

test('nobody has to wait for a connection that hangs', () =>
  opened(hanging, async ({ page }) => {
    await page.getByRole('button', { name: 'Use the plain page' }).click();
    await plainPage(page);
  }));

test('what comes late does not take the plain page away; GraphiQL is loaded when it is asked for', async () => {
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
