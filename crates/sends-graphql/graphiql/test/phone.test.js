// Layout on a phone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runAndWaitFor } from './browser.js';
import { bundlePages, screenshot } from './bundle.js';

const inGraphiql = bundlePages();
const device = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

for (const colorScheme of ['light', 'dark']) {
  test(`the response is shown below the query, in the ${colorScheme}`, () =>
    inGraphiql({ device, colorScheme }, async (page) => {
      await runAndWaitFor(page, '"isComplete"');
      const answer = await page.locator('.graphiql-response').boundingBox();
      const query = await page.locator('.graphiql-query-editor').boundingBox();
      assert.ok(answer.width >= 350 && answer.height >= 350, JSON.stringify(answer));
      assert.ok(query.height >= 150 && query.y + query.height <= answer.y, JSON.stringify(query));
      assert.ok(answer.y + answer.height <= device.viewport.height);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), device.viewport.width);
      await screenshot(page, `phone-${colorScheme}`);
    }));
}

test('the documentation replaces the query and the response', () =>
  inGraphiql({ device }, async (page) => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).tap();
    const docs = page.locator('.graphiql-plugin');
    await docs.getByText('Query', { exact: true }).first().tap();
    assert.ok((await docs.boundingBox()).width >= 380);
    assert.ok(await page.locator('.graphiql-response').isHidden());
    await screenshot(page, 'phone-docs');
    await page.getByRole('button', { name: 'Hide Documentation Explorer' }).tap();
    await runAndWaitFor(page, '"isComplete"');
  }));

test('variables open above the response', () =>
  inGraphiql({ device }, async (page) => {
    await page.getByRole('tab', { name: 'Several' }).tap();
    await page.getByRole('button', { name: 'Variables' }).tap();
    await page.locator('.graphiql-editor-tool', { hasText: '"ids"' }).waitFor();
    const variables = await page.locator('.graphiql-editor-tool').boundingBox();
    const answer = await page.locator('.graphiql-response').boundingBox();
    assert.ok(variables.height >= 60 && variables.y + variables.height <= answer.y, JSON.stringify(variables));
    assert.ok(answer.height >= 200, JSON.stringify(answer));
    await screenshot(page, 'phone-variables');
  }));

test('a touch scrolls to the last tab', () =>
  inGraphiql({ device }, async (page, { context }) => {
    const debugging = await context.newCDPSession(page);
    const { y } = await page.locator('.graphiql-tabs').boundingBox();
    const touch = (type, ...points) =>
      debugging.send('Input.dispatchTouchEvent', { type, touchPoints: points.map((x) => ({ x, y: y + 15 })) });
    await touch('touchStart', 330);
    for (let x = 320; x > 0; x -= 10) await touch('touchMove', x);
    await touch('touchEnd');
    const last = await page.getByRole('tab').last().boundingBox();
    assert.ok(last.x + last.width <= device.viewport.width, JSON.stringify(last));
    const names = await page.getByRole('tab').allInnerTexts();
    const starterTabs = await page.evaluate(() => JSON.parse(document.getElementById('starter-tabs').textContent));
    assert.deepEqual(names, starterTabs.map(({ query }) => query.match(/^query (\w+)/m)[1]));
  }));
