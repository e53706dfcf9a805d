import { CloudApi } from '../../../deploy/cloud-api';
import { closeServer, listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { LogBook } from '../../../local/lts/log-book';
import { createLts, type LtsOptions } from '../../../local/lts/server';

const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: '0123456789abcdef0123456789abcdef' };
const NOW_MS = Date.UTC(2026, 10, 27);

interface Answer {
  logs: { content: string; line_num: string; labels: object }[];
  count: number;
  isQueryComplete: boolean;
  scrollId?: string;
}

let close = async (): Promise<void> => {};
afterEach(() => close());

async function start(lines: readonly string[], behaviour: LtsOptions['behaviour'] = {}) {
  let nowMs = NOW_MS;
  const logs = new LogBook(() => nowMs++);
  const group = logs.createGroup('g', 7, {});
  const stream = logs.createStream(group.id, 's', undefined, {});
  nowMs = NOW_MS;
  logs.append(group.id, stream.id, lines);
  const server = createLts({ credentials: new Credentials(KEY), logs, behaviour });
  const endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  close = () => closeServer(server);
  const api = new CloudApi({
    region: 'ap-southeast-3',
    projectId: KEY.projectId,
    credentials: KEY,
    endpoints: { lts: endpoint },
  });
  const path = `/v2/${KEY.projectId}/groups/${group.id}/streams/${stream.id}/content/query`;
  const times = { start_time: String(NOW_MS), end_time: String(NOW_MS + 1000) };
  return async (question: object) => {
    const { body } = await api.call('lts', { method: 'POST', path, body: { ...times, ...question } });
    const answer = body as Answer;
    return { ...answer, contents: answer.logs.map(({ content }) => content).join(' ') };
  };
}

test('lines within the time are returned in order, or newest first', async () => {
  const ask = await start(['a', 'b', 'c']);
  expect(await ask({})).toMatchObject({ contents: 'a b c', count: 3, isQueryComplete: true });
  expect((await ask({ is_desc: true })).contents).toBe('c b a');
  expect((await ask({ start_time: String(NOW_MS + 1), end_time: String(NOW_MS + 1) })).contents).toBe('b');
});

test('line_num continues behind a line, also among lines of the same time', async () => {
  const ask = await start(['a', 'b', 'c', 'd', 'e']);
  const first = await ask({ limit: 2 });
  expect(first.logs.every(({ line_num }) => /^\d{19}$/.test(line_num))).toBe(true);
  const second = await ask({ limit: 2, line_num: first.logs[1]!.line_num, search_type: 'forwards' });
  expect([first.contents, second.contents]).toEqual(['a b', 'c d']);
  const back = await ask({
    limit: 2,
    is_desc: true,
    line_num: second.logs[0]!.line_num,
    search_type: 'forwards',
  });
  expect(back.contents).toBe('b a');
});

test('keywords are whole words, whatever the case, and all of them must be there', async () => {
  const ask = await start(['{"event":"api.answered","request_id":"r-1"}', 'request r-1x failed', 'r-1 done']);
  expect((await ask({ keywords: 'r-1' })).count).toBe(2);
  expect((await ask({ keywords: 'R-1 DONE' })).contents).toBe('r-1 done');
});

test('a long search answers in parts, each with the place to continue', async () => {
  const ask = await start(['a x', 'b', 'c', 'd x', 'e'], { linesPerSearch: 2 });
  const parts: string[] = [];
  let next = {};
  for (;;) {
    const { contents, isQueryComplete, scrollId } = await ask({ keywords: 'x', ...next });
    parts.push(contents);
    if (isQueryComplete) break;
    next = { scroll_id: scrollId };
  }
  expect(parts).toEqual(['a x', 'd x', '']);
});

test.each([
  [{ start_time: '1' }, 'start_time'],
  [{ limit: 101 }, 'limit'],
  [{ line_num: '1'.repeat(19) }, 'search_type'],
  [{ start_time: String(NOW_MS + 2000) }, 'start_time must not be later'],
])('%j is refused', async (question, named) => {
  const ask = await start([]);
  await expect(ask(question)).rejects.toThrow(new RegExp(`400 LTS.0009 .*${named}`));
});
