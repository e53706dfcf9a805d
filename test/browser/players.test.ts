import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { closeServer, listen } from '../../local/http-server';
import { makeClip } from '../clip';
import { LocalService } from '../e2e/local-service';
import { readFrameTimeMs } from '../read-frame-time';
import { until } from '../wait';
import { launchBrowser } from './browser';
import { openPage } from './console-page';

jest.setTimeout(120_000);

/** Fetched when the test runs, without what they depend on: each brings a build for a plain page. Plyr is here already. */
const PACKAGES = [
  'hls.js@1.7.4',
  // Vidstack's build fetches these two from a CDN.
  'media-captions@1.0.4',
  'media-icons@1.1.5',
  'shaka-player@5.2.12',
  'video.js@8.24.1',
  'videojs-vtt-thumbnails@0.0.13',
  'vidstack@1.15.6',
];
const ON_A_CDN = /https:\/\/cdn\.jsdelivr\.net\/npm\/(media-[a-z]+)@[\d.]+\/([\w/.-]+?)\/\+esm/g;
const ROOT = path.resolve(__dirname, '..', '..');
/** Tiles are wide enough for the time that they carry. */
const SPRITE_WIDTH = '240';
const SECONDS = 12;

interface Player {
  head: string;
  body(track: string): string;
  /** What is pointed at. */
  bar: string;
  /** What shows the picture. */
  picture: string;
  /** It shows tiles of sprites only. */
  needsSprite?: boolean;
}

const PLYR = { bar: '.plyr__progress', picture: '.plyr__preview-thumb__image-container' };
const PLYR_HEAD =
  '<link rel="stylesheet" href="/packages/plyr/dist/plyr.css"><script src="/packages/plyr/dist/plyr.js"></script>';
/** A player's clock over the picture covers the time that the clip itself carries; a border cuts the last of it off. */
const NOTHING_OVER_PICTURES =
  '.vds-slider-thumbnail { border: 0 !important }' +
  '.plyr__preview-thumb__time-container, .vjs-time-tooltip, .shaka-player-ui-thumbnail-time-container, .vds-slider-chapter-title, .vds-slider-value { display: none !important }';

// The snippets are those of docs/results-players-and-cdn.md.
const PLAYERS: Readonly<Record<string, Player>> = {
  Plyr: {
    ...PLYR,
    head: PLYR_HEAD,
    body: (track) => `<video id="player" src="/video.mp4" muted></video>
      <script>new Plyr('#player', { previewThumbnails: { enabled: true, src: '${track}' } });</script>`,
  },
  'hls.js below Plyr': {
    ...PLYR,
    head: `${PLYR_HEAD}<script src="/packages/hls.js/dist/hls.min.js"></script>`,
    body: (track) => `<video id="player" muted></video><script>
      const hls = new Hls();
      hls.loadSource('/video.m3u8');
      hls.attachMedia(document.querySelector('#player'));
      new Plyr('#player', { previewThumbnails: { enabled: true, src: '${track}' } });</script>`,
  },
  vidstack: {
    bar: 'media-time-slider',
    picture: '.vds-slider-thumbnail',
    // Of single pictures its box stays black in this version.
    needsSprite: true,
    head: `<link rel="stylesheet" href="/packages/vidstack/player/styles/default/theme.css">
      <link rel="stylesheet" href="/packages/vidstack/player/styles/default/layouts/video.css">
      <script type="module" src="/packages/vidstack/cdn/with-layouts/vidstack.js"></script>`,
    body: (track) => `<media-player src="/video.mp4" muted>
      <media-provider></media-provider>
      <media-video-layout thumbnails="${track}"></media-video-layout>
    </media-player>`,
  },
  'video.js': {
    bar: '.vjs-progress-control',
    picture: '.vjs-vtt-thumbnail-display',
    needsSprite: true,
    head: `<link rel="stylesheet" href="/packages/video.js/dist/video-js.css">
      <link rel="stylesheet" href="/packages/videojs-vtt-thumbnails/dist/videojs-vtt-thumbnails.css">
      <script src="/packages/video.js/dist/video.js"></script>
      <script src="/packages/videojs-vtt-thumbnails/dist/videojs-vtt-thumbnails.js"></script>`,
    body: (
      track,
    ) => `<video id="player" class="video-js" controls muted preload="auto" width="960" height="540" src="/video.mp4"></video>
      <script>videojs('player').vttThumbnails({ src: '${track}' });</script>`,
  },
  'Shaka Player': {
    bar: '.shaka-seek-bar-container',
    picture: '.shaka-player-ui-thumbnail-image-container',
    head: `<link rel="stylesheet" href="/packages/shaka-player/dist/controls.css">
      <script src="/packages/shaka-player/dist/shaka-player.ui.js"></script>`,
    body: (
      track,
    ) => `<div id="container" style="width: 960px"><video id="player" muted style="width: 100%"></video></div>
      <script>
      (async () => {
        const player = new shaka.Player();
        const video = document.querySelector('#player');
        await player.attach(video);
        new shaka.ui.Overlay(player, document.querySelector('#container'), video);
        await player.load('/video.mp4');
        await player.addThumbnailsTrack('${track}', 'text/vtt');
      })();</script>`,
  },
};

