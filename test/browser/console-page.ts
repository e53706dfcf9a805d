import { readFile } from 'node:fs/promises';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { makeClip } from '../clip';
import type { LocalService } from '../e2e/local-service';

/** A page of the console that keeps what must never happen: errors, refusals of the content security policy, dialogs. */
export interface WatchedPage {
  page: Page;
  /** Empty when all is well. */
  complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  // Shorter than the test's own limit: what was waited for is then named.
  context.setDefaultTimeout(12_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error.stack)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  return { page, complaints };
}

/** Lets files from the disk fall on the page, as from a file manager. */
export async function dropFiles(page: Page, files: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', {
      type,
      x: 600,
      y: 400,
      data: { items: [], files, dragOperationsMask: 1 },
    });
  }
  await session.detach();
}

/** The row of a video whose key ends with this. */
export const rowOf = (page: Page, name: string) => page.locator('.row-link', { hasText: name });

/** The row of a table that has this text. */
export const entryOf = (page: Page, text: string) =>
  page.locator('tr:not(.row-body)', { hasText: text }).first();

/** Opens a row of a table; what it shows is returned. */
export async function openEntry(page: Page, text: string) {
  await entryOf(page, text).locator('button.disclose').click();
  return page.locator('.entry-body');
}

/** Opens a view of the console by its name in the navigation. */
export async function openView(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/**
 * What axe finds, of every level and with the rules of good practice, by its rule and where.
 * @param rules only these
 * @param without parts of the page that are not ours to change
 */
export async function findings(
  page: Page,
  rules?: string[],
  without: { parts?: string[] } = {},
): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  const violations = await page.evaluate(
    async ([only, partsOff]) => {
      const { axe: scanner } = window as unknown as { axe: typeof import('axe-core') };
      const runOnly = only && { runOnly: { type: 'rule' as const, values: only } };
      const context = { include: [['html']], exclude: partsOff.map((part) => [part]) };
      const options = { resultTypes: ['violations' as const], ...runOnly };
      return (await scanner.run(context, options)).violations;
    },
    [rules, without.parts ?? []] as const,
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

/** The console's views beside *Videos* and *API*. */
export const VIEWS = [
  'Events',
  'Invocations',
  'Requests',
  'Quota',
  'Timers',
  'Faults',
  'Settings',
  'Explain',
];

/** Nothing on the way to its place any more, and every picture in the window is there. */
export async function settle(page: Page): Promise<void> {
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
  await page.waitForFunction(() =>
    [...document.images].every((image) => {
      const { top, bottom } = image.getBoundingClientRect();
      const isInWindow = bottom > 0 && top < innerHeight && bottom > top;
      return !isInWindow || (image.complete && image.naturalWidth > 0);
    }),
  );
}

/** A video with frames, a text that is skipped, and a video that cannot be read, each settled. */
export async function uploadOneOfEach(service: LocalService): Promise<void> {
  const clip = await readFile(await makeClip({ seconds: 42 }));
  await service.upload('uploads/harbour at dawn.mp4', clip);
  await service.upload('uploads/notes.txt', Buffer.from('hello'));
  await service.upload('uploads/broken.mp4', Buffer.from('no video'));
  await service.finalTaskOf('uploads/harbour at dawn.mp4');
  await service.finalTaskOf('uploads/broken.mp4');
}
