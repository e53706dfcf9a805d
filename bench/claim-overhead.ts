import { createServer } from 'node:http';
import { handler as onUpload } from '../functions/on-upload';
import { closeServer, listen, readBody } from '../local/http-server';
import { createTask } from '../shared/cloud/mpc';
import type { FunctionContext } from '../shared/core/context';
import { openInvocation } from '../shared/installation/invocation';
import { outputDirectoryOf } from '../shared/installation/object-keys';
import { readUploads } from '../shared/uploads/upload-event';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../test/model/cloud-double';
import { median } from './suite';

/*
 * npm run bench:claims: what a claim costs an event. The same event goes through on-upload and through the same path
 * without claim and pace, in turns, with the same OBS and MPC, which answer after the given times.
 */

const WARM_UP = 20;
/** The time of each service for an answer, ms. The cloud's times are not published. */
const LATENCIES = [
  { obsMs: 0, mpcMs: 0 },
  { obsMs: 5, mpcMs: 100 },
  { obsMs: 10, mpcMs: 200 },
];

let obsCalls = 0;

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 200);
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true;
  const log = (line: string) => write(`${line}\n`);
  log(`events per row and side ${count}; medians of the time of one invocation\n`);
  log('OBS takes  MPC takes  without claim  with claim  more      OBS calls per event');
  for (const latency of LATENCIES) {
    const { server, origin } = await serve(latency);
    try {
      const { bare, claimed, obsCalls } = await compare(contextOf(origin), count);
      const more = `${(claimed - bare).toFixed(1)} ms (${((claimed / bare - 1) * 100).toFixed(0)} %)`;
      log(
        `${`${latency.obsMs} ms`.padEnd(9)}  ${`${latency.mpcMs} ms`.padEnd(9)}  ${`${bare.toFixed(1)} ms`.padEnd(13)}  ${`${claimed.toFixed(1)} ms`.padEnd(10)}  ${more.padEnd(16)}  ${obsCalls.toFixed(1)}`,
      );
    } finally {
      await closeServer(server);
    }
  }
}

async function compare(context: FunctionContext, count: number) {
  const times = { bare: [] as number[], claimed: [] as number[] };
  let sum = 0;
  for (let number = -WARM_UP; number < count; number++) {
    const bareMs = await timed(() => withoutClaim(event(`bare-${number}.mp4`), context));
    const before = obsCalls;
    const claimedMs = await timed(() => onUpload(event(`claimed-${number}.mp4`), context));
    if (number < 0) continue;
    sum += obsCalls - before;
    times.bare.push(bareMs);
    times.claimed.push(claimedMs);
  }
  return { bare: median(times.bare), claimed: median(times.claimed), obsCalls: sum / count };
}

/** on-upload without claims: it reads the event and creates the task. */
async function withoutClaim(uploaded: unknown, context: FunctionContext): Promise<void> {
  const invocation = openInvocation(context);
  const { region, snapshotBucket, captures } = invocation.settings;
  for (const { upload, skip } of readUploads(uploaded) ?? []) {
    if (skip) continue;
    await createTask(
      {
        input: { bucket: upload.bucket, location: region, object: upload.key },
        output: {
          bucket: snapshotBucket,
          location: region,
          object: outputDirectoryOf(upload, invocation.settings.outputDirectory),
        },
        thumbnail_para: captures[0].thumbnailPara,
        original_dir: 1,
      },
      invocation,
    );
  }
}

function event(key: string): unknown {
  const object = { key, eTag: 'e', size: 9 };
  return { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'videos' }, object } }] };
}

function contextOf(origin: string): FunctionContext {
  const userData: Record<string, string> = {
    REGION: 'ap-southeast-3',
    UPLOAD_BUCKETS: 'videos',
    SNAPSHOT_BUCKET: 'snapshots',
    MPC_ENDPOINT: origin,
    OBS_ENDPOINT: origin,
    MPC_REQUESTS_PER_MINUTE: '10000',
    MAX_UNFINISHED_TASKS: '100000',
  };
  return {
    getRequestID: () => 'bench',
    getRemainingTimeInMilliSeconds: () => 60_000,
    getProjectID: () => '77b6a44cba5143ab91d13ab9a8ff44fd',
    getFunctionName: () => 'on-upload',
    getUserData: (key) => userData[key],
    getSecurityAccessKey: () => 'AK',
    getSecuritySecretKey: () => 'SK',
    getSecurityToken: () => 'token',
  };
}

/** OBS and MPC on one port, with delayed answers. */
async function serve({ obsMs, mpcMs }: { obsMs: number; mpcMs: number }) {
  const cloud = new CloudDouble(['videos', 'snapshots'], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
  const server = createServer(async (request, response) => {
    const body = (await readBody(request, 100_000)).toString();
    const { method = '', url = '', headers } = request;
    const isMpc = url.startsWith('/v1/');
    if (!isMpc) obsCalls += 1;
    const ms = isMpc ? mpcMs : obsMs;
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    const answer = cloud.handle({ method, path: url, headers: headers as Record<string, string>, body });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  return { server, origin: `http://127.0.0.1:${await listen(server, 0)}` };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

void main();
