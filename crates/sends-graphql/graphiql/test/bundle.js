// Pages of the service with the bundle, with the network closed.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { openGraphiql, startBrowser } from './browser.js';
import { startService } from './service.js';

const screenshots = process.env.SCREENSHOTS;

export async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

/** Starts the service and the browser around the tests of a file; the result opens a page for one of them. */
export function bundlePages() {
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
  return async function inGraphiql(options, work) {
    const opened = await openGraphiql(browser, service.origin, options);
    try {
      await opened.page.locator('.graphiql-query-editor .view-line').first().waitFor();
      await work(opened.page, { ...opened, origin: service.origin });
      assert.deepEqual(opened.strangers, []);
      assert.deepEqual(opened.complaints, []);
    } catch (error) {
      await screenshot(opened.page, 'failed');
      throw error;
    } finally {
      await opened.context.close();
    }
  };
}
