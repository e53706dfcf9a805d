import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { LocalService } from './local-service';

const ROOT = path.resolve(__dirname, '..', '..');
const PAGES = [
  'README.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => `docs/${file}`),
];
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** A command that a page shows, and the answer in JSON that stands below it. */
interface Shown {
  page: string;
  command: string;
  answer: string | undefined;
}

const SHOWN: Shown[] = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^<!-- run -->\n```sh\n(.*?)^```\n(?:```json\n(.*?)^```\n)?/gms)].map(
    ([, command = '', answer]) => ({ page, command, answer }),
  ),
);

let service: LocalService;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'documents-'));
  // An answer that is an error ends the command.
  writeFileSync(path.join(folder, '.curlrc'), 'fail\nsilent\nshow-error\n');
  service = await LocalService.start();
  await service.upload('uploads/sample.mp4', readFileSync(path.join(ROOT, 'tools/sample-video/sample.mp4')));
  await service.finalTaskOf('uploads/sample.mp4');
}, 60_000);
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(command, args, { cwd: ROOT, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

// One cloud for all, in the order of the pages: ids of tasks count up, as they do for a reader.
test.each(SHOWN)('what $page shows can be run: $command', async ({ command, answer }) => {
  const { gateway, obs } = service.cloud.addresses;
  const ran = command.replaceAll('http://127.0.0.1:4000', gateway).replaceAll('http://127.0.0.1:4001', obs);
  const { code, stdout, stderr } = await run('sh', ['-ec', ran], {
    CURL_HOME: folder,
    API_ENDPOINT: gateway,
  });
  expect(code === 0 ? '' : stderr).toBe('');
  expect(stdout).not.toBe('');
  // Where the page leaves nothing out with "…", the answer has the same fields.
  if (answer !== undefined && !answer.includes('…')) {
    expect(Object.keys(JSON.parse(stdout))).toEqual(Object.keys(JSON.parse(answer)));
  }
});

describe('a webhook is verified by what docs/webhooks.md shows for', () => {
  const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const BODY = '{"type":"snapshots.succeeded","key":"é"}';
  const snippet = (language: string) =>
    new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(read('docs/webhooks.md'))?.[1] ?? '';
  const headersAt = (date: Date) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(date.getTime() / 1000)),
    'webhook-signature': `v1,AAAA ${new Webhook(SECRET).sign('msg_1', date, BODY)}`,
  });
  const now = new Date();
  const CASES = [
    { headers: headersAt(now), body: BODY },
    { headers: headersAt(now), body: `${BODY} ` },
    { headers: headersAt(new Date(now.getTime() - 600_000)), body: BODY },
    { headers: { ...headersAt(now), 'webhook-id': 'msg_2' }, body: BODY },
  ];
  const EXPECTED = '[true,false,false,false]';

  test('Node.js', async () => {
    const file = path.join(folder, 'webhook.mjs');
    writeFileSync(
      file,
      `${snippet('js')}\nconsole.log(JSON.stringify(JSON.parse(process.argv[2]).map(({ headers, body }) => isGenuine(headers, body, process.argv[3]))));`,
    );
    const { stdout } = await run(process.execPath, [file, JSON.stringify(CASES), SECRET]);
    expect(stdout.trim()).toBe(EXPECTED);
  });

  test('Python, where there is one', async () => {
    if ((await run('python3', ['-c', 'str.removeprefix'])).code !== 0) return;
    const program = `${snippet('python')}
import json, sys
print(json.dumps([is_genuine(c["headers"], c["body"].encode(), sys.argv[2]) for c in json.loads(sys.argv[1])], separators=(",", ":")))`;
    const { stdout } = await run('python3', ['-c', program, JSON.stringify(CASES), SECRET]);
    expect(stdout.trim()).toBe(EXPECTED);
  });
});
