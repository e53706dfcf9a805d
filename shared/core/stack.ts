/**
 * The stack of an error with places in the sources, where it names places in the bundle: the map lies beside it in the zip.
 * The map is read when something has failed, and costs a cold start nothing.
 */
export function readableStack(error: Error): string {
  const stack = error.stack ?? error.message;
  try {
    const { readFileSync }: typeof import('node:fs') = require('node:fs');
    const { SourceMap }: typeof import('node:module') = require('node:module');
    const map = new SourceMap(JSON.parse(readFileSync(`${__filename}.map`, 'utf8')));
    return stack.replace(/^( +at ).*?([^ (]+):(\d+):(\d+)\)?$/gm, (frame, at, file, line, column) => {
      if (file !== __filename) return frame;
      const found = map.findEntry(line - 1, column - 1);
      return 'originalSource' in found
        ? `${at}${__dirname}/${found.originalSource}:${found.originalLine + 1}:${found.originalColumn + 1}`
        : frame;
    });
  } catch {
    return stack;
  }
}

/** Waits for the work of an event; what it throws goes to the platform's log, with a stack that can be read. */
export async function withReadableStack<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error) error.stack = readableStack(error);
    throw error;
  }
}
