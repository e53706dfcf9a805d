import { createServer, type IncomingMessage, type Server } from 'node:http';
import { closeServer, listen, readBody } from '../../local/http-server';
import { DEFAULT_BEHAVIOUR } from '../../local/mpc/behaviour';
import { parseCreateThumbnailsRequest } from '../../local/mpc/operations/create-thumbnails-request';

export const UPLOAD_BUCKETS = ['videos', 'archive'];
export const SNAPSHOT_BUCKET = 'snapshots';
export const UPLOAD_PREFIX = 'uploads/';

/** A request that reached MPC or OBS. */
export interface RecordedRequest {
  service: 'MPC' | 'OBS';
  method: string;
  /** Of an OBS request, from its path. */
  bucket: string;
  /** Of an OBS request, decoded; empty for the bucket itself. */
  key: string;
  query: URLSearchParams;
  body: string;
}

/** The body of a create call. */
export interface CreateBody {
  input: { bucket: string; location: string; object: string };
  output: { bucket: string; location: string; object: string };
  thumbnail_para: Record<string, unknown>;
  user_data?: string;
  sync?: number;
}

/**
 * MPC and OBS on one port, always well: answers at once, keeps nothing, and remembers every request. A create call that
 * the documents forbid is answered with 418.
 */
export class RecordingServices {
  requests: RecordedRequest[] = [];
  /** Text that MPC answers to the next list calls in place of its own. */
  listAnswer: string | undefined;
  #taskCount = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (incoming, outgoing) => {
      const request = await record(incoming);
      this.requests.push(request);
      const { status, body } = request.service === 'MPC' ? this.#mpc(request) : obs(request);
      outgoing.writeHead(status).end(body);
    });
    // Some cases take no request for seconds; a connection must not be closed under the next one.
    this.#server.keepAliveTimeout = 120_000;
  }

  static async start(): Promise<{ services: RecordingServices; origin: string }> {
    const services = new RecordingServices();
    return { services, origin: `http://127.0.0.1:${await listen(services.#server, 0)}` };
  }

  stop(): Promise<void> {
    return closeServer(this.#server);
  }

  /** What was asked since the last call. */
  take(): RecordedRequest[] {
    const { requests } = this;
    this.requests = [];
    return requests;
  }

  #mpc({ method, query, body }: RecordedRequest): { status: number; body: string } {
    if (method === 'POST') {
      try {
        parseCreateThumbnailsRequest(Buffer.from(body), DEFAULT_BEHAVIOUR);
      } catch (error) {
        return { status: 418, body: JSON.stringify({ error_code: 'MPC.418', error_msg: String(error) }) };
      }
      this.#taskCount++;
      const picture = JSON.parse(body).sync === 1 ? { output_file_name: '0.jpg' } : {};
      return { status: 202, body: JSON.stringify({ task_id: this.#taskCount, ...picture }) };
    }
    if (method === 'DELETE') {
      const isTooLate = query.get('task_id')?.endsWith('7') === true;
      return isTooLate
        ? { status: 400, body: '{"error_code":"MPC.10212","error_msg":"The task is not waiting"}' }
        : { status: 204, body: '' };
    }
    if (this.listAnswer !== undefined) return { status: 200, body: this.listAnswer };
    const ids = query.getAll('task_id');
    const task_array = ids.length > 0 ? ids.filter((id) => !id.startsWith('9')).map(doneTask) : WAITING_TASKS;
    return { status: 200, body: JSON.stringify({ task_array, is_truncated: 0, total: task_array.length }) };
  }
}

const doneTask = (task_id: string) => ({
  task_id,
  status: 'SUCCEEDED',
  input: { bucket: 'videos', location: 'x', object: 'a.mp4' },
  output: { bucket: task_id.length % 2 ? SNAPSHOT_BUCKET : 'somebody-elses', location: 'x', object: '/a/' },
  thumbnail_info: [{ pic_name: '0.jpg' }, { pic_name: 'x_12.jpg' }],
});

/** Ids of old waiting tasks: one that this service created, one of its buckets that it did not, one of somebody else. */
const OWN_TASK = 'own';
export const STRANGE_TASK = 'strange';
export const FOREIGN_TASK = 'foreign';
const waitingTask = (task_id: string, bucket: string, user_data?: string) => ({
  task_id,
  status: 'WAITING',
  create_time: '20200101000000',
  input: { bucket, location: 'ap-southeast-3', object: `${task_id}.mp4` },
  output: { bucket: SNAPSHOT_BUCKET, location: 'ap-southeast-3', object: 'snapshots/a' },
  user_data,
});
const WAITING_TASKS = [
  waitingTask(OWN_TASK, 'videos', '{"mpc-snapshots":{"claim":"c"}}'),
  waitingTask(STRANGE_TASK, 'videos'),
  waitingTask(FOREIGN_TASK, 'somebody-elses'),
];

/** Most claims are settled, so that few events start a task; some names are free, some are taken by another request. */
function obs({ method, bucket, key }: RecordedRequest): { status: number; body: string } {
  if (method !== 'GET') return { status: 200, body: '' };
  if (key === '') return { status: 200, body: listing(bucket === SNAPSHOT_BUCKET ? [] : LISTED_KEYS) };
  return /[2-9a-f]\.json$/.test(key) && key.includes('/claims/')
    ? { status: 200, body: '{"state":"accepted","claimed_at_ms":1,"task_id":"5"}' }
    : /[89a-f]\.json$/.test(key) && key.includes('/requests/')
      ? { status: 200, body: '{"state":"accepted","claimed_at_ms":1,"task_id":"5","fingerprint":"other"}' }
      : { status: 404, body: '<Error><Code>NoSuchKey</Code><Message>none</Message></Error>' };
}

const LISTED_KEYS = ['uploads/a.mp4', 'uploads/b.mp4', 'uploads/note.txt'];
const listing = (keys: readonly string[]) =>
  `<ListBucketResult><IsTruncated>false</IsTruncated>${keys
    .map(
      (key) =>
        `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>9</Size></Contents>`,
    )
    .join('')}</ListBucketResult>`;

async function record(incoming: IncomingMessage): Promise<RecordedRequest> {
  const [path = '', query = ''] = (incoming.url ?? '').split('?');
  const [, first = '', ...rest] = path.split('/');
  const isMpc = /^\/v1\/[^/]+\/thumbnails$/.test(path);
  return {
    service: isMpc ? 'MPC' : 'OBS',
    method: incoming.method ?? '',
    bucket: isMpc ? '' : decodeURIComponent(first),
    key: isMpc ? '' : decodeURIComponent(rest.join('/')),
    query: new URLSearchParams(query),
    body: (await readBody(incoming, 10_000_000)).toString('utf8'),
  };
}
