import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { startWatchedCloud } from '../../local/commands/deployed-cloud';
import { closeServer, listen } from '../../local/http-server';
import { makeClip } from '../clip';
import { LocalService } from '../e2e/local-service';
import { readFrameTimeMs } from '../read-frame-time';
import { until } from '../wait';
import { launchBrowser } from './browser';
import {
  dropFiles,
  entryOf,
  findings,
  openEntry,
  openPage,
  openView,
  rowOf,
  type WatchedPage,
} from './console-page';
import { type Relay, startRelay } from './relay';

const SECRET = `whsec_${Buffer.from('a secret of this test alone, not of others').toString('base64')}`;

let service: LocalService;
/** A site that shows a video, and what stands in its page. */
let site: Server;
let siteAddress: string;
let sitePage = '';
let receiver: Server;
/** What the receiver of notices answers. */
let receiverAnswer = 204;
let browser: Browser;
let folder: string;
let relay: Relay;
let watched: WatchedPage;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'console-test-'));
  site = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(`<!doctype html><title>Site</title><link rel="icon" href="data:,">${sitePage}`);
  });
  siteAddress = `http://127.0.0.1:${await listen(site, 0)}`;
  receiver = createServer((_, response) => response.writeHead(receiverAnswer).end());
  const notify = { NOTIFY_URL: `http://127.0.0.1:${await listen(receiver, 0)}/`, NOTIFY_SECRET: SECRET };
  [service, browser] = await Promise.all([
    LocalService.start({ origins: [siteAddress] }, notify),
    launchBrowser(),
  ]);
  relay = await startRelay(Number(new URL(service.cloud.addresses.gateway).port));
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await relay?.close();
  await service?.stop();
  await Promise.all([closeServer(receiver), closeServer(site)]);
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  watched = await openPage(browser);
  await watched.page.goto(service.cloud.addresses.gateway);
});

afterEach(async () => {
  await watched.page.context().close();
  expect(watched.complaints).toEqual([]);
});

const captured = new Set<string>();

/** Uploads a clip of 12 s under a name, once, and waits for its frames: 0, 5, 10 s and the last one. */
async function capture(name: string): Promise<void> {
  if (captured.has(name)) return;
  captured.add(name);
  await service.upload(`uploads/${name}`, await readFile(await makeClip({ seconds: 12 })));
  expect((await service.finalTaskOf(`uploads/${name}`)).status).toBe('SUCCEEDED');
}

/** Space in an MP4 file that players skip. */
function freeBox(sizeBytes: number): Buffer {
  const box = Buffer.alloc(sizeBytes);
  box.writeUInt32BE(sizeBytes);
  box.write('free', 4);
  return box;
}

/** The time in seconds that a picture on the screen shows, rounded to frames of 40 ms. */
async function timeOnScreen(picture: Locator): Promise<number> {
  return readFrameTimeMs(await picture.screenshot({ type: 'jpeg', quality: 95 })) / 1000;
}

async function waitUntilDecoded(picture: Locator): Promise<void> {
  await picture.evaluate((image: HTMLImageElement) => image.decode());
}

