import type { DesiredState } from './desired-state';
import type { CommandOptions } from './framework';
import type { FunctionGraphApi } from './functiongraph-api';

/** The context of a command. */
export interface Session {
  /** The checked state of the stage from `serverless.yml`. */
  desired: DesiredState;
  api: FunctionGraphApi;
  options: CommandOptions;
  /** Prints a line of the command's result. */
  print: (line: string) => void;
}
