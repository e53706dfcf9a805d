import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { createDeployedConsole, type DeployedConsole } from '../../console/sources/deployed/console-server';
import { callerOf, deployedService } from '../../console/sources/deployed/deployed-service';
import { deployedStage } from '../../local/commands/deployed-stage';
import { closeServer, listen } from '../../local/http-server';
import { createReceiver } from '../../local/webhook-receiver';
import { LocalService } from '../e2e/local-service';
import { until } from '../wait';
import { launchBrowser } from './browser';
import {
  entryOf,
  openEntry,
  openPage,
  openView,
  rowOf,
  settle,
  uploadOneOfEach,
  VIEWS,
} from './console-page';

/** Where the pictures of the pages are left, to be looked at. */
const PICTURES = path.resolve(__dirname, '../../.build/screenshots');
const SECRET = `whsec_${Buffer.from('a secret of this test alone, not of others').toString('base64')}`;
const LONG_KEY =
  'uploads/2026/season 2/episode 14 – the harbour at dawn, director’s cut, with subtitles in five languages.mp4';

let service: LocalService;
let browser: Browser;
let deployed: DeployedConsole;
let deployedRoot: string;
const receivers: Server[] = [];

beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true });
  const receiver = createReceiver({ secrets: [SECRET], onNotice: () => {} });
  receivers.push(receiver);
  const settings = {
    NOTIFY_URL: `http://127.0.0.1:${await listen(receiver, 0)}/`,
    NOTIFY_SECRET: SECRET,
    PUBLISH: 'vtt,storyboard,poster,index,sprite',
  };
  [service, browser] = await Promise.all([LocalService.start({}, settings), launchBrowser()]);
  await keepFirstScreens();
  await uploadOneOfEach(service);
  await fillPages();
  const { environment } = service.cloud;
  deployed = createDeployedConsole({
    service: deployedService({ stage: 'prod' }, environment),
    caller: callerOf(environment),
    canWrite: false,
    command: 'npm run console -- --stage prod',
    readLog: (await deployedStage('local', environment, undefined)).readLog,
  });
  deployedRoot = `http://127.0.0.1:${await listen(deployed.server, 0)}`;
}, 120_000);

afterAll(async () => {
  await browser?.close();
  deployed?.close();
  if (deployed !== undefined) await closeServer(deployed.server);
  await service?.stop();
  for (const receiver of receivers) await closeServer(receiver);
});

const WIDTHS = [360, 1024, 1440, 1920];

/** What the pages have beside videos: refused uploads, a refused signature, faults that hit, an event that came again. */
async function fillPages(): Promise<void> {
  const { cloud } = service;
  for (let number = 1; number <= 60; number++) {
    const againAtMs = Date.now() + number * 1_200_000;
    const key = number === 2 ? LONG_KEY : `uploads/without rights/${number}.mp4`;
    const record = Buffer.from(JSON.stringify({ bucket: 'videos', key }));
    await cloud.store.put('snapshots', `.mpc-snapshots/later/${number}.${againAtMs}.refused.json`, record);
  }
  await cloud.store.put(
    'snapshots',
    `.mpc-snapshots/waiting/aa/${Date.now() - 90_000}-1.json`,
    Buffer.from('{}'),
  );
  await fetch(`${cloud.addresses.obs}/videos/uploads/secret.mp4`, {
    headers: { date: new Date().toUTCString(), authorization: `OBS ${cloud.accessKey.accessKey}:AAAA` },
  });
  await service.call('POST', '/snapshots', {
    input: { bucket: 'videos', object: 'uploads/harbour at dawn.mp4' },
  });
  const post = (name: string, body: object) =>
    fetch(`${cloud.addresses.gateway}/_console/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: cloud.addresses.gateway },
      body: JSON.stringify(body),
    });
  await post('faults', { shares: { duplicate: 1 }, seed: 7 });
  await service.upload(LONG_KEY, Buffer.from('no video'));
  await service.finalTaskOf(LONG_KEY);
  await until(() => service.invocations.filter(({ trigger }) => trigger === 'OBS').length >= 5);
}

/** A page of this width, and what keeps a picture of it in both colours. */
async function openAt(width: number) {
  const height = width === 360 ? 780 : 900;
  const { page } = await openPage(browser, { viewport: { width, height }, reducedMotion: 'reduce' });
  const keep = async (name: string): Promise<void> => {
    await settle(page);
    expect([name, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([name, width]);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      // Colours may change slowly.
      await page.evaluate(async () => {
        // The page learns of the new colours with a frame.
        for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
        await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
      });
      await page.screenshot({ path: path.join(PICTURES, `${name}-${width}-${colorScheme}.png`) });
    }
  };
  /** Of all that is there, however far one has to scroll. */
  const keepWhole = async (name: string): Promise<void> => {
    await page.setViewportSize({ width, height: 3000 });
    await keep(name);
    await page.setViewportSize({ width, height });
  };
  return { page, keep, keepWhole };
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
    const { page, keep, keepWhole } = await openAt(width);
    await page.goto(service.cloud.addresses.gateway);
    await rowOf(page, 'broken.mp4').waitFor();
    await keep('videos');
    for (const view of VIEWS) {
      await openView(page, view);
      await keep(view.toLowerCase());
    }
    await openView(page, 'Quota');
    await keepWhole('quota-whole');
    await openView(page, 'Settings');
    await keepWhole('settings-whole');

    await openView(page, 'Events');
    await openEntry(page, 'harbour at dawn.mp4');
    await keep('event-open');
    await openView(page, 'Invocations');
    await openEntry(page, 'on-upload');
    await page.locator('.log li').first().waitFor();
    await keepWhole('invocation-open');
    await openView(page, 'Requests');
    await page.getByRole('button', { name: /^Refused/ }).click();
    await openEntry(page, 'secret.mp4');
    await page.getByText('What the service signed').waitFor();
    await keepWhole('request-open');
    await openView(page, 'Explain');
    await page.getByLabel('Key in the bucket').fill('uploads/notes.txt');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('.verdict').waitFor();
    await keep('explained');

    await openView(page, 'Videos');
    await rowOf(page, 'harbour at dawn.mp4').click();
    await page.locator('.step').last().waitFor();
    await keep('video');
    await keepWhole('video-whole');
    await page.getByRole('button', { name: 'Play with previews' }).click();
    await page.locator('.plyr__progress').waitFor();
    await keep('player');
    await page.goto(`${service.cloud.addresses.gateway}/_console/api`);
    await page.getByText('/snapshots', { exact: true }).first().waitFor();
    await keep('api');
    await page
      .getByRole('button', { name: /^get ​?\/snapshots/i })
      .first()
      .click();
    await keepWhole('api-open');

    await page.goto(deployedRoot + deployed.entryPath);
    await openView(page, 'Quota');
    await entryOf(page, 'on-upload').waitFor();
    await keep('deployed-quota');
    await openView(page, 'Events');
    await keep('deployed-events');
    await page.context().close();
  },
  60_000,
);