test('a video that is dropped on the page is uploaded with progress, and its frames appear', async () => {
  const { page } = watched;
  const file = path.join(folder, 'dropped by hand.mp4');
  // Long enough on the way to be seen going.
  await writeFile(file, [await readFile(await makeClip({ seconds: 12 })), freeBox(100_000_000)]);
  await page.getByText('Drop videos anywhere').waitFor();
  const shares = page.evaluate(
    () =>
      new Promise<number[]>((resolve) => {
        const seen: number[] = [];
        const look = (): void => {
          const bar = document.querySelector<HTMLProgressElement>('progress');
          if (bar !== null) seen.push(bar.value / bar.max);
          if (bar === null && seen.length > 0) resolve(seen);
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  await dropFiles(page, [file]);
  expect((await shares).filter((share) => share > 0 && share < 1).length).toBeGreaterThan(0);
  expect(await shares).toEqual([...(await shares)].sort((a, b) => a - b));
  const row = rowOf(page, 'uploads/dropped by hand.mp4');
  await row.getByText('4 frames').waitFor();
  expect(await page.locator('.transfer').count()).toBe(0);

  await row.click();
  const pictures = page.locator('.gallery img');
  await pictures.nth(3).waitFor();
  await expectTexts(page.locator('.gallery .caption'), ['0:00', '0:05', '0:10', '0:12']);
  await page.setViewportSize({ width: 1920, height: 1000 });
  const times: number[] = [];
  for (let index = 0; index < 4; index++) {
    const picture = pictures.nth(index);
    await waitUntilDecoded(picture);
    const source = await page.request.get(
      String(await picture.getAttribute('src')).replace(/^/, `${service.cloud.addresses.gateway}/_console/`),
    );
    times.push(readFrameTimeMs(await source.body()) / 1000);
  }
  expect(times).toEqual([0, 5, 10, 11.96]);
});

test('pointing at the player’s bar shows the frame of that moment', async () => {
  const { page } = watched;
  await capture('played.mp4');
  await rowOf(page, 'uploads/played.mp4').click();
  await page.getByRole('button', { name: 'Play with previews' }).click();
  await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 1);
  const pointAt = async (seconds: number) => {
    // The bar moves as long as the page is still taking shape.
    const { x, y, width, height } = (await page.locator('.plyr__progress').boundingBox())!;
    await page.mouse.move(x + (width * seconds) / 12, y + height / 2);
  };
  const preview = page.locator('.plyr__preview-thumb--is-shown');
  // The player begins to listen when the track has come.
  await until(async () => {
    await pointAt(0.5);
    await pointAt(1);
    return preview.locator('img').first().isVisible();
  });
  // Its clock covers the lowest part of the picture, where the clip carries its own time.
  await page
    .locator('.plyr__preview-thumb__time-container')
    .first()
    .evaluate((clock: HTMLElement) => {
      clock.style.display = 'none';
    });
  for (const [pointedAtSeconds, frameSeconds] of [
    [1, 0],
    [7, 5],
    [10.6, 10],
  ] as const) {
    const isRight = async () => {
      await pointAt(pointedAtSeconds);
      return (await timeOnScreen(preview.locator('img').last())) === frameSeconds;
    };
    // While one picture takes the place of another, neither can be read.
    await until(() => isRight().catch(() => false), {
      what: `the frame of ${frameSeconds} s on the bar at ${pointedAtSeconds} s`,
    });
  }
});

test('a frame opens the player at its moment', async () => {
  const { page } = watched;
  await capture('seek.mp4');
  await rowOf(page, 'uploads/seek.mp4').click();
  await page.getByRole('button', { name: 'Play from 0:10' }).click();
  await page.waitForFunction(() => document.querySelector('video')?.currentTime === 10);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
});

test('a contact sheet shows every frame with its time, without scripts', async () => {
  const { page } = watched;
  await capture('sheet.mp4');
  await rowOf(page, 'uploads/sheet.mp4').click();
  const address = await page.getByRole('link', { name: 'Contact sheet' }).getAttribute('href');
  const sheet = await openPage(browser, { javaScriptEnabled: false });
  await sheet.page.goto(service.cloud.addresses.gateway + address);
  const pictures = sheet.page.locator('img');
  const times: number[] = [];
  for (const picture of await pictures.all()) times.push(await timeOnScreen(picture));
  expect(times).toEqual([0, 5, 10, 11.96]);
  for (const picture of await pictures.all()) expect(await picture.getAttribute('alt')).toMatch(/\d/);
  expect(sheet.complaints).toEqual([]);
  await sheet.page.context().close();
});

test('an event that is delivered again, even twice, changes nothing', async () => {
  const { page } = watched;
  await capture('replayed.mp4');
  const before = await service.taskOf('uploads/replayed.mp4');
  await openView(page, 'Events');
  const event = entryOf(page, 'uploads/replayed.mp4');
  const body = await openEntry(page, 'uploads/replayed.mp4');
  await body.getByRole('button', { name: 'Deliver again' }).click();
  await body.getByRole('button', { name: 'Deliver twice' }).click();
  await until(async () => (await event.locator('.deliveries .badge.good').count()) === 4);

  await openView(page, 'Videos');
  const row = rowOf(page, 'uploads/replayed.mp4');
  await row.getByText('4 frames').waitFor();
  expect(await row.getByText('tasks').count()).toBe(0);
  const after = await service.taskOf('uploads/replayed.mp4');
  expect(after?.task_id).toBe(before?.task_id);
  expect(after?.thumbnail_info?.map(({ pic_name }) => pic_name)).toEqual(
    before?.thumbnail_info?.map(({ pic_name }) => pic_name),
  );
});

test('an invocation shows its log, its duration and whether it was cold', async () => {
  const { page } = watched;
  await capture('logged.mp4');
  await openView(page, 'Invocations');
  await page.getByRole('group', { name: 'Which function' }).getByText('on-upload').click();
  const body = await openEntry(page, 'uploads/logged.mp4');
  await body.getByText('upload.processed').first().waitFor();
  expect(await entryOf(page, 'uploads/logged.mp4').textContent()).toMatch(
    /on-upload.*Succeeded.*\d m?s(cold|warm)/,
  );
});

test('the request log explains a refused signature', async () => {
  const { page } = watched;
  const { cloud } = service;
  await fetch(`${cloud.addresses.obs}/videos/uploads/secret.mp4`, {
    headers: { date: new Date().toUTCString(), authorization: `OBS ${cloud.accessKey.accessKey}:AAAA` },
  });
  await openView(page, 'Requests');
  const body = await openEntry(page, 'uploads/secret.mp4');
  await body.getByText('Why the signature was refused').waitFor();
  await body.getByText('What the service signed').waitFor();
});

test('the page says why nothing was captured', async () => {
  const { page } = watched;
  await service.upload('uploads/notes.txt', Buffer.from('hello'));
  await rowOf(page, 'uploads/notes.txt').getByText('not_a_video').waitFor();
  await openView(page, 'Explain');
  await page.getByLabel('Key in the bucket').fill('uploads/notes.txt');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.verdict', { hasText: 'not_a_video' }).waitFor();
});

test('a timer fires and faults are set on request', async () => {
  const { page } = watched;
  await openView(page, 'Timers');
  await entryOf(page, 'on-upload').getByRole('button', { name: 'Fire now' }).click();
  await page.getByRole('status').getByText('has fired').waitFor();
  await openView(page, 'Invocations');
  await entryOf(page, 'sweep').getByText('Succeeded').waitFor();

  await openView(page, 'Faults');
  const dial = page.getByRole('slider', { name: /^duplicate / });
  await dial.fill('35');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByRole('status').getByText('Faults are set').waitFor();
  await page.reload();
  expect(await page.getByRole('slider', { name: /^duplicate / }).inputValue()).toBe('35');
  await page.getByRole('button', { name: 'Switch all off' }).click();
  await page.getByRole('status').getByText('All faults are off').waitFor();
});

test('a task that waits can be cancelled', async () => {
  const slow = await LocalService.start({ mpc: { behaviour: { queueDelayMs: 600_000 } } });
  try {
    const { page } = watched;
    await page.goto(slow.cloud.addresses.gateway);
    await slow.upload('uploads/waits.mp4', await readFile(await makeClip({ seconds: 12 })));
    await rowOf(page, 'uploads/waits.mp4').getByText('Waiting').waitFor();
    await rowOf(page, 'uploads/waits.mp4').click();
    await page.getByRole('button', { name: 'Cancel task' }).click();
    await rowOf(page, 'uploads/waits.mp4').getByText('Cancelled').waitFor();
    expect((await slow.taskOf('uploads/waits.mp4'))?.status).toBe('CANCELED');
  } finally {
    // Its pages end with it; what they say about that is not the matter here.
    await watched.page.goto('about:blank');
    await slow.stop();
  }
});

test('while the server is down the page says so, reconnects by itself, and misses nothing that happened', async () => {
  const { page, complaints } = watched;
  await page.goto(relay.address);
  await page.getByText('Live').waitFor();
  await relay.cut();
  await page.getByRole('alert').getByText('does not answer').waitFor();
  const state = await page.getByRole('banner').getByText('Not connected').boundingBox();
  expect(state!.y + state!.height).toBeLessThan(60);
  await capture('meanwhile.mp4');
  await relay.mend();
  await page.getByText('Live').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await rowOf(page, 'uploads/meanwhile.mp4').getByText('4 frames').waitFor();
  await openView(page, 'Events');
  await entryOf(page, 'uploads/meanwhile.mp4').getByText('Succeeded').waitFor();
  await openView(page, 'Invocations');
  await entryOf(page, 'uploads/meanwhile.mp4').getByText('Succeeded').waitFor();
  await openView(page, 'Requests');
  await page.getByLabel('Path, method, status, code or caller').fill('PUT videos meanwhile.mp4');
  await entryOf(page, 'uploads/meanwhile.mp4').waitFor();
  // What the browser itself notes of a connection that failed.
  complaints.splice(0);
});

test('every control can be reached and used by keyboard', async () => {
  const { page } = watched;
  await capture('by-keyboard.mp4');
  await rowOf(page, 'uploads/by-keyboard.mp4').waitFor();
  const tabTo = async (target: Locator): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      if (await target.evaluate((element) => element === document.activeElement)) {
        const outline = await target.evaluate((element) => getComputedStyle(element).outlineStyle);
        expect(outline).not.toBe('none');
        return;
      }
    }
    throw new Error(`the focus never came to ${target}`);
  };
  await tabTo(rowOf(page, 'uploads/by-keyboard.mp4'));
  await page.keyboard.press('Enter');
  const play = page.getByRole('button', { name: 'Play with previews' });
  await play.waitFor();
  await tabTo(play);
  await page.keyboard.press('Enter');
  await page.locator('dialog[open] .plyr__progress').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
});

/** What a button has put on the clipboard. */
async function copied(page: Page, button: Locator): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await button.click();
  return until(() => page.evaluate(() => navigator.clipboard.readText()), {
    what: 'a text on the clipboard',
  });
}

