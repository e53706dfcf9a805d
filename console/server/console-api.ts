/**
 * What the console page receives and requests. Plain types: the page, the
 * command line and the servers all import them.
 *
 * All addresses are relative to `/_console/`; every answer but pictures and videos is JSON in UTF-8.
 *
 * | request | answer |
 * |---|---|
 * | `GET events` | Server-Sent Events: one `state` (ConsoleState) at the beginning of each connection, then `change`s (ConsoleChange), and `alive` every 15 s |
 * | `GET state` | the same ConsoleState once |
 * | `GET frames?task=ID` | FrameList |
 * | `GET picture?task=ID&name=NAME` | 302 to a temporary address of the picture; made for `<img src>` |
 * | `GET results?task=ID` | Results |
 * | `GET file?task=ID&name=NAME` | 302 to a temporary address of a published file |
 * | `GET video?key=KEY` | 302 to a temporary address of the upload; made for `<video src>` |
 * | `GET invocation?id=REQUEST_ID` | InvocationDetail |
 * | `GET explain?key=KEY` | Explanation |
 * | `POST upload-url` UploadUrlRequest | UploadUrl: send the file there with PUT and **no** Content-Type header |
 * | `POST deliver` DeliverRequest | DeliverAnswer |
 * | `POST send-notice` SendNoticeRequest | SendNoticeAnswer |
 * | `POST fire` FireRequest | FireAnswer |
 * | `POST faults` FaultsRequest | the current FaultDial |
 *
 * A POST needs `Content-Type: application/json` (even where the body is `{}`) and comes from the
 * console's own origin. Everything refused is `{error}` (ConsoleError) with status 400, 403,
 * 404, 413 or 415; 502 when the deployed service does not answer.
 *
 * `GET api` is a page that describes the service's API from `GET openapi.json` and tries its operations.
 *
 * Tasks are cancelled, waited for and shown with the service's own API on the same origin, in the local cloud and
 * against the deployed functions alike: `DELETE /snapshots/{id}`, `GET /snapshots/{id}?wait=N`,
 * `GET /snapshots/{id}?format=vtt|html|poster|json`. Its errors are `{error_code, error_msg, request_id, details?}`.
 */

/** How many entries are kept and sent at most: the newest. */
export const LIMITS = {
  uploads: 2000,
  tasks: 2000,
  events: 500,
  invocations: 500,
  requests: 500,
  notices: 500,
  /** An hour of minutes, for some thirty callers and operations. */
  mpcCalls: 1800,
  faultsHit: 100,
  /** Of one attempt of an invocation. */
  logLines: 500,
} as const;

/** The panels of the page. A panel with a reason in `Service.unavailable` shows that reason only. */
export type Panel =
  | 'uploads'
  | 'tasks'
  | 'events'
  | 'invocations'
  | 'timers'
  | 'faults'
  | 'requests'
  | 'quota'
  | 'settings'
  | 'explain';

/** What the console looks at. */
export interface Service {
  kind: 'local' | 'deployed';
  /** For the head of the page: `local cloud`, or the stage, such as `prod`. */
  name: string;
  /** False: uploads, cancelling and everything else that changes something is refused. */
  canWrite: boolean;
  region: string;
  uploadBucket: string;
  snapshotBucket: string;
  /** Uploads through the page go to keys that begin with this. */
  uploadPrefix: string;
  /** What a client needs to know, under the names that the vendor's SDKs use. Of the local cloud only: its key opens nothing else. */
  environment?: Record<string, string>;
  commands: Commands;
  /** Panels that are not available, each with a sentence that says why. */
  unavailable: Partial<Record<Panel, string>>;
}

/** Commands as typed where this console was started: in a clone, or with the npm package. */
export interface Commands {
  /** The local cloud. */
  start: string;
  startWithFile: string;
  /** A receiver of webhooks to try them with. */
  listen: string;
  /** Starts this console again. */
  again: string;
}

/** Everything that the page shows. Lists begin with the newest entry. */
export interface ConsoleState {
  service: Service;
  uploads: Upload[];
  tasks: Task[];
  events: ObjectEvent[];
  invocations: Invocation[];
  timers: Timer[];
  faults: FaultDial;
  requests: RequestEntry[];
  notices: Notice[];
  mpcCalls: MpcCalls[];
  quota: Quota;
  settings: FunctionSettings[];
}

