// All functions of the plain page, in a browser that can connect only to the service.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { emptyLists } from './answer.js';
import { openGraphiql, startBrowser } from './browser.js';
import { startService } from './service.js';

const PROGRAM = process.env.SERVICE_WITHOUT_BUNDLE;
const ACTIVITY = '1ead98be-dfa0-4e04-81f7-5f1534d42e9c';
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1400, height: 850 };
const AXE = readFileSync(`${import.meta.dirname}/node_modules/axe-core/axe.min.js`, 'utf8');
const screenshots = process.env.SCREENSHOTS;
let service;
let browser;

before(async () => {
  service = await startService(PROGRAM);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Opens the plain page of a service with these URL parameters, and closes it even if the test fails. */
async function onPlainPage({ at = service, search = '', viewport = DESKTOP, colorScheme } = {}, work) {
  const { page, context } = await openGraphiql(browser, at.origin, { colorScheme });
  try {
    await page.setViewportSize(viewport);
    if (search) await page.goto(`${at.origin}/graphiql${search}`);
    await page.locator('#run').waitFor();
    await work(page);
  } catch (error) {
    await screenshot(page, 'plain-failed');
    throw error;
  } finally {
    await context.close();
  }
}

async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

const run = (page) => page.getByRole('button', { name: 'Run', exact: true }).click();
const outcome = (page, text) => page.locator('#outcome', { hasText: text }).waitFor();
const problem = (page, text) => page.locator('#problems li', { hasText: text }).first().waitFor();
const answer = async (page) => JSON.parse(await page.locator('#answer').textContent());
const docs = (page) => page.locator('#docs');
const heading = (page, name) => docs(page).getByRole('heading', { level: 3, name }).waitFor();

test('every starter tab runs without an error', () =>
  onPlainPage({}, async (page) => {
    const tabs = await page.getByRole('tab').allTextContents();
    assert.ok(tabs.length >= 6, tabs);
    for (const tab of tabs) {
      await page.getByRole('tab', { name: tab }).click();
      await run(page);
      await outcome(page, 'HTTP 200');
      const { data, errors } = await answer(page);
      assert.equal(errors, undefined, tab);
      assert.deepEqual(emptyLists(data), [], tab);
    }
    // Each tab still has its own response.
    await page.getByRole('tab', { name: tabs[0] }).click();
    assert.ok((await answer(page)).data.sends.totalCount > 0);
  }));

test('the documentation links types, navigates back, and finds fields', () =>
  onPlainPage({}, async (page) => {
    await docs(page).getByRole('button', { name: 'Query', exact: true }).first().click();
    await docs(page).getByText('Campaign activity by id').waitFor();
    await docs(page).getByRole('button', { name: 'CampaignActivity', exact: true }).first().click();
    await heading(page, 'CampaignActivity');
    await docs(page).getByRole('button', { name: '‹ Query' }).click();
    await heading(page, 'Query');
    await page.getByLabel('Search types and fields').fill('reasonCode');
    await docs(page).getByRole('button', { name: 'Send.reasonCode' }).click();
    await heading(page, 'Send');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'member-reasonCode');
    await page.getByLabel('Search types and fields').fill('no such thing');
    await heading(page, '0 found');
  }));

test('the documentation shows deprecations and implemented interfaces', () =>
  onPlainPage({}, async (page) => {
    await page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      const send = json.data.__schema.types.find(({ name }) => name === 'Send');
      Object.assign(send.fields[0], { isDeprecated: true, deprecationReason: 'Use another one.' });
      send.interfaces = [{ name: 'Query' }];
      await route.fulfill({ response, json });
    });
    await page.reload();
    await docs(page).getByRole('button', { name: 'Send', exact: true }).click();
    await docs(page).getByText('Deprecated: Use another one.').waitFor();
    await docs(page).getByText('Implements').waitFor();
  }));

test('an invalid query shows its error with a link to the location', () =>
  onPlainPage({}, async (page) => {
    await page.locator('#query').fill('{\n  reasonCodes { wrong }\n}');
    await run(page);
    await problem(page, 'does not have a field `wrong`');
    await page.getByRole('button', { name: 'line 2, column 17' }).click();
    assert.equal(await page.locator('#query').evaluate((area) => area.selectionStart), '{\n  reasonCodes { '.length);
  }));

