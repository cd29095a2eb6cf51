// The page of a build without the bundle: with the content delivery network, which npm's copies of the same files stand in
// for, and without it. The browser checks the copies against the hashes in the page.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

test('with the network it runs the first query', async () => {
  const { page, context, strangers, complaints } = await openGraphiql(browser, service.origin, { elsewhere: fromNpm });
  await runAndWaitFor(page, '"needsAttention"');
  const answer = await responseText(page);
  assert.ok(answer.includes('"outcome": "SENT"') && answer.includes('"outcome": "NO_RECIPIENTS"'), answer);
  await screenshot(page, 'fallback');
  assert.deepEqual(
    strangers.map((url) => new URL(url).host),
    Array(4).fill('cdn.jsdelivr.net'),
  );
  assert.deepEqual(complaints, []);
  await context.close();
});

test('with the network a link opens its query in a tab of its own', async () => {
  const query = 'query Shared { upstreamBudget { usedToday } }';
  const path = `/graphiql?${new URLSearchParams({ query })}`;
  const { page, context, complaints } = await openGraphiql(browser, service.origin, { path, elsewhere: fromNpm });
  await page.getByRole('tab', { name: 'Shared' }).waitFor();
  assert.equal(await page.getByRole('tab').count(), 7);
  await runAndWaitFor(page, '"usedToday"');
  assert.equal(new URL(page.url()).searchParams.get('query'), query);
  await page.getByRole('tab', { name: 'Budget' }).click();
  await page.waitForFunction(() => location.search.includes('Budget'));
  assert.deepEqual(complaints, []);
  await context.close();
});

test('with the network the answer has room on a phone', async () => {
  const device = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const { page, context } = await openGraphiql(browser, service.origin, { device, elsewhere: fromNpm });
  await runAndWaitFor(page, '"outcome"');
  await screenshot(page, 'fallback-phone');
  const answer = await page.locator('.graphiql-response').boundingBox();
  assert.ok(answer.width >= 350 && answer.height >= 350, JSON.stringify(answer));
  await context.close();
});

test('a changed file does not run', async () => {
  const elsewhere = async (route) => {
    const headers = { 'access-control-allow-origin': '*' };
    await route.fulfill({ body: 'window.changed = true', contentType: 'text/javascript', headers });
  };
  const { page, context } = await openGraphiql(browser, service.origin, { elsewhere });
  await page.getByRole('heading', { name: 'could not be loaded' }).waitFor();
  assert.equal(await page.evaluate(() => window.changed), undefined);
  await context.close();
});

test('without the network it gives a curl command that works', async () => {
  const { page, context } = await openGraphiql(browser, service.origin);
  await page.getByRole('heading', { name: 'could not be loaded' }).waitFor();
  const command = await page.locator('#curl').innerText();
  await screenshot(page, 'offline');
  const answer = execFileSync('bash', ['-c', `${command} --silent --noproxy '*'`], { encoding: 'utf8' });
  const { data } = JSON.parse(answer);
  assert.deepEqual(
    data.campaignActivity.sendHistory.map((send) => send.outcome),
    ['SENT', 'NO_RECIPIENTS'],
  );
  await context.close();
});