test('a failed notice can be sent again by hand, and a task’s files are listed with their addresses', async () => {
  const { page } = watched;
  receiverAnswer = 503;
  await capture('published.mp4');
  await rowOf(page, 'uploads/published.mp4').click();
  const notice = entryOf(page, 'snapshots.succeeded');
  await notice.getByText('Retrying').waitFor();
  await notice.getByText('503').waitFor();
  expect(await findings(page)).toEqual([]);
  receiverAnswer = 204;
  await notice.getByRole('button', { name: 'Send again' }).click();
  await notice.getByText('Sent', { exact: true }).waitFor();
  await notice.getByText('2xx').waitFor();

  const files = page.locator('.files a');
  await expectTexts(files, ['snapshots.json', 'storyboard.vtt', 'storyboard.json', 'poster.jpg']);
  const address = await copied(page, page.getByRole('button', { name: 'Copy address of storyboard.vtt' }));
  expect(address).toBe(
    `${service.cloud.addresses.obs}/snapshots/snapshots/uploads/published.mp4/storyboard.vtt`,
  );
  const track = await page.request.get(
    `${service.cloud.addresses.gateway}/_console/${await files.nth(1).getAttribute('href')}`,
  );
  expect(await track.text()).toMatch(/^WEBVTT\n/);

  await openView(page, 'Quota');
  await page.locator('tr', { hasText: 'on-upload' }).filter({ hasText: 'create' }).waitFor();
});

