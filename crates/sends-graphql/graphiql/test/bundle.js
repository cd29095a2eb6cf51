// Pages of a service with the bundle, whose browser can connect only to the service.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { openGraphiql, startBrowser } from './browser.js';
import { startService } from './service.js';

const screenshots = process.env.SCREENSHOTS;

export async function screenshot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

/** Starts the service and the browser for the tests of a file. Returns a function that runs a test on a new page. */
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
      assert.deepEqual(opened.externalUrls, []);
      assert.deepEqual(opened.browserErrors, []);
    } catch (error) {
      await screenshot(opened.page, 'failed');
      throw error;
    } finally {
      await opened.context.close();
    }
  };
}