/**
 * What changed. A list holds the entries that are new or changed, whole: an entry with a known
 * identity (named at each type) replaces the old one, any other is new; the newest come first. Entries that
 * fell out of LIMITS are not mentioned: the page cuts its lists itself.
 */
export interface ConsoleChange {
  uploads?: Upload[];
  /** Keys of uploads that were deleted. */
  removedUploads?: string[];
  tasks?: Task[];
  events?: ObjectEvent[];
  invocations?: Invocation[];
  requests?: RequestEntry[];
  notices?: Notice[];
  mpcCalls?: MpcCalls[];
  /** These are always complete. */
  quota?: Quota;
  timers?: Timer[];
  faults?: FaultDial;
  settings?: FunctionSettings[];
}

/** A video in the upload bucket. Identity: `key`. Its tasks are those with the same `key` in the upload bucket. */
export interface Upload {
  key: string;
  sizeBytes: number;
  /** Milliseconds since 1970, like every `…Ms` that is a moment. */
  lastModifiedMs: number;
  /** What on-upload reported last about this key; absent when it never saw it. */
  report?: CaptureReport;
}

/** What the function on-upload reported for one key. */
export interface CaptureReport {
  outcome: 'started' | 'skipped' | 'failed';
  /** The reason code of a skipped upload (`already_started`, `not_a_video`, …), or the failure. */
  reason?: string;
  taskId?: string;
  timeMs: number;
  /** The invocation that reported it. */
  requestId: string;
}

export type TaskStatus = 'WAITING' | 'PROCESSING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';

/**
 * A snapshot task. Identity: `id`. Ids count up: the position of a WAITING task in the
 * queue is the number of WAITING tasks with a smaller id, plus one.
 */
export interface Task {
  id: string;
  status: TaskStatus;
  bucket: string;
  /** The video's key. */
  key: string;
  createdAtMs: number;
  /** Absent where it is unknown: the deployed MPC does not return it. */
  startedAtMs?: number;
  /** Set in the final states. */
  endedAtMs?: number;
  /** Why the task failed. */
  description?: string;
  /** The name of its capture, where an upload has several. */
  capture?: string;
  /** How many published files there are; absent where it takes a call to know. */
  publishedFiles?: number;
  /** Pictures so far. */
  frameCount: number;
  /** Name of one of them, for a small preview beside the task: `picture?task=…&name=…`. */
  cover?: string;
  /** True when the pictures are packed into one archive and cannot be shown one by one. */
  isArchive: boolean;
}

export interface FrameList {
  task: string;
  /** In the order of time, where it is known. */
  frames: Frame[];
}

export interface Frame {
  name: string;
  /** The second of the video that it shows; null where it is unknown. */
  timeSeconds: number | null;
  /** Relative to `/_console/`; can be kept, it does not expire. */
  url: string;
}

/** What a task left for sites and players. */
export interface Results {
  task: string;
  files: PublishedFile[];
  embed: EmbedAddresses;
}

/** A file that was written beside the pictures. */
export interface PublishedFile {
  name: string;
  /** In words, such as `Preview track`. */
  what: string;
  sizeBytes: number;
  /** Below PUBLIC_URL, or else the object's address in OBS, which opens only with the right to read the bucket. */
  address: string;
  /** A temporary address. Relative to `/_console/`. */
  url: string;
}

/** The addresses that a site embeds. */
export interface EmbedAddresses {
  video: string;
  poster?: string;
  /** WebVTT with one picture in each cue. */
  track?: string;
  /** WebVTT with parts of larger pictures, `#xywh=`. */
  spriteTrack?: string;
  /** What to know about these addresses. In whole sentences. */
  note: string;
}

/** A notice for the receiver at NOTIFY_URL. Identity: `id`. */
export interface Notice {
  /** Its `webhook-id`. */
  id: string;
  /** Such as `snapshots.succeeded`. */
  type: string;
  task: string;
  /** When the task ended. */
  timeMs: number;
  /** `gone`: it no longer waits; whether it was sent or given up is unknown. */
  state: 'due' | 'retrying' | 'sent' | 'given_up' | 'gone';
  /** Attempts so far. */
  attempts: number;
  /** The status that answered the last attempt, or why there was none. */
  lastAnswer?: string;
  lastAttemptAtMs?: number;
  /** Absent when there is no further attempt. */
  nextAttemptAtMs?: number;
}

