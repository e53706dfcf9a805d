import type { DesiredState } from './desired-state';
import type { CommandOptions } from './framework';
import type { FunctionGraphApi } from './functiongraph-api';

/** What a command of the plugin works with. */
export interface Session {
  /** What `serverless.yml` says of the stage, checked. */
  wanted: DesiredState;
  api: FunctionGraphApi;
  options: CommandOptions;
  /** Prints a line of the command's result. */
  print: (line: string) => void;
}
