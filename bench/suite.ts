/** One area that is measured: a file of its own with everything that its numbers need. */
export interface Suite {
  /** How it is chosen on the command line, and the heading of its section in RESULTS.md. */
  name: string;
  /** One line: what is put side by side. */
  about: string;
  run(): Promise<Report>;
}

/** What a suite found. */
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
  /** Name of the series that the ratios refer to; the first one when left out. */
  base?: string;
  /** What must be known to read it. */
  note?: string;
}

/** All measurements of one variant. */
export interface Series {
  name: string;
  values: readonly number[];
}

/**
 * What was aimed at, beside what came out. Goals are reported; only counts,
 * which no load can change, are gates in the tests.
 */
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
  /** Measures once; called again and again. */
  measure(): Promise<Sample>;
}

/**
 * Measures all variants in turns: in every round each of them once, in an order that is drawn anew, so that what
 * disturbs the machine disturbs all of them alike. One round before the first warms up and is not counted.
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

/** One series per variant of one of the values that were measured together. */
export function seriesOf<Sample>(
  samples: ReadonlyMap<string, readonly Sample[]>,
  value: (sample: Sample) => number,
): Series[] {
  return [...samples].map(([name, all]) => ({ name, values: all.map(value) }));
}

/** The median of the series of this name. @throws Error when there is none */
export function medianOf(series: readonly Series[], name: string): number {
  const found = series.find((one) => one.name === name);
  if (found === undefined) throw new Error(`nothing was measured under "${name}"`);
  return median(found.values);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share (0 to 1) of all values lies, between neighbours by distance; NaN of none. */
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