test('invalid variables and headers are reported and not sent', () =>
  onPlainPage({}, async (page) => {
    const sent = [];
    page.on('request', (request) => sent.push(request.url()));
    await page.locator('#variables-box summary').click();
    await page.getByLabel('Variables').fill('{ "id": ');
    await run(page);
    await problem(page, 'The variables are not JSON');
    await page.getByLabel('Variables').fill('[]');
    await run(page);
    await problem(page, 'must be a JSON object');
    await page.getByLabel('Variables').fill('');
    await page.locator('#headers-box summary').click();
    for (const [headers, said] of [
      ['X-API-Key', 'Line 1 of the headers'],
      ['a b: c', '“a b” has a name or a value'],
      ['{ "a" ', 'The headers are not JSON'],
    ]) {
      await page.getByLabel('Headers').fill(headers);
      await run(page);
      await problem(page, said);
    }
    assert.ok(!sent.some((url) => url.endsWith('/graphql')), sent);
  }));

test('headers are sent with the query and not stored', () =>
  onPlainPage({}, async (page) => {
    await page.locator('#headers-box summary').click();
    for (const [headers, name, value] of [
      ['X-Trace: a\n\nX-API-Key: a secret key', 'x-api-key', 'a secret key'],
      ['{ "Authorization": "Bearer a secret key" }', 'authorization', 'Bearer a secret key'],
    ]) {
      await page.getByLabel('Headers').fill(headers);
      const sent = page.waitForRequest((request) => request.headers()[name] === value);
      await run(page);
      await sent;
    }
    await page.locator('#query').fill('{ __typename }');
    const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href]));
    assert.ok(kept.includes('tabs') && !kept.includes('secret'), kept);
    await page.reload();
    assert.equal(await page.getByLabel('Headers').inputValue(), '');
  }));

test('the keyboard runs, indents and leaves the editor', () =>
  onPlainPage({}, async (page) => {
    const query = page.locator('#query');
    await query.fill('');
    await query.pressSequentially('{');
    await query.press('Enter');
    await query.pressSequentially('reasonCodes {');
    await query.press('Enter');
    await query.pressSequentially('code');
    await query.press('Enter');
    await query.pressSequentially('}');
    await query.press('Enter');
    await query.pressSequentially('}');
    assert.equal(await query.inputValue(), '{\n  reasonCodes {\n    code\n  }\n}');
    await query.press('ControlOrMeta+A');
    await query.press('Tab');
    assert.equal(await query.inputValue(), '  {\n    reasonCodes {\n      code\n    }\n  }');
    await query.press('Shift+Tab');
    await query.press('ControlOrMeta+Enter');
    await outcome(page, 'HTTP 200');
    assert.equal((await answer(page)).data.reasonCodes[12].code, 12);
    await query.press('Escape');
    await query.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.closest('details')?.id), 'variables-box');
  }));

test('tabs are selected with arrow keys, added, closed and reset, and stored for the session', () =>
  onPlainPage({}, async (page) => {
    const selected = () => page.getByRole('tab', { selected: true });
    const count = await page.getByRole('tab').count();
    await selected().focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await selected().evaluate((tab) => tab === document.activeElement && !tab.nextSibling), true);
    await page.getByRole('button', { name: 'New tab' }).click();
    await page.keyboard.insertText('query Mine { __typename } query Other { t: __typename }');
    assert.equal(await selected().textContent(), 'Mine');
    await page.getByLabel('Operation to run').selectOption('Other');
    await run(page);
    await outcome(page, 'HTTP 200');
    assert.deepEqual((await answer(page)).data, { t: 'Query' });
    await page.reload();
    assert.equal(await selected().textContent(), 'Mine');
    await page.getByRole('button', { name: 'Close tab' }).click();
    assert.equal(await page.getByRole('tab').count(), count);
    await page.getByRole('button', { name: 'Close tab' }).click();
    await page.getByRole('button', { name: 'Reset tabs' }).click();
    assert.equal(await page.getByRole('tab').count(), count);
  }));

test('a shared query is opened once with its variables', () =>
  onPlainPage(
    { search: `?${new URLSearchParams({ query: 'query Shared($id: ID!) { campaignActivity(id: $id) { id } }', variables: `{"id":"${ACTIVITY}"}` })}` },
    async (page) => {
      await page.reload();
      assert.equal(await page.getByRole('tab', { name: 'Shared' }).count(), 1);
      await run(page);
      await outcome(page, 'HTTP 200');
      assert.equal((await answer(page)).data.campaignActivity.id, ACTIVITY);
    },
  ));