let folder: string;
let service: LocalService;
let browser: Browser;
let cdn: Server;
let site: Server;
let cdnAddress: string;
let siteAddress: string;
let pageText = '';
/** What the CDN was asked for. */
let fetched: string[] = [];
const videos = new Map<string, { type: string; bytes: Buffer }>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-'));
  for (const name of PACKAGES) unpack(name);
  await makeVideos();
  cdn = createServer((request, response) => void serveObject(request, response));
  site = createServer((request, response) => void serveSite(request, response));
  cdnAddress = `http://127.0.0.1:${await listen(cdn, 0)}`;
  siteAddress = `http://127.0.0.1:${await listen(site, 0)}`;
  [service, browser] = await Promise.all([LocalService.start(), launchBrowser()]);
  const clip = videos.get('/video.mp4')?.bytes ?? Buffer.alloc(0);
  for (const [name, PUBLIC_URL] of [
    ['relative', ''],
    ['absolute', cdnAddress],
  ] as const) {
    service.setUserData({ PUBLISH: 'vtt,storyboard,poster,index,sprite', SPRITE_WIDTH, PUBLIC_URL });
    await service.upload(`uploads/${name}.mp4`, clip);
    // The index is written last.
    await until(() => service.cloud.store.head(service.cloud.snapshotBucket, keyOf(name, 'snapshots.json')), {
      timeoutMs: 60_000,
    });
  }
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await closeServer(cdn);
  await closeServer(site);
  rmSync(folder, { recursive: true, force: true });
});

function unpack(name: string): void {
  const [packed = ''] = execFileSync('npm', ['pack', '--silent', name], { cwd: folder, encoding: 'utf8' })
    .trim()
    .split('\n')
    .slice(-1);
  const target = path.join(folder, name.slice(0, name.lastIndexOf('@')));
  mkdirSync(target);
  execFileSync('tar', ['xzf', path.join(folder, packed), '--strip-components=1', '-C', target]);
}

async function makeVideos(): Promise<void> {
  const [mp4, stream] = await Promise.all([
    makeClip({ seconds: SECONDS }),
    makeClip({ seconds: SECONDS, container: 'mpegts' }),
  ]);
  const list = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:${SECONDS}\n#EXTINF:${SECONDS},\nvideo.ts\n#EXT-X-ENDLIST\n`;
  videos.set('/video.mp4', { type: 'video/mp4', bytes: await readFile(mp4) });
  videos.set('/video.ts', { type: 'video/mp2t', bytes: await readFile(stream) });
  videos.set('/video.m3u8', { type: 'application/vnd.apple.mpegurl', bytes: Buffer.from(list) });
}

const keyOf = (name: string, file: string) => `snapshots/uploads/${name}.mp4/${file}`;

