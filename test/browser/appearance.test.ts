import type { Browser } from 'playwright-core';
import { LocalService } from '../e2e/local-service';
import { launchBrowser } from './browser';
import { findings, openPage, openView, rowOf, settle, uploadOneOfEach, VIEWS } from './console-page';

let service: LocalService;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
  await uploadOneOfEach(service);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test.each(['light', 'dark'] as const)(
  'no view has an accessibility finding, in %s colours',
  async (colorScheme) => {
    const { page, complaints } = await openPage(browser, { colorScheme });
    // Dark pages differ in their colours alone.
    const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
    await page.goto(service.cloud.addresses.gateway);
    await rowOf(page, 'broken.mp4').waitFor();
    await settle(page);
    expect(await findings(page, rules)).toEqual([]);
    for (const view of VIEWS) {
      await openView(page, view);
      // A few rows are as good as hundreds.
      if (view === 'Requests') await page.getByRole('button', { name: /^Refused/ }).click();
      const entry = page.locator('button.disclose').first();
      if ((await entry.count()) > 0) await entry.click();
      await settle(page);
      expect([view, ...(await findings(page, rules))]).toEqual([view]);
    }
    await openView(page, 'Videos');
    await rowOf(page, 'harbour').click();
    await page.locator('.step').last().waitFor();
    expect(await findings(page, rules)).toEqual([]);
    await page.getByRole('button', { name: 'Play with previews' }).click();
    await page.locator('.plyr__progress').waitFor();
    // The player's styles are loaded when it is first used. A function is evaluated once, a text at every look, which the page's policy refuses.
    await page.waitForFunction(() =>
      [...document.styleSheets].some(({ href }) => href?.endsWith('/player.css')),
    );
    expect(await findings(page, rules)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  },
);

test('the layout does not move while frames arrive', async () => {
  const { page } = await openPage(browser);
  await page.goto(service.cloud.addresses.gateway);
  await rowOf(page, 'harbour').waitFor();
  await rowOf(page, 'harbour').click();
  await page.locator('.step').last().waitFor();
  await settle(page);
  await page.evaluate(() => {
    const seen = window as unknown as { shift: number };
    seen.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput } = entry as PerformanceEntry & {
          value: number;
          hadRecentInput: boolean;
        };
        if (!hadRecentInput) seen.shift += value;
      }
    }).observe({ type: 'layout-shift' });
  });
  await service.call('POST', '/snapshots', {
    input: { bucket: 'videos', object: 'uploads/harbour at dawn.mp4' },
  });
  await page.getByRole('group', { name: 'Which task' }).getByRole('button').nth(1).waitFor();
  await page
    .getByRole('button', { name: /Task \d+ · Captured/ })
    .nth(1)
    .waitFor();
  const shift = await page.evaluate(() => (window as unknown as { shift: number }).shift);
  expect(shift).toBeLessThan(0.01);
  await page.context().close();
});
