import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** The variable with the created things that cannot carry a mark: buckets, MPC's authorization for them, the log group. */
const RECORD = 'SETUP_MADE';
const HEADING = '# Written by `npm run setup`; SETUP_MADE lists what setup created, for --undo.';

/**
 * `.env.<stage>`. Other lines stay unchanged. It is written before anything is created, so that an interrupted run leaves a
 * record of what it may have created.
 */
export class EnvFile {
  #lines: string[];

  constructor(readonly path: string) {
    this.#lines = readText(path)
      .split('\n')
      .filter((line, index, all) => line !== '' || index < all.length - 1);
  }

  get(name: string): string | undefined {
    const line = this.#lines.find((one) => one.startsWith(`${name}=`));
    return line?.slice(name.length + 1).replace(/^(['"])(.*)\1$/, '$2');
  }

  /** The created things, for example `bucket:my-videos`. */
  made(): string[] {
    return (this.get(RECORD) ?? '').split(',').filter((one) => one !== '');
  }

  remember(what: string): void {
    if (!this.made().includes(what)) this.set({ [RECORD]: [...this.made(), what].join(',') });
  }

  forget(what: string): void {
    const left = this.made().filter((one) => one !== what);
    if (left.length > 0) this.set({ [RECORD]: left.join(',') });
    else this.remove([RECORD]);
  }

  /** Writes the file if a value differs. */
  set(values: Readonly<Record<string, string>>): void {
    const before = this.#lines.join('\n');
    for (const [name, value] of Object.entries(values)) {
      const line = `${name}=${value}`;
      const index = this.#lines.findIndex((one) => one.startsWith(`${name}=`));
      if (index >= 0) this.#lines[index] = line;
      else {
        if (!this.#lines.includes(HEADING)) this.#lines.push(HEADING);
        this.#lines.push(line);
      }
    }
    if (this.#lines.join('\n') !== before) this.#write();
  }

  /** Removes lines. An empty file is deleted. */
  remove(names: readonly string[]): void {
    const kept = this.#lines.filter((line) => !names.some((name) => line.startsWith(`${name}=`)));
    if (kept.length === this.#lines.length) return;
    this.#lines = kept;
    if (kept.every((line) => line === '' || line === HEADING)) rmSync(this.path, { force: true });
    else this.#write();
  }

  /** Replaces the file in one step: a killed process leaves the old file or the new one. */
  #write(): void {
    const draft = `${this.path}.new`;
    writeFileSync(draft, `${this.#lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(draft, this.path);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