/** As a CDN in front of the bucket: plain GET, no signature, and nothing but the folder of pictures. */
async function serveObject({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
  fetched.push(url);
  const key = decodeURIComponent(url.slice(1));
  const object = key.startsWith('snapshots/')
    ? service.cloud.store.head(service.cloud.snapshotBucket, key)
    : undefined;
  if (object === undefined) return void response.writeHead(404).end();
  response.writeHead(200, {
    'content-type': object.contentType,
    'access-control-allow-origin': '*',
  });
  response.end(await readFile(object.filePath));
}

/** The page of somebody else: the player, its files and the video. */
async function serveSite({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  const video = videos.get(url);
  if (video !== undefined) {
    const [, from] = /^bytes=(\d+)-/.exec(headers.range ?? '') ?? [];
    const bytes = video.bytes.subarray(Number(from ?? 0));
    const range = `bytes ${from ?? 0}-${video.bytes.length - 1}/${video.bytes.length}`;
    response.writeHead(from === undefined ? 200 : 206, {
      'content-type': video.type,
      'content-length': bytes.length,
      'accept-ranges': 'bytes',
      ...(from !== undefined && { 'content-range': range }),
    });
    return void response.end(bytes);
  }
  if (url === '/watch/') return void response.writeHead(200, { 'content-type': 'text/html' }).end(pageText);
  const [, name = '', file = ''] = /^\/packages\/([^/]+)\/([^?]*)/.exec(url) ?? [];
  const root = name === 'plyr' ? path.join(ROOT, 'node_modules') : folder;
  const types: Record<string, string> = {
    '.js': 'text/javascript',
    '.css': 'text/css',
    '.svg': 'image/svg+xml',
  };
  try {
    const content = await readFile(path.join(root, name, file));
    response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' });
    // The network holds nothing but the registry.
    const text = String(content).replace(ON_A_CDN, '/packages/$1/$2');
    response.end(path.extname(file) === '.js' ? text : content);
  } catch {
    response.writeHead(404).end();
  }
}

/** The time in seconds that the player shows when the bar is pointed at, read from the pixels. */
async function shownAt(page: Page, player: Player, seconds: number): Promise<number | undefined> {
  const box = await page.locator(player.bar).first().boundingBox();
  if (box === null) return undefined;
  const { x, y, width, height } = box;
  // Players wait for movement.
  await page.mouse.move(x + (width * seconds) / SECONDS - 3, y + height / 2);
  await page.mouse.move(x + (width * seconds) / SECONDS, y + height / 2);
  const picture = await page.locator(player.picture).first().boundingBox();
  if (picture === null || picture.width < 40) return undefined;
  const jpeg = await page.screenshot({ type: 'jpeg', quality: 95, clip: picture });
  return readFrameTimeMs(jpeg) / 1000;
}

describe.each(['storyboard.vtt', 'sprite.vtt'])('over plain HTTP, %s', (track) => {
  describe.each(['relative', 'absolute'])('with %s addresses', (addresses) => {
    const playing = Object.entries(PLAYERS).filter(
      ([, { needsSprite }]) => !needsSprite || track === 'sprite.vtt',
    );
    test.each(playing)('shows in %s the picture of the moment under the pointer', async (_, player) => {
      const address = `${cdnAddress}/${keyOf(addresses, track)}`;
      pageText = `<!doctype html><meta charset="utf-8">${player.head}<style>body { margin: 0; padding: 0 20px; width: 960px } ${NOTHING_OVER_PICTURES}</style>${player.body(address)}`;
      fetched = [];
      const { page, complaints } = await openPage(browser, { deviceScaleFactor: 2 });
      try {
        await page.goto(`${siteAddress}/watch/`);
        await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 1);
        // Some show their bar only when the video has been played.
        await page.locator('video').evaluate(async (video: HTMLVideoElement) => {
          await video.play();
          video.pause();
        });
        for (const [pointedAtSeconds, frameSeconds] of [
          [1, 0],
          [7, 5],
          [10.6, 10],
        ] as const) {
          const isRight = async () => (await shownAt(page, player, pointedAtSeconds)) === frameSeconds;
          // While the track or a picture is on its way, nothing can be read.
          await until(() => isRight().catch(() => false), {
            what: `the frame of ${frameSeconds} s on the bar at ${pointedAtSeconds} s; asked for: ${fetched.join(' ')}`,
          });
        }
      } catch (error) {
        throw new Error(`${String(error)}; ${fetched.join(' ')}; ${complaints.join('\n')}`);
      } finally {
        await page.context().close();
      }
    });
  });
});
