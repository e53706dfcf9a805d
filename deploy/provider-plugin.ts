import path from 'node:path';
import { asTyped } from '../package-folder';
import { printableLines } from '../printable';
import { callers } from './access/callers';
import { buildArtifacts, readArtifacts, writeArtifacts } from './artifacts';
import { backfill } from './backfill/backfill';
import { refuseBuckets } from './buckets';
import { CloudApi, connectionFrom } from './cloud-api';
import { deploy } from './deploy';
import { type DesiredState, desiredState, functionNamed, logWarning } from './desired-state';
import { LOCAL_STAGE } from './desired-triggers';
import { doctor } from './doctor/doctor';
import { refuseSettings } from './doctor/settings';
import { DeployError } from './errors';
import type { CommandOptions, Framework, FrameworkUtilities } from './framework';
import { FunctionGraphApi } from './functiongraph-api';
import { withSubDomains } from './gateway-domains';
import { info } from './info';
import { invoke, invokeLocally } from './invoke';
import { logs } from './logs';
import { planText } from './plan-text';
import { remove } from './remove';
import { FRAMEWORK_SCHEMA } from './schema';
import type { Session } from './session';
import { setup } from './setup/setup';

const NAME = 'huawei';

/** The provider `huawei` of Serverless Framework: connects the framework's commands with the code of this folder. */
export class HuaweiProvider {
  readonly #framework: Framework;
  readonly #options: CommandOptions;
  readonly #utilities: FrameworkUtilities;
  #desiredState: DesiredState | undefined;
  /** Shows the reason of a wait. */
  #onWait: (what: string) => void = () => {};
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  /** Commands and options in addition to the framework's. */
  readonly commands = {
    deploy: {
      options: {
        'dry-run': { usage: 'Show what would be done, and do nothing', type: 'boolean' },
        prune: {
          usage: 'Delete functions of this stage that are no longer in serverless.yml',
          type: 'boolean',
        },
      },
      commands: {
        function: {
          options: { 'dry-run': { usage: 'Show what would be done, and do nothing', type: 'boolean' } },
        },
      },
    },
    setup: {
      usage: 'Create what a stage needs and the account lacks: buckets, agency, API group, logs, topic',
      lifecycleEvents: ['setup'],
      options: {
        'dry-run': { usage: 'Show what would be created, and create nothing', type: 'boolean' },
        yes: { usage: 'Do not ask', type: 'boolean' },
        undo: { usage: 'Delete what it created, but no bucket that contains objects', type: 'boolean' },
        'take-over-notification': {
          usage: 'Let MPC notify the stage’s topic instead of another one, for the whole project',
          type: 'boolean',
        },
      },
    },
    // `npm run doctor`; the framework has a command of that name, about its own deprecations.
    diagnose: {
      usage: 'Check everything that a stage needs, and show what is missing; changes nothing without --probe',
      lifecycleEvents: ['diagnose'],
      options: {
        json: { usage: 'Print the findings as JSON', type: 'boolean' },
        policy: { usage: 'Only print the policy that the agency needs', type: 'boolean' },
        probe: {
          usage: 'Also test conditional writes: write one small object twice, and delete it',
          type: 'boolean',
        },
      },
    },
    // `npm run callers`
    'show-callers': {
      usage: 'List and change the callers of a stage’s API',
      lifecycleEvents: ['show'],
      options: {
        add: { usage: 'Add a caller with this name; its key is shown once', type: 'string' },
        remove: { usage: 'Remove the caller', type: 'string' },
        rotate: { usage: 'Give the caller a new secret', type: 'string' },
      },
    },
    backfill: {
      usage: 'Count the videos without a capture, and estimate time and cost; with --yes start the captures',
      lifecycleEvents: ['backfill'],
      options: {
        prefix: { usage: 'Only videos whose key begins with this', type: 'string' },
        capture: { usage: 'Only this one of CAPTURES', type: 'string' },
        'price-per-picture': {
          usage: 'What MPC charges for a picture, to estimate the cost',
          type: 'string',
        },
        'video-minutes': {
          usage: 'Average length of a video in minutes (10), to estimate the number of pictures',
          type: 'string',
        },
        yes: { usage: 'Start it, and show the progress', type: 'boolean' },
        status: { usage: 'Show the progress', type: 'boolean' },
        stop: { usage: 'End it; started tasks stay', type: 'boolean' },
      },
    },
    // `npm run logs`; the framework's own command of that name wants a function.
    'show-logs': {
      usage: 'Print the logs of the functions',
      lifecycleEvents: ['show'],
      options: {
        function: { usage: 'Only lines of this function', shortcut: 'f', type: 'string' },
        request: {
          usage: 'Only lines of this invocation: the request_id of a line or of an error answer',
          type: 'string',
        },
        tail: { usage: 'Go on with new lines', shortcut: 't', type: 'boolean' },
        since: { usage: 'How far to look back: 90s, 10m, 1h (default), 2d', type: 'string' },
        json: { usage: 'Print each line as JSON', type: 'boolean' },
      },
    },
  };

