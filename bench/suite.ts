/** One measured area: a file of its own with everything that its numbers need. */
export interface Suite {
  /** Its name on the command line, and the heading of its section in RESULTS.md. */
  name: string;
  /** One line: what is compared. */
  about: string;
  run(): Promise<Report>;
}

/** The results of a suite. */
export interface Report {
  tables: readonly Table[];
  goals?: readonly Goal[];
  /** Markdown for docs/performance.md, between `<!-- bench NAME -->` and `<!-- /bench -->`. */
  readme?: string;
}

/** Values of one unit, one series per variant. */
export interface Table {
  title: string;
  /** Unit of all values, such as `ms` or `MB`. */
  unit: string;
  series: readonly Series[];
  /** Name of the series for the ratios; default: the first one. */
  base?: string;
  /** What a reader must know about it. */
  note?: string;
}

/** All measurements of one variant. */
export interface Series {
  name: string;
  values: readonly number[];
}

/** An aim and the result. Goals are only reported; the tests enforce only counts, which no load can change. */
export interface Goal {
  text: string;
  measured: number;
  /** The measured value must be at least, or at most, this. */
  atLeast?: number;
  atMost?: number;
}

/** One of several ways to do the same thing. */
export interface Variant<Sample> {
  name: string;
  /** Measures once. It is called again and again. */
  measure(): Promise<Sample>;
}

/**
 * Measures all variants in turns: each once per round, in a new random order, so that disturbances of the machine
 * affect all of them alike. One round before the first is the warm-up and does not count.
 * @returns all samples by the name of the variant
 */
export async function takeTurns<Sample>(
  variants: readonly Variant<Sample>[],
  rounds: number,
): Promise<Map<string, Sample[]>> {
  const samples = new Map(variants.map(({ name }) => [name, [] as Sample[]]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, measure } of shuffled(variants)) {
      const sample = await measure();
      if (round >= 0) samples.get(name)?.push(sample);
    }
  }
  return samples;
}

/** One series per variant, for one of the values that were measured together. */
export function seriesOf<Sample>(
  samples: ReadonlyMap<string, readonly Sample[]>,
  value: (sample: Sample) => number,
): Series[] {
  return [...samples].map(([name, all]) => ({ name, values: all.map(value) }));
}

/** The median of the series of this name. @throws Error if there is none */
export function medianOf(series: readonly Series[], name: string): number {
  const found = series.find((one) => one.name === name);
  if (found === undefined) throw new Error(`nothing was measured under "${name}"`);
  return median(found.values);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which this share (0 to 1) of all values lies, interpolated between neighbours. NaN without values.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
