import { writeFunctionFiles } from './function-files';
import { type ColdCall, call, startServices } from './functions';
import { withFolder } from './process';
import { medianOf, type Series, type Suite, seriesOf, takeTurns } from './suite';

const ROUNDS = 11;
/** How long MPC and OBS take for an answer here, ms. This is an assumption, the same for all variants. */
const ANSWER_MS = 10;

// FunctionGraph, "Billing items" (2024-11-28) and "Billing examples" (2024-09-09), international site, on demand.
// The free monthly quota (1 million requests, 400,000 GB-seconds) is not deducted.
const USD_PER_MILLION_REQUESTS = 0.2;
const USD_PER_GB_SECOND = 0.00001667;
/** Execution time is rounded up to a multiple of this, ms. */
const BILLING_STEP_MS = 1;
const MEMORY_GB = 128 / 1024;

/** The price of a million invocations of this length, USD. */
function usdPerMillion(durationMs: number): number {
  const billedSeconds = (Math.ceil(durationMs / BILLING_STEP_MS) * BILLING_STEP_MS) / 1000;
  return USD_PER_MILLION_REQUESTS + 1_000_000 * billedSeconds * MEMORY_GB * USD_PER_GB_SECOND;
}

const COMPARED = ['on-upload', 'create', 'sdk-core-create', 'fetch-create'];

const LABELS: Readonly<Record<string, string>> = {
  'on-upload': '`on-upload`: six calls, one task for each upload',
  create: '`create`: two calls, the task and its record',
  'sdk-core-create': 'the vendor’s core SDK: one call',
  'fetch-create': '`fetch`: one call',
};

/** The price of a million uploads, from measured times and FunctionGraph's public prices. */
export const cost: Suite = {
  name: 'cost',
  about: `The price of a million invocations on FunctionGraph at 128 MB, calculated from the time of each by https with services that take ${ANSWER_MS} ms for an answer.`,
  run: () =>
    withFolder(async (folder) => {
      const files = (await writeFunctionFiles(folder)).filter(({ name }) => COMPARED.includes(name));
      const services = await startServices(ANSWER_MS);
      try {
        const origins = services.origins('https');
        const measured = await takeTurns(
          files.map((file) => ({
            name: file.name,
            measure: async () => ({
              coldMs: (await call<ColdCall>('cold', file, origins)).coldMs,
              warmMs: (await call<{ callMs: number }>('steady', file, origins)).callMs,
            }),
          })),
          ROUNDS,
        );
        const cold = seriesOf(measured, ({ coldMs }) => coldMs);
        const warm = seriesOf(measured, ({ warmMs }) => warmMs);
        const usd = (series: readonly Series[]) =>
          series.map(({ name, values }) => ({ name, values: values.map(usdPerMillion) }));
        return {
          tables: [
            { title: 'every invocation cold', unit: 'ms', base: 'sdk-core-create', series: cold },
            { title: 'every invocation warm', unit: 'ms', base: 'sdk-core-create', series: warm },
            { title: 'a million cold invocations', unit: 'USD', base: 'sdk-core-create', series: usd(cold) },
            { title: 'a million warm invocations', unit: 'USD', base: 'sdk-core-create', series: usd(warm) },
          ],
          readme: readmeTable(cold, warm),
        };
      } finally {
        services.stop();
      }
    }),
};

function readmeTable(cold: readonly Series[], warm: readonly Series[]): string {
  const cell = (series: readonly Series[], name: string) => {
    const ms = medianOf(series, name);
    return `${Math.ceil(ms)} ms, $${usdPerMillion(ms).toFixed(2)}`;
  };
  const rows = COMPARED.map((name) => `| ${LABELS[name]} | ${cell(cold, name)} | ${cell(warm, name)} |`);
  return ['| a million invocations | all cold | all warm |', '|---|--:|--:|', ...rows].join('\n');
}
