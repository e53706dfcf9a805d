import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { LocalService } from '../e2e/local-service';
import { launchBrowser } from './browser';
import { openPage, openView, rowOf, settle, uploadOneOfEach, VIEWS } from './console-page';

/** Where the pictures of the pages are left, to be looked at. */
const PICTURES = path.resolve(__dirname, '../../.build/screenshots');

let service: LocalService;
let browser: Browser;

beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true });
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
  await keepFirstScreens();
  await uploadOneOfEach(service);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

const WIDTHS = [360, 1024, 1440, 1920];

/** A page of this width, and what keeps a picture of it in both colours. */
async function openAt(width: number) {
  const { page } = await openPage(browser, { viewport: { width, height: width === 360 ? 780 : 900 } });
  const keep = async (name: string): Promise<void> => {
    await settle(page);
    expect([name, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([name, width]);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(PICTURES, `${name}-${width}-${colorScheme}.png`) });
    }
  };
  return { page, keep };
}

/** Before anything is uploaded. */
async function keepFirstScreens(): Promise<void> {
  for (const width of WIDTHS) {
    const { page, keep } = await openAt(width);
    await page.goto(service.cloud.addresses.gateway);
    await page.getByRole('heading', { level: 1, name: 'Videos' }).waitFor();
    await keep('first');
    await page.context().close();
  }
}

test.each(WIDTHS)(
  'at a width of %d px nothing overflows, and screenshots of all views are saved',
  async (width) => {
    const { page, keep } = await openAt(width);
    await page.goto(service.cloud.addresses.gateway);
    await rowOf(page, 'broken.mp4').waitFor();
    await keep('videos');
    for (const view of VIEWS) {
      await openView(page, view);
      await keep(view.toLowerCase());
    }
    await openView(page, 'Videos');
    await rowOf(page, 'harbour').click();
    await page.locator('.step').last().waitFor();
    await keep('video');
    await page.goto(`${service.cloud.addresses.gateway}/_console/api`);
    await page.getByText('/snapshots', { exact: true }).first().waitFor();
    await keep('api');
    await page.context().close();
  },
);
