import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { closeServer, listen } from '../../local/http-server';
import { until } from '../wait';
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

/** What reached a receiver. */
interface Delivery {
  id: string;
  timestamp: string;
  signatures: string;
  body: Buffer;
}

const SHOWN: Shown[] = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^<!-- run -->\n```sh\n(.*?)^```\n(?:```json\n(.*?)^```\n)?/gms)].map(
    ([, command = '', answer]) => ({ page, command, answer }),
  ),
);

const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
/** The installation signs with both, as while the secret is changed. */
const [NEW_SECRET, OLD_SECRET, OTHER_SECRET] = [secretOf(7), secretOf(8), secretOf(9)];
/** The first build compiles the standard library. */
const BUILD_TIMEOUT_MS = 180_000;

/** `test` where the tool is installed; elsewhere the test is skipped and its name says why. */
function whereThereIs(tool: string, ...args: string[]) {
  const { error, status } = spawnSync(tool, args);
  if (error === undefined && status === 0) return test;
  const why = error === undefined ? `\`${tool} ${args.join(' ')}\` fails` : `${tool} is not installed`;
  return (name: string, work: () => Promise<void>, timeoutMs?: number) =>
    test.skip(`${name} (skipped: ${why})`, work, timeoutMs);
}

/** A server that keeps the last notice that reached it. */
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const header = (name: string) => String(request.headers[name]);
  delivery = {
    id: header('webhook-id'),
    timestamp: header('webhook-timestamp'),
    signatures: header('webhook-signature'),
    body: Buffer.concat(chunks),
  };
  response.writeHead(204).end();
});