test('a browser that opens the endpoint with a query is redirected to the page with the query', () =>
  onPlainPage({}, async (page) => {
    await page.goto(`${service.origin}/graphql?query=${encodeURIComponent('query FromTheEndpoint { __typename }')}`);
    assert.equal(new URL(page.url()).pathname, '/graphiql');
    await page.getByRole('tab', { name: 'FromTheEndpoint' }).waitFor();
    for (const path of ['/', '/graphql', '/graphql/', '/graphiql/']) {
      await page.goto(service.origin + path);
      assert.equal(new URL(page.url()).pathname, '/graphiql');
      await page.locator('#run').waitFor();
    }
  }));

test('if introspection is disabled, the page reports it and queries run', async () => {
  const closed = await startService(PROGRAM, ['--sandbox', '--introspection=false']);
  try {
    await onPlainPage({ at: closed }, async (page) => {
      await docs(page).getByText('Introspection is disabled').waitFor();
      await screenshot(page, 'plain-introspection-off');
      await run(page);
      await outcome(page, 'HTTP 200');
      assert.equal((await answer(page)).errors, undefined);
    });
  } finally {
    await closed.stop();
  }
});

test('if a key is required, the page explains where to enter it and then loads the documentation', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sends-keys-'));
  const file = join(folder, 'keys');
  writeFileSync(file, 'key-of-the-browser\n', { mode: 0o600 });
  const locked = await startService(PROGRAM, ['--sandbox', '--api-key-file', file]);
  try {
    await onPlainPage({ at: locked }, async (page) => {
      await docs(page).getByText('A credential goes under “Headers”').waitFor();
      await run(page);
      await problem(page, 'The API key is missing');
      await screenshot(page, 'plain-key');
      await page.locator('#headers-box summary').click();
      await page.getByLabel('Headers').fill('X-API-Key: key-of-the-browser');
      await page.keyboard.press('ControlOrMeta+Enter');
      await outcome(page, 'HTTP 200');
      await heading(page, 'Schema');
    });
  } finally {
    await locked.stop();
    rmSync(folder, { recursive: true });
  }
});

test('network failures are described in sentences', () =>
  onPlainPage({}, async (page) => {
    const answered = (reply) => page.route('**/graphql', reply, { times: 1 });
    await answered((route) => route.abort());
    await run(page);
    await problem(page, 'could not be reached');
    await answered((route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<b>Bad Gateway</b>' }));
    await run(page);
    await problem(page, 'Something in front of the service could not reach it');
    await problem(page, 'is not JSON');
    assert.equal(await page.locator('#answer').textContent(), '<b>Bad Gateway</b>');
    await answered((route) => route.fulfill({ status: 429, json: { errors: [{ message: 'Slower.' }] } }));
    await run(page);
    await problem(page, 'Wait a little');
    await problem(page, 'Slower.');
  }));

test('a run can be cancelled, and the next run of the tab replaces it', () =>
  onPlainPage({}, async (page) => {
    const hang = () => page.route('**/graphql', () => {}, { times: 1 });
    const cancel = page.getByRole('button', { name: 'Cancel' });
    assert.ok(await cancel.isDisabled());
    await hang();
    await run(page);
    await outcome(page, 'Running');
    await cancel.click();
    await outcome(page, 'Cancelled');
    await hang();
    await run(page);
    await run(page);
    await outcome(page, 'HTTP 200');
    assert.ok(await cancel.isDisabled());
  }));

for (const colorScheme of ['light', 'dark']) {
  for (const [device, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    test(`axe finds no violations and no text is cut off, on a ${device} in the ${colorScheme}`, () =>
      onPlainPage({ colorScheme, viewport }, async (page) => {
        await page.evaluate(AXE);
        await run(page);
        await outcome(page, 'HTTP 200');
        await check(page, `plain-${device}-${colorScheme}`);
        for (const box of ['variables', 'headers']) await page.locator(`#${box}-box summary`).click();
        await page.locator('#query').fill('{ wrong }');
        await run(page);
        await problem(page, 'wrong');
        await check(page, `plain-${device}-${colorScheme}-error`);
        if (await docs(page).isHidden()) await page.getByRole('button', { name: 'Docs' }).click();
        await docs(page).getByRole('button', { name: 'Query', exact: true }).first().click();
        await check(page, `plain-${device}-${colorScheme}-docs`);
        await page.getByLabel('Search types and fields').fill('send');
        await check(page, `plain-${device}-${colorScheme}-search`);
      }));
  }
}

async function check(page, name) {
  await screenshot(page, name);
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary]));
  assert.deepEqual(found, []);
  const [wide, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(wide <= there, `${wide} pixels in a window of ${there}`);
}
