import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { LocalService } from '../e2e/local-service';
import { until } from '../wait';
import { launchBrowser } from './browser';
import { openPage } from './console-page';

const ROOT = path.resolve(__dirname, '..', '..');

let service: LocalService;
let browser: Browser;
beforeAll(async () => {
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
  await service.upload('uploads/sample.mp4', readFileSync(path.join(ROOT, 'tools/sample-video/sample.mp4')));
  const { snapshotBucket } = service.cloud;
  await until(() => service.cloud.store.head(snapshotBucket, 'snapshots/uploads/sample.mp4/snapshots.json'), {
    what: 'the published files',
  });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test('the site of docs/examples/player shows the picture of the moment under the pointer', async () => {
  const server = spawn(process.execPath, ['docs/examples/player/server.mjs'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', OBS_ENDPOINT: service.cloud.addresses.obs },
  });
  try {
    const [printed] = await once(server.stdout, 'data');
    const { page, complaints } = await openPage(browser);
    // The player as it is installed here.
    await page.route(
      /^https:\/\/cdn\.(jsdelivr\.net\/npm\/plyr@3\.8\.4\/dist|plyr\.io\/3\.8\.4)\//,
      (route) =>
        route.fulfill({
          path: path.join(ROOT, 'node_modules/plyr/dist', path.basename(route.request().url())),
          headers: { 'access-control-allow-origin': '*' },
        }),
    );
    await page.goto(String(printed).trim());
    await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 1);
    const {
      x = 0,
      y = 0,
      width = 0,
      height = 0,
    } = (await page.locator('.plyr__progress').boundingBox()) ?? {};
    const shown = page.locator('.plyr__preview-thumb--is-shown img').last();
    for (const [share, frame] of [
      [0.1, '0.jpg'],
      [0.6, '10.jpg'],
      [0.85, '15.jpg'],
    ] as const) {
      await page.mouse.move(x + width * share - 3, y + height / 2);
      await page.mouse.move(x + width * share, y + height / 2);
      const address = `/snapshots/uploads/sample.mp4/${frame}`;
      await until(async () => (await shown.getAttribute('src'))?.endsWith(address), { what: address });
    }
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
    expect(complaints).toEqual([]);
  } finally {
    server.kill();
  }
});
