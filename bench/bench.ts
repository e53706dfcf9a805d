import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleFunction, FUNCTION_NAMES } from '../deploy/bundle';
import { childProgram } from '../local/child-program';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { uploadFile } from '../local/commands/upload-file';
import { makeClip } from '../test/clip';

const ROOT = path.resolve(__dirname, '..');
/** Repetitions of each measurement; variants take turns, so that what disturbs the machine disturbs all of them. */
const LOAD_RUNS = 21;
const CAPTURE_RUNS = 7;
const START_RUNS = 3;

interface Series {
  name: string;
  valuesMs: number[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** One line per series: median, spread and the ratio of its median to that of the first one. */
function print(title: string, series: readonly Series[]): void {
  console.log(`\n${title}`);
  const base = median(series[0]?.valuesMs ?? []);
  for (const { name, valuesMs } of series) {
    const spread = `${Math.min(...valuesMs).toFixed(1)}–${Math.max(...valuesMs).toFixed(1)}`;
    console.log(
      `  ${name.padEnd(34)} ${median(valuesMs).toFixed(1).padStart(9)} ms  (${spread}, n=${valuesMs.length})  × ${(median(valuesMs) / base).toFixed(2)}`,
    );
  }
}

/** Runs a program in a fresh process and reads the number that it prints. */
function measure(args: readonly string[], cwd = ROOT): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('exit', (code) =>
      code === 0 ? resolve(Number(output.trim())) : reject(new Error(`exit code ${code}`)),
    );
  });
}

const LOAD =
  'const t = process.hrtime.bigint(); require(process.argv[1]); console.log(Number(process.hrtime.bigint() - t) / 1e6)';

/** How long `require` of a function takes in a fresh process. */
async function functionLoad(folder: string): Promise<void> {
  const variants = new Map<string, string>();
  for (const rival of ['empty', 'sdk-core-create']) {
    const file = path.join(folder, `${rival}.js`);
    await build({
      entryPoints: [path.join(__dirname, 'rivals', `${rival}.ts`)],
      outfile: file,
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      logLevel: 'silent',
    });
    variants.set(rival, file);
  }
  for (const name of FUNCTION_NAMES) {
    const file = path.join(folder, `${name}.js`);
    await writeFile(file, (await bundleFunction(name)).code);
    variants.set(name, file);
  }
  const series = [...variants].map(([name, file]) => ({ name, file, valuesMs: [] as number[] }));
  for (let run = 0; run < LOAD_RUNS; run++) {
    for (const { file, valuesMs } of series) valuesMs.push(await measure(['-e', LOAD, file]));
  }
  const rows = await Promise.all(
    series.map(async ({ name, file, valuesMs }) => ({
      name: `${name} (${((await stat(file)).size / 1000).toFixed(1)} kB)`,
      valuesMs,
    })),
  );
  print('function load: require() in a fresh process', rows);
  const [, rival, ...ours] = series;
  const share = Math.max(...ours.map(({ valuesMs }) => median(valuesMs))) / median(rival?.valuesMs ?? []);
  console.log(`  the slowest of the four takes ${(share * 100).toFixed(1)} % of the sdk-core variant's time`);
}

/** From the first byte of the upload to the last frame in the bucket, against the engine alone on file and points. */
async function uploadToFrames(): Promise<void> {
  const clip = await makeClip({
    seconds: 60,
    width: 1920,
    height: 1080,
    detailed: true,
    encoderOptions: { crf: '34' },
  });
  const cloud = await startDeployedCloud({ port: 0 });
  const bare: Series = { name: 'bare engine, in a running process', valuesMs: [] };
  const whole: Series = { name: 'upload → all frames visible', valuesMs: [] };
  const points = [...Array.from({ length: 12 }, (_, index) => index * 5000), 'last'];
  const engine = childProgram('../bench/bare-engine.ts');
  try {
    for (let run = 0; run < CAPTURE_RUNS; run++) {
      bare.valuesMs.push(await measure([engine, clip, JSON.stringify(points)]));
      const key = `uploads/run-${run}.mp4`;
      const startedAt = performance.now();
      const done = new Promise<void>((resolve, reject) => {
        const stop = cloud.mpc.tasks.onChange((task) => {
          if (task.input.object !== key || task.endedAtMs === undefined) return;
          stop();
          if (task.pictures.length === points.length) resolve();
          else reject(new Error(`${task.status}: ${task.description ?? `${task.pictures.length} pictures`}`));
        });
      });
      await uploadFile(clip, key, cloud, () => {});
      await done;
      whole.valuesMs.push(performance.now() - startedAt);
    }
  } finally {
    await cloud.close();
  }
  print(`60 s of 1080p, ${points.length} frames of 640 px`, [bare, whole]);
}

/** `npm start` as typed, to the frames of the sample video on the screen. */
async function start(): Promise<void> {
  const series: Series = { name: 'npm start → frames of the sample', valuesMs: [] };
  for (let run = 0; run < START_RUNS; run++) {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const child = spawn('npm', ['start', '--silent', '--', '--once', '--port', '0'], { cwd: ROOT });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes(' frames, ')) series.valuesMs.push(performance.now() - startedAt);
      });
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
    });
  }
  print('from typed to seen', [series]);
}

async function main(): Promise<void> {
  console.log(`Node.js ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`);
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  try {
    await functionLoad(folder);
    await uploadToFrames();
    await start();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
