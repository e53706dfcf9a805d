import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { LocalService } from '../e2e/local-service';
import { launchBrowser } from './browser';
import { openPage, rowOf } from './console-page';

const ROOT = path.resolve(__dirname, '..', '..');
/** `npm run docs:pictures` makes those that the documents show; every other run leaves them to be looked at. */
const FOLDER = path.join(
  ROOT,
  process.env.DOCS_PICTURES === undefined ? '.build/screenshots' : 'docs/images',
);
const MAX_PICTURE_BYTES = 150 * 1024;
const KEY = 'uploads/sample.mp4';

let service: LocalService;
let browser: Browser;
beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
  await service.upload(KEY, await readFile(path.join(ROOT, 'tools/sample-video/sample.mp4')));
  await service.finalTaskOf(KEY);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

async function keep(page: Page, name: string): Promise<void> {
  await page.waitForFunction(() =>
    [...document.images].every(({ complete, naturalWidth }) => complete && naturalWidth > 0),
  );
  const file = path.join(FOLDER, name);
  await page.screenshot({ path: file, type: 'jpeg', quality: 82 });
  expect((await stat(file)).size).toBeLessThanOrEqual(MAX_PICTURE_BYTES);
}

test('the README’s picture of the console can be made', async () => {
  const { page } = await openPage(browser, { viewport: { width: 1280, height: 760 } });
  await page.goto(service.cloud.addresses.gateway);
  await rowOf(page, 'sample.mp4').click();
  await page.locator('.step').last().waitFor();
  await keep(page, 'console.jpg');
});

test('the README’s picture of a contact sheet can be made', async () => {
  const { page } = await openPage(browser, { viewport: { width: 1000, height: 520 } });
  const { body } = await service.call<{ task_id: string }>('POST', '/snapshots', {
    input: { bucket: service.cloud.uploadBucket, object: KEY },
    thumbnail_para: { type: 'TIME', time: 2, max_length: 640 },
  });
  await service.call('GET', `/snapshots/${body.task_id}?wait=25`);
  await page.goto(`${service.cloud.addresses.gateway}/snapshots/${body.task_id}?format=html`);
  await page.locator('img').last().waitFor();
  await keep(page, 'contact-sheet.jpg');
});
