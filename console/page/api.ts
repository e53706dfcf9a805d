import { parseJson } from '../../local/parse-json';
import type {
  ConsoleError,
  DeliverAnswer,
  DeliverRequest,
  Explanation,
  FaultDial,
  FaultsRequest,
  FireAnswer,
  FireRequest,
  FrameList,
  InvocationDetail,
  Results,
  SendNoticeAnswer,
  SendNoticeRequest,
  UploadUrl,
  UploadUrlRequest,
} from '../server/console-api';

/** Why a request failed, in a sentence for people. */
export class RequestFailed extends Error {}

/** Frames of a task in the order of time. */
export const fetchFrames = (taskId: string): Promise<FrameList> => get('frames', { task: taskId });
export const fetchResults = (taskId: string): Promise<Results> => get('results', { task: taskId });
export const sendNotice = (body: SendNoticeRequest): Promise<SendNoticeAnswer> => post('send-notice', body);
export const fetchInvocation = (requestId: string): Promise<InvocationDetail> =>
  get('invocation', { id: requestId });
export const fetchExplanation = (key: string): Promise<Explanation> => get('explain', { key });
export const requestUploadUrl = (body: UploadUrlRequest): Promise<UploadUrl> => post('upload-url', body);
export const deliver = (body: DeliverRequest): Promise<DeliverAnswer> => post('deliver', body);
export const fireTimer = (body: FireRequest): Promise<FireAnswer> => post('fire', body);
export const setFaults = (body: FaultsRequest): Promise<FaultDial> => post('faults', body);

/** Where the pictures of a task are shown or listed, by the service's own API. */
export const snapshotUrl = (taskId: string, format: 'vtt' | 'html' | 'poster' | 'storyboard'): string =>
  `/snapshots/${encodeURIComponent(taskId)}?format=${format}`;
export const videoUrl = (key: string): string => `video?${new URLSearchParams({ key })}`;
export const pictureUrl = (taskId: string, name: string): string =>
  `picture?${new URLSearchParams({ task: taskId, name })}`;

/** @throws RequestFailed with MPC's reason when the task cannot be cancelled any more */
export async function cancelTask(taskId: string): Promise<void> {
  await answerOf(send(`/snapshots/${encodeURIComponent(taskId)}`, { method: 'DELETE' }));
}

function get<Answer>(path: string, query: Record<string, string>): Promise<Answer> {
  return answerOf(send(`${path}?${new URLSearchParams(query)}`, {}));
}

function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return answerOf(send(path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function send(url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch {
    throw new RequestFailed('The console’s server does not answer.');
  }
}

async function answerOf<Answer>(pending: Promise<Response>): Promise<Answer> {
  const response = await pending;
  const text = await response.text();
  const body: unknown = text === '' ? undefined : parseJson(text);
  if (response.ok) return body as Answer;
  throw new RequestFailed(reasonIn(body) ?? `The request was answered with status ${response.status}.`);
}

/** The console says why in `error`, the service in `error_code` and `error_msg`. */
function reasonIn(body: unknown): string | undefined {
  const { error, error_code, error_msg } = (body ?? {}) as Partial<ConsoleError> & {
    error_code?: string;
    error_msg?: string;
  };
  return error ?? (error_msg === undefined ? undefined : `${error_msg} (${error_code ?? 'no code'})`);
}
