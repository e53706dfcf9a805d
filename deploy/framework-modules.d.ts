// The parts of the framework that are used here. Its own types cover only AWS.

declare module 'serverless/lib/configuration/read' {
  /** Reads and parses a configuration file. */
  function readConfiguration(file: string): Promise<Record<string, unknown>>;
  export = readConfiguration;
}

declare module 'serverless/lib/configuration/variables' {
  interface Source {
    resolve(call: {
      address: string;
      resolveConfigurationProperty(path: readonly string[]): Promise<unknown>;
    }): { value: unknown } | Promise<{ value: unknown }>;
  }
  /** Resolves the variables of a configuration in place. */
  function resolveVariables(call: {
    serviceDir: string;
    configuration: Record<string, unknown>;
    options: Record<string, unknown>;
    sources: Record<string, Source>;
  }): Promise<void>;
  export = resolveVariables;
}

declare module 'serverless/lib/configuration/variables/sources/self' {
  const self: import('serverless/lib/configuration/variables').Source;
  export = self;
}
