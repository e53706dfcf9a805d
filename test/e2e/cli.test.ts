import { randomInt } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LISTENERS, portOf } from '../../local/ports';
import { makeClip } from '../clip';
import { localCommand, spawnLocalCommand } from '../local-command';
import { until } from '../wait';
import { fetchDescribed } from './local-service';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cli-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('start', () => {
  test('shows the sample video’s frames and ends with 0', async () => {
    const { code, stdout } = await localCommand(['start', '--once', '--port', '0']);
    expect(stdout).toMatch(/uploads\/sample\.mp4: task \d+ made 5 frames/);
    expect(stdout).toMatch(
      /10 s {2}10\.jpg +http:\/\/127\.0\.0\.1:\d+\/snapshots\/snapshots\/uploads\/sample\.mp4\/10\.jpg\?/,
    );
    // A token of the functions, which are 2.4 KB long, would fill a screen for each picture.
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(220);
    expect(code).toBe(0);
  });

  test('takes your own videos, also of the same name or with an ending of UPLOAD_SUFFIXES, says why others have no frames, and ends with 1', async () => {
    const clip = await makeClip({ seconds: 2 });
    const broken = path.join(folder, 'broken.mp4');
    await writeFile(broken, 'no video');
    const text = path.join(folder, 'note.txt');
    await writeFile(text, 'hello');
    const empty = path.join(folder, 'empty.mp4');
    await writeFile(empty, '');
    const trailer = path.join(folder, 'trailer.clip');
    await copyFile(clip, trailer);
    const whole = await readFile(await makeClip({ seconds: 12, muxerOptions: { movflags: 'faststart' } }));
    const cut = path.join(folder, 'cut.mp4');
    await writeFile(cut, whole.subarray(0, whole.length * 0.6));
    const files = [clip, clip, trailer, broken, text, empty, cut];
    const { code, stdout } = await localCommand(['start', ...files, '--once', '--port', '0'], {
      env: { ...process.env, UPLOAD_SUFFIXES: '.mp4,.clip' },
    });
    expect(stdout.match(/made 2 frames/g)).toHaveLength(3);
    expect(stdout).toMatch(/uploads\/trailer\.clip: task \d+ made 2 frames/);
    expect(stdout).toMatch(/uploads\/broken\.mp4: task \d+ failed: .*it is text, not a video \(8 bytes\)/);
    expect(stdout).toMatch(
      /made 3 frames, .*\n {2}note: the pictures end at \d\.\d s, where the file states 12\.0 s/,
    );
    expect(stdout).toMatch(
      /uploads\/note\.txt: no capture was started: not a video by its name: .*UPLOAD_SUFFIXES/,
    );
    expect(stdout).toContain('uploads/empty.mp4: no capture was started: the file is empty (0 bytes)');
    expect(code).toBe(1);
  });

  test.each(['--help', '-h'])('%s prints the help of the command and starts nothing', async (option) => {
    const { code, stdout } = await localCommand(['start', '--once', option]);
    expect(stdout).toMatch(/^start {3}starts the local cloud/);
    expect(stdout).toContain('--once');
    expect(code).toBe(0);
  });

  test('is what an option without a command means', async () => {
    expect(await localCommand(['--port', 'many'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--port must be/),
    });
  });

  test('ends quietly when nobody reads its output any more, and leaves no folder behind', async () => {
    const TMPDIR = await mkdtemp(path.join(folder, 'temporary-'));
    const child = spawnLocalCommand(['start', '--port', '0'], { ...process.env, TMPDIR });
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout?.once('data', () => child.stdout?.destroy());
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readdir(TMPDIR)).filter((name) => name.startsWith('mpc-snapshots-'))).toEqual([]);
  });

  test('names a missing file', async () => {
    expect(await localCommand(['start', 'nowhere.mp4'])).toMatchObject({
      code: 2,
      stderr: 'there is no file nowhere.mp4\n',
    });
    expect(await localCommand(['start', folder])).toMatchObject({
      code: 2,
      stderr: `${folder} is a folder: name the videos in it, for example ${path.join(folder, '*.mp4')}\n`,
    });
  });

  test('names a port in use and says how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await localCommand(['start', '--once', '--port', String(port)]);
    other.close();
    expect(stderr).toBe(
      `port ${port} is taken by another program; choose others with --port N, or free ones with --port 0\n`,
    );
    expect(code).toBe(2);
  });

  test.each([['--port', 'many'], ['--colour']])('refuses %s %s', async (...args) => {
    const { code, stderr } = await localCommand(['start', ...args]);
    expect(code).toBe(2);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  test.each([
    [
      'UPLOAD_SUFFIXES',
      'mp4',
      /^user data of .*: UPLOAD_SUFFIXES must be endings with their dot.*, got "mp4"\n$/,
    ],
    ['API_CREATES_PER_MINUTE', 'many', /^(serverless\.yml: .* must be a whole number .*, got "many"\n)+$/],
  ])('reports what is wrong with %s, without a stack', async (name, value, complaint) => {
    const { code, stderr } = await localCommand(['start', '--once', '--port', '0'], {
      env: { ...process.env, [name]: value },
    });
    expect(stderr).toMatch(complaint);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(2);
  });

  test('keeps objects and finished tasks when it is killed', async () => {
    const data = path.join(folder, 'data');
    const port = await freePort();
    const printed: string[] = [];
    const run = () => {
      const child = spawnLocalCommand(['start', '--port', String(port), '--data', data]);
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk) => printed.push(String(chunk)));
      return child;
    };
    const tasks = async () => {
      const answer = await fetchDescribed(`http://127.0.0.1:${port}/snapshots?status=SUCCEEDED`).catch(
        (error: unknown) => {
          // Not listening yet. What drifts from the description is another error.
          if ((error as Error).name !== 'TypeError') throw error;
        },
      );
      return answer?.status === 200
        ? ((await answer.json()) as { task_array: { task_id: string; thumbnail_info: { url: string }[] }[] })
            .task_array
        : [];
    };
    const first = run();
    const [before] = await until(async () => ((await tasks()).length > 0 ? tasks() : undefined), {
      timeoutMs: 25_000,
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${printed.join('')}`);
    });
    process.kill(-(first.pid ?? 0), 'SIGKILL');
    const second = run();
    try {
      const after = await until(
        async () => (await tasks()).find(({ task_id }) => task_id === before?.task_id),
        { timeoutMs: 25_000 },
      );
      expect(after.thumbnail_info).toHaveLength(5);
      for (const { url } of after.thumbnail_info) expect((await fetch(url)).status).toBe(200);
    } finally {
      process.kill(-(second.pid ?? 0), 'SIGKILL');
    }
  }, 60_000);
});

test.each([
  [['invoke', 'query', '-e', 'nowhere.json']],
  [['invoke', 'query', '--colour']],
  [['exec', '--seed', '--', 'true']],
  [['event', 'obs-put', '--size', 'large']],
  [['event', 'obs-put', '--colour']],
  [['sign-check', 'nowhere.json']],
])('what is wrong with %j is reported in one line', async (args) => {
  const { code, stdout, stderr } = await localCommand(args);
  expect(code).toBeGreaterThan(0);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^[^\n]+\n$/);
});

describe('exec', () => {
  test('gives the command the addresses and keys of a local cloud and returns its exit code', async () => {
    const program = path.join(folder, 'ask.mjs');
    await writeFile(
      program,
      `const answer = await fetch(process.env.API_ENDPOINT + '/snapshots');
       console.log(answer.status, Object.keys(process.env).filter((name) => /HUAWEICLOUD|ENDPOINT|BUCKET/.test(name)).sort().join(' '));
       process.exit(7);`,
    );
    const { code, stdout } = await localCommand(['exec', '--', 'node', program]);
    expect(stdout).toBe(
      '200 APIG_ENDPOINT API_ENDPOINT EG_ENDPOINT FUNCTIONGRAPH_ENDPOINT HUAWEICLOUD_SDK_AK HUAWEICLOUD_SDK_PROJECT_ID HUAWEICLOUD_SDK_REGION HUAWEICLOUD_SDK_SK IAM_ENDPOINT LTS_ENDPOINT MPC_ENDPOINT OBS_ENDPOINT SMN_ENDPOINT SNAPSHOT_BUCKET UPLOAD_BUCKET\n',
    );
    expect(code).toBe(7);
  });

  test('says that a command is not there, with a shell’s exit code', async () => {
    expect(await localCommand(['exec', '--', 'no-such-command'])).toMatchObject({ code: 127 });
  });
});

describe('event and invoke', () => {
  test.each([
    ['obs-put', { Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'a%2Fb+c.mp4' } } }] }],
    [
      'obs-put-v3',
      { Records: [{ eventName: 'ObjectCreated:Put', obs: { object: { key: 'a%2Fb+c.mp4' } } }] },
    ],
    ['eventgrid', { specversion: '1.0', data: { obs: { object: { key: 'a%2Fb+c.mp4' } } } }],
  ])('event %s prints an event of that shape', async (kind, expected) => {
    const { stdout } = await localCommand(['event', kind, '--key', 'a/b c.mp4']);
    expect(JSON.parse(stdout)).toMatchObject(expected);
  });

  test('event timer and event apig print events of those triggers', async () => {
    expect(JSON.parse((await localCommand(['event', 'timer', '--name', 'clean-up'])).stdout)).toMatchObject({
      trigger_type: 'TIMER',
      trigger_name: 'clean-up',
    });
    const { stdout } = await localCommand(['event', 'apig', '--method', 'DELETE', '--path', '/snapshots/12']);
    expect(JSON.parse(stdout)).toMatchObject({
      httpMethod: 'DELETE',
      path: '/snapshots/12',
      pathParameters: { task_id: '12' },
    });
  });

  test('an event can be piped into a function', async () => {
    const { stdout: event } = await localCommand(['event', 'timer']);
    const { code, stdout } = await localCommand(['invoke', 'cancel', '-e', '-'], { input: event });
    expect(JSON.parse(stdout)).toEqual({ seen: 0, cancelled: 0, too_late: 0, not_ours: 0, failed: 0 });
    expect(code).toBe(0);
  });

  test('a function that fails ends with 1 and its error', async () => {
    const file = path.join(folder, 'event.json');
    await writeFile(file, '{"no":"event"}');
    const { code, stdout } = await localCommand(['invoke', 'on-upload', '-e', file]);
    expect(stdout).toContain('not an OBS event');
    expect(code).toBe(1);
  });

  test.each([[['event', 'nonsense']], [['invoke', 'nonsense']], [['nonsense']], [['nonsense.mp4']]])(
    '%j is answered with the valid names',
    async (args) => {
      const { code, stderr } = await localCommand(args);
      expect(code).toBeGreaterThan(0);
      expect(stderr).toContain('nonsense');
    },
  );
});

test('the package asks for the Node.js that the command line checks', async () => {
  const { engines } = JSON.parse(await readFile(path.join(__dirname, '..', '..', 'package.json'), 'utf8'));
  expect(engines.node).toBe('>=20.19');
});

/** The first of as many free ports as the local cloud listens at, below those that the system hands out to others meanwhile. */
async function freePort(): Promise<number> {
  for (;;) {
    const first = randomInt(10_000, 32_000);
    const probes = await Promise.all(LISTENERS.map((listener) => probe(portOf(listener, first))));
    for (const server of probes) server?.close();
    if (probes.every((server) => server !== undefined)) return first;
  }
}

function probe(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  return new Promise((resolve) => {
    server.once('listening', () => resolve(server));
    server.once('error', () => resolve(undefined));
  });
}
