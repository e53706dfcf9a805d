import { copyFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Cloud } from '../local/cloud';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { launchBrowser } from '../test/browser/browser';
import { dropFiles } from '../test/browser/console-page';
import { bareEngineMs, MINUTE_POINTS, makeMinute } from './minute';
import { withFolder } from './process';
import { median } from './suite';

const CAPTURE_RUNS = 5;
const PAINT_RUNS = 7;
const TASKS_LISTED = 1000;
const SCROLL_SECONDS = 4;

function print(name: string, values: readonly number[], unit = 'ms'): void {
  const spread = `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)}`;
  console.log(
    `  ${name.padEnd(44)} ${median(values).toFixed(0).padStart(6)} ${unit}  (${spread}, n=${values.length})`,
  );
}

async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1920, height: 1000 }, ...options });
  // The compiler of this file marks functions with calls that the page does not know.
  await context.addInitScript('globalThis.__name = (named) => named;');
  return context.newPage();
}

/** Measures what a browser loads for the page, and then for the player, compressed. */
async function weigh(browser: Browser, root: string): Promise<void> {
  const page = await openPage(browser);
  const loaded = new Set<string>();
  page.on('response', (response) => {
    if (/\/_console\/([\w-]+\.(js|css|svg))?$/.test(response.url())) loaded.add(response.url());
  });
  await page.goto(root);
  await page.locator('.row-link').first().click();
  const ofThePage = [...loaded];
  await Promise.all([
    page.waitForResponse(/player\.css/),
    page.waitForResponse(/player\.svg/),
    page.getByRole('button', { name: 'Play' }).first().click(),
  ]);
  const ofThePlayer = [...loaded].filter((url) => !ofThePage.includes(url));
  await page.context().close();
  const kilobytes = async (urls: readonly string[]): Promise<string> => {
    const bodies = await Promise.all(urls.map(async (url) => (await fetch(url)).arrayBuffer()));
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(new Uint8Array(body)).length, 0);
    return `${(bytes / 1000).toFixed(1)} kB (${urls.length} files)`;
  };
  console.log('\nweight, gzipped');
  console.log(`  the page                ${await kilobytes(ofThePage)}`);
  console.log(`  the player, when wanted ${await kilobytes(ofThePlayer)}`);
}

/** Milliseconds to the first text on the screen, in a browser with an empty cache. */
async function firstPaint(browser: Browser, root: string): Promise<number> {
  const page = await openPage(browser);
  await page.goto(root);
  // The browser reports the paint a moment later.
  const paint = await page.waitForFunction(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  );
  const paintMs = Number(await paint.jsonValue());
  await page.context().close();
  return paintMs;
}

/** When pictures were on the screen, in ms since the drop. */
interface PictureTimes {
  firstMs?: number;
  allMs?: number;
}

/** Runs in the page: notes when the first and when all pictures of the gallery are shown, after the next drop. */
function watchPictures(count: number): void {
  const times: PictureTimes = {};
  (window as unknown as { pictureTimes: PictureTimes }).pictureTimes = times;
  const watch = (): void => {
    const startedAt = performance.now();
    const look = (): void => {
      const pictures = [...document.querySelectorAll<HTMLImageElement>('.gallery img')];
      const visible = pictures.filter(({ complete, naturalWidth }) => complete && naturalWidth > 0).length;
      if (visible > 0) times.firstMs ??= performance.now() - startedAt;
      if (visible >= count) times.allMs = performance.now() - startedAt;
      else requestAnimationFrame(look);
    };
    look();
  };
  addEventListener('drop', watch, { capture: true, once: true });
}

