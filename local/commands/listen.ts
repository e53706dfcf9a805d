import * as z from 'zod';
import { asTyped } from '../../package-folder';
import { printable } from '../../printable';
import { closeServer, listen as listenAt } from '../http-server';
import { UsageError } from '../usage-error';
import { createReceiver, RECEIVER_FAULTS, type ReceivedNotice } from '../webhook-receiver';
import { readArguments, readInteger } from './arguments';
import { FAULT_OPTIONS, readFaults } from './fault-arguments';
import { stopSignal } from './stop-signal';
import { print } from './terminal';

export const OPTIONS = { port: { type: 'string' }, json: { type: 'boolean' }, ...FAULT_OPTIONS } as const;

/** None of the ports of the local cloud. */
const DEFAULT_PORT = 4010;
/** For the local cloud only. */
const LOCAL_SECRET = `whsec_${Buffer.from('a secret of the local cloud only').toString('base64')}`;

const Notice = z.object({
  type: z.string(),
  timestamp: z.string(),
  data: z.object({
    task_id: z.string(),
    video: z.object({ bucket: z.string().optional(), key: z.string().optional() }),
    description: z.string().optional(),
    index: z.string().optional(),
    track: z.string().optional(),
    poster: z.string().optional(),
  }),
});

/** Receives, verifies and prints notices until it is stopped. */
export async function listen(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, { options: OPTIONS });
  const wanted = readInteger('--port', values.port, [0, 65_535]) ?? DEFAULT_PORT;
  const given = process.env.NOTIFY_SECRET;
  const secret = given || LOCAL_SECRET;
  const server = createReceiver({
    secrets: secret.split(/[\s,]+/).filter((one) => one !== ''),
    faults: readFaults(values, RECEIVER_FAULTS),
    onNotice: (notice) => print(values.json === true ? noticeJson(notice) : noticeText(notice)),
  });
  const stopped = stopSignal();
  const port = await listenAt(server, wanted).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new UsageError(`port ${wanted} is taken by another program; choose another one with --port N`);
  });
  const url = `http://127.0.0.1:${port}/`;
  // Standard output is for the notices.
  process.stderr.write(
    `listening at ${url}; in another terminal: NOTIFY_URL=${url} ${given ? 'NOTIFY_SECRET=… ' : `NOTIFY_SECRET=${secret} `}${asTyped('npm start')}\n`,
  );
  await stopped;
  await closeServer(server);
  return 0;
}

/** Any page in a browser on this machine can send something here: only what is printable of it is printed. */
export function noticeText({ id, body, value, answer, refusal }: ReceivedNotice): string {
  const what =
    answer === 204
      ? ''
      : `  (answered ${answer === 'none' ? 'nothing' : answer}${refusal ? `: ${printable(refusal)}` : ''})`;
  const parsed = Notice.safeParse(value);
  if (!parsed.success) return `${printable(id) || 'no webhook-id'}${what}  ${printable(body.slice(0, 200))}`;
  const { type, timestamp, data } = parsed.data;
  const { video, task_id, description, index, track, poster } = data;
  const addresses = Object.entries({ index, track, poster, description })
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `\n  ${name.padEnd(12)}${printable(text ?? '')}`);
  const line = `${timestamp}  ${type}  ${video.bucket}/${video.key}  task ${task_id}`;
  return `${printable(line)}${what}${addresses.join('')}`;
}

/** One line of JSON, whatever was sent. */
export function noticeJson({ body, value }: ReceivedNotice): string {
  return printable(JSON.stringify(value ?? body));
}