  static getProviderName(): string {
    return NAME;
  }

  constructor(framework: Framework, options: CommandOptions, utilities: FrameworkUtilities) {
    this.#framework = framework;
    this.#options = options;
    this.#utilities = utilities;
    framework.setProvider(NAME, this);
    framework.configSchemaHandler.defineProvider(NAME, FRAMEWORK_SCHEMA);
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.#run('Packaging', () => this.#package()),
      'deploy:deploy': () => this.#run('Deploying', () => this.#deploy(this.#session())),
      'deploy:function:deploy': () => this.#run('Deploying', () => this.#deployFunction(this.#session())),
      'diagnose:diagnose': () => this.#run('Looking', () => this.#doctor()),
      'info:info': () => this.#run('Reading', () => info(this.#session())),
      'invoke:invoke': () => this.#run('Invoking', () => invoke(this.#session())),
      'invoke:local:invoke': () => this.#run('Invoking', () => invokeLocally(this.#options)),
      'show-callers:show': () => this.#run('Asking', () => callers(this.#session())),
      'backfill:backfill': () => this.#run('Counting', () => backfill(this.#session())),
      'show-logs:show': () => this.#run('Reading', () => logs(this.#session())),
      'setup:setup': () => this.#setUp(),
      'remove:remove': () => this.#run('Removing', () => remove(this.#session())),
    };
  }

  /** Turns a DeployError into the framework's own error, which it shows without a stack. */
  async #run(message: string, work: () => Promise<void>): Promise<void> {
    const progress = this.#utilities.progress.create({ message });
    this.#onWait = (what) => progress.update(what);
    try {
      await this.#withFrameworkErrors(work);
    } finally {
      progress.remove();
    }
  }

  async #withFrameworkErrors<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      throw new this.#framework.classes.Error(
        printableLines(asTyped(error.lines.join('\n'))),
        'HUAWEI_PROVIDER',
      );
    }
  }

  #desired(): DesiredState {
    // Read only once, because packaging changes the framework's definitions.
    this.#desiredState ??= this.#readDesiredState();
    return this.#desiredState;
  }

  #readDesiredState(): DesiredState {
    const { service, provider, functions } = this.#framework.service;
    const stage = this.#stage;
    return desiredState({ service, provider: { ...provider, stage }, functions });
  }

  #session(): Session {
    const desired = this.#desired();
    return { desired, api: this.#openApi(), options: this.#options, print: this.#print };
  }

  readonly #print = (line: string): void => this.#utilities.writeText(printableLines(asTyped(line)));

  get #stage(): string {
    return this.#options.stage ?? this.#framework.service.provider.stage ?? '';
  }

  #openApi(): FunctionGraphApi {
    const connection = connectionFrom(process.env, String(this.#framework.service.provider.region));
    if (this.#stage === LOCAL_STAGE) assertLocalEndpoint(connection.endpoints.functiongraph);
    return new FunctionGraphApi(new CloudApi(connection, { onWait: (what) => this.#onWait(what) }));
  }

  async #setUp(): Promise<void> {
    const { service, provider } = this.#framework.service;
    const ok = await this.#withFrameworkErrors(() =>
      setup({
        service,
        stage: this.#stage,
        region: String(provider.region),
        directory: this.#framework.serviceDir,
        environment: process.env,
        options: this.#options,
        print: this.#print,
      }),
    );
    if (!ok) process.exitCode = 1;
  }

  async #doctor(): Promise<void> {
    const ok = await doctor({
      stage: this.#stage,
      readDesiredState: () => this.#desired(),
      openApi: () => this.#openApi(),
      options: this.#options,
      print: this.#print,
    });
    // The framework would write an error to standard output, after the JSON that programs read there.
    if (!ok) process.exitCode = 1;
  }

  /** The folder of the package: given with --package, or the default one. */
  get #packageDirectory(): string {
    const { serviceDir, service } = this.#framework;
    return path.resolve(serviceDir, this.#options.package ?? service.package.path ?? '.serverless');
  }

  async #package(): Promise<void> {
    const { service, functions } = this.#desired();
    const artifacts = await buildArtifacts(functions);
    await writeArtifacts(this.#packageDirectory, service, artifacts);
    for (const { key } of artifacts) {
      // With an artifact for every function the framework does not zip the whole folder.
      const definition = this.#framework.service.functions[key];
      if (definition !== undefined)
        definition.package = { artifact: path.join(this.#packageDirectory, `${key}.zip`) };
    }
  }

  async #deploy({ desired, api, options, print }: Session): Promise<void> {
    const artifacts = await readArtifacts(this.#packageDirectory, desired.service, desired.functions);
    refuseSettings(desired);
    await refuseBuckets(desired, api.cloud.connection);
    await deploy(await withSubDomains(desired, api.cloud), artifacts, api, {
      dryRun: options['dry-run'] === true,
      force: options.force === true,
      prune: options.prune === true,
      onPlan: (todo, access) => planText(todo, access).forEach(print),
    });
    this.#done(desired, api);
  }

  /** Deploys code, configuration and triggers of one function. */
  async #deployFunction({ desired, api, options, print }: Session): Promise<void> {
    const functions = [functionNamed(desired, options.function)];
    refuseSettings(desired);
    await deploy(await withSubDomains(desired, api.cloud), await buildArtifacts(functions), api, {
      dryRun: options['dry-run'] === true,
      force: options.force === true,
      only: functions.map(({ key }) => key),
      onPlan: (todo, access) => planText(todo, access).forEach(print),
    });
    this.#done(desired, api);
  }

  #done(desired: DesiredState, { cloud }: FunctionGraphApi): void {
    const warning = logWarning(desired);
    if (warning !== undefined) this.#utilities.log.warning(printableLines(asTyped(warning)));
    const what = this.#options['dry-run'] === true ? 'nothing was changed' : 'deployed';
    this.#utilities.log.success(`${what} (${cloud.calls} calls)`);
  }
}

/** Refuses to deploy stage `local` to a real cloud: its API is open to everybody. */
export function assertLocalEndpoint(endpoint: string | undefined): void {
  const host = endpoint === undefined ? undefined : new URL(endpoint).hostname;
  if (host !== undefined && /^(127(\.\d+){3}|localhost|\[::1\])$/.test(host)) return;
  throw new DeployError([
    `stage ${LOCAL_STAGE} is for the local cloud, whose API is open to everybody: FUNCTIONGRAPH_ENDPOINT must be an address of this machine, got ${endpoint ?? 'none'}. Choose another stage with --stage`,
  ]);
}