/** Calls of MPC in one minute by one caller. Identity: `id`. */
export interface MpcCalls {
  id: string;
  /** Where the minute begins. */
  minuteMs: number;
  /** A function, or the id of an access key. */
  caller: string;
  /** Such as `create`. */
  operation: string;
  count: number;
  /** Of these, how many MPC refused because of its quota. */
  refused: number;
}

/** MPC's quota, how it is shared, and which uploads wait for it. */
export interface Quota {
  /** What MPC allows of each operation in a minute. */
  callsPerMinute: number;
  /** MPC_REQUESTS_PER_MINUTE and MPC_READS_PER_MINUTE, where they are set. */
  createsPerMinute?: number;
  readsPerMinute?: number;
  /** Why the calls of MPC are unknown. In whole sentences. */
  noCalls?: string;
  /** Waiting uploads. Absent without the right to read the records. */
  waiting?: WaitingUploads;
  /** Uploads that could not be started and are tried again. */
  later?: WaitingUploads;
  /** Of these, the ones that MPC refuses permanently: those that are tried next, and how many there are. */
  refused?: readonly RefusedUpload[];
  refusedCount?: number;
}

/** An upload that MPC refuses permanently: it is tried again after pauses of up to a day. */
export interface RefusedUpload {
  bucket: string;
  key: string;
  againAtMs: number;
}

export interface WaitingUploads {
  count: number;
  /** Absent when none waits. */
  oldestMs?: number;
}

/** An object was created or removed in a bucket that a trigger watches. Identity: `id`. */
export interface ObjectEvent {
  id: string;
  /** Such as `ObjectCreated:Put`. */
  name: string;
  bucket: string;
  key: string;
  timeMs: number;
  /** Names of the faults that hit it on its way: `duplicate`, `reorder`, `drop`, `delay`. */
  faults: string[];
  /** One for each time that the event reached a function; empty when it has not arrived. */
  deliveries: Delivery[];
}

/** An event that was delivered to a function, and the outcome. */
export interface Delivery {
  requestId: string;
  functionName: string;
  state: InvocationState;
  /** 1 for the first. */
  attempt: number;
  timeMs: number;
  /** True when it was requested with `deliver`. */
  isReplay: boolean;
}

export type InvocationState = 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'discarded';

/** A function's work on one event, over all attempts. Identity: `requestId`. */
export interface Invocation {
  requestId: string;
  functionName: string;
  /** `APIG`, `OBS`, `EVENTGRID`, `TIMER`, `SYNC`, `ASYNC` or `DESTINATION`. */
  trigger: string;
  state: InvocationState;
  /** What its event is about, where the event says so: a timer, or a message's task. */
  about?: string;
  /** When the event was accepted. */
  acceptedAtMs: number;
  attempts: Attempt[];
  /** Why the platform discarded the event. */
  discardReason?: string;
}

/** One attempt. */
export interface Attempt {
  /** 1 for the first; the number of retries is one less than the number of attempts. */
  number: number;
  startedAtMs: number;
  /** The fields below are set once it has ended. */
  durationMs?: number;
  memoryMb?: number;
  /** True when a new instance was started for it. */
  isCold?: boolean;
  isError?: boolean;
  logLineCount?: number;
}

export interface InvocationDetail extends Invocation {
  /** JSON text. */
  event: string;
  attempts: AttemptDetail[];
}

export interface AttemptDetail extends Attempt {
  log?: LogLine[];
  /** The result or the error, as the platform serialised it. */
  result?: string;
}

export interface LogLine {
  timeMs: number;
  /** `INFO`, `WARN`, `ERROR`, `DEBUG`. */
  level: string;
  text: string;
}

/** A timer trigger. Identity: `functionName` and `name`. */
export interface Timer {
  functionName: string;
  name: string;
  /** `Rate 5m` or `Cron …`. */
  schedule: string;
  isActive: boolean;
  /** Absent when it is not active or will never fire again. */
  nextAtMs?: number;
}

