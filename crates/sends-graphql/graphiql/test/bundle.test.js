// GraphiQL from the bundle, in a browser that can connect only to the service.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { responseText, runAndWaitFor } from './browser.js';
import { emptyLists } from './answer.js';
import { bundlePages, screenshot } from './bundle.js';

const inGraphiql = bundlePages();

for (const colorScheme of ['light', 'dark']) {
  test(`the first query shows recent failures, in the ${colorScheme}`, () =>
    inGraphiql({ colorScheme }, async (page) => {
      assert.ok(await page.getByText('is invented').isVisible());
      await runAndWaitFor(page, '"totalCount"');
      const answer = await responseText(page);
      for (const wanted of ['"totalCount": 9', 'Reading group: the new dates', '"retry": "RETRY_AFTER_FIX"', '"isComplete": true']) {
        assert.ok(answer.includes(wanted), `${wanted} is not in ${answer}`);
      }
      await screenshot(page, `failures-${colorScheme}`);
    }));
}

test('every starter tab shows a response without errors or empty lists', () =>
  inGraphiql({}, async (page) => {
    const starterTabs = await page.evaluate(() => JSON.parse(document.getElementById('starter-tabs').textContent));
    assert.ok(starterTabs.length >= 6);
    for (const [index, { query }] of starterTabs.entries()) {
      const name = query.match(/^query (\w+)/m)[1];
      await page.getByRole('tab').nth(index).click();
      // GraphiQL updates the operation name 100 ms after a change of the text. Until then, it sends the name of the
      // previous tab.
      await page.waitForTimeout(500);
      const answered = page.waitForResponse((response) => response.request().postDataJSON()?.operationName === name);
      await runAndWaitFor(page, '"data"');
      const answer = await (await answered).json();
      assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
      assert.deepEqual(emptyLists(answer.data), [], `the answer of ${name} is empty`);
      assert.ok((await responseText(page)).includes(`"${Object.keys(answer.data)[0]}"`));
      await screenshot(page, name.toLowerCase());
    }
  }));

test('field names are completed while typing', () =>
  inGraphiql({}, async (page) => {
    await page.locator('.graphiql-query-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('{ upstreamBudget { remain');
    await page.getByRole('option', { name: /remainingToday/ }).first().waitFor();
    await screenshot(page, 'completion');
    await page.keyboard.press('Enter');
    await page.locator('.graphiql-query-editor', { hasText: /remaining(Today|ForBackground)/ }).waitFor();
  }));

test('the docs describe the schema', () =>
  inGraphiql({}, async (page) => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const docs = page.locator('.graphiql-plugin');
    await docs.getByText('Query', { exact: true }).first().click();
    await docs.getByText('campaignActivity', { exact: true }).click();
    await docs.getByText('Campaign activity by id').waitFor();
    await screenshot(page, 'docs');
  }));

test('executed queries are in the history, and headers are sent with the query', () =>
  inGraphiql({}, async (page) => {
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-line').first().click();
    await page.keyboard.type('{ "X-API-Key": "a key"');
    // GraphiQL copies the header into its tab and its history after a delay.
    await page.waitForTimeout(1_000);
    const sent = page.waitForRequest((request) => request.headers()['x-api-key'] === 'a key');
    await runAndWaitFor(page, '"totalCount"');
    await sent;
    await page.getByRole('button', { name: 'Show History' }).click();
    await page.locator('.graphiql-history-item').filter({ hasText: 'FailedSends' }).first().waitFor();
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!stored.includes('a key'), 'a credential was stored');
    await screenshot(page, 'history-panel');
  }));

test('an unauthenticated request is rejected with advice on the credential', () =>
  inGraphiql({}, async (page, { browserErrors }) => {
    await page.route('**/graphql', (route) => route.fulfill({ status: 401, json: { errors: [{ message: 'Who asks?' }] } }));
    await page.reload();
    await page.getByRole('status').getByText('Headers editor').waitFor();
    await screenshot(page, 'unauthenticated');
    // The browser reports the 401 response as an error.
    browserErrors.length = 0;
  }));

test('stored tabs with edited queries are restored after a reload', () =>
  inGraphiql({}, async (page) => {
    await page.getByRole('tab', { name: 'Budget' }).click();
    await page.locator('.graphiql-query-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText('query Edited { upstreamBudget { usedToday } }');
    await page.getByRole('tab', { name: 'Edited' }).waitFor();
    // GraphiQL stores its tabs 500 ms after a change.
    await page.waitForTimeout(1_000);
    await page.reload();
    await page.getByRole('tab', { name: 'Edited', selected: true }).waitFor();
    assert.equal(await page.getByRole('tab').count(), 6);
  }));

// The test writes the screenshot in the README, which shows the result of the first starter query.
test('the screenshot is written', { skip: !process.env.WRITE_SCREENSHOT }, () =>
  inGraphiql({ device: { viewport: { width: 1200, height: 730 } } }, async (page) => {
    await page.getByRole('button', { name: 'Hide editor tools' }).click();
    await runAndWaitFor(page, '"totalCount"');
    // Scroll bars fade after the pointer leaves the editors.
    await page.mouse.move(0, 0);
    await page.waitForTimeout(2_000);
    await page.screenshot({ path: `${import.meta.dirname}/../../docs/graphiql.png` });
  }));
