/** The parts of the framework (osls 4) that the plugin uses. Its own types cover only AWS. */
export interface Framework {
  serviceDir: string;
  service: {
    service: string;
    provider: Readonly<Record<string, unknown>> & { stage?: string };
    functions: Record<string, { package?: { artifact?: string } }>;
    package: { path?: string };
  };
  configSchemaHandler: { defineProvider(name: string, schema: object): void };
  setProvider(name: string, provider: object): void;
  classes: { Error: new (message: string, code: string) => Error };
}

export interface FrameworkUtilities {
  log: { notice(text: string): void; success(text: string): void; warning(text: string): void };
  progress: { create(options: { message: string }): { update(message: string): void; remove(): void } };
  /** Standard output. */
  writeText(text: string): void;
}

/** The options of all commands. Each command has only some of them. */
export interface CommandOptions {
  stage?: string;
  package?: string;
  function?: string;
  force?: boolean;
  prune?: boolean;
  'dry-run'?: boolean;
  data?: string;
  path?: string;
  raw?: boolean;
  log?: boolean;
  json?: boolean;
  policy?: boolean;
  probe?: boolean;
  request?: string;
  tail?: boolean;
  since?: string;
  add?: string;
  remove?: string;
  rotate?: string;
  prefix?: string;
  capture?: string;
  status?: boolean;
  stop?: boolean;
  'price-per-picture'?: string;
  'video-minutes'?: string;
  yes?: boolean;
  undo?: boolean;
  'take-over-notification'?: boolean;
  /** `name=value`: an option of the framework itself. */
  param?: readonly string[];
}