/** The faults between the services. */
export interface FaultDial {
  /** All faults, in the order of the page. */
  faults: Fault[];
  /** Whole number from 0 to 2³² − 1: the same seed makes the same decisions. */
  seed: number;
  /** The last hits, newest first. */
  hits: FaultHit[];
}

export interface Fault {
  name: string;
  /** In words. */
  effect: string;
  /** How often it happens, from 0 to 1. */
  share: number;
}

export interface FaultHit {
  name: string;
  /** The event or call that it hit. */
  what: string;
  timeMs: number;
}

/** A request to one of the services. Identity: `id`. */
export interface RequestEntry {
  id: string;
  /** The platform's name for it, such as `API Gateway`. */
  service: string;
  method: string;
  /** Path and query as received, without signatures. */
  path: string;
  status: number;
  errorCode?: string;
  /** The exact reason of a refusal, which the answer does not have. */
  detail?: string;
  timeMs: number;
  durationMs: number;
  /** A function, or the id of the access key that signed it. */
  caller?: string;
  /** The invocation that API Gateway started for it. */
  invocationId?: string;
  /** Set when the signature was refused. */
  signature?: SignatureVerdict;
}

/** Why a signature was refused. */
export interface SignatureVerdict {
  /** In whole sentences: the cause and what to do. */
  explanation: string;
  /** The first line in which what the client signed and what the service expects differ. */
  difference?: { line: string; client: string; service: string };
  /** The text that the service signed, where only that is known. */
  expected?: string;
}

/** How one function is deployed. Identity: `functionName`. */
export interface FunctionSettings {
  functionName: string;
  runtime: string;
  memoryMb: number;
  timeoutSeconds: number;
  /** Absent: no limit. */
  maxInstances?: number;
  /** In words, such as `OBS videos s3:ObjectCreated:*`. */
  triggers: string[];
  /** User data by key. What is not set has the default of docs/settings.md; encrypted values are not shown. */
  userData: Record<string, string>;
}

/** Why a key was captured, or why not. */
export interface Explanation {
  bucket: string;
  key: string;
  verdict: 'captured' | 'in_progress' | 'not_captured' | 'not_found';
  /**
   * The cause in one word, to be looked up in docs/uploads-and-captures.md: what on-upload reported (`not_a_video`,
   * `own_output`, …), or `no_such_object`, `no_task`, `no_trigger`, `no_event`, `no_report`,
   * `event_dropped`, `event_discarded`, `event_on_its_way`, `invocation_failed`, `invocation_retrying`,
   * `started`, `waiting`, `processing`, `succeeded`, `failed`, `cancelled`.
   */
  reason: string;
  /** In whole sentences. */
  summary: string;
  /** What can be done; absent where there is nothing to do. */
  remedy?: string;
  /** The steps of the upload so far, in order. */
  steps: ExplanationStep[];
}

export interface ExplanationStep {
  what: 'object' | 'event' | 'delivery' | 'function' | 'task' | 'frames';
  state: 'ok' | 'waiting' | 'problem' | 'unknown';
  text: string;
  timeMs?: number;
  requestId?: string;
  taskId?: string;
}

export interface UploadUrlRequest {
  /** The file's name; becomes the last part of the key. */
  name: string;
}

export interface UploadUrl {
  key: string;
  url: string;
}

/**
 * Delivers a known event again, by its `ObjectEvent.id`; or a new one about an
 * object in the upload bucket, by its key.
 */
export type DeliverRequest = { times: 1 | 2 } & ({ event: string } | { key: string });

export interface DeliverAnswer {
  /** Of the invocations that it makes. */
  requestIds: string[];
}

/** The notice is sent again at once, with the `webhook-id` that it had. */
export interface SendNoticeRequest {
  notice: string;
}

export interface SendNoticeAnswer {
  /** The invocation that sends it; absent where the next run of the timer does. */
  requestId?: string;
}

export interface FireRequest {
  functionName: string;
  timer: string;
}

export interface FireAnswer {
  requestId: string;
}

export interface FaultsRequest {
  /** By name, from 0 to 1. All others become 0. */
  shares: Record<string, number>;
  /** Restarts the decisions; the seed stays when absent. */
  seed?: number;
}

export interface ConsoleError {
  /** In a whole sentence. */
  error: string;
}
