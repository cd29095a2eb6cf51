// Links to a query: `/graphiql?query=…&variables=…`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runAndWaitFor } from './browser.js';
import { bundlePages, screenshot } from './bundle.js';

const inGraphiql = bundlePages();

const query = 'query Shared($ids: [ID!]!) {\n  campaignActivities(ids: $ids) {\n    id\n  }\n}';
const variables = '{ "ids": ["1ead98be-dfa0-4e04-81f7-5f1534d42e9c"] }';

function link(parameters) {
  return `/graphiql?${new URLSearchParams(parameters)}`;
}

function selectedTab(page, name) {
  return page.getByRole('tab', { name, selected: true });
}

async function editorText(page, editor) {
  const text = await page.locator(`.graphiql-${editor}`).innerText();
  return text.replaceAll('\u00a0', ' ');
}

/** Returns the parameters of the URL once the condition is true. GraphiQL reports edits after a delay. */
async function addressOf(page, condition) {
  await page.waitForFunction(condition, undefined, { timeout: 5_000 });
  return new URL(page.url()).searchParams;
}

test('a link opens its query in a new tab and does not run it', async () => {
  const operations = [];
  await inGraphiql({ path: link({ query, variables }) }, async (page) => {
    page.on('request', (request) => operations.push(request.postDataJSON()?.operationName));
    await selectedTab(page, 'Shared').waitFor();
    assert.equal(await page.getByRole('tab').count(), 7);
    await page.locator('.graphiql-query-editor', { hasText: 'query Shared' }).waitFor();
    await page.locator('.graphiql-editor-tool', { hasText: '1ead98be' }).waitFor();
    await page.waitForTimeout(1_000);
    assert.ok(!operations.includes('Shared'));
    assert.equal((await editorText(page, 'response')).trim(), '');
    await runAndWaitFor(page, '"campaignActivities"');
    assert.ok(operations.includes('Shared'));
    await screenshot(page, 'link');
  });
});

test('a link adds its tab to the stored tabs once', () =>
  inGraphiql({}, async (page, { origin }) => {
    await page.getByRole('tab', { name: 'Budget' }).click();
    // GraphiQL stores its tabs 500 ms after a change.
    await page.waitForTimeout(1_000);
    for (const attempt of ['opened', 'opened again']) {
      await page.goto(origin + link({ query, variables }));
      await selectedTab(page, 'Shared').waitFor();
      assert.equal(await page.getByRole('tab').count(), 7, attempt);
      await page.waitForTimeout(1_000);
    }
  }));

test('the URL is a link to the active tab and excludes its headers', () =>
  inGraphiql({}, async (page, { origin }) => {
    await page.waitForTimeout(1_000);
    assert.equal(page.url(), `${origin}/graphiql`);
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-line').first().click();
    await page.keyboard.insertText('{ "X-API-Key": "a key" }');
    await page.getByRole('tab', { name: 'Several' }).click();
    const several = await addressOf(page, () => location.search.includes('Several'));
    assert.ok(JSON.parse(several.get('variables')).ids.length > 1);
    await page.locator('.graphiql-query-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText('query Edited { upstreamBudget { usedToday } }');
    const edited = await addressOf(page, () => location.search.includes('Edited'));
    assert.equal(edited.get('query'), 'query Edited { upstreamBudget { usedToday } }');
    await page.waitForTimeout(1_000);
    assert.ok(!page.url().includes('key'), page.url());
    await page.getByRole('tab', { name: 'FailedSends' }).click();
    await addressOf(page, () => location.search === '');
  }));

for (const [name, parameters] of [
  ['a broken encoding', '?query=%ff%7B&variables=%'],
  ['text that is no query', `?${new URLSearchParams({ query: '<script>throw 1</script> "}{', variables: '{ "x": ' })}`],
  ['an empty query', '?query=&variables=%7B%7D'],
  ['a long query', `?${new URLSearchParams({ query: `{ upstreamBudget { usedToday } } # ${'x'.repeat(12_000)}` })}`],
]) {
  test(`${name} in the link does not break the page`, () =>
    inGraphiql({ path: `/graphiql${parameters}` }, async (page) => {
      await page.getByRole('tab', { name: 'Budget' }).click();
      await page.waitForTimeout(500);
      await runAndWaitFor(page, '"remainingToday"');
    }));
}

test('the URL has no parameters if the query is too long for a link', () =>
  inGraphiql({}, async (page, { origin }) => {
    await page.getByRole('tab', { name: 'Budget' }).click();
    await addressOf(page, () => location.search.includes('Budget'));
    await page.locator('.graphiql-query-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText(`query Long { upstreamBudget { usedToday } } # ${'long '.repeat(2_000)}`);
    await addressOf(page, () => location.search === '');
    assert.equal(page.url(), `${origin}/graphiql`);
  }));
