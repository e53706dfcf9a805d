import { CallFailed } from '../cloud-api';
import type { ObsClient } from '../obs-client';
import type { Stage } from './names';

/**
 * Records that expire, and when. Claims never expire: without its claim an upload would be captured again. FunctionGraph
 * chooses the names of failed events, so only the prefix from serverless.yml is known.
 */
export const EXPIRIES = [
  { name: 'failed-events', prefix: '.mpc-snapshots/failed-events', days: 30 },
  { name: 'idempotency-keys', prefix: '.mpc-snapshots/requests/', days: 7 },
  { name: 'reservations', prefix: '.mpc-snapshots/pace', days: 1 },
] as const;

/** The lifecycle rules of a bucket in OBS's XML. @throws CallFailed */
export async function readRules(bucket: string, obs: ObsClient): Promise<string[]> {
  try {
    const { text } = await obs.call({ method: 'GET', bucket, subResource: 'lifecycle' });
    return text.match(/<Rule>.*?<\/Rule>/gs) ?? [];
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404 && error.code !== 'NoSuchBucket') return [];
    throw error;
  }
}

/** The lifecycle rules of a bucket whose ids have the mark of a stage. Rules of others stay unchanged. */
export class LifecycleRules {
  readonly #own: ReadonlyMap<string, string>;

  constructor(
    private readonly obs: ObsClient,
    private readonly bucket: string,
    { service, stage }: Stage,
  ) {
    this.#own = new Map(
      EXPIRIES.map(({ name, prefix, days }) => {
        const id = `${service}.${stage}.${name}`;
        return [
          id,
          `<Rule><ID>${id}</ID><Prefix>${prefix}</Prefix><Status>Enabled</Status><Expiration><Days>${days}</Days></Expiration></Rule>`,
        ];
      }),
    );
  }

  /** True if all rules exist and are correct. @throws CallFailed */
  async areThere(): Promise<boolean> {
    const rules = await this.#read();
    return [...this.#own.values()].every((own) => rules.some((rule) => normal(rule) === normal(own)));
  }

  /** @throws CallFailed */
  async isAnyThere(): Promise<boolean> {
    return (await this.#read()).some((rule) => this.#isOwn(rule));
  }

  /** @throws CallFailed */
  async make(): Promise<void> {
    await this.#write([...(await this.#foreign()), ...this.#own.values()]);
  }

  /** @throws CallFailed */
  async remove(): Promise<void> {
    const left = await this.#foreign();
    if (left.length > 0) await this.#write(left);
    else await this.obs.call({ method: 'DELETE', bucket: this.bucket, subResource: 'lifecycle' });
  }

  async #foreign(): Promise<string[]> {
    return (await this.#read()).filter((rule) => !this.#isOwn(rule));
  }

  #isOwn(rule: string): boolean {
    return this.#own.has(/<ID>([^<]*)<\/ID>/.exec(rule)?.[1] ?? '');
  }

  #read(): Promise<string[]> {
    return readRules(this.bucket, this.obs);
  }

  async #write(rules: readonly string[]): Promise<void> {
    const body = `<LifecycleConfiguration>${rules.join('')}</LifecycleConfiguration>`;
    await this.obs.call({ method: 'PUT', bucket: this.bucket, subResource: 'lifecycle', body });
  }
}

/** A form for comparison: OBS may return elements in another order, with spaces. */
function normal(rule: string): string {
  return [...rule.matchAll(/<(\w+)>\s*([^<\s][^<]*)</g)]
    .map(([, name, value]) => `${name}=${value?.trimEnd()}`)
    .sort()
    .join(' ');
}
