import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { Task } from '../../client/src';
import { closeServer, listen } from '../../local/http-server';
import { makeClip } from '../clip';
import { readFrameTimeMs } from '../read-frame-time';
import { until } from '../wait';
import { download, fetchDescribed, LocalService } from './local-service';

let service: LocalService;
let clip: Buffer;
const KEY = 'by-hand/clip.mp4';
const input = { bucket: 'videos', object: KEY };

beforeAll(async () => {
  clip = await readFile(await makeClip({ seconds: 12 }));
  service = await LocalService.start({ mpc: { callsPerMinute: 10_000, parallelTasks: 2 } });
  await service.upload(KEY, clip);
  await service.finalTaskOf(KEY);
}, 60_000);
afterAll(() => service.stop());

describe('POST /snapshots', () => {
  test('creates a task and answers 202 with its id and nothing else', async () => {
    const answer = await service.call('POST', '/snapshots', {
      input,
      thumbnail_para: { type: 'DOTS', dots: [1, 3] },
    });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ task_id: expect.stringMatching(/^\d+$/) });
    const task = await service.finalTask(String(answer.body.task_id));
    expect(task.status).toBe('SUCCEEDED');
    const shown = await Promise.all(
      (task.thumbnail_info ?? []).map(async ({ url }) => readFrameTimeMs(await download(url))),
    );
    expect(shown).toEqual([1000, 3000]);
  });

  test('answers a synchronous task with its picture', async () => {
    const answer = await service.call<Task>('POST', '/snapshots', {
      input,
      sync: 1,
      original_dir: 1,
      thumbnail_para: { type: 'DOTS_MS', dots_ms: [1500] },
    });
    expect(answer.status).toBe(202);
    expect(answer.body.thumbnail_info).toMatchObject([{ time: 1.5 }]);
    // The frame that is on the screen at 1.5 s began at 1.48 s.
    expect(readFrameTimeMs(await download(answer.body.thumbnail_info?.[0]?.url))).toBe(1480);
    const listed = await service.finalTask(answer.body.task_id);
    expect(listed.thumbnail_info).toMatchObject([{ time: 1.5 }]);
  });

  test('says why a synchronous task has no picture', async () => {
    const answer = await service.call('POST', '/snapshots', {
      input,
      sync: 1,
      thumbnail_para: { type: 'DOTS', dots: [9999] },
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      error_code: 'MPC.10212',
      error_msg: expect.stringMatching(/end|duration/i),
    });
  });

  test('a point past the end makes an asynchronous task fail with the reason', async () => {
    const { body } = await service.call('POST', '/snapshots', {
      input,
      thumbnail_para: { type: 'DOTS', dots: [9999] },
    });
    const task = await service.finalTask(String(body.task_id));
    expect(task).toMatchObject({ status: 'FAILED', description: expect.stringMatching(/end|duration/i) });
  });

  test('shows with dry_run what would be sent, and sends nothing', async () => {
    const before = service.cloud.mpc.tasks.list().length;
    const answer = await service.call('POST', '/snapshots?dry_run=true', {
      input,
      thumbnail_para: { type: 'DOTS', dots: [7] },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      request: {
        input: { bucket: 'videos', location: 'ap-southeast-3', object: KEY },
        output: { bucket: 'snapshots', location: 'ap-southeast-3', object: `snapshots/${KEY}` },
      },
      pictures: { names: ['7.jpg'] },
    });
    expect(service.cloud.mpc.tasks.list()).toHaveLength(before);
  });

  test('refuses what MPC would refuse, before MPC sees it', async () => {
    const before = service.cloud.mpc.tasks.list().length;
    const answer = await service.call('POST', '/snapshots', {
      input,
      thumbnail_para: { type: 'TIME', time: 101 },
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error_code: 'MPC.10202',
      error_msg:
        'Invalid request parameter: thumbnail_para.time must be a whole number from 1 to 100 s, got 101',
      request_id: service.invocations.at(-1)?.requestId,
      details: [{ path: 'thumbnail_para.time', message: 'must be a whole number from 1 to 100 s, got 101' }],
    });
    expect(service.cloud.mpc.tasks.list()).toHaveLength(before);
  });

  test.each(['{"input":', '[]', 'null', '""', '', '{"input":{"bucket":{}}}'])(
    'answers 400 to the body %j',
    async (body) => {
      const answer = await service.call('POST', '/snapshots', body);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error_code: 'MPC.10202', request_id: expect.any(String) });
    },
  );

  test('a body of 7 MB is refused by the platform', async () => {
    const answer = await service.call('POST', '/snapshots', { input, user_data: 'x'.repeat(7_000_000) });
    expect(answer.status).toBe(413);
  });

  test('a missing input makes the task fail', async () => {
    const { body } = await service.call('POST', '/snapshots', { input: { ...input, object: 'nowhere.mp4' } });
    expect((await service.finalTask(String(body.task_id))).status).toBe('FAILED');
  });

  test('passes on MPC’s refusal of a synchronous task without input unchanged', async () => {
    const answer = await service.call('POST', '/snapshots', {
      input: { ...input, object: 'nowhere.mp4' },
      sync: 1,
    });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ error_code: 'MPC.10209' });
  });
});