/** Opens a page of a site with this in it. The player comes from the packages that are installed. */
async function openSite(snippet: string): Promise<WatchedPage> {
  sitePage = snippet;
  const opened = await openPage(browser);
  await opened.page.route('https://cdn.jsdelivr.net/npm/plyr@3.8.4/**', (route) =>
    route.fulfill({
      path: path.join(
        require.resolve('plyr'),
        '../../',
        new URL(route.request().url()).pathname.replace(/^.*?plyr@[^/]+/, ''),
      ),
    }),
  );
  await opened.page.route('https://cdn.plyr.io/**', (route) =>
    route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }),
  );
  await opened.page.goto(siteAddress);
  return opened;
}

test('the snippet that is copied for a page shows the video, its poster and its previews there', async () => {
  const { page } = watched;
  await capture('published.mp4');
  await rowOf(page, 'uploads/published.mp4').click();
  const embed = page.getByRole('region', { name: 'Embed' });
  const copy = embed.getByRole('button', { name: 'Copy' });
  const withPlyr = await openSite(await copied(page, copy));
  await withPlyr.page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 1);
  const bar = (await withPlyr.page.locator('.plyr__progress').boundingBox())!;
  const picture = withPlyr.page.locator('.plyr__preview-thumb--is-shown img').last();
  await until(
    async () => {
      await withPlyr.page.mouse.move(bar.x + 8, bar.y + bar.height / 2);
      await withPlyr.page.mouse.move(bar.x + 10, bar.y + bar.height / 2);
      if (!(await picture.isVisible())) return false;
      return (await picture.getAttribute('src'))?.includes('/published.mp4/0.jpg');
    },
    { what: 'the first frame on the player’s bar' },
  );
  expect(withPlyr.complaints).toEqual([]);
  await withPlyr.page.context().close();

  await embed.getByRole('button', { name: '<video>' }).click();
  const plain = await openSite(await copied(page, copy));
  const cues = await plain.page.waitForFunction(() => {
    const video = document.querySelector('video');
    const [track] = video?.textTracks ?? [];
    if (track !== undefined) track.mode = 'hidden';
    const isLoaded = document.querySelector('track')?.readyState === HTMLTrackElement.LOADED;
    return video?.readyState && isLoaded && track?.cues?.length;
  });
  expect(await cues.jsonValue()).toBe(4);
  const poster = (await plain.page.locator('video').getAttribute('poster')) ?? '';
  expect((await page.request.get(poster)).headers()['content-type']).toBe('image/jpeg');
  expect(plain.complaints).toEqual([]);
  await plain.page.context().close();
});

