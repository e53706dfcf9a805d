import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { makeClip } from '../../clip';
import { LocalService } from '../../e2e/local-service';
import { until } from '../../wait';

let service: LocalService;
let root: string;
beforeAll(async () => {
  service = await LocalService.start();
  root = service.cloud.addresses.gateway;
}, 30_000);
afterAll(() => service.stop());

interface State {
  uploads: { key: string; remark?: string; tasks: { status: string; frames: { url: string }[] }[] }[];
}

/** Listens to what is pushed to the page. */
async function listen(): Promise<{ states: State[]; stop: () => void }> {
  const stop = new AbortController();
  const response = await fetch(`${root}/_console/state`, { signal: stop.signal });
  const states: State[] = [];
  const read = async () => {
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      states.push(...messages.map((message) => JSON.parse(message.replace(/^data: /, '')) as State));
    }
  };
  read().catch(() => {});
  return { states, stop: () => stop.abort() };
}

/** Uploads as the page does: asks for an address, then puts the file there from another origin. */
async function uploadFromPage(name: string, content: Uint8Array): Promise<string> {
  const answer = await fetch(`${root}/_console/upload-url?name=${encodeURIComponent(name)}`, {
    method: 'POST',
  });
  const { key, url } = (await answer.json()) as { key: string; url: string };
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: { origin: root, 'access-control-request-method': 'PUT' },
  });
  expect(preflight.headers.get('access-control-allow-origin')).toBe(root);
  expect((await fetch(url, { method: 'PUT', headers: { origin: root }, body: content })).status).toBe(200);
  return key;
}

test('the root leads to the page', async () => {
  const response = await fetch(root);
  expect(response.url).toBe(`${root}/_console/`);
  expect(await response.text()).toContain('<title>mpc-snapshots');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('a file dropped on the page is pushed back as a task with its frames', async () => {
  const page = await listen();
  const clip = await readFile(await makeClip({ seconds: 12 }));
  const key = await uploadFromPage('dropped <b>中</b>.mp4', clip);
  const upload = await until(() =>
    page.states
      .at(-1)
      ?.uploads.find((candidate) => candidate.key === key && candidate.tasks[0]?.status === 'SUCCEEDED'),
  );
  page.stop();
  expect(upload.tasks[0]?.frames).toHaveLength(4);
  for (const { url } of upload.tasks[0]?.frames ?? []) expect((await fetch(url)).status).toBe(200);
});

test('the page says why nothing was captured', async () => {
  const page = await listen();
  const key = await uploadFromPage('note.txt', Buffer.from('hello'));
  const upload = await until(() =>
    page.states.at(-1)?.uploads.find((candidate) => candidate.key === key && candidate.remark),
  );
  page.stop();
  expect(upload.remark).toBe('skipped: not_a_video');
});

test('a page elsewhere that resolves its own name to this machine sees nothing', async () => {
  const { port } = new URL(root);
  const status = await new Promise((resolve) => {
    request({ port, path: '/_console/state', headers: { host: 'evil.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  expect(status).toBe(403);
});
