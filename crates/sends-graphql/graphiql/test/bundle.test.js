// GraphiQL from the binary, with the network closed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openGraphiql, responseText, runAndWaitFor, startBrowser } from './browser.js';
import { startService } from './service.js';

const screenshots = process.env.SCREENSHOTS;
let service;
let browser;

before(async () => {
  service = await startService(process.env.SERVICE_WITH_BUNDLE);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

async function inGraphiql(options, work) {
  const opened = await openGraphiql(browser, service.origin, options);
  try {
    await opened.page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await work(opened.page);
    assert.deepEqual(opened.strangers, []);
    assert.deepEqual(opened.complaints, []);
  } catch (error) {
    await screenshot(opened.page, 'failed');
    throw error;
  } finally {
    await opened.context.close();
  }
}

async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

for (const colorScheme of ['light', 'dark']) {
  test(`the first query shows the two sends of the guide, in the ${colorScheme}`, () =>
    inGraphiql({ colorScheme }, async (page) => {
      assert.ok(await page.getByText('is invented').isVisible());
      await runAndWaitFor(page, '"needsAttention"');
      const answer = await responseText(page);
      for (const wanted of ['"sendId": 1', '"outcome": "SENT"', '"sendId": 2', '"outcome": "NO_RECIPIENTS"']) {
        assert.ok(answer.includes(wanted), `${wanted} is not in ${answer}`);
      }
      await screenshot(page, `history-${colorScheme}`);
    }));
}

test('every starter tab answers without an error', () =>
  inGraphiql({}, async (page) => {
    for (const [tab, wanted] of [
      ['Several', '"isStale"'],
      ['Failures', '"remedy"'],
      ['Campaigns', '"updatedAt"'],
      ['FailedSends', '"totalCount"'],
      ['Budget', '"remainingToday"'],
    ]) {
      await page.getByRole('tab', { name: tab }).click();
      // GraphiQL reads an operation's name a tenth of a second after its text came, and sends the last tab's name before.
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
      await runAndWaitFor(page, wanted);
      const answer = await responseText(page);
      assert.ok(!answer.includes('"errors"'), answer);
      await screenshot(page, tab.toLowerCase());
    }
  }));

test('a field name is completed as it is typed', () =>
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
    await docs.getByText('One email campaign activity by its id').waitFor();
    await screenshot(page, 'docs');
  }));

test('what ran is in the history, and a header travels with the query', () =>
  inGraphiql({}, async (page) => {
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-line').first().click();
    await page.keyboard.type('{ "X-API-Key": "a key"');
    // GraphiQL takes the header into its tab, and from there into its history, after a pause.
    await page.waitForTimeout(1_000);
    const sent = page.waitForRequest((request) => request.headers()['x-api-key'] === 'a key');
    await runAndWaitFor(page, '"needsAttention"');
    await sent;
    await page.getByRole('button', { name: 'Show History' }).click();
    await page.locator('.graphiql-history-item').filter({ hasText: 'History' }).first().waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!kept.includes('a key'), 'a credential was written to the disk');
    await screenshot(page, 'history-panel');
  }));

test('a refusal for want of a credential says where to put one', async () => {
  const { page, context } = await openGraphiql(browser, service.origin);
  await page.route('**/graphql', (route) => route.fulfill({ status: 401, json: { errors: [{ message: 'Who asks?' }] } }));
  await page.reload();
  await page.getByRole('status').getByText('Headers editor').waitFor();
  await screenshot(page, 'unauthenticated');
  await context.close();
});
