import * as z from 'zod';
import type { Invocation } from '../../../local/functiongraph/functiongraph';
import { parseJson } from '../../../local/parse-json';
import type { CaptureReport } from '../../server/console-api';
import { Recent } from '../../server/recent';

const MAX_REPORTS = 5000;

/** One record in the result of on-upload, and in its log under `upload.processed`. */
const processedRecord = z.object({
  bucket: z.string(),
  key: z.string(),
  started: z.string().optional(),
  skipped: z.string().optional(),
  failed: z.string().optional(),
  task_id: z.string().optional(),
});
type ProcessedRecord = z.infer<typeof processedRecord>;

const result = z.object({ records: z.array(z.unknown()) });
const logLine = z.looseObject({ event: z.enum(['upload.processed', 'sweep.started']) });

/** What functions last said about each key, read from their results and logs as anybody could read them. */
export class CaptureReports {
  readonly #reports = new Recent<CaptureReport>(MAX_REPORTS);

  of(bucket: string, key: string): CaptureReport | undefined {
    return this.#reports.get(idOf(bucket, key));
  }

  /** Reads an invocation that ended; returns the keys that it said something about. */
  record({ requestId, timeMs, outcome }: Invocation): { bucket: string; key: string }[] {
    if (outcome === undefined) return [];
    // A failed invocation has no result: its log says the same.
    const records = outcome.isError ? [] : recordsIn(outcome.body);
    const said = records.length > 0 ? records : outcome.log.flatMap(({ text }) => recordIn(text));
    for (const record of said) {
      const { started, task_id, skipped, failed } = record;
      const reason = skipped ?? failed;
      const taskId = started ?? task_id;
      this.#reports.set(idOf(record.bucket, record.key), {
        outcome: failed !== undefined ? 'failed' : skipped !== undefined ? 'skipped' : 'started',
        ...(reason !== undefined && { reason }),
        ...(taskId !== undefined && { taskId }),
        timeMs,
        requestId,
      });
    }
    return said;
  }
}

function recordsIn(body: string): ProcessedRecord[] {
  if (!body.includes('"records"')) return [];
  const { data } = result.safeParse(parseJson(body));
  return (data?.records ?? []).flatMap((record) => processedRecord.safeParse(record).data ?? []);
}

function recordIn(text: string): ProcessedRecord[] {
  if (!text.startsWith('{') || !/"(upload\.processed|sweep\.started)"/.test(text)) return [];
  const line = parseJson(text);
  const { data } = processedRecord.safeParse(line);
  return data !== undefined && logLine.safeParse(line).success ? [data] : [];
}

function idOf(bucket: string, key: string): string {
  return `${bucket}/${key}`;
}