test('the address holds view, video, filter and open row, and *back* goes through them', async () => {
  const { page } = watched;
  for (const name of ['one', 'two']) await service.upload(`uploads/linked ${name}.txt`, Buffer.from('x'));
  await rowOf(page, 'linked two').getByText('not_a_video').waitFor();
  await page.getByLabel('Key or task id').fill('two linked');
  await page.waitForURL(/q=two\+linked/);
  await expectTexts(page.locator('.rows .key'), ['uploads/linked two.txt']);
  await page
    .getByRole('group', { name: 'Which videos' })
    .getByRole('button', { name: /^Not captured/ })
    .click();
  await rowOf(page, 'linked two').click();
  await page.locator('.detail .step').last().waitFor();
  const address = page.url();
  expect(address).toContain('show=other');
  await openView(page, 'Events');
  await openEntry(page, 'linked one');
  await page.goBack();
  await page.locator('.entry-body').waitFor({ state: 'detached' });
  await page.goBack();
  await page.locator('.detail .step').last().waitFor();
  expect(page.url()).toBe(address);
  await page.goBack();
  await page.locator('.detail').waitFor({ state: 'detached' });
  await expectTexts(page.locator('.rows .key'), ['uploads/linked two.txt']);

  const later = await openPage(browser);
  await later.page.goto(address);
  await later.page.locator('.detail .step').last().waitFor();
  expect(await later.page.getByLabel('Key or task id').inputValue()).toBe('two linked');
  await later.page.context().close();
});

test('the first screen says how to begin, and typing finds a video among 2,000', async () => {
  const { page } = watched;
  const empty = await startWatchedCloud({ port: 0 });
  try {
    await page.goto(empty.addresses.gateway);
    const begin = page.getByRole('region', { name: 'How to begin' });
    await begin.getByText('npm start -- holiday.mp4').waitFor();
    await page.getByText('Drop videos anywhere').waitFor();
    expect(await findings(page)).toEqual([]);
    expect(await copied(page, begin.getByRole('button', { name: 'Copy secret key' }))).toBe(
      empty.accessKey.secretKey,
    );
    expect(await copied(page, begin.getByRole('button', { name: 'Copy endpoint' }))).toBe(
      empty.addresses.obs,
    );
    await Promise.all(
      Array.from({ length: 2000 }, (_, number) =>
        empty.store.put('videos', `uploads/many ${number}.mp4`, Buffer.from('x')),
      ),
    );
    await page.getByText('2000', { exact: true }).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('1234 many');
    await expectTexts(page.locator('.rows .key'), ['uploads/many 1234.mp4']);
  } finally {
    await page.goto('about:blank');
    await empty.close();
  }
});

async function expectTexts(locator: Locator, texts: string[]): Promise<void> {
  await until(async () => JSON.stringify(await locator.allTextContents()) === JSON.stringify(texts), {
    what: `the texts ${texts.join(', ')}`,
  });
}
