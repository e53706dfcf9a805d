import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { makeClip } from '../clip';
import { LocalService } from '../e2e/local-service';
import { launchBrowser } from './browser';
import { openPage, openView, rowOf } from './console-page';

/** Keys that try to be more than a text. Each ends with a word by which it is found. */
const KEYS = [
  'uploads/<img src=x onerror=alert(1)> image.mp4',
  'uploads/"><svg onload=alert(2)><script>alert(3)</script> markup.mp4',
  "uploads/' onmouseover='alert(4)' quotes.mp4",
  'uploads/‮4pm.‬ שלום עולם right-to-left.mp4',
  'uploads/👩‍👩‍👧‍👦🎬 emoji.mp4',
  `uploads/${'longlonglong'.repeat(40)} endless.mp4`,
  'uploads/%3Cb%3E#/explain?a=b&c=d address.mp4',
];
const wordOf = (key: string): string => /([\w-]+)\.mp4$/.exec(key)?.[1] ?? key;

let service: LocalService;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
  const clip = await readFile(await makeClip({ seconds: 12 }));
  for (const key of KEYS) await service.upload(key, clip);
  for (const key of KEYS) await service.finalTaskOf(key);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

/** How much wider the content is than the window, in pixels. */
const overhang = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Elements that no text of a key can have made, and attributes that would run something. */
const intruders = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      document.querySelectorAll('body script, [onerror], [onload], [onmouseover], img[src="x"], b b').length,
  );

test('hostile object keys are shown as text in every view, and no view is wider than a narrow window', async () => {
  const { page, complaints } = await openPage(browser, { viewport: { width: 360, height: 780 } });
  await page.goto(service.cloud.addresses.gateway);
  for (const key of KEYS) {
    const row = rowOf(page, wordOf(key));
    expect(await row.locator('.key').textContent()).toBe(key);
  }
  expect([await overhang(page), await intruders(page)]).toEqual([0, 0]);
  for (const view of ['Events', 'Invocations', 'Requests']) {
    await openView(page, view);
    await page.locator('main').getByText(wordOf(KEYS[0]!)).first().waitFor();
    expect([view, await overhang(page), await intruders(page)]).toEqual([view, 0, 0]);
  }
  for (const key of KEYS) {
    await openView(page, 'Explain');
    await page.getByLabel('Key in the bucket').fill(key);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('.verdict', { hasText: 'succeeded' }).waitFor();
    expect(await page.locator('.panel h2').textContent()).toBe(key);
    expect([key, await overhang(page), await intruders(page)]).toEqual([key, 0, 0]);
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('hostile object keys can be selected, played and shown on a contact sheet', async () => {
  const { page, complaints } = await openPage(browser);
  for (const key of KEYS) {
    await page.goto(`${service.cloud.addresses.gateway}/_console/`);
    await rowOf(page, wordOf(key)).click();
    await page.locator('.gallery img').nth(3).waitFor();
    await page.getByRole('button', { name: 'Play with previews' }).click();
    await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 1);
    const sheet = await page.locator('a', { hasText: 'Contact sheet' }).getAttribute('href');
    await page.goto(service.cloud.addresses.gateway + sheet);
    await page.waitForFunction(
      () => [...document.images].length === 4 && [...document.images].every(({ complete }) => complete),
    );
    expect(await page.locator('body').textContent()).toContain(key);
    expect([key, await overhang(page), await intruders(page)]).toEqual([key, 0, 0]);
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});