/** Measures the time from the drop to the first and to all pictures on the screen, and that of the engine alone. */
async function dropToFrames(browser: Browser, root: string, folder: string): Promise<void> {
  const clip = await makeMinute();
  const bare: number[] = [];
  const first: number[] = [];
  const all: number[] = [];
  for (let run = 0; run < CAPTURE_RUNS; run++) {
    bare.push(await bareEngineMs(clip));
    const file = path.join(folder, `run-${run}.mp4`);
    await copyFile(clip, file);
    const page = await openPage(browser);
    await page.goto(`${root}/_console/#/videos/${encodeURIComponent(`videos/uploads/run-${run}.mp4`)}`);
    await page.getByText('Drop videos anywhere').waitFor();
    await page.evaluate(watchPictures, MINUTE_POINTS.length);
    await dropFiles(page, [file]);
    const isDone = () =>
      (window as unknown as { pictureTimes: PictureTimes }).pictureTimes.allMs !== undefined;
    await page.waitForFunction(isDone, undefined, { timeout: 60_000 });
    const times = await page.evaluate(
      () => (window as unknown as { pictureTimes: PictureTimes }).pictureTimes,
    );
    first.push(times.firstMs ?? Number.NaN);
    all.push(times.allMs ?? Number.NaN);
    await page.context().close();
  }
  console.log(`\nfrom the drop of 60 s of 1080p to its ${MINUTE_POINTS.length} frames`);
  print('bare engine, in a running process', bare);
  print('first frame on the screen', first);
  print('all frames on the screen', all);
}

/** Lists many tasks, each with a picture, as copies of a real one. */
function addTasks(cloud: Cloud, count: number): void {
  const { tasks } = cloud.mpc;
  const done = tasks.list().find(({ status }) => status === 'SUCCEEDED');
  if (done === undefined) throw new Error('no task has been done yet');
  for (let number = 0; number < count; number++) {
    const { id: _id, pictures, endedAtMs: _endedAtMs, ...rest } = done;
    const input = { ...done.input, object: `uploads/season 2/episode ${number}.mp4` };
    const task = tasks.add({ ...rest, input, status: 'WAITING', createdAtMs: Date.now() });
    tasks.start(task);
    for (const name of pictures) tasks.addPicture(task, name);
    tasks.succeed(task, Date.now(), {});
  }
}

/** Measures the frames per second and the longest frame while the wheel turns without a break. */
async function scroll(browser: Browser, root: string): Promise<void> {
  const page = await openPage(browser, { viewport: { width: 1280, height: 900 } });
  await page.goto(root);
  await page.locator('.row-link').first().waitFor();
  await page.mouse.move(700, 600);
  const frames = page.evaluate(
    (lengthMs) =>
      new Promise<number[]>((resolve) => {
        const moments: number[] = [];
        const next = (now: number): void => {
          moments.push(now);
          const [begin = now] = moments;
          if (now - begin < lengthMs) requestAnimationFrame(next);
          else resolve(moments.slice(1).map((moment, index) => moment - (moments[index] ?? moment)));
        };
        requestAnimationFrame(next);
      }),
    SCROLL_SECONDS * 1000,
  );
  let isScrolling = true;
  void frames.finally(() => {
    isScrolling = false;
  });
  while (isScrolling) await page.mouse.wheel(0, 220);
  const lengths = await frames;
  const sum = lengths.reduce((total, length) => total + length, 0);
  const reached = await page.evaluate(() => Math.round(scrollY));
  console.log(`\n${TASKS_LISTED} tasks in the list, scrolled through ${reached} px without a break`);
  console.log(
    `  ${((lengths.length * 1000) / sum).toFixed(1)} frames a second, the longest frame ${Math.max(...lengths).toFixed(0)} ms`,
  );
  await page.context().close();
}

async function main(): Promise<void> {
  console.log(`Node.js ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`);
  const cloud = await startDeployedCloud({ port: 0 });
  const browser = await launchBrowser();
  const root = cloud.addresses.gateway;
  try {
    const paint = await firstPaint(browser, root);
    await withFolder((folder) => dropToFrames(browser, root, folder));
    await weigh(browser, root);
    const paints: number[] = [];
    for (let run = 0; run < PAINT_RUNS; run++) paints.push(await firstPaint(browser, root));
    console.log(
      `\nfirst paint, nothing in the browser's cache\n  ${paint.toFixed(0)} ms the first time, while the page is bundled`,
    );
    print('afterwards', paints);
    addTasks(cloud, TASKS_LISTED);
    await scroll(browser, root);
  } finally {
    await browser.close();
    await cloud.close();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
