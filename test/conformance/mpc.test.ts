import { readFile } from 'node:fs/promises';
import { makeClip } from '../clip';
import { until } from '../wait';
import { conformance, IS_REAL, observe } from './conformance';

/** Longer than any that MPC gives out. */
const UNKNOWN_ID = '9999999999999999';
const FINAL = ['SUCCEEDED', 'FAILED', 'CANCELED'];

conformance('MPC', (session) => {
  let taskId: string;

  const taskOf = async (id: string) =>
    (await session().mpc('GET', { query: { task_id: id } })).body.task_array[0];
  const ended = (id: string) =>
    until(
      async () => {
        const task = await taskOf(id);
        return FINAL.includes(task?.status) ? task : undefined;
      },
      { what: `the end of task ${id}`, timeoutMs: IS_REAL ? 150_000 : 15_000 },
    );

  beforeAll(async () => {
    await session().put('clip.mp4', await readFile(await makeClip({ seconds: 3 })));
    const body = session().thumbnails('clip.mp4', { type: 'TIME', time: 1 });
    const created = await session().mpc('POST', { body });
    expect(created).toEqual({ status: 202, body: expect.objectContaining({ task_id: expect.anything() }) });
    taskId = String(created.body.task_id);
  });

  test('a wrong secret key is 401 APIGW.0301 with the canonical request', async () => {
    const { status, body } = await session().mpc('GET', { query: { task_id: taskId } }, 'wrong');
    expect([status, body.error_code]).toEqual([401, 'APIGW.0301']);
    expect(body.error_msg).toMatch(/^Incorrect IAM authentication information: .*canonicalRequest:GET\|/);
  });

  test('a task ends with pictures at the reported place that begin like a JPEG', async () => {
    const task = await ended(taskId);
    expect(task.status).toBe('SUCCEEDED');
    const names = task.thumbnail_info.map((picture: { pic_name: string }) => picture.pic_name);
    expect(names.length).toBeGreaterThan(1);
    const { SNAPSHOT_BUCKET } = session().environment;
    const directory = String(task.output.object).replace(/\/?$/, '/');
    expect(directory.startsWith(session().folder)).toBe(true);
    expect((await session().names(SNAPSHOT_BUCKET, { Prefix: directory })).sort()).toEqual(
      names.map((name: string) => directory.slice(session().folder.length) + name).sort(),
    );
    const { body } = await session().get(
      directory.slice(session().folder.length) + names[0],
      {},
      SNAPSHOT_BUCKET,
    );
    expect(body.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    observe('names of the pictures of a 3 s video, every second', names);
    observe('output.object ends with a slash', task.output.object.endsWith('/'));
  });

  test('a task in the list has the documented fields', async () => {
    const task = await ended(taskId);
    const { body } = await session().mpc('GET', { query: { task_id: taskId } });
    expect(body).toMatchObject({ is_truncated: 0, total: 1 });
    expect(String(task.task_id)).toBe(taskId);
    expect(String(task.create_time)).toMatch(/^\d{14}$/);
    expect(String(task.end_time)).toMatch(/^\d{14}$/);
    const { input, output } = session().thumbnails('clip.mp4', {});
    expect(task.input).toMatchObject(input);
    expect(task.output).toMatchObject({ bucket: output.bucket, location: output.location });
    observe('type of task_id and create_time', [typeof task.task_id, typeof task.create_time]);
  });

  test('repeating task_id asks for several ids', async () => {
    const { status, body } = await session().mpc('GET', { query: { task_id: [taskId, UNKNOWN_ID] } });
    expect(status).toBe(200);
    const known = body.task_array.filter((task: { status: string }) => task.status !== 'NO_TASK');
    expect(known.map((task: { task_id: string }) => String(task.task_id))).toEqual([taskId]);
  });

  test('an unknown id is left out of the list or has status NO_TASK', async () => {
    const { status, body } = await session().mpc('GET', { query: { task_id: UNKNOWN_ID } });
    expect(status).toBe(200);
    const states = (body.task_array ?? []).map((task: { status: string }) => task.status);
    expect([[], ['NO_TASK']]).toContainEqual(states);
    observe('list of an unknown id', body);
  });

  test('more than ten ids are 400 MPC.10202', async () => {
    const { status, body } = await session().mpc('GET', {
      query: { task_id: Array.from({ length: 11 }, (_, index) => String(index + 1)) },
    });
    expect([status, body.error_code]).toEqual([400, 'MPC.10202']);
  });

  test('pages are numbered from 0 or from 1', async () => {
    const task = await ended(taskId);
    // This very second only: the account may have other tasks.
    const range = { start_time: String(task.create_time), end_time: String(task.create_time), size: '1' };
    const page = async (number: string) => {
      const { status, body } = await session().mpc('GET', { query: { ...range, page: number } });
      if (status !== 200) return body;
      expect([0, 1]).toContain(body.is_truncated);
      return (body.task_array ?? []).map((one: { task_id: string }) => String(one.task_id));
    };
    const [zero, one] = [await page('0'), await page('1')];
    const first = [zero, one].findIndex((ids) => Array.isArray(ids) && ids.length === 1);
    expect(first).toBeGreaterThanOrEqual(0);
    // Where both show the same task, 0 is taken for 1.
    observe('page 0 and page 1 of a list, one task each', { zero, one });
  });

  test('a time of 101 s is 400 MPC.10202', async () => {
    const body = session().thumbnails('clip.mp4', { type: 'TIME', time: 101 });
    const answer = await session().mpc('POST', { body });
    expect([answer.status, answer.body.error_code]).toEqual([400, 'MPC.10202']);
  });

  test('a missing video is refused, or its task fails', async () => {
    const body = session().thumbnails('nothing.mp4', { type: 'TIME', time: 1 });
    const answer = await session().mpc('POST', { body });
    observe('create for a missing video', answer);
    if (answer.status === 202) {
      const task = await ended(String(answer.body.task_id));
      expect(task.status).toBe('FAILED');
      observe('description of its task', task.description);
    } else {
      expect(answer.body.error_code).toMatch(/^MPC\./);
    }
  });

  test('a finished task cannot be cancelled', async () => {
    await ended(taskId);
    const { status, body } = await session().mpc('DELETE', { query: { task_id: taskId } });
    expect(status).toBe(400);
    expect(['MPC.10212', 'MPC.10202']).toContain(body.error_code);
    expect((await taskOf(taskId)).status).toBe('SUCCEEDED');
    observe('cancel of a task that is over', body);
  });

  test('an unknown task cannot be cancelled', async () => {
    const { status, body } = await session().mpc('DELETE', { query: { task_id: UNKNOWN_ID } });
    expect([400, 403]).toContain(status);
    expect(['MPC.10211', 'MPC.10202', 'MPC.10212']).toContain(body.error_code);
    observe('cancel of an unknown task', { status, body });
  });

  test('a synchronous task answers with its one picture', async () => {
    const para = { type: 'DOTS', dots: [1], output_filename: 'poster' };
    const { output, ...rest } = session().thumbnails('clip.mp4', para, { sync: 1 });
    const { status, body } = await session().mpc('POST', {
      body: { ...rest, output: { ...output, object: `${session().folder}sync` } },
    });
    expect(status).toBe(202);
    observe('answer to a synchronous task', body);
    const made = await session().names(session().environment.SNAPSHOT_BUCKET, {
      Prefix: `${session().folder}sync`,
    });
    expect(made).toEqual([expect.stringMatching(/^sync\/.*\.jpg$/)]);
    expect(JSON.stringify(body)).toContain(made[0]?.split('/').at(-1));
  });
});
