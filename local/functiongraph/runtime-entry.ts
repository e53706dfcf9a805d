import { createRequire } from 'node:module';
import path from 'node:path';
import type { InstanceConfiguration } from './instance-protocol';
import { FunctionConfigError, FunctionLoadError } from './runtime-errors';

export type UserFunction = (...args: unknown[]) => unknown;

/** The functions of the user's module that the platform calls. */
export interface Entry {
  handler: UserFunction;
  initializer: UserFunction | undefined;
}

/**
 * Loads the user's module and reads the handler from it, and the initializer if one is configured. The initializer is
 * looked up in the handler's module: only the part after its dot counts.
 * Throws if the module or a function is missing, or if a function declares the wrong number of parameters.
 */
export function loadEntry(configuration: InstanceConfiguration): Entry {
  const { codeRoot, handler, initializerHandler } = configuration;
  const [fileName, functionName] = splitHandler(handler);
  const file = path.join(codeRoot, `${fileName}.js`);
  const shown = `./${fileName}.js`;
  const module = requireModule(codeRoot, file, shown, initializerHandler !== undefined);

  const entry: Entry = { handler: exported(module, functionName, shown), initializer: undefined };
  if (entry.handler.length !== 2 && entry.handler.length !== 3) {
    throw new FunctionLoadError(
      `handler expect to have 2 or 3 parameters, but received ${entry.handler.length}`,
    );
  }
  if (initializerHandler !== undefined) {
    entry.initializer = exported(module, splitHandler(initializerHandler)[1], shown);
    if (entry.initializer.length !== 2) {
      throw new FunctionLoadError(
        `initializer expect to have 2 parameters, but received ${entry.initializer.length}`,
      );
    }
  }
  return entry;
}

function splitHandler(handler: string): [file: string, name: string] {
  const dot = handler.lastIndexOf('.');
  return [handler.slice(0, dot), handler.slice(dot + 1)];
}

function requireModule(codeRoot: string, file: string, shown: string, withInitializer: boolean): unknown {
  const requireFrom = createRequire(path.join(codeRoot, 'index.js'));
  try {
    return requireFrom(file);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
      // With an initializer the platform searches the whole message for the file. Node.js always names it in its
      // "Require stack", so a missing dependency is reported as if the handler's own file were missing.
      const searched = withInitializer ? error.message : (error.message.split('\n')[0] ?? '');
      if (searched.includes(file)) throw new FunctionLoadError(`not found module '${shown}'`);
    }
    if (error instanceof SyntaxError) {
      const [, at = shown, line = '?'] = /^(.*):(\d+)$/m.exec(error.stack ?? '') ?? [];
      error.message = `${error.message} (${at.replaceAll(codeRoot, '.')}:${line})`;
    }
    error.message = error.message.replaceAll(codeRoot, '.');
    throw error;
  }
}

function exported(module: unknown, name: string, shown: string): UserFunction {
  const value = (module as Record<string, unknown> | undefined)?.[name];
  if (typeof value !== 'function') {
    throw new FunctionConfigError(`handler '${name}' not found in module '${shown}'`);
  }
  return value as UserFunction;
}
