/**
 * The stack of an error with lines of the sources instead of the bundle, by the source map in the zip.
 * The map is read only after a failure, so that a cold start does not pay for it.
 */
export function readableStack(error: Error): string {
  const stack = error.stack ?? error.message;
  try {
    const { readFileSync }: typeof import('node:fs') = require('node:fs');
    const { SourceMap }: typeof import('node:module') = require('node:module');
    const map = new SourceMap(JSON.parse(readFileSync(`${__filename}.map`, 'utf8')));
    const translate = (frame: string): string => {
      const place = /^(\d+):(\d+)\)?$/.exec(frame.split(`${__filename}:`)[1] ?? '');
      // A line of the message, or a frame of other code.
      if (place === null) return frame;
      const found = map.findEntry(Number(place[1]) - 1, Number(place[2]) - 1);
      return 'originalSource' in found
        ? `    at ${__dirname}/${found.originalSource}:${found.originalLine + 1}:${found.originalColumn + 1}`
        : frame;
    };
    return stack.split('\n').map(translate).join('\n');
  } catch {
    return stack;
  }
}

/** Waits for the work of an event. An error goes on to the platform's log with a readable stack. */
export async function withReadableStack<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error) error.stack = readableStack(error);
    throw error;
  }
}
