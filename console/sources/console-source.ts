import type {
  ConsoleChange,
  ConsoleState,
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
  UploadUrl,
} from '../server/console-api';

/** What the console shows and acts on: the local cloud, or the deployed functions. */
export interface ConsoleSource {
  state(): Promise<ConsoleState>;
  /** Listens to changes; returns how to stop. */
  onChange(listener: (change: ConsoleChange) => void): () => void;
  /** Origins from which pictures and videos come and to which uploads go. */
  obsOrigins(): readonly string[];
  /** @throws ConsoleRefusal 404 for an unknown task */
  frames(task: string): Promise<FrameList>;
  /** A temporary address. @throws ConsoleRefusal 404 */
  pictureUrl(task: string, name: string): Promise<string>;
  /** @throws ConsoleRefusal 404 for an unknown task */
  results(task: string): Promise<Results>;
  /** A temporary address of a published file. @throws ConsoleRefusal 404 */
  fileUrl(task: string, name: string): Promise<string>;
  /** Sends a notice again. @throws ConsoleRefusal 403, 404 */
  sendNotice(id: string): Promise<SendNoticeAnswer>;
  /** A temporary address. */
  videoUrl(key: string): Promise<string>;
  /** @throws ConsoleRefusal 404 */
  explain(key: string): Promise<Explanation>;
  /** @throws ConsoleRefusal 403 where nothing may be written */
  uploadUrl(name: string): Promise<UploadUrl>;
  /** What only the local cloud knows and does. */
  local?: LocalTools;
}

export interface LocalTools {
  /** @throws ConsoleRefusal 404 */
  invocation(requestId: string): InvocationDetail;
  /** @throws ConsoleRefusal 404 */
  deliver(request: DeliverRequest): DeliverAnswer;
  /** @throws ConsoleRefusal 404 */
  fire(request: FireRequest): FireAnswer;
  /** @throws ConsoleRefusal 400 */
  setFaults(request: FaultsRequest): FaultDial;
}

/** The console refuses a request. */
export class ConsoleRefusal extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 413 | 415 | 502,
    message: string,
  ) {
    super(message);
  }
}

/** The key of a file that is uploaded through the page. */
export function uploadKey(prefix: string, name: string): string {
  return `${prefix}${name || 'video'}`;
}