describe('GET /snapshots', () => {
  test('lists tasks in MPC’s own form', async () => {
    const { status, body } = await service.call<{ task_array: Task[] }>(
      'GET',
      '/snapshots?status=SUCCEEDED&size=2',
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ is_truncated: expect.any(Number), total: expect.any(Number) });
    expect(body.task_array.length).toBeLessThanOrEqual(2);
    expect(body.task_array[0]).toMatchObject({ task_id: expect.any(String), status: 'SUCCEEDED' });
  });

  test('finds the tasks of a video without a task id, newest first', async () => {
    const { body: created } = await service.call('POST', '/snapshots', {
      input,
      thumbnail_para: { type: 'DOTS', dots: [2] },
    });
    const { body } = await service.call<{ task_array: Task[] }>(
      'GET',
      `/snapshots?object=${KEY}&bucket=videos`,
    );
    expect(body.task_array[0]?.task_id).toBe(created.task_id);
    expect(body.task_array.length).toBeGreaterThan(1);
  });

  test('answers an unknown video with an empty list', async () => {
    const { status, body } = await service.call('GET', '/snapshots?object=nobody/knows.mp4');
    expect(status).toBe(200);
    expect(body).toEqual({ task_array: [], is_truncated: 0, total: 0 });
  });

  test('answers an unknown task with 404', async () => {
    const { status, body } = await service.call('GET', '/snapshots/424242');
    expect(status).toBe(404);
    expect(body).toMatchObject({ error_code: 'MPC.10211', request_id: expect.any(String) });
  });

  test.each([
    ['size=101', 'size must be a whole number from 1 to 100'],
    ['status=DONE', 'status must be one of WAITING'],
    ['start_time=yesterday', 'start_time must be a UTC time as yyyymmddhhmmss'],
    ['task_id=1,2,3,4,5,6,7,8,9,10,11', 'task_id must be at most 10 ids'],
    ['object=a.mp4&bucket=elsewhere', 'bucket must be one of the allowed buckets videos'],
  ])('refuses %s', async (query, message) => {
    const { status, body } = await service.call('GET', `/snapshots?${query}`);
    expect(status).toBe(400);
    expect(body.error_msg).toContain(message);
  });

  test('an invalid task id is refused before MPC sees it', async () => {
    expect((await service.call('GET', '/snapshots/..%2F..')).status).toBe(400);
  });

  test('a temporary address expires when it says', async () => {
    const task = await service.finalTaskOf(KEY);
    const url = new URL(task.thumbnail_info?.[0]?.url ?? '');
    const lifetimeSeconds = Number(url.searchParams.get('Expires')) - Date.now() / 1000;
    expect(lifetimeSeconds).toBeGreaterThan(3500);
    expect(lifetimeSeconds).toBeLessThanOrEqual(3600);
    url.searchParams.set('Expires', '1');
    expect((await fetch(url)).status).toBe(403);
  });
});

describe('DELETE /snapshots/{task_id}', () => {
  let slow: LocalService;
  beforeAll(async () => {
    slow = await LocalService.start({ mpc: { behaviour: { queueDelayMs: 3_600_000 } } });
    await slow.upload(KEY, clip);
  }, 30_000);
  afterAll(() => slow.stop());

  const waitingTask = async (): Promise<string> => {
    const { body } = await slow.call('POST', '/snapshots', { input });
    return String(body.task_id);
  };

  test('takes a waiting task out of the queue and answers without a body', async () => {
    const taskId = await waitingTask();
    const response = await fetchDescribed(`${slow.cloud.addresses.gateway}/snapshots/${taskId}`, {
      method: 'DELETE',
    });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect((await slow.call('GET', `/snapshots/${taskId}`)).body).toMatchObject({ status: 'CANCELED' });
  });

  test('passes MPC’s refusal on when it is too late, and knows no other tasks than those of this service', async () => {
    const done = await service.finalTaskOf(KEY);
    const tooLate = await service.call('DELETE', `/snapshots/${done.task_id}`);
    expect(tooLate.status).toBe(400);
    expect(tooLate.body).toMatchObject({ error_code: 'MPC.10212' });
    const unknown = await service.call('DELETE', '/snapshots/424242');
    expect(unknown.status).toBe(404);
    expect(unknown.body).toMatchObject({ error_code: 'MPC.10211' });
  });

  test('on a timer, cancels what has waited for too long and leaves the rest', async () => {
    const old = await waitingTask();
    const young = await waitingTask();
    slow.cloud.mpc.tasks.get(old)!.createdAtMs -= 61 * 60_000;
    const { json } = await slow.invoke('cancel', {
      version: 'v2.0',
      time: '2023-06-01T08:30:00+08:00',
      trigger_type: 'TIMER',
      trigger_name: 'clean-up',
      user_event: '',
    });
    expect(json).toEqual({ seen: 1, cancelled: 1, too_late: 0, not_ours: 0, failed: 0 });
    expect((await slow.call('GET', `/snapshots/${old}`)).body).toMatchObject({ status: 'CANCELED' });
    expect((await slow.call('GET', `/snapshots/${young}`)).body).toMatchObject({ status: 'WAITING' });
  });
});