let delivery: Delivery;
let service: LocalService;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'documents-'));
  // An answer that is an error ends the command.
  writeFileSync(path.join(folder, '.curlrc'), 'fail\nsilent\nshow-error\n');
  service = await LocalService.start(
    {},
    {
      NOTIFY_URL: `http://127.0.0.1:${await listen(receiver, 0)}/`,
      NOTIFY_SECRET: `${NEW_SECRET} ${OLD_SECRET}`,
    },
  );
  await service.upload('uploads/sample.mp4', readFileSync(path.join(ROOT, 'tools/sample-video/sample.mp4')));
  await service.finalTaskOf('uploads/sample.mp4');
  await until(() => delivery !== undefined, { what: 'a notice' });
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await closeServer(receiver);
  rmSync(folder, { recursive: true, force: true });
});

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}, cwd = ROOT) {
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(command, args, { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
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
  const snippet = (language: string) =>
    new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(read('docs/webhooks.md'))?.[1] ?? '';
  const write = (name: string, text: string) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  /** Deliveries and the secret to verify each with, beside what is right. */
  function cases(): { delivery: Delivery; secret: string; genuine: boolean }[] {
    const { id, signatures, timestamp, body } = delivery;
    // The reference implementation signs what only the age makes wrong.
    const at = (ageSeconds: number): Delivery => {
      const date = new Date(Date.now() - ageSeconds * 1000);
      const signed = new Webhook(NEW_SECRET).sign(id, date, body.toString());
      return { id, timestamp: String(Math.floor(date.getTime() / 1000)), signatures: signed, body };
    };
    const [first = '', second = ''] = signatures.split(' ');
    const changed = (change: Partial<Delivery>) => ({ ...delivery, ...change });
    return [
      { delivery, secret: NEW_SECRET, genuine: true },
      { delivery, secret: OLD_SECRET, genuine: true },
      { delivery: changed({ signatures: `v1a,x ${second}` }), secret: OLD_SECRET, genuine: true },
      { delivery: at(240), secret: NEW_SECRET, genuine: true },
      { delivery, secret: OTHER_SECRET, genuine: false },
      { delivery: changed({ signatures: second }), secret: NEW_SECRET, genuine: false },
      { delivery: changed({ signatures: first.slice(3) }), secret: NEW_SECRET, genuine: false },
      { delivery: changed({ signatures: 'v1,é' }), secret: NEW_SECRET, genuine: false },
      { delivery: changed({ signatures: '' }), secret: NEW_SECRET, genuine: false },
      { delivery: changed({ id: 'msg_2' }), secret: NEW_SECRET, genuine: false },
      { delivery: changed({ timestamp: String(Number(timestamp) - 1) }), secret: NEW_SECRET, genuine: false },
      { delivery: changed({ timestamp: 'now' }), secret: NEW_SECRET, genuine: false },
      {
        delivery: changed({ body: Buffer.concat([body, Buffer.from(' ')]) }),
        secret: NEW_SECRET,
        genuine: false,
      },
      { delivery: at(600), secret: NEW_SECRET, genuine: false },
      { delivery: at(-600), secret: NEW_SECRET, genuine: false },
    ];
  }

  /** Runs a program on all cases: five arguments each, the body in base64. It prints a line for each. */
  async function expectVerified(command: string, args: string[]): Promise<void> {
    const all = cases();
    const given = all.flatMap(({ delivery: { id, timestamp, signatures, body }, secret }) => [
      id,
      timestamp,
      signatures,
      body.toString('base64'),
      secret,
    ]);
    const { stdout, stderr } = await run(command, [...args, ...given]);
    expect({ stderr, lines: stdout.trim().toLowerCase().split('\n') }).toEqual({
      stderr: '',
      lines: all.map(({ genuine }) => String(genuine)),
    });
  }

  test('Node.js', async () => {
    const program = `${snippet('js')}
      const given = process.argv.slice(2);
      for (let i = 0; i < given.length; i += 5) {
        const [id, timestamp, signatures, body, secret] = given.slice(i, i + 5);
        const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures };
        console.log(isGenuine(headers, Buffer.from(body, 'base64'), secret));
      }`;
    await expectVerified(process.execPath, [write('webhook.mjs', program)]);
  });

  whereThereIs(
    'python3',
    '-c',
    'str.removeprefix',
  )('Python', async () => {
    const program = `${snippet('python')}
import sys
given = sys.argv[1:]
for i in range(0, len(given), 5):
    id, timestamp, signatures, body, secret = given[i:i + 5]
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures}
    print(is_genuine(headers, base64.b64decode(body), secret))
`;
    await expectVerified('python3', [write('webhook.py', program)]);
  });

  whereThereIs('go', 'version')(
    'Go',
    async () => {
      mkdirSync(path.join(folder, 'go/webhook'), { recursive: true });
      write('go/go.mod', 'module example.com/receiver\n\ngo 1.19\n');
      write('go/webhook/webhook.go', snippet('go'));
      write(
        'go/main.go',
        `package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"

	"example.com/receiver/webhook"
)

func main() {
	for given := os.Args[1:]; len(given) > 0; given = given[5:] {
		header := http.Header{}
		for i, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			header.Set(name, given[i])
		}
		body, err := base64.StdEncoding.DecodeString(given[3])
		if err != nil {
			panic(err)
		}
		fmt.Println(webhook.IsGenuine(header, body, given[4]))
	}
}
`,
      );
      const program = path.join(folder, 'go/receiver');
      const built = await run('go', ['build', '-o', program, '.'], {}, path.join(folder, 'go'));
      expect(built.stderr).toBe('');
      await expectVerified(program, []);
    },
    BUILD_TIMEOUT_MS,
  );

  whereThereIs('javac', '-version')(
    'Java',
    async () => {
      const files = [
        write('Webhook.java', snippet('java')),
        write(
          'Receiver.java',
          `import java.util.Base64;

final class Receiver {
  public static void main(String[] given) throws Exception {
    for (int i = 0; i < given.length; i += 5) {
      byte[] body = Base64.getDecoder().decode(given[i + 3]);
      System.out.println(Webhook.isGenuine(given[i], given[i + 1], given[i + 2], body, given[i + 4]));
    }
  }
}
`,
        ),
      ];
      const built = await run('javac', ['-Xlint:all', '-d', folder, ...files]);
      expect(built.stderr).toBe('');
      await expectVerified('java', ['-Dfile.encoding=UTF-8', '-cp', folder, 'Receiver']);
    },
    BUILD_TIMEOUT_MS,
  );
});
