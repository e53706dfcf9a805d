import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { LocalService } from '../e2e/local-service';
import { launchBrowser } from './browser';
import { findings, openPage } from './console-page';

const PICTURES = path.resolve(__dirname, '../../.build/screenshots');

let service: LocalService;
let browser: Browser;

beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true });
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test('an operation that is tried on the API page shows the real answer of the service', async () => {
  const { page, complaints } = await openPage(browser);
  const strangers: string[] = [];
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && origin !== service.cloud.addresses.gateway) strangers.push(request.url());
  });
  await page.goto(service.cloud.addresses.gateway);
  await page.getByRole('navigation').getByRole('link', { name: 'API' }).click();
  await page.getByText('/snapshots', { exact: true }).first().waitFor();
  await page.screenshot({ path: path.join(PICTURES, 'api.png') });

  const create = page.locator('#operations-snapshots-createSnapshots');
  await create.getByRole('button').first().click();
  await create.getByRole('textbox').last().fill('{"input": {"bucket": "videos", "object": "no-such.mp4"}}');
  await create.locator('[data-param-name="dry_run"] select').selectOption('true');
  await create.getByRole('button', { name: 'Execute' }).click();
  const answer = create.locator('.live-responses-table .highlight-code').first();
  await answer.waitFor();
  expect(JSON.parse((await answer.locator('code').innerText()).trim())).toMatchObject({
    request: { input: { bucket: 'videos', object: 'no-such.mp4' } },
    pictures: { names: expect.any(Array) },
  });
  await answer.scrollIntoViewIfNeeded();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(PICTURES, `api-tried-${colorScheme}.png`) });
  }
  // What is in the library itself (its markup and its colours) is not ours to change: of it only the landmarks are looked at.
  expect(await findings(page, undefined, { parts: ['.swagger-ui'] })).toEqual([]);
  expect(
    await findings(page, ['landmark-no-duplicate-main', 'landmark-main-is-top-level', 'landmark-unique']),
  ).toEqual([]);
  expect(complaints).toEqual([]);
  expect(strangers).toEqual([]);
  await page.context().close();
});

test('without the package that draws it, the API page says what to do', async () => {
  const { page } = await openPage(browser);
  await page.route('**/swagger-ui.js', (route) => route.fulfill({ status: 404 }));
  await page.goto(`${service.cloud.addresses.gateway}/_console/api`);
  await page.getByRole('alert').getByText('swagger-ui-dist is not installed. Run npm ci').waitFor();
  await page.context().close();
});