describe('when MPC fails', () => {
  let server: Server;
  let answer: (response: import('node:http').ServerResponse) => void;
  let broken: LocalService;

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume();
      answer(response);
    });
    const port = await listen(server, 0);
    broken = await LocalService.start({ faults: { shares: { drop: 1 }, seed: 1 } });
    // The same functions, told that MPC lives elsewhere.
    for (const deployed of broken.cloud.functiongraph.functions()) {
      const userData = JSON.parse(deployed.configuration.user_data ?? '{}');
      deployed.configuration.user_data = JSON.stringify({
        ...userData,
        MPC_ENDPOINT: `http://127.0.0.1:${port}`,
      });
    }
  }, 30_000);
  afterAll(async () => {
    await broken.stop();
    await closeServer(server);
  });

  const json = (status: number, body: unknown, headers: Record<string, string> = {}) => {
    answer = (response) => response.writeHead(status, headers).end(JSON.stringify(body));
  };

  test('rejected credentials are 502 for the caller, and the log names the cause without a secret', async () => {
    json(401, {
      error_msg:
        'Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:POST|/v1|x-security-token:SECRET',
      error_code: 'APIGW.0301',
      request_id: '5a63903e690bcd18d9ddf5c2ca75e827',
    });
    const { status, body } = await broken.call('POST', '/snapshots', { input });
    expect(status).toBe(502);
    expect(JSON.stringify(body)).not.toMatch(/SECRET|aksk|APIGW.0301/);
    const log =
      broken.invocations
        .at(-1)
        ?.outcome?.log.map(({ text }) => text)
        .join('\n') ?? '';
    expect(log).toContain('"failure":"credentials_rejected"');
    expect(log).toContain('APIGW.0301');
    expect(log).not.toContain('SECRET');
  });

  test('a used-up quota is 429 with the time until the next try', async () => {
    json(
      429,
      { error_code: 'APIGW.0308', error_msg: 'The throttling threshold has been reached' },
      { 'retry-after': '20' },
    );
    const { status, headers, body } = await broken.call('POST', '/snapshots', { input });
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBe('20');
    expect(body).toMatchObject({ error_code: 'APIGW.0308' });
  });

  test('an answer that is not JSON is 502', async () => {
    answer = (response) => response.writeHead(200).end('<html>');
    expect((await broken.call('GET', '/snapshots')).status).toBe(502);
  });

  test('a connection that breaks after the request left is 502 and not tried again', async () => {
    let calls = 0;
    answer = (response) => {
      calls += 1;
      response.destroy();
    };
    expect((await broken.call('POST', '/snapshots', { input })).status).toBe(502);
    expect(calls).toBe(1);
  });

  test('an upload whose capture cannot be started makes the invocation fail, so that it is tried again', async () => {
    json(500, { error_code: 'MPC.10050', error_msg: 'System error' });
    await broken.upload('a.mp4', Buffer.from('a video'));
    const result = await broken.invoke('on-upload', {
      Records: [
        {
          eventName: 'ObjectCreated:Put',
          s3: { bucket: { name: 'videos' }, object: { key: 'a.mp4', eTag: 'e', size: 9 } },
        },
      ],
    });
    expect(result.isError).toBe(true);
    expect(result.body).toContain('1 of 1 captures could not be started: a.mp4 (refused MPC.10050)');
  });
});

test('no answer from MPC within the function’s time is 504', async () => {
  const silent = createServer(() => {});
  const port = await listen(silent, 0);
  const waiting = await LocalService.start();
  try {
    for (const { configuration } of waiting.cloud.functiongraph.functions()) {
      const userData = JSON.parse(configuration.user_data ?? '{}');
      configuration.user_data = JSON.stringify({ ...userData, MPC_ENDPOINT: `http://127.0.0.1:${port}` });
      configuration.timeout = 3;
    }
    // On a machine that is too busy to let the function answer in its last moment, the platform ends it: 500.
    const { status, body } = await until(async () => {
      const answer = await waiting.call('POST', '/snapshots', { input });
      return answer.status === 500 ? undefined : answer;
    });
    expect(status).toBe(504);
    expect(body).toMatchObject({
      error_msg: expect.stringMatching(/^MPC did not answer in time; the task may exist: look for it/),
    });
  } finally {
    await waiting.stop();
    await closeServer(silent);
  }
});

test('wrong settings stop a function: the log lists them, and the caller learns nothing', async () => {
  const wrong = await LocalService.start();
  try {
    for (const deployed of wrong.cloud.functiongraph.functions())
      deployed.configuration.user_data = '{"REGION":"nowhere"}';
    const { status, body } = await wrong.call('GET', '/snapshots');
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('UPLOAD_BUCKETS');
    const log = wrong.invocations
      .at(-1)
      ?.outcome?.log.map(({ text }) => text)
      .join('\n');
    expect(log).toContain('UPLOAD_BUCKETS is required');
  } finally {
    await wrong.stop();
  }
});
