import type { Answer } from './instance-protocol';

/** A handler that cannot be used although its module loaded. */
export class FunctionLoadError extends Error {
  override name = 'FunctionLoadError';
}

/** A handler that the configuration names and the module does not export. */
export class FunctionConfigError extends Error {
  override name = 'FunctionConfigError';
}

/** Failure to load the code or the handler: code 4001, no stack. */
export function entryFailure(error: unknown): Answer {
  const { message, type } = describe(error);
  return failure(
    4001,
    pretty({ errorMessage: `function entry exception, error: ${message}`, errorType: type }),
  );
}

/**
 * The answer to `callback(error)`: an Error becomes an envelope without a stack, a string stays unchanged, any other
 * object becomes compact JSON with a message of its own.
 */
export function callbackFailure(error: unknown): Answer {
  if (error instanceof Error) return entryFailure(error);
  if (typeof error === 'string') return failure(4001, error);
  if (typeof error !== 'object' || error === null) return failure(4001, String(error));
  const message = `function entry exception, error: ${(error as { message?: unknown }).message}`;
  return failure(4001, JSON.stringify({ ...error, message }));
}

/** A throw or a rejected promise: code 4002 with the frames of the user's own code. */
export function invocationFailure(error: unknown, codeRoot: string): Answer {
  const { message, type } = describe(error);
  return failure(
    4002,
    pretty({
      errorMessage: `function invocation exception, error: ${message}`,
      errorType: type,
      stackTrace: userFrames(error, codeRoot),
    }),
  );
}

/** A failed initializer: code 4009. */
export function initializationFailure(error: unknown): Answer {
  const { message, type } = describe(error);
  return failure(
    4009,
    pretty({ errorMessage: `function initialization exception, error: ${message}`, errorType: type }),
  );
}

/** The answer of an invocation that failed. */
export function failure(errorCode: number, body: string): Answer {
  return { isError: true, errorCode, body };
}

/** The stack from its first frame to the last one in the user's code. The code root is written as `.`. */
function userFrames(error: unknown, codeRoot: string): string[] {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return [];
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
  const last = frames.findLastIndex((line) => line.includes(codeRoot));
  return frames.slice(0, last + 1).map((line) => line.trim().replaceAll(codeRoot, '.'));
}

function describe(error: unknown): { message: string; type: string } {
  if (error instanceof Error) return { message: error.message, type: error.name };
  return { message: String(error), type: 'UserFunctionError' };
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 4);
}
