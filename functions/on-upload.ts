import type { FunctionContext } from '../shared/core/context';
import { withReadableStack } from '../shared/core/stack';
import { readTimerEvent } from '../shared/core/timer-event';
import { type Invocation, openInvocation, remainingMs } from '../shared/installation/invocation';
import { noteRemoval } from '../shared/tasks/removals';
import { captureOrRemember, comesBehind } from '../shared/uploads/backlog';
import {
  MIN_TIME_FOR_A_CAPTURE_MS,
  type Outcome,
  outcomeOf,
  uploadsMeant,
  uploadsMeantLater,
} from '../shared/uploads/capture-upload';
import { type SweepReport, sweep } from '../shared/uploads/sweep';
import { readUploads, reasonToSkip, type Upload, type UploadRecord } from '../shared/uploads/upload-event';

/** The outcome of one record of an event. */
type ProcessedRecord = { bucket: string | undefined; key: string | undefined } & RecordOutcome;
/** `noted`: on-finish checks whether the video is gone. */
type RecordOutcome = Outcome | { skipped: UploadRecord['skip'] } | { noted: 'removal' };

/**
 * On an event of OBS or EventGrid: starts the captures of every uploaded video.
 * On a timer: runs the sweep, which finds uploads whose event was lost.
 * @throws Error when a capture could not be started, so that the platform delivers the event again
 */
export const handler = async (
  event: unknown,
  context: FunctionContext,
): Promise<{ records: ProcessedRecord[] } | SweepReport> => withReadableStack(handle(event, context));

async function handle(
  event: unknown,
  context: FunctionContext,
): Promise<{ records: ProcessedRecord[] } | SweepReport> {
  const invocation = openInvocation(context);
  const timer = readTimerEvent(event);
  if (timer) {
    return sweep(invocation, { isDryRun: timer.dry_run === true, isWhole: timer.whole === true });
  }

  const uploads = readUploads(event);
  if (!uploads) {
    throw new Error('not an OBS event: expected Records[].s3, Records[].obs or a CloudEvent');
  }
  const records: ProcessedRecord[] = [];
  for (const record of uploads) records.push(...(await processRecord(record, invocation)));

  const failed = records.flatMap((record) =>
    'failed' in record
      ? [`${record.key} (${[record.capture, record.failed].filter(Boolean).join(' ')})`]
      : [],
  );
  if (failed.length > 0) {
    throw new Error(
      `${failed.length} of ${records.length} captures could not be started: ${failed.join(', ').slice(0, 2000)}`,
    );
  }
  return { records };
}

/** One outcome for each capture. A key that may or may not be encoded stands for two uploads; rarely do both exist. */
async function processRecord(record: UploadRecord, invocation: Invocation): Promise<ProcessedRecord[]> {
  const { upload, skip, isRemoval } = record;
  if (skip) return [processed(upload, { skipped: skip }, invocation)];
  if (isRemoval && invocation.settings.onRemoval === 'keep')
    return [processed(upload, { skipped: 'not_a_creation' }, invocation)];
  try {
    const hasTime = () => remainingMs(invocation) >= MIN_TIME_FOR_A_CAPTURE_MS;
    // A burst brings more events than one invocation can look up one by one.
    const isForLater = comesBehind() || !hasTime();
    const uploads = isRemoval
      ? removalsMeant(upload)
      : isForLater
        ? uploadsMeantLater(upload, invocation)
        : await uploadsMeant(upload, invocation);
    const records: ProcessedRecord[] = [];
    for (const one of uploads) {
      const isTimeLeft = !isForLater && hasTime();
      const outcomes = isRemoval
        ? [await note(one, invocation)]
        : await captureOrRemember(one, isTimeLeft, invocation);
      records.push(...outcomes.map((outcome) => processed(one, outcome, invocation)));
    }
    return records;
  } catch (error) {
    return [processed(upload, outcomeOf(error, upload, invocation), invocation)];
  }
}

/** A key that may or may not be encoded is noted under both names: on-finish deletes nothing of a video that exists. */
function removalsMeant({ bucket, key, otherKey = key }: Upload): Upload[] {
  return [...new Set([key, otherKey])].map((one) => ({ bucket, key: one, etag: '' }));
}

async function note(removed: Upload, invocation: Invocation): Promise<RecordOutcome> {
  const { settings } = invocation;
  const skipped = reasonToSkip(removed, settings);
  if (skipped) return { skipped };
  await noteRemoval(removed, invocation);
  return { noted: 'removal' };
}

function processed(
  upload: Partial<Upload> | undefined,
  outcome: RecordOutcome,
  { log }: Invocation,
): ProcessedRecord {
  const record: ProcessedRecord = {
    bucket: upload?.bucket,
    key: upload?.key,
    ...outcome,
  };
  const isWarning = 'skipped' in outcome && outcome.skipped === 'unreadable_record';
  log.write('failed' in outcome ? 'error' : isWarning ? 'warn' : 'info', 'upload.processed', record);
  return record;
}
