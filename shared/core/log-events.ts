/** The fields that `describeFailure` writes. */
const FAILURE = [
  'failure',
  'message',
  'service',
  'service_status',
  'service_error_code',
  'service_message',
  'service_request_id',
] as const;

/** Names the notice. `status` is the receiver's answer, if there was one. */
const NOTICE = ['notice', 'type', 'task_id', 'attempt', 'status'] as const;

/**
 * Every event that the functions log, with its levels and its fields beside those of every line. Only its type
 * gets into the functions. docs/log-events.md says what each event means and what to do about it.
 */
export const LOG_EVENTS = {
  'api.answered': { levels: ['info'], fields: ['status'] },
  'api.refused': { levels: ['info', 'error'], fields: ['status', 'error_code', ...FAILURE] },
  'claim.abandoned': { levels: ['info'], fields: ['claim', 'bucket', 'key'] },
  'claim.accepted': { levels: ['info'], fields: ['claim', 'bucket', 'key', 'task_id'] },
  'claim.claimed': { levels: ['info'], fields: ['claim', 'bucket', 'key'] },
  'claim.damaged': { levels: ['error'], fields: ['claim', 'bucket', 'key', 'record'] },
  'claim.duplicates': { levels: ['error'], fields: ['claim', 'task_ids'] },
  'claim.not_written': { levels: ['warn'], fields: ['claim', ...FAILURE] },
  'files.published': { levels: ['info'], fields: ['task_id', 'directory'] },
  'finish.done': {
    levels: ['info'],
    fields: ['looked_at', 'finished', 'unfinished', 'failed', 'notices', 'removal'],
  },
  'finish.failed': { levels: ['error'], fields: ['task_id', ...FAILURE] },
  'finish.given_up': { levels: ['error'], fields: ['task_id', ...FAILURE] },
  'mpc.called': { levels: ['info'], fields: ['operation', 'status', 'attempts'] },
  'mpc.task_cancelled': { levels: ['info'], fields: ['task_id'] },
  'mpc.task_created': {
    levels: ['info'],
    fields: ['task_id', 'bucket', 'key', 'directory', 'mpc_request_id'],
  },
  'notice.failed': { levels: ['error'], fields: ['key', ...FAILURE] },
  'notice.given_up': { levels: ['error'], fields: [...NOTICE, ...FAILURE] },
  'notice.not_sent': { levels: ['warn'], fields: [...NOTICE, 'again_after_ms', ...FAILURE] },
  'notice.sent': { levels: ['info'], fields: [...NOTICE] },
  'pace.waiting': { levels: ['debug'], fields: ['wait_ms'] },
  'pictures.cleared': { levels: ['info'], fields: ['task_id', 'directory', 'objects'] },
  'pictures.not_cleared': { levels: ['warn'], fields: ['task_id', 'directory', ...FAILURE] },
  'queue.cleaned': { levels: ['info'], fields: ['seen', 'cancelled', 'too_late', 'not_ours', 'failed'] },
  'queue.not_cancelled': { levels: ['warn'], fields: ['task_id', ...FAILURE] },
  'queue.not_counted': { levels: ['warn'], fields: [...FAILURE] },
  'removal.failed': { levels: ['error'], fields: [...FAILURE] },
  'result.not_kept': { levels: ['warn'], fields: ['task_id', ...FAILURE] },
  'sweep.bucket_not_listed': { levels: ['error'], fields: ['bucket', ...FAILURE] },
  'sweep.done': {
    levels: ['info', 'warn'],
    fields: [
      'looked_at',
      'already_started',
      'started',
      'failed',
      'refused',
      'duplicates',
      'doubled',
      'complete',
    ],
  },
  'sweep.duplicates_not_sought': { levels: ['warn'], fields: [...FAILURE] },
  'sweep.not_forgotten': { levels: ['warn'], fields: ['key', ...FAILURE] },
  'sweep.started': { levels: ['info'], fields: ['bucket', 'key', 'capture', 'task_id'] },
  'task.finished': { levels: ['info'], fields: ['task_id', 'status'] },
  'upload.failed': { levels: ['error'], fields: ['bucket', 'key', 'capture', ...FAILURE] },
  'upload.processed': {
    levels: ['info', 'warn', 'error'],
    fields: [
      'bucket',
      'key',
      'capture',
      'started',
      'skipped',
      'deferred',
      'noted',
      'task_id',
      'failed',
      'again_at_ms',
    ],
  },
  'video.kept': { levels: ['info'], fields: ['bucket', 'key', 'reason'] },
  'video.not_removed': { levels: ['error'], fields: ['bucket', 'key', ...FAILURE] },
  'video.removed': { levels: ['info'], fields: ['bucket', 'key', 'objects', 'records', 'shared'] },
} as const;

/** The fields of a line about a failure. */
export type FailureFields = { [Field in (typeof FAILURE)[number]]?: unknown };

export type LogEvent = keyof typeof LOG_EVENTS;
/** The levels at which an event is logged. */
export type LevelOf<Event extends LogEvent> = (typeof LOG_EVENTS)[Event]['levels'][number];
/** The events of a level. */
export type EventAt<Level> = {
  [Event in LogEvent]: Level extends LevelOf<Event> ? Event : never;
}[LogEvent];
/** The names of an event's fields. */
export type FieldOf<Event extends LogEvent> = (typeof LOG_EVENTS)[Event]['fields'][number];
